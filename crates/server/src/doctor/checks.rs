//! The single checks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{Access, access, statvfs};

use super::{Check, State};
use crate::config::{Config, Fault, Loaded, MediaMode, V1Access, is_loopback, plain};
use crate::listen::{self, Descriptors, ListenError, Tls};

const MIB: u64 = 1024 * 1024;
/// Below this the next busy day may fill the disk.
const LITTLE_SPACE: u64 = 500 * MIB;
/// Below this the database may fail at any moment.
const NO_SPACE: u64 = 20 * MIB;
/// 2025-01-01: this program was written later.
const PAST: Duration = Duration::from_secs(1_735_689_600);
const DAY_S: u64 = 86_400;

pub(super) fn misconfigured(fault: &Fault) -> Check {
    Check::new(State::Fault, "configuration", fault.to_string())
}

pub(super) fn configuration(loaded: &Loaded) -> Check {
    let found = match loaded.changed.len() {
        0 => "all settings are at their defaults".into(),
        1 => "1 setting is not at its default".into(),
        n => format!("{n} settings are not at their defaults"),
    };
    Check::new(State::Ok, "configuration", found)
}

pub(super) async fn address(config: &Config) -> Check {
    const WHAT: &str = "address";
    match listen::bind(config.server.listen).await {
        Ok(_) => Check::new(State::Ok, WHAT, format!("{} is free", config.server.listen)),
        Err(e @ ListenError::Taken(_)) => Check::new(State::Warning, WHAT, e.to_string())
            .remedy("if the program that has it is this server, running, all is well"),
        Err(e) => Check::new(State::Fault, WHAT, e.to_string()),
    }
}

pub(super) fn data_dir(config: &Config) -> Check {
    const WHAT: &str = "data folder";
    let dir = &config.server.data_dir;
    let shown = dir.display();
    // What is not there yet will be made in the nearest folder that is.
    let nearest = std::path::absolute(dir).ok();
    let Some(nearest) = nearest.as_deref().and_then(|dir| dir.ancestors().find(|dir| dir.exists())) else {
        return Check::new(State::Fault, WHAT, format!("{shown} cannot be found"))
            .remedy("choose another with --data-dir");
    };
    if !nearest.is_dir() {
        return Check::new(State::Fault, WHAT, format!("{} is no folder", nearest.display()))
            .remedy("choose another with --data-dir");
    }
    if let Err(e) = access(nearest, Access::WRITE_OK | Access::EXEC_OK) {
        let found = format!("{} cannot be written: {}", nearest.display(), plain(&e.into()));
        return Check::new(State::Fault, WHAT, found)
            .remedy("choose another with --data-dir, or change its owner");
    }
    let free = free_bytes(nearest);
    let found = match free {
        Some(free) => format!("{shown} can be written, {} MiB free", free / MIB),
        None => format!("{shown} can be written"),
    };
    match free {
        Some(free) if free < NO_SPACE => {
            Check::new(State::Fault, WHAT, found).remedy("make room on that disk")
        }
        Some(free) if free < LITTLE_SPACE => {
            Check::new(State::Warning, WHAT, found).remedy("make room on that disk")
        }
        Some(_) | None if dir.exists() && is_open_to_others(dir) => {
            Check::new(State::Warning, WHAT, format!("{shown} can be read by others"))
                .remedy(format!("chmod 700 {shown}"))
        }
        Some(_) | None => Check::new(State::Ok, WHAT, found),
    }
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let disk = statvfs(dir).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

fn is_open_to_others(dir: &Path) -> bool {
    fs::metadata(dir).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

pub(super) async fn database<F>(config: &Config, open: F) -> Check
where
    F: AsyncFnOnce(&Config) -> Result<String, String>,
{
    const WHAT: &str = "database";
    let file = config.store.path(&config.server.data_dir);
    if !file.exists() {
        return Check::new(State::Ok, WHAT, format!("{} will be made at the first start", file.display()));
    }
    match open(config).await {
        Ok(found) => Check::new(State::Ok, WHAT, format!("{} {found}", file.display())),
        Err(found) => Check::new(State::Fault, WHAT, found),
    }
}

pub(super) fn descriptors(config: &Config) -> Check {
    const WHAT: &str = "open files";
    let wanted = u64::from(config.limits.connections_total);
    let Descriptors { soft, hard } = Descriptors::now();
    let possible = Descriptors { soft: soft.max(hard), hard }.connections();
    if possible >= wanted {
        return Check::new(State::Ok, WHAT, format!("enough for {wanted} connections"));
    }
    let found = format!("enough for {possible} connections, {wanted} are configured");
    Check::new(State::Warning, WHAT, found).remedy(
        "raise the hard limit (ulimit -Hn, or LimitNOFILE= in systemd), or lower limits.connections_total",
    )
}

pub(super) fn transport(config: &Config) -> Check {
    const WHAT: &str = "encryption";
    let server = &config.server;
    match config.tls.files() {
        Some((cert, key)) => match Tls::load(cert, key) {
            Ok(tls) => certificate(tls.ends_at(), SystemTime::now()),
            Err(e) => Check::new(State::Fault, WHAT, e.to_string()),
        },
        None if !server.trusted_proxies.is_empty() => Check::new(
            State::Ok,
            WHAT,
            "plain HTTP behind a trusted proxy, which has to speak TLS to the clients",
        ),
        None if is_loopback(server.listen) => Check::new(
            State::Ok,
            WHAT,
            "plain HTTP on this machine only: browsers allow the microphone on localhost",
        ),
        None => Check::new(State::Warning, WHAT, "plain HTTP in the open: browsers refuse the microphone")
            .remedy("set tls.cert_file and tls.key_file"),
    }
}

pub(super) fn certificate(ends_at: Option<SystemTime>, now: SystemTime) -> Check {
    const WHAT: &str = "certificate";
    let Some(ends_at) = ends_at else {
        return Check::new(
            State::Warning,
            WHAT,
            "certificate and key belong together, but its end cannot be read",
        );
    };
    match ends_at.duration_since(now).map(|left| left.as_secs() / DAY_S) {
        Ok(days @ 14..) => Check::new(State::Ok, WHAT, format!("belongs to its key, {days} days left")),
        Ok(days) => Check::new(State::Warning, WHAT, format!("ends in {days} days")).remedy("renew it"),
        Err(_) => Check::new(State::Fault, WHAT, "has ended: no browser will connect").remedy("renew it"),
    }
}

pub(super) fn identity(config: &Config) -> Check {
    const WHAT: &str = "identity";
    let open = !is_loopback(config.server.listen) || !config.server.trusted_proxies.is_empty();
    let has_key = matches!(config.auth.token_key(), Ok(Some(_)));
    match (config.server.v1, has_key) {
        (V1Access::Open, _) if open => Check::new(
            State::Warning,
            WHAT,
            "anyone who reaches this server may call under any name (server.v1 = \"open\")",
        )
        .remedy("set server.v1 to \"off\" or \"loopback\" once all clients have tokens"),
        (_, true) => Check::new(State::Ok, WHAT, "tokens are verified"),
        (_, false) if open => {
            Check::new(State::Warning, WHAT, "there is no key for tokens: nobody can connect from elsewhere")
                .remedy("set auth.token_secret_file or auth.token_public_key_file")
        }
        (_, false) => Check::new(State::Ok, WHAT, "names without proof, from this machine only"),
    }
}

/// Whether every call finds a way.
pub(super) fn ways(config: &Config) -> Check {
    const WHAT: &str = "ways";
    let urls = || config.ice.servers.iter().flat_map(|server| &server.urls);
    let named = |scheme: &str| urls().any(|url| url.starts_with(scheme));
    match config.media.mode {
        MediaMode::Relay if is_behind_a_proxy_only(config) => Check::new(
            State::Warning,
            WHAT,
            "STUN and TURN on this machine only, and a proxy passes on neither",
        )
        .remedy("set media.listen to the address that clients reach, such as 0.0.0.0:3478"),
        MediaMode::Relay => Check::new(State::Ok, WHAT, "STUN and TURN from this server"),
        MediaMode::Off | MediaMode::Stun if named("turn") => {
            Check::new(State::Ok, WHAT, format!("{} addresses in ice.servers", urls().count()))
        }
        MediaMode::Off if urls().next().is_none() => {
            Check::new(State::Warning, WHAT, "none: only people in one network reach each other")
                .remedy("set media.mode to \"relay\", or name a STUN and a TURN server in ice.servers")
        }
        MediaMode::Off | MediaMode::Stun => {
            Check::new(State::Warning, WHAT, "no TURN server: some networks let no call through")
                .remedy("set media.mode to \"relay\", or name a TURN server in ice.servers")
        }
    }
}

/// Clients reach the pages through a proxy, and nothing else here.
fn is_behind_a_proxy_only(config: &Config) -> bool {
    let listen = config.media.listen.unwrap_or(config.server.listen);
    is_loopback(listen) && !config.server.trusted_proxies.is_empty()
}

/// Whether the relay works, as `try_out` found: nothing to say if there is none, or no server that runs.
pub(super) async fn relay<F>(config: &Config, try_out: F) -> Option<Check>
where
    F: AsyncFnOnce(&Config) -> Result<String, String>,
{
    const WHAT: &str = "relay";
    if config.media.mode != MediaMode::Relay {
        return None;
    }
    let server = config.server.listen;
    let runs = server.port() != 0 && matches!(listen::bind(server).await, Err(ListenError::Taken(_)));
    if !runs || !config.media.secret_path(&config.server.data_dir).exists() {
        return Some(Check::new(State::Ok, WHAT, "is tried out when the server starts"));
    }
    Some(match try_out(config).await {
        Ok(found) => Check::new(State::Ok, WHAT, found),
        Err(found) => Check::new(State::Warning, WHAT, found)
            .remedy("let UDP through to that port and to media.relay_ports, and see media.public_ips"),
    })
}

pub(super) fn clock(now: SystemTime) -> Check {
    const WHAT: &str = "clock";
    if now > UNIX_EPOCH + PAST {
        Check::new(State::Ok, WHAT, "is set")
    } else {
        Check::new(State::Fault, WHAT, "is years behind: tokens and certificates cannot be judged")
            .remedy("set the time, or start a time service")
    }
}
