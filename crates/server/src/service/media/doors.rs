//! Where clients of STUN and TURN come in: by UDP and TCP, where it was configured, or where it goes.
//!
//! Not here: at which addresses others see this machine (`crate::places`), who connects by the web server's port (`listen`).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

use crate::config::{Config, is_loopback, plain};
use crate::places::{self, families};

/// The port of STUN and TURN (RFC 8489 §18.6).
const PORT: u16 = 3478;

/// How many free ports are tried until one is free for UDP and TCP.
const TRIES: usize = 16;

/// Packets wait here while the relay is busy: a quarter of a second of a thousand calls.
const BUFFER: usize = 4 * 1024 * 1024;
const BACKLOG: i32 = 1024;

/// Why STUN and TURN cannot be served. One sentence.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The address is taken, or is not this machine's.
    #[error(
        "cannot listen for STUN and TURN on {0}: {reason}; choose another with media.listen, or media.mode = \"off\"",
        reason = plain(.1)
    )]
    Listen(SocketAddr, #[source] io::Error),
}

/// What was opened.
#[derive(Debug)]
pub(super) struct Doors {
    /// Where clients come in by UDP.
    pub(super) clients: Vec<UdpSocket>,
    /// Where they come in by TCP; `None` if the web server listens there.
    pub(super) tcp: Option<TcpListener>,
    /// The port that clients are told.
    pub(super) port: u16,
}

/// Opens them. `web`: where the web server listens.
///
/// # Errors
/// [`DoorError`] if the configured address cannot be had.
pub(super) fn open(config: &Config, web: SocketAddr) -> Result<Doors, DoorError> {
    let listen = config.media.listen.unwrap_or(SocketAddr::new(web.ip(), PORT));
    // Any port is as good as another: the one that TCP was given may be taken for UDP.
    let may_move = listen.port() == 0 || (config.media.listen.is_none() && is_loopback(listen));
    let (clients, tcp, port) = match take(listen, web) {
        Err(DoorError::Listen(_, reason)) if may_move && reason.kind() == io::ErrorKind::AddrInUse => {
            take_any(listen.ip(), web)?
        }
        taken => taken?,
    };
    Ok(Doors { clients, tcp, port })
}

/// Where others reach the relay of a server that is configured so: for trying it out from outside of that server.
pub async fn addresses(config: &Config) -> Vec<SocketAddr> {
    let listen = config.media.listen.unwrap_or(SocketAddr::new(config.server.listen.ip(), PORT));
    let places = places::find(config, listen.ip()).await;
    places.into_iter().map(|place| SocketAddr::new(place.public, listen.port())).collect()
}

type Taken = (Vec<UdpSocket>, Option<TcpListener>, u16);

fn take(listen: SocketAddr, web: SocketAddr) -> Result<Taken, DoorError> {
    let fault = |reason| DoorError::Listen(listen, reason);
    // By TCP first: where port 0 takes any, that is the port of both.
    let tcp = if listen == web { None } else { Some(tcp(listen).map_err(fault)?) };
    let port = tcp.as_ref().map_or(Ok(listen), TcpListener::local_addr).map_err(fault)?.port();
    let udp = |ip| udp(SocketAddr::new(ip, port)).map_err(fault);
    Ok((families(listen.ip()).into_iter().map(udp).collect::<Result<_, _>>()?, tcp, port))
}

/// Any port that is free for both.
fn take_any(ip: IpAddr, web: SocketAddr) -> Result<Taken, DoorError> {
    let any = SocketAddr::new(ip, 0);
    let mut tries = (1..TRIES).map(|_| take(any, web));
    tries.find(Result::is_ok).unwrap_or_else(|| take(any, web))
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
        let (one, other) = (open(&Config::default(), web).unwrap(), open(&Config::default(), web).unwrap());
        assert_ne!(one.port, other.port);
        for doors in [one, other] {
            assert_eq!(doors.tcp.unwrap().local_addr().unwrap().port(), doors.port);
            assert_eq!(doors.clients[0].local_addr().unwrap().port(), doors.port);
        }
    }

    #[tokio::test]
    async fn a_taken_port_that_was_asked_for_is_named_in_the_error() {
        let web: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = open(&config(|config| config.media.listen = Some(address)), web).unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }

    #[tokio::test]
    async fn every_address_is_both_families() {
        let web: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let doors =
            open(&config(|config| config.media.listen = Some("[::]:0".parse().unwrap())), web).unwrap();
        let bound: Vec<bool> =
            doors.clients.iter().map(|socket| socket.local_addr().unwrap().is_ipv4()).collect();
        assert_eq!(bound, [true, false]);
    }

    #[tokio::test]
    async fn where_the_web_server_listens_there_is_no_second_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web = listener.local_addr().unwrap();
        let doors = open(&config(|config| config.media.listen = Some(web)), web).unwrap();
        assert!(doors.tcp.is_none());
        assert_eq!(doors.port, web.port());
    }
}
