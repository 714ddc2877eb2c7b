//! At which addresses others see this machine: found out, so that nobody has to say it. And ports there that are free.
//!
//! Not here: what listens there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::ops::RangeInclusive;
use std::time::Duration;

use tincan_turn::policy::is_public;

use crate::config::Config;

/// How many ports are tried before there is none left.
const TRIES: usize = 64;

/// Somewhere in the internet of each family: nothing is sent there, it is only asked which way that would go.
const FAR_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 88, 99, 1)), 9);
const FAR_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// How long a name server may take.
const LOOKUP: Duration = Duration::from_secs(3);

/// Where sockets for media are bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// An address of this machine.
    pub bind: IpAddr,
    /// The address at which others see it: another one where a router stands before this machine.
    pub public: IpAddr,
}

/// The places of a server whose clients come in at `ip`: at most one of a family.
pub async fn find(config: &Config, ip: IpAddr) -> Vec<Place> {
    let mut places = Vec::new();
    for ip in families(ip) {
        places.extend(place(config, ip).await);
    }
    places
}

/// A socket on a port that nobody can guess; an even one if `even`. `None` if none is left.
pub(crate) fn free_port(ip: IpAddr, ports: &RangeInclusive<u16>, even: bool) -> Option<UdpSocket> {
    let count = u32::from(*ports.end()) - u32::from(*ports.start()) + 1;
    (0..TRIES).find_map(|_| {
        let mut random = [0; 4];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let offset = u16::try_from(u32::from_ne_bytes(random) % count).ok()?;
        let port = ports.start() + offset;
        let port = if even { port & !1 } else { port };
        let socket = ports.contains(&port).then(|| UdpSocket::bind(SocketAddr::new(ip, port)));
        socket?.ok()
    })
}

/// The addresses to bind: every IPv6 address means every IPv4 address as well.
pub(crate) fn families(ip: IpAddr) -> Vec<IpAddr> {
    match ip {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => vec![Ipv4Addr::UNSPECIFIED.into(), ip],
        IpAddr::V4(_) | IpAddr::V6(_) => vec![ip.to_canonical()],
    }
}

/// The name that this server calls itself by, if it was told one.
pub(crate) fn own_host(config: &Config) -> Option<String> {
    let origin = || config.server.public_origins.first().and_then(|origin| host_of(origin));
    config.media.host.clone().or_else(origin)
}

/// The host of an origin, without its port.
fn host_of(origin: &str) -> Option<String> {
    let authority = origin.split_once("://")?.1;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() && !host.is_empty() => host,
        Some(_) | None => authority,
    };
    Some(host.to_owned())
}

/// Where sockets on `ip` are, and how others see them; `None` if this machine has no way out in that family.
async fn place(config: &Config, ip: IpAddr) -> Option<Place> {
    let is_v4 = ip.is_ipv4();
    let named = config.media.public_ips.iter().copied().find(|public| public.is_ipv4() == is_v4);
    let own = if ip.is_unspecified() { way_out(is_v4) } else { Some(ip) };
    let public = match (named, own) {
        (Some(named), _) => named,
        (None, Some(own)) if is_public(own) || !ip.is_unspecified() => own,
        (None, Some(own)) => match lookup(config, is_v4).await {
            Some(public) => public,
            None => {
                tracing::warn!(
                    places.address = %own,
                    "only this network can reach the relay and the echo; if others should, set media.public_ips"
                );
                own
            }
        },
        (None, None) => return None,
    };
    // If it is an address of this machine, others must hear from there: left alone, the system takes the route's.
    let is_own = ip.is_unspecified() && UdpSocket::bind((public, 0)).is_ok();
    Some(Place { bind: if is_own { public } else { ip }, public })
}

/// The address that this machine uses on its way out.
fn way_out(is_v4: bool) -> Option<IpAddr> {
    let (any, far): (IpAddr, _) =
        if is_v4 { (Ipv4Addr::UNSPECIFIED.into(), FAR_V4) } else { (Ipv6Addr::UNSPECIFIED.into(), FAR_V6) };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(far).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
}

/// The public address that this server's own name leads to.
async fn lookup(config: &Config, is_v4: bool) -> Option<IpAddr> {
    let host = own_host(config)?;
    let found = tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs().ok());
    let addresses = tokio::time::timeout(LOOKUP, found).await.ok()?.ok()??;
    addresses.map(|address| address.ip()).find(|ip| ip.is_ipv4() == is_v4 && is_public(*ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn on_loopback_others_see_what_is_bound() {
        let ip: IpAddr = Ipv4Addr::LOCALHOST.into();
        assert_eq!(find(&Config::default(), ip).await, [Place { bind: ip, public: ip }]);
    }

    #[tokio::test]
    async fn the_named_address_is_what_others_see() {
        let named: IpAddr = "198.51.100.7".parse().unwrap();
        let mut config = Config::default();
        config.media.public_ips = vec![named];
        let places = find(&config, Ipv6Addr::UNSPECIFIED.into()).await;
        assert_eq!(places[0], Place { bind: Ipv4Addr::UNSPECIFIED.into(), public: named });
    }

    #[tokio::test]
    async fn what_others_see_is_bound_where_it_is_this_machines_own() {
        let named: IpAddr = "127.0.0.9".parse().unwrap();
        let mut config = Config::default();
        config.media.public_ips = vec![named];
        let places = find(&config, Ipv4Addr::UNSPECIFIED.into()).await;
        assert_eq!(places, [Place { bind: named, public: named }]);
    }

    #[test]
    fn the_host_of_an_origin_has_no_port() {
        for (origin, host) in [
            ("https://a.example", "a.example"),
            ("https://a.example:8443", "a.example"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://[2001:db8::1]:8443", "[2001:db8::1]"),
        ] {
            assert_eq!(host_of(origin).as_deref(), Some(host));
        }
    }
}
