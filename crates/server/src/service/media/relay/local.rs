//! At which address of this machine a datagram came in (ip(7), ipv6(7)).
//!
//! A socket that is bound to every address tells it, and answers from there. Left alone, the system would take the address
//! that the route prefers, and a client hears only from where it asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo};
use nix::sys::socket::{ControlMessageOwned, setsockopt};

/// What the system needs to know of a socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kind {
    pub(super) is_ipv6: bool,
    /// Whether it is bound to every address, and tells at which one a datagram came in.
    pub(super) tells_local: bool,
}

impl Kind {
    /// The kind of a socket that is bound to `ip`.
    pub(super) fn of(ip: IpAddr) -> Self {
        Self { is_ipv6: ip.is_ipv6(), tells_local: false }
    }

    /// A listening socket: if it is bound to every address, it tells from now on at which one a datagram came in.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn of_listening(socket: &impl AsFd, ip: IpAddr) -> Result<Self, Errno> {
        match ip {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => setsockopt(socket, Ipv4PacketInfo, &true)?,
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => setsockopt(socket, Ipv6RecvPacketInfo, &true)?,
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        Ok(Self { tells_local: ip.is_unspecified(), ..Self::of(ip) })
    }
}

/// An address of this machine at which a datagram came in, or from which one leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Local {
    ip: IpAddr,
    /// The interface, where the address alone does not say which (RFC 4007 §6); else 0: the route says.
    interface: u32,
}

/// The same in the words of the system.
pub(super) enum Info {
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl Local {
    /// What the system said of a datagram.
    pub(super) fn from_control(message: &ControlMessageOwned) -> Option<Self> {
        match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                Some(Self::at(Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()).into()))
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                let interface = if ip.is_unicast_link_local() { info.ipi6_ifindex } else { 0 };
                Some(Self { ip: ip.into(), interface })
            }
            _ => None,
        }
    }

    /// An address that is the same on every interface.
    pub(super) const fn at(ip: IpAddr) -> Self {
        Self { ip, interface: 0 }
    }

    /// How the system is told to send from here.
    pub(super) fn info(self) -> Info {
        match self.ip {
            IpAddr::V4(ip) => {
                let [from, unused] =
                    [ip, Ipv4Addr::UNSPECIFIED].map(|ip| in_addr { s_addr: u32::from_ne_bytes(ip.octets()) });
                Info::V4(in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: from, ipi_addr: unused })
            }
            IpAddr::V6(ip) => {
                let from = in6_addr { s6_addr: ip.octets() };
                Info::V6(in6_pktinfo { ipi6_addr: from, ipi6_ifindex: self.interface })
            }
        }
    }
}
