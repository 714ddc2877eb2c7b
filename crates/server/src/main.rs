//! The program `tincan`: reads the command line, starts one node and waits for the signal to stop.
//!
//! Exit codes: see [`cli::Cli`].

mod cli;
mod greeting;

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use nix::sys::prctl;
use tincan_server::config::{Config, ConfigError, Overrides, prepare_data_dir};
use tincan_server::node::{self, Node};
use tincan_server::store::{Store, StoreError};
use tincan_server::{config, doctor, listen, telemetry};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Cli, Verb};
use crate::greeting::Greeting;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The configuration is wrong (`EX_CONFIG` of sysexits.h): starting again will not help.
const EX_CONFIG: u8 = 78;

fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Serve(options) => serve(&options.into()),
        Verb::CheckConfig(options) => check_config(&options.into()),
        Verb::Doctor(options) => in_runtime(async { diagnose(&options.into()).await }),
        Verb::DefaultConfig => {
            tell(config::DEFAULT_TOML.trim_end());
            ExitCode::SUCCESS
        }
    }
}

fn serve(overrides: &Overrides) -> ExitCode {
    // Of a huge page of 2 MB a server with many small things uses a part: a connection took a third more with them, and no
    // less time. A kernel that has none says so.
    let _ = prctl::set_thp_disable(true);
    let config = match Config::load(overrides) {
        Ok(config) => config,
        Err(e) => return misconfigured(&e),
    };
    in_runtime(async {
        match run(config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => failed(&e),
        }
    })
}

async fn run(config: Config) -> anyhow::Result<()> {
    telemetry::start(&config.log)?;
    let descriptors = listen::raise_descriptors();
    prepare_data_dir(&config.server.data_dir)?;
    // From here on a signal ends the server in good order, even while it starts.
    let mut signals = Signals::new()?;
    let greeting = Greeting::new(&config);
    let node = tokio::select! {
        node = Node::start(config) => node?,
        () = signals.stop() => return Ok(()),
    };
    tracing::info!(listen.addr = %node.addr, process.files = descriptors.soft, "the server is up");
    tell(&greeting.text(node.addr));
    signals.stop().await;
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        () = node.stop() => {
            tracing::info!("stopped");
            Ok(())
        }
        () = signals.stop() => anyhow::bail!("stopped at once, as the second signal asked"),
    }
}

fn check_config(overrides: &Overrides) -> ExitCode {
    let loaded = match Config::load_and_tell(overrides) {
        Ok(loaded) => loaded,
        Err(e) => return misconfigured(&e),
    };
    if let Some((cert, key)) = loaded.config.tls.files()
        && let Err(e) = listen::Tls::load(cert, key)
    {
        complain(&e.to_string());
        return ExitCode::from(EX_CONFIG);
    }
    tell("ok");
    for setting in loaded.changed {
        tell(&format!("{} = {}  # {}", setting.key, setting.value, setting.source));
    }
    ExitCode::SUCCESS
}

async fn diagnose(overrides: &Overrides) -> ExitCode {
    listen::raise_descriptors();
    let report = doctor::examine(overrides, database, node::try_relay).await;
    tell(&report.to_string());
    if report.has_faults() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Opens the database that is there already: what to say about it, or why it cannot be used. One that an older version
/// made is brought up to date.
async fn database(config: &Config) -> Result<String, String> {
    match Store::open(&config.store.path(&config.server.data_dir)).await {
        Ok(store) => {
            store.close().await;
            Ok("can be opened".into())
        }
        Err(StoreError::InUse { .. }) => Ok("is in use by a server that runs".into()),
        Err(e) => Err(e.to_string()),
    }
}

fn in_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // What still runs was asked to stop before, or must not keep a second signal waiting.
            runtime.shutdown_background();
            code
        }
        Err(e) => failed(&anyhow::Error::from(e).context("the system gives no threads")),
    }
}

/// SIGTERM and SIGINT ask to stop. SIGHUP does not: it renews the certificate, if there is one.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => tracing::info!("SIGHUP: certificate files are read again, settings are not"),
            }
        }
    }
}

fn misconfigured(error: &ConfigError) -> ExitCode {
    complain(&error.to_string());
    ExitCode::from(EX_CONFIG)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    complain(&format!("{error:#}"));
    ExitCode::FAILURE
}

/// To standard output: the program's answer. Nobody may be reading; the server goes on all the same.
fn tell(text: &str) {
    drop(writeln!(stdout(), "{text}"));
}

/// To standard error: there may be no log yet, and a person waits for the reason.
fn complain(text: &str) {
    drop(writeln!(stderr(), "{text}"));
}
