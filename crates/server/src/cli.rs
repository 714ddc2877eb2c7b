//! The command line: verbs and flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tincan_server::config::Overrides;

/// Voice calls in the browser, from your own server.
///
/// Exit codes: 0 all is well; 1 it could not start, or doctor found a fault; 2 the command line is wrong; 78 the
/// configuration is wrong.
#[derive(Debug, Parser)]
#[command(name = "tincan", version, verbatim_doc_comment)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the server.
    Serve(Options),
    /// Check the configuration and show what in it is not the default.
    CheckConfig(Options),
    /// Check the configuration and this machine: address, data folder, database, limits, certificate.
    Doctor(Options),
    /// Print default.toml, the commented reference of all settings.
    DefaultConfig,
}

/// Every setting can also be given as TINCAN_SECTION__KEY; see `tincan default-config`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Address and port to listen on, such as 127.0.0.1:8080.
    #[arg(long, value_name = "ADDR", env = "TINCAN_LISTEN")]
    listen: Option<String>,
    /// Folder for everything that is kept.
    #[arg(long, value_name = "DIR", env = "TINCAN_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file, laid over the defaults.
    #[arg(long, value_name = "FILE", env = "TINCAN_CONFIG")]
    config: Option<PathBuf>,
}

impl From<Options> for Overrides {
    fn from(options: Options) -> Self {
        Self { config_file: options.config, listen: options.listen, data_dir: options.data_dir }
    }
}
