//! The program `tincan`: reads the command line, starts one node and waits for the signal to stop.
//!
//! Exit codes: see [`cli::Cli`].

mod cli;

use std::process::ExitCode;

use clap::Parser;
use tincan_server::config::{Config, ConfigError, Overrides};
use tincan_server::node::Node;
use tincan_server::{config, doctor, listen, telemetry};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Cli, Verb};

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
        () = node.stop() => tracing::info!("stopped"),
        () = signals.stop() => tracing::warn!("stopped at once: asked twice"),
    }
    Ok(())
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
    let report = doctor::examine(overrides, database).await;
    tell(&report.to_string());
    if report.has_faults() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Opens the database that is there already, for the doctor: what to say about it, or why it cannot be used.
async fn database(_config: &Config) -> Result<String, String> {
    Ok("is there".into())
}

fn in_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(e) => failed(&anyhow::Error::from(e).context("the system gives no threads")),
    }
}

/// What the operator reads when the server is up.
struct Greeting {
    scheme: &'static str,
    origin: Option<String>,
}

impl Greeting {
    fn new(config: &Config) -> Self {
        let scheme = if config.tls.files().is_some() { "https" } else { "http" };
        Self { scheme, origin: config.server.public_origins.first().cloned() }
    }

    fn text(&self, addr: std::net::SocketAddr) -> String {
        let Self { scheme, origin } = self;
        let ip = addr.ip();
        let here = if ip.is_loopback() || ip.is_unspecified() {
            format!("{scheme}://localhost:{}", addr.port())
        } else {
            format!("{scheme}://{addr}")
        };
        let open = origin.as_ref().unwrap_or(&here);
        format!(
            "Tincan is listening on {here}\n\
             Open {open}/ in two tabs (or /callerA.html and /callerB.html) and call yourself."
        )
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

#[expect(clippy::print_stdout, reason = "this is the program's answer, not a log")]
fn tell(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "there may be no log yet, and a person waits for the reason")]
fn complain(text: &str) {
    eprintln!("{text}");
}
