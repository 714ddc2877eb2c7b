//! `[media]` and `[ice]`: whether a call can be helped as it is written.

use super::Check;
use crate::config::secret::{Access, read_private};
use crate::config::{Config, IceServer};

pub(super) fn media(config: &Config, check: &mut Check) {
    let media = &config.media;
    check.number("media.allocations_total", media.allocations_total.into(), 0..=60_000, "");
    check.number("media.allocations_per_user", media.allocations_per_user.into(), 1..=1000, "");
    check.number("media.kbit_per_s", media.kbit_per_s.into(), 32..=1_000_000, " kilobit a second");
    if let Some(listen) = media.listen.filter(|listen| media.relay_ports.contains(&listen.port())) {
        let text = format!("must not hold the port of media.listen, {}", listen.port());
        check.fault("media.relay_ports", text);
    }
    let families = |v4: bool| media.public_ips.iter().filter(|ip| ip.is_ipv4() == v4).count();
    if families(true) > 1 || families(false) > 1 {
        check.fault("media.public_ips", "has at most one IPv4 and one IPv6 address");
    }
    if let Some(ip) = media.public_ips.iter().find(|ip| ip.is_unspecified() || ip.is_multicast()) {
        check.fault("media.public_ips", format!("{ip} is no address of a machine"));
    }
    if let Some(host) = media.host.as_ref().filter(|host| !is_name(host)) {
        check.fault("media.host", format!("\"{host}\" is no name; write call.example.org, without a port"));
    }
    // One that is not named is made at the first start.
    if let Some(path) = &media.secret_file
        && let Err(text) = read_private(path, Access::Owner)
    {
        check.fault("media.secret_file", text);
    }
}

fn is_name(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)),
    }
}

pub(super) fn ice(config: &Config, check: &mut Check) {
    for server in &config.ice.servers {
        if let Err(text) = ice_server_is_good(server) {
            check.fault("ice.servers", text);
        }
    }
}

/// RFC 7064 and RFC 7065, as far as a browser would refuse the list (W3C WebRTC §4.4.1.6).
fn ice_server_is_good(server: &IceServer) -> Result<(), String> {
    if server.urls.is_empty() {
        return Err("an entry has no urls".into());
    }
    for url in &server.urls {
        let relay = match url.split_once(':') {
            Some(("stun" | "stuns", host)) if !host.is_empty() => false,
            Some(("turn" | "turns", host)) if !host.is_empty() => true,
            Some(_) | None => {
                return Err(format!(
                    "\"{url}\" is no ICE server; write stun:HOST or turn:HOST:PORT?transport=udp"
                ));
            }
        };
        if url.contains("//") {
            return Err(format!("\"{url}\" has slashes; write stun:HOST or turn:HOST:PORT"));
        }
        let fixed = server.username.is_some() && server.credential.is_some();
        if relay && !fixed && server.secret_file.is_none() {
            return Err(format!("\"{url}\" needs a username and a credential, or a secret_file"));
        }
    }
    match &server.secret_file {
        Some(_) if server.username.is_some() || server.credential.is_some() => {
            Err("an entry has either a username and a credential, or a secret_file".into())
        }
        Some(path) => read_private(path, Access::Owner).map(|_| ()),
        None => Ok(()),
    }
}
