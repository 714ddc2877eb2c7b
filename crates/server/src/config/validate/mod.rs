//! What the kinds of the values alone do not say: ranges, files, and what does not go together.

mod media;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use tincan_proto::limit::Rate;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::secret::{Access, read, read_private};
use super::{Config, Fault};

/// All faults of `config`, in the order of its sections.
pub(super) fn all(config: &Config) -> Vec<Fault> {
    let mut check = Check { faults: Vec::new() };
    server(config, &mut check);
    tls(config, &mut check);
    auth(config, &mut check);
    store(config, &mut check);
    call(config, &mut check);
    session(config, &mut check);
    limits(config, &mut check);
    media::media(config, &mut check);
    media::ice(config, &mut check);
    echo(config, &mut check);
    metrics(config, &mut check);
    log(config, &mut check);
    check.faults
}

struct Check {
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, key: &str, text: impl Into<String>) {
        self.faults.push(Fault::new(key, text));
    }

    fn millis(&mut self, key: &str, value: Duration, allowed: RangeInclusive<u64>) {
        self.number(key, tincan_proto::time::whole_ms(value), allowed, " milliseconds");
    }

    fn seconds(&mut self, key: &str, value: Duration, allowed: RangeInclusive<u64>) {
        self.number(key, value.as_secs(), allowed, " seconds");
    }

    fn number(&mut self, key: &str, value: u64, allowed: RangeInclusive<u64>, unit: &str) {
        if !allowed.contains(&value) {
            let (low, high) = allowed.into_inner();
            self.fault(key, format!("must be from {low} to {high}{unit}, but is {value}"));
        }
    }

    fn rate(&mut self, key: &str, rate: Rate) {
        self.number(&format!("{key}.per_minute"), rate.per_minute.into(), 1..=60_000_000, "");
        self.number(&format!("{key}.burst"), rate.burst.into(), 1..=1_000_000, "");
    }
}

fn server(config: &Config, check: &mut Check) {
    let server = &config.server;
    if server.data_dir.as_os_str().is_empty() {
        check.fault("server.data_dir", "must name a folder");
    }
    for origin in &server.public_origins {
        if let Err(text) = origin_is_good(origin) {
            check.fault("server.public_origins", text);
        }
    }
    let protected =
        config.tls.cert_file.is_some() || !server.trusted_proxies.is_empty() || server.dangerous_plain_http;
    if !is_loopback(server.listen) && !protected {
        check.fault(
            "server.listen",
            format!(
                "plain HTTP on {} would be open to the network; set tls.cert_file and tls.key_file, or put a proxy with \
                 TLS in front and name it in server.trusted_proxies, or listen on 127.0.0.1 \
                 (server.dangerous_plain_http = true allows it all the same)",
                server.listen
            ),
        );
    }
}

/// Only this machine can reach it.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// `scheme://host[:port]`, in lower case, as browsers send it.
fn origin_is_good(origin: &str) -> Result<(), String> {
    if origin.contains('*') {
        return Err(format!("\"{origin}\" would let any page connect; name each origin"));
    }
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let well_formed = host.is_some_and(|host| {
        let name = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or(host, |(name, _)| name);
        let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.[]:".contains(c);
        !name.is_empty() && name.chars().all(known) && port.is_none_or(|port| port.parse::<u16>().is_ok())
    });
    if well_formed {
        Ok(())
    } else {
        Err(format!("\"{origin}\" is no origin; write it as browsers do, such as https://app.example.org"))
    }
}

fn echo(config: &Config, check: &mut Check) {
    check.number("echo.calls", config.echo.calls.into(), 1..=1000, "");
    check.seconds("echo.call_limit_s", config.echo.call_limit, 10..=3600);
}

fn tls(config: &Config, check: &mut Check) {
    match (&config.tls.cert_file, &config.tls.key_file) {
        (None, None) => {}
        (Some(_), None) => check.fault("tls.key_file", "is missing: tls.cert_file needs its private key"),
        (None, Some(_)) => check.fault("tls.cert_file", "is missing: tls.key_file needs its certificate"),
        (Some(cert), Some(key)) => {
            if let Err(text) = read(cert) {
                check.fault("tls.cert_file", text);
            }
            if let Err(text) = read_private(key, Access::OwnerAndGroup) {
                check.fault("tls.key_file", text);
            }
        }
    }
}

fn auth(config: &Config, check: &mut Check) {
    if let Err((key, text)) = config.auth.token_key() {
        check.fault(key, text);
    }
    if config.auth.audience.is_empty() {
        check.fault("auth.audience", "must not be empty");
    }
}

fn store(config: &Config, check: &mut Check) {
    let url = &config.store.url;
    if !url.starts_with("sqlite:") {
        check.fault(
            "store.url",
            format!(
                "\"{}\" is not understood; write \"sqlite:\" or \"sqlite:/path/to/file.db\"",
                without_password(url)
            ),
        );
    }
}

/// A URL without the password in it.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            let path = rest.get(authority.len()..).unwrap_or_default();
            format!("{scheme}://{name}:[secret]@{host}{path}")
        }
        None => url.to_owned(),
    }
}

fn call(config: &Config, check: &mut Check) {
    let call = &config.call;
    check.seconds("call.ring_timeout_s", call.ring_timeout, 15..=120);
    check.seconds("call.reach_timeout_s", call.reach_timeout, 5..=60);
    check.seconds("call.caller_away_s", call.caller_away, 5..=60);
    check.seconds("call.setup_timeout_s", call.setup_timeout, 5..=120);
    check.seconds("call.media_lost_s", call.media_lost, 10..=600);
    check.seconds("call.busy_away_s", call.busy_away, 10..=600);
    check.number("call.abandoned_h", call.abandoned.as_secs() / 3600, 1..=168, " hours");
}

fn session(config: &Config, check: &mut Check) {
    let session = &config.session;
    check.seconds("session.resume_s", session.resume, 5..=600);
    check.seconds("session.hello_timeout_s", session.hello_timeout, 1..=60);
    check.seconds("session.ping_s", session.ping, 10..=300);
    check.seconds("session.pong_timeout_s", session.pong_timeout, 5..=120);
    check.seconds("session.write_stall_s", session.write_stall, 1..=60);
    check.millis("session.v1_settle_ms", session.v1_settle, 0..=1000);
}

fn limits(config: &Config, check: &mut Check) {
    let limits = &config.limits;
    check.rate("limits.frames", limits.frames);
    check.rate("limits.call_requests", limits.call_requests);
    check.rate("limits.call_requests_pair", limits.call_requests_pair);
    check.rate("limits.connections", limits.connections);
    let connections = 1..=1_000_000;
    check.number(
        "limits.unauthenticated_per_address",
        limits.unauthenticated_per_address.into(),
        connections.clone(),
        "",
    );
    check.number("limits.connections_total", limits.connections_total.into(), connections, "");
    check.seconds("limits.header_timeout_s", limits.header_timeout, 1..=60);
    check.seconds("limits.tls_timeout_s", limits.tls_timeout, 1..=60);
}

fn metrics(config: &Config, check: &mut Check) {
    let metrics = &config.metrics;
    if let Err(text) = metrics.token() {
        check.fault("metrics.token_file", text);
    }
    let Some(listen) = metrics.listen else { return };
    if listen.port() != 0 && listen == config.server.listen {
        check.fault("metrics.listen", format!("must be another than server.listen, {listen}"));
    }
    if !is_loopback(listen) && metrics.token_file.is_none() && !metrics.dangerous_without_token {
        check.fault(
            "metrics.listen",
            format!(
                "who calls whom would be open to everyone who reaches {listen}; set metrics.token_file, or listen on \
                 127.0.0.1 (metrics.dangerous_without_token = true allows it all the same)"
            ),
        );
    }
}

fn log(config: &Config, check: &mut Check) {
    let filter = &config.log.filter;
    // A single word that is no level would be taken for a part of the program, and silence everything else.
    let is_level = |word: &str| word.trim().parse::<LevelFilter>().is_ok();
    let words = filter.split(',').all(|word| word.contains('=') || is_level(word));
    if !words || filter.parse::<Targets>().is_err() {
        let known =
            "error, warn, info, debug, trace or off; by part as in \"info,tincan_server::listen=debug\"";
        check.fault("log.filter", format!("\"{filter}\" is no filter; write {known}"));
    }
}
