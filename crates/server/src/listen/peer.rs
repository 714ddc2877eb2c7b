//! Who is at the other end of a request.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;

use crate::config::Cidr;

/// The other end, as far as we may believe it. An extension of every request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer {
    /// The other end of the socket: the client, or the proxy before us.
    pub addr: SocketAddr,
    /// The client: the rightmost address of `X-Forwarded-For` that is no trusted proxy of ours, if the socket's other
    /// end is one; else the other end itself. IPv4 is never mapped into IPv6.
    pub ip: IpAddr,
    /// The client's own leg is encrypted: TLS here, or a trusted proxy says `X-Forwarded-Proto: https`.
    pub secure: bool,
    /// The client is on this machine: both addresses are loopback, and no proxy that we do not know of has touched the
    /// request. This is what "loopback" means in the settings.
    pub local: bool,
}

/// What proxies leave behind, whether or not they are ours.
const MARKS: [&str; 5] =
    ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded"];

impl Peer {
    /// Reads `headers` as far as `addr` may be believed.
    pub(super) fn new(addr: SocketAddr, tls: bool, headers: &HeaderMap, trusted: &[Cidr]) -> Self {
        let near = addr.ip().to_canonical();
        let behind_proxy = is_trusted(near, trusted);
        let ip = if behind_proxy { client(near, headers, trusted) } else { near };
        let secure = tls || (behind_proxy && last_value(headers, "x-forwarded-proto") == Some("https"));
        let marked = MARKS.iter().any(|name| headers.contains_key(*name)) || headers.contains_key("via");
        let local = near.is_loopback() && ip.is_loopback() && (behind_proxy || !marked);
        Self { addr, ip, secure, local }
    }
}

pub(super) fn is_trusted(ip: IpAddr, trusted: &[Cidr]) -> bool {
    trusted.iter().any(|net| net.contains(ip))
}

/// From right to left, each proxy has added whom it heard from: the first that is not ours is the client. What does not
/// read as an address was not written by a proxy of ours, and ends the search.
fn client(near: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let mut client = near;
    for line in headers.get_all("x-forwarded-for").iter().rev() {
        for hop in line.to_str().unwrap_or_default().rsplit(',') {
            let Some(ip) = address(hop.trim()) else { return client };
            client = ip;
            if !is_trusted(ip, trusted) {
                return client;
            }
        }
    }
    client
}

/// `192.0.2.1`, `192.0.2.1:5678`, `2001:db8::1` or `[2001:db8::1]:5678`.
fn address(text: &str) -> Option<IpAddr> {
    let ip = text.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|addr| addr.ip()))?;
    Some(ip.to_canonical())
}

fn last_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen(near: &str, trusted: &[&str], headers: &[(&str, &str)]) -> Peer {
        let trusted: Vec<Cidr> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        Peer::new(near.parse().unwrap(), false, &map, &trusted)
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_about_whom_it_speaks_for() {
        let told = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https")];
        let direct = seen("203.0.113.9:1", &["10.0.0.0/8"], &told);
        assert_eq!((direct.ip.to_string().as_str(), direct.secure), ("203.0.113.9", false));
        let proxied = seen("10.0.0.1:1", &["10.0.0.0/8"], &told);
        assert_eq!((proxied.ip.to_string().as_str(), proxied.secure), ("198.51.100.7", true));
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_proxy_of_ours() {
        let rows: [(&[(&str, &str)], &str); 8] = [
            (&[("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.0.0.2")], "198.51.100.7"),
            (&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7,10.0.0.2")], "198.51.100.7"),
            (&[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            (&[("x-forwarded-for", "1.1.1.1, unknown, 10.0.0.2")], "10.0.0.2"),
            (&[("x-forwarded-for", "")], "10.0.0.1"),
            (&[("x-forwarded-for", "198.51.100.7:4711")], "198.51.100.7"),
            (&[("x-forwarded-for", "[2001:db8::1]:4711")], "2001:db8::1"),
            (&[], "10.0.0.1"),
        ];
        for (headers, ip) in rows {
            assert_eq!(seen("10.0.0.1:1", &["10.0.0.0/8"], headers).ip.to_string(), ip, "{headers:?}");
        }
    }

    #[test]
    fn a_request_that_came_through_an_unknown_proxy_is_not_local() {
        assert!(seen("127.0.0.1:1", &[], &[]).local);
        assert!(seen("[::ffff:127.0.0.1]:1", &[], &[]).local);
        assert!(!seen("192.0.2.1:1", &[], &[]).local);
        for mark in ["x-forwarded-for", "x-real-ip", "forwarded", "via"] {
            assert!(!seen("127.0.0.1:1", &[], &[(mark, "127.0.0.1")]).local, "{mark}");
        }
    }

    #[test]
    fn a_trusted_proxy_on_this_machine_speaks_for_local_clients_and_others() {
        assert!(seen("127.0.0.1:1", &["127.0.0.1"], &[("x-forwarded-for", "127.0.0.1")]).local);
        assert!(!seen("127.0.0.1:1", &["127.0.0.1"], &[("x-forwarded-for", "203.0.113.9")]).local);
    }
}
