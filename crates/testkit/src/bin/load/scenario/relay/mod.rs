//! Calls that are relayed: what a relay costs, and what each packet costs that passes it.
//!
//! ```text
//! peers:     client --ChannelData--> server --UDP--> peer        and back, a packet every 20 ms each way
//! --between: client --ChannelData--> server --ChannelData--> client: both sides of a call have a relay, on one server
//! ```
//!
//! ```text
//! run ── clients   relays are opened, led to peers, given back
//!    └── flows     which packet is due, and what became of it ── packet
//!         └── net  sockets
//! ```

mod clients;
mod flows;
mod net;
mod packet;
#[cfg(test)]
mod tests;

use std::{
    net::{SocketAddr, SocketAddrV4},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use self::{
    clients::Clients,
    flows::{Flows, From, WARM_UP_NS},
    net::Net,
};
use super::{quiet::Slices, watch::Watch};
use crate::{args, report::Report, server::Server, tally::Fault};

/// Relays that are opened before anything is measured: they touch what a server keeps for all of them.
const WARM_UP: usize = 50;
/// What has not arrived so long after the last packet was sent is lost.
const DRAIN_NS: u64 = 500_000_000;
/// A server's memory has settled after this time.
const SETTLE: Duration = Duration::from_millis(300);

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// Where STUN and TURN are served by UDP: IP:PORT, on loopback.
    #[arg(long, value_parser = args::loopback)]
    pub(crate) target: SocketAddr,
    /// The secret that credentials are made with (coturn: `static-auth-secret`): the first line of this file.
    #[arg(long)]
    pub(crate) secret_file: PathBuf,
    /// Relays.
    #[arg(long, default_value_t = 1000, value_parser = relays)]
    pub(crate) relays: usize,
    /// Packets a second over all relays, both ways together: 100 for each is a call's speech.
    #[arg(long, default_value_t = 100_000.0, value_parser = args::rate)]
    pub(crate) per_second: f64,
    /// From relay to relay, two to a call, instead of to a peer without one.
    #[arg(long)]
    pub(crate) between: bool,
    /// What is lost is a figure, and no fault: for more than can pass.
    #[arg(long)]
    pub(crate) may_lose: bool,
    /// Seconds of packets to measure.
    #[arg(long, default_value_t = 5.0, value_parser = args::seconds)]
    pub(crate) seconds: f64,
}

/// Opens relays, sends through them, and gives them back.
pub(crate) fn run(server: Server, plan: &Plan) -> Result<Report> {
    let secret = std::fs::read_to_string(&plan.secret_file)
        .with_context(|| format!("reading the secret in {}", plan.secret_file.display()))?;
    run_with(secret.lines().next().unwrap_or_default(), server, plan)
}

fn run_with(secret: &str, server: Server, plan: &Plan) -> Result<Report> {
    let relays = plan.relays & !1;
    let mut net = Net::new(plan.target, relays)?;
    let mut clients = Clients::new(relays, secret)?;
    let peer = net.peer()?;
    let lead_to = |clients: &Clients, client: usize| {
        if plan.between { clients.relayed(client ^ 1) } else { Ok(peer) }
    };
    let mut report = Report::new("relay");

    let warm_up = WARM_UP.min(relays / 4 * 2);
    clients.allocate(&mut net, 0..warm_up)?;
    clients.bind(&mut net, 0..warm_up, lead_to)?;
    std::thread::sleep(SETTLE);
    let (base_kb, before, start_ns) = (server.rss_kb()?, server.spent()?, net.now_ns());
    clients.allocate(&mut net, warm_up..relays)?;
    clients.bind(&mut net, warm_up..relays, lead_to)?;
    let (cpu_s, _) = server.since(&before)?;
    let (opened, opened_s) = ((relays - warm_up) as f64, (net.now_ns() - start_ns) as f64 / 1e9);
    std::thread::sleep(SETTLE);
    let per_relay = |rss_kb: f64| (rss_kb - base_kb) / opened;
    report.figure("relays", relays as f64, "");
    report.figure("relays_per_s", opened / opened_s, "");
    report.figure("cpu_us_per_relay", cpu_s * 1e6 / opened, "µs, to allocate, permit and bind");
    report.figure("kb_per_relay", per_relay(server.rss_kb()?), "KB");
    if plan.seconds > 0.0 {
        pass(server, plan, &mut net, &clients, &mut report)?;
        report.figure("kb_per_relay_after_packets", per_relay(server.rss_kb()?), "KB");
    }
    clients.give_back(&mut net, 0..relays)?;
    Ok(report)
}

/// Sends packets through the relays.
fn pass(server: Server, plan: &Plan, net: &mut Net, clients: &Clients, report: &mut Report) -> Result<()> {
    let from = net.now_ns() + WARM_UP_NS;
    let end = from + (plan.seconds * 1e9) as u64;
    let slices = Slices::start(&server)?;
    let mut flows = Flows::new(ways(plan, net, clients)?, net.clients(), plan.per_second, from..end, slices);
    let mut watch = None;
    while net.now_ns() < end {
        flows.slices.look(net.now_ns());
        if watch.is_none() && net.now_ns() >= from {
            watch = Some((Watch::start(net.moment(), server)?, flows.sent()));
        }
        flows.send_due(net)?;
        net.turn(&mut flows)?;
    }
    let Some((watch, sent_before)) = watch else { bail!("the load was stopped for all of the run") };
    let (watched, sent) = (watch.stop(net.moment())?, flows.sent());
    while flows.tally.delivered < sent && net.now_ns() < end + DRAIN_NS {
        net.turn(&mut flows)?;
    }

    let passed = flows.recorded as f64;
    report.figure("offered_per_s", (sent - sent_before) as f64 / watched.wall_s, "");
    report.figure("passed_per_s", passed / watched.wall_s, "");
    report.figure("packets_per_cpu_s", passed / watched.cpu_s, "");
    flows.slices.report(report, "");
    watched.report(report, "", passed);
    // What our own sockets had no room for did pass.
    let dropped = net.dropped()?;
    let lost = (sent - flows.tally.delivered).saturating_sub(dropped);
    report.figure("lost", lost as f64, "packets");
    report.figure("lost_share", lost as f64 / sent.max(1) as f64, "of the packets");
    report.figure(
        "dropped_by_load",
        dropped as f64,
        "packets that passed, but found no room in the load's sockets",
    );
    if !plan.may_lose {
        flows.tally.faults(Fault::Lost, lost, || format!("of {sent}"));
    }
    report.tally(&flows.tally);
    Ok(())
}

/// Who sends, and where it arrives.
fn ways(plan: &Plan, net: &Net, clients: &Clients) -> Result<Vec<(From, usize)>> {
    let mut ways = Vec::new();
    for client in 0..net.clients() {
        if plan.between {
            ways.push((From::Client(client), client ^ 1));
            continue;
        }
        let SocketAddr::V4(relay) = clients.relayed(client)? else { bail!("a relay that is not IPv4") };
        ways.push((From::Client(client), net.clients()));
        ways.push((From::Peer(SocketAddrV4::into(relay)), client));
    }
    Ok(ways)
}

fn relays(text: &str) -> Result<usize> {
    let relays: usize = text.parse()?;
    if !(4..=16_000).contains(&relays) {
        bail!("from 4 to 16,000 relays");
    }
    Ok(relays)
}
