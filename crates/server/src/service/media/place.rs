//! Where STUN and TURN are served, and at which addresses others see the relays: found out, so that nobody has to say it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tincan_turn::policy::is_public;
use tokio::net::TcpListener;

use super::relay::Place;
use crate::config::{Config, is_loopback, plain};

/// The port of STUN and TURN (RFC 8489 §18.6).
const PORT: u16 = 3478;

/// How many free ports are tried until one is free for UDP and TCP.
const TRIES: usize = 16;

/// Packets wait here while the relay is busy: a quarter of a second of a thousand calls.
const BUFFER: usize = 4 * 1024 * 1024;
const BACKLOG: i32 = 1024;

/// How long a name server may take.
const LOOKUP: Duration = Duration::from_secs(3);

/// Somewhere in the internet of each family: nothing is sent there, it is only asked which way that would go.
const FAR_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 88, 99, 1)), 9);
const FAR_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// Why STUN and TURN have no place. One sentence.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The address is taken, or is not this machine's.
    #[error(
        "cannot listen for STUN and TURN on {0}: {reason}; choose another with media.listen, or media.mode = \"off\"",
        reason = plain(.1)
    )]
    Listen(SocketAddr, #[source] io::Error),
}

/// Everything that was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Where clients come in by UDP.
    pub(super) clients: Vec<UdpSocket>,
    /// Where they come in by TCP; `None` if the web server listens there.
    pub(super) tcp: Option<TcpListener>,
    /// Where relays are.
    pub(super) places: Vec<Place>,
    /// The port that clients are told.
    pub(super) port: u16,
}

/// Finds and takes the places. `web`: where the web server listens.
///
/// # Errors
/// [`PlaceError`] if the configured address cannot be had.
pub(super) async fn find(config: &Config, web: SocketAddr) -> Result<Found, PlaceError> {
    let listen = config.media.listen.unwrap_or(SocketAddr::new(web.ip(), PORT));
    let may_move = config.media.listen.is_none() && is_loopback(listen);
    let (clients, tcp, port) = match take(listen, web) {
        Err(PlaceError::Listen(_, reason)) if may_move && reason.kind() == io::ErrorKind::AddrInUse => {
            take_any(listen.ip(), web)?
        }
        taken => taken?,
    };
    let mut places = Vec::new();
    for ip in families(listen.ip()) {
        places.extend(place(config, ip).await);
    }
    Ok(Found { clients, tcp, places, port })
}

/// Where others reach the relay of a server that is configured so: for trying it out from outside of that server.
pub async fn addresses(config: &Config) -> Vec<SocketAddr> {
    let listen = config.media.listen.unwrap_or(SocketAddr::new(config.server.listen.ip(), PORT));
    let mut found = Vec::new();
    for ip in families(listen.ip()) {
        found.extend(place(config, ip).await.map(|place| SocketAddr::new(place.public, listen.port())));
    }
    found
}

type Taken = (Vec<UdpSocket>, Option<TcpListener>, u16);

fn take(listen: SocketAddr, web: SocketAddr) -> Result<Taken, PlaceError> {
    let fault = |reason| PlaceError::Listen(listen, reason);
    // By TCP first: where port 0 takes any, that is the port of both.
    let tcp = if listen == web { None } else { Some(tcp(listen).map_err(fault)?) };
    let port = tcp.as_ref().map_or(Ok(listen), TcpListener::local_addr).map_err(fault)?.port();
    let udp = |ip| udp(SocketAddr::new(ip, port)).map_err(fault);
    Ok((families(listen.ip()).into_iter().map(udp).collect::<Result<_, _>>()?, tcp, port))
}

/// Any port that is free for both.
fn take_any(ip: IpAddr, web: SocketAddr) -> Result<Taken, PlaceError> {
    let any = SocketAddr::new(ip, 0);
    let mut taken = take(any, web);
    for _ in 1..TRIES {
        if taken.is_ok() {
            break;
        }
        taken = take(any, web);
    }
    taken
}

/// The addresses to bind: every IPv6 address means every IPv4 address as well.
fn families(ip: IpAddr) -> Vec<IpAddr> {
    match ip {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => vec![Ipv4Addr::UNSPECIFIED.into(), ip],
        IpAddr::V4(_) | IpAddr::V6(_) => vec![ip.to_canonical()],
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own, and its addresses stay what they are.
        socket.set_only_v6(true)?;
    }
    // The system may grant less.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Where relays of `ip`'s family are, and how others see them; `None` if this machine has no way out in that family.
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
                    relay.address = %own,
                    "only this network can reach the relay; if others should, set media.public_ips"
                );
                own
            }
        },
        (None, None) => return None,
    };
    Some(Place { bind: ip, public })
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
    let host = super::servers::own_host(config)?;
    let found = tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs().ok());
    let addresses = tokio::time::timeout(LOOKUP, found).await.ok()?.ok()??;
    addresses.map(|address| address.ip()).find(|ip| ip.is_ipv4() == is_v4 && is_public(*ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    #[tokio::test]
    async fn on_loopback_a_taken_port_is_no_hindrance() {
        let web: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let (one, other) =
            (find(&Config::default(), web).await.unwrap(), find(&Config::default(), web).await.unwrap());
        assert_ne!(one.port, other.port);
        for found in [one, other] {
            assert_eq!(found.tcp.unwrap().local_addr().unwrap().port(), found.port);
            assert_eq!(found.clients[0].local_addr().unwrap().port(), found.port);
            let ip = web.ip();
            assert_eq!(found.places, [Place { bind: ip, public: ip }]);
        }
    }

    #[tokio::test]
    async fn a_taken_port_that_was_asked_for_is_named_in_the_error() {
        let web: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = find(&config(|config| config.media.listen = Some(address)), web).await.unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }

    #[tokio::test]
    async fn every_address_is_both_families_and_the_named_address_is_what_others_see() {
        let web: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let named: IpAddr = "198.51.100.7".parse().unwrap();
        let config = config(|config| {
            config.media.listen = Some("[::]:0".parse().unwrap());
            config.media.public_ips = vec![named];
        });
        let found = find(&config, web).await.unwrap();
        let bound: Vec<bool> =
            found.clients.iter().map(|socket| socket.local_addr().unwrap().is_ipv4()).collect();
        assert_eq!(bound, [true, false]);
        assert_eq!(found.places[0], Place { bind: Ipv4Addr::UNSPECIFIED.into(), public: named });
    }

    #[tokio::test]
    async fn where_the_web_server_listens_there_is_no_second_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web = listener.local_addr().unwrap();
        let found = find(&config(|config| config.media.listen = Some(web)), web).await.unwrap();
        assert!(found.tcp.is_none());
        assert_eq!(found.port, web.port());
    }
}
