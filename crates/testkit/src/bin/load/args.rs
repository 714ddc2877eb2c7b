//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{
    compare,
    dialect::Dialect,
    scenario::{Aim, relay},
    server::Server,
    stream::{Target, trusting},
};

/// Puts load on a signaling server on this machine and measures what it costs.
#[derive(clap::Parser)]
#[command(name = "load")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to run.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Closed loop: whole dialogs of 21 messages, one in flight each way.
    Dialogs {
        #[command(flatten)]
        common: Common,
        /// Pairs of clients.
        #[arg(long, default_value_t = 100, value_parser = pairs)]
        pairs: usize,
        /// Seconds to measure.
        #[arg(long, default_value_t = 5.0, value_parser = seconds)]
        seconds: f64,
    },
    /// The same with candidates back to back.
    Burst {
        #[command(flatten)]
        common: Common,
        /// Pairs of clients.
        #[arg(long, default_value_t = 100, value_parser = pairs)]
        pairs: usize,
        /// Seconds to measure.
        #[arg(long, default_value_t = 5.0, value_parser = seconds)]
        seconds: f64,
    },
    /// Open loop: candidates in established calls at a fixed rate.
    Rate {
        #[command(flatten)]
        common: Common,
        /// Clients, two to a call.
        #[arg(long, default_value_t = 1000, value_parser = clients)]
        clients: usize,
        /// Messages a second, over all clients.
        #[arg(long, default_value_t = 10_000.0, value_parser = rate)]
        per_second: f64,
        /// Seconds to measure.
        #[arg(long, default_value_t = 5.0, value_parser = seconds)]
        seconds: f64,
    },
    /// The same rate over more and more clients.
    Grow {
        #[command(flatten)]
        common: Common,
        /// Numbers of clients.
        #[arg(long, default_values_t = [1000, 5000, 15_000], value_delimiter = ',', value_parser = clients)]
        clients: Vec<usize>,
        /// Messages a second, over all clients.
        #[arg(long, default_value_t = 10_000.0, value_parser = rate)]
        per_second: f64,
        /// Seconds to measure at each number.
        #[arg(long, default_value_t = 5.0, value_parser = seconds)]
        seconds: f64,
    },
    /// Memory for each connection, and CPU while nothing happens.
    Idle {
        #[command(flatten)]
        common: Common,
        /// Clients to connect.
        #[arg(long, default_value_t = 15_000, value_parser = clients)]
        clients: usize,
        /// Measure again after every pair made one whole call.
        #[arg(long)]
        call_each: bool,
        /// Seconds of silence to measure CPU in; 0 for none.
        #[arg(long, default_value_t = 0.0, value_parser = seconds)]
        seconds: f64,
    },
    /// CPU of connected calls beside that of as many idle connections.
    CallsIdle {
        #[command(flatten)]
        common: Common,
        /// Calls to connect.
        #[arg(long, default_value_t = 1000, value_parser = pairs)]
        calls: usize,
        /// Seconds to measure each.
        #[arg(long, default_value_t = 5.0, value_parser = seconds)]
        seconds: f64,
    },
    /// The time all clients take to come back after the server was ended and started again.
    Return {
        #[command(flatten)]
        common: Common,
        /// Clients to connect.
        #[arg(long, default_value_t = 15_000, value_parser = clients)]
        clients: usize,
        /// Ends the server and starts it again in the background; without it, do so when `{"event":"connected"}` appears.
        #[arg(long)]
        restart_cmd: Option<String>,
    },
    /// TURN: what relays cost, and the packets that pass them.
    Relay {
        #[command(flatten)]
        process: Process,
        #[command(flatten)]
        plan: relay::Plan,
    },
    /// All servers side by side, as a Markdown table.
    Compare(compare::Options),
    /// Keeps the core that it runs on awake until its input ends. Give it the class of idle processes (`chrt --idle 0`).
    Awake,
}

/// What every run against one server needs.
#[derive(clap::Args)]
pub(crate) struct Common {
    /// The server: `ws://HOST:PORT` or `wss://HOST:PORT`, on loopback.
    #[arg(long, value_parser = target)]
    target: (SocketAddr, bool),
    /// For `wss:`: the certificate to trust, for `localhost`; a PEM file.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Its language.
    #[arg(long, value_enum, default_value_t = Dialect::Seed)]
    dialect: Dialect,
    #[command(flatten)]
    pub(crate) process: Process,
}

/// Whom a run measures.
#[derive(clap::Args)]
pub(crate) struct Process {
    /// The server's process, whose CPU and memory are measured.
    #[arg(long)]
    pid: u32,
    /// The core it is pinned to; tells how much others took of it.
    #[arg(long)]
    server_core: Option<u32>,
    /// `load awake` on that core: with it, latencies are also told of the moments in which nobody else ran.
    #[arg(long, value_name = "PID")]
    awake: Option<u32>,
    /// One line of JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Process {
    pub(crate) fn server(&self) -> Result<Server> {
        let server = Server::new(self.pid, self.server_core).beside(self.awake);
        server.spent()?;
        Ok(server)
    }
}

impl Common {
    pub(crate) fn aim(&self) -> Result<Aim> {
        let server = self.process.server()?;
        let (address, is_tls) = self.target;
        let tls = match (&self.ca, is_tls) {
            (Some(ca), true) => Some(trusting(ca)?),
            (None, false) => None,
            (None, true) => bail!("wss: needs --ca, the certificate to trust"),
            (Some(_), false) => bail!("--ca is for wss:"),
        };
        Ok(Aim { target: Target { address, tls }, dialect: self.dialect, server })
    }
}

/// A `ws://` or `wss://` address on loopback, and whether it is the latter.
fn target(text: &str) -> Result<(SocketAddr, bool)> {
    let (scheme, rest) = text.split_once("://").context("the target must be ws://HOST:PORT")?;
    let is_tls = match scheme {
        "ws" => false,
        "wss" => true,
        _ => bail!("the target must be ws://HOST:PORT or wss://HOST:PORT"),
    };
    let authority = rest.trim_end_matches('/');
    let address: SocketAddr = authority
        .replacen("localhost:", "127.0.0.1:", 1)
        .parse()
        .context("the target must be ws://HOST:PORT, with an IP address or localhost as the host")?;
    Ok((of_this_machine(address)?, is_tls))
}

/// An address on loopback.
pub(crate) fn loopback(text: &str) -> Result<SocketAddr> {
    of_this_machine(text.parse().context("the target must be IP:PORT")?)
}

fn of_this_machine(address: SocketAddr) -> Result<SocketAddr> {
    if !address.ip().is_loopback() {
        bail!("{address} is not this machine: the load generator only ever targets loopback");
    }
    Ok(address)
}

pub(crate) fn seconds(text: &str) -> Result<f64> {
    let seconds: f64 = text.parse()?;
    if !(0.0..=600.0).contains(&seconds) {
        bail!("a run takes at most 600 seconds");
    }
    Ok(seconds)
}

pub(crate) fn rate(text: &str) -> Result<f64> {
    let rate: f64 = text.parse()?;
    if !(1.0..=1e6).contains(&rate) {
        bail!("from 1 to 1,000,000 messages a second");
    }
    Ok(rate)
}

fn clients(text: &str) -> Result<usize> {
    let clients: usize = text.parse()?;
    if !(2..=100_000).contains(&clients) {
        bail!("from 2 to 100,000 clients");
    }
    Ok(clients)
}

fn pairs(text: &str) -> Result<usize> {
    let pairs: usize = text.parse()?;
    if !(1..=50_000).contains(&pairs) {
        bail!("from 1 to 50,000 pairs");
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_ever_targeted() {
        for good in [
            "ws://127.0.0.1:80",
            "wss://127.0.0.1:80",
            "ws://127.8.9.10:80/",
            "ws://[::1]:80",
            "ws://localhost:80",
        ] {
            target(good).unwrap();
        }
        for bad in [
            "ws://192.0.2.1:80",
            "ws://0.0.0.0:80",
            "ws://example.org:80",
            "wss://192.0.2.1:80",
            "http://127.0.0.1:80",
            "127.0.0.1:80",
        ] {
            target(bad).unwrap_err();
        }
        loopback("127.0.0.1:80").unwrap();
        loopback("192.0.2.1:80").unwrap_err();
        let error = target("ws://192.0.2.1:80").unwrap_err().to_string();
        assert_eq!(error, "192.0.2.1:80 is not this machine: the load generator only ever targets loopback");
    }
}
