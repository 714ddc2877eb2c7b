//! What the operator decides, checked before anything starts.
//!
//! ```text
//! default.toml  <  --config FILE  <  TINCAN_SECTION__KEY  <  flags   -->  Config, or every fault with its source
//! ```
//!
//! Not here: what the settings do. This module knows their names, units and ranges.

mod cidr;
mod data_dir;
mod fault;
mod form;
mod layers;
mod secret;
mod sections;
#[cfg(test)]
mod tests;
mod token_key;
mod validate;
mod words;

use std::path::PathBuf;

use serde::Deserialize;

pub use cidr::{Cidr, NotACidr};
pub use data_dir::{DataDirError, prepare_data_dir};
pub use fault::{ConfigError, Fault};
pub use layers::{DEFAULT_TOML, Setting};
pub use secret::Secret;
pub(crate) use secret::{Access, plain, read_private};
pub use sections::{
    Auth, Call, Echo, GuestAccess, Ice, IceServer, Limits, Log, LogFormat, Media, MediaMode, Metrics, Server,
    Session, Store, Tls, V1Access,
};
pub use token_key::TokenKey;
pub(crate) use validate::is_loopback;

/// All settings of one node. `Default` is the embedded `default.toml`.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub server: Server,
    pub tls: Tls,
    pub auth: Auth,
    pub store: Store,
    pub call: Call,
    pub session: Session,
    pub limits: Limits,
    pub media: Media,
    pub ice: Ice,
    pub echo: Echo,
    pub metrics: Metrics,
    pub log: Log,
}

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The file that is laid over the defaults.
    pub config_file: Option<PathBuf>,
    /// `server.listen`.
    pub listen: Option<String>,
    /// `server.data_dir`.
    pub data_dir: Option<PathBuf>,
}

/// A checked configuration, and what in it is not the default.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Those that some source sets to something else than the default, by name. Secrets are redacted.
    pub changed: Vec<Setting>,
}

impl Config {
    /// Reads all sources, the environment of this process among them, and checks the result.
    ///
    /// # Errors
    /// Every fault that was found, each with the name of its setting and where it was set.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::load_with(overrides, environment()).map(|loaded| loaded.config)
    }

    /// [`Config::load`], which also tells what was changed.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_and_tell(overrides: &Overrides) -> Result<Loaded, ConfigError> {
        Self::load_with(overrides, environment())
    }

    fn load_with(
        overrides: &Overrides,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let mut faults = Vec::new();
        let layers = layers::read(overrides, environment, &mut faults);
        let config = layers.build(&mut faults);
        for fault in validate::all(&config) {
            // A value that could not even be read stands at its default here; it was already named.
            if !faults.iter().any(|known| known.key == fault.key) {
                faults.push(layers.with_source(fault));
            }
        }
        if faults.is_empty() {
            Ok(Loaded { changed: layers.changed(), config })
        } else {
            Err(ConfigError { faults })
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        layers::defaults()
    }
}

/// Variables that are not UTF-8 cannot be ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
}
