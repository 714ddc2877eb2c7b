//! Which peers may be relayed to.
//!
//! A relay is a way into whatever network it stands in, unless it refuses: in 2018 Slack's TURN servers could be used to
//! reach their cloud's metadata service. So every special range is denied, whichever way the address is written:
//! an IPv4 address inside an IPv6 one is taken out first (CVE-2026-27624 got past a check that did not).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Denied IPv4 ranges: first address and prefix length. From the IANA special-purpose registries, and multicast.
const DENIED_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local; cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24), // AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3),     // multicast, reserved, broadcast
];

/// Denied IPv6 ranges. What holds an IPv4 address that can be taken out is judged by that as well.
const DENIED_V6: [(Ipv6Addr, u32); 13] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 8), // unspecified, loopback, IPv4-compatible
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), // NAT64 inside a network
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64), // discard
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16), // segment routing
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), // private
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), // link-local
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10), // site-local
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), // multicast
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
];

/// The address that `ip` stands for: an IPv4 address that is mapped into IPv6, or behind a well-known NAT64 prefix
/// (RFC 6052 §2.1), is that IPv4 address.
#[must_use]
pub fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let [a, b, c, d, e, f, high, low] = v6.segments();
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => {
            let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
            Ipv4Addr::new(w, x, y, z).into()
        }
        _ => ip,
    }
}

/// Whether an address is one of the whole internet's, and not of some network's own.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match canonical(ip) {
        IpAddr::V4(ip) => {
            !DENIED_V4.iter().any(|(net, length)| (ip.to_bits() ^ net.to_bits()).leading_zeros() >= *length)
        }
        IpAddr::V6(ip) => {
            !DENIED_V6.iter().any(|(net, length)| (ip.to_bits() ^ net.to_bits()).leading_zeros() >= *length)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A way to write an IPv4 address as an IPv6 one.
    type Disguise = fn(Ipv4Addr) -> Ipv6Addr;

    const DISGUISES: [Disguise; 5] = [
        |ip| ip.to_ipv6_mapped(),
        |ip| Ipv6Addr::from_bits(u128::from(ip.to_bits())),
        |ip| Ipv6Addr::from_bits((0x0064_ff9b_u128 << 96) | u128::from(ip.to_bits())),
        |ip| Ipv6Addr::from_bits((0x2002_u128 << 112) | (u128::from(ip.to_bits()) << 80) | 1),
        |ip| Ipv6Addr::from_bits((0x2001_u128 << 112) | u128::from(!ip.to_bits())),
    ];

    #[test]
    fn special_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn addresses_next_to_special_ranges_are_public() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "8.8.8.8",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_way_to_write_a_denied_address_gets_past(bits: u32, disguise in 0_usize..DISGUISES.len()) {
            let ip = Ipv4Addr::from_bits(bits);
            if !is_public(ip.into()) {
                prop_assert!(!is_public(DISGUISES[disguise](ip).into()));
            }
        }

        #[test]
        fn what_is_canonical_stays_so(bits: u128) {
            let once = canonical(Ipv6Addr::from_bits(bits).into());
            prop_assert_eq!(canonical(once), once);
        }
    }
}
