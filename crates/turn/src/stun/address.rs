//! XOR-ed addresses (RFC 8489 §14.2): a NAT that rewrites addresses wherever it sees them does not see these.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC, TransactionId};

const IPV4: u8 = 1;
const IPV6: u8 = 2;

/// What an address's 16 bytes are XORed with: magic cookie, then transaction.
fn mask(TransactionId(id): TransactionId) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC);
    mask[4..].copy_from_slice(&id);
    mask
}

fn xor<const N: usize>(mut bytes: [u8; N], mask: [u8; 16]) -> [u8; N] {
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    bytes
}

/// Reads an attribute's value; `None` if it is no address.
pub(super) fn decode(value: &[u8], id: TransactionId) -> Option<SocketAddr> {
    let (&[_, family, a, b], ip) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes(xor([a, b], mask(id)));
    let ip: IpAddr = match family {
        IPV4 => Ipv4Addr::from(xor(<[u8; 4]>::try_from(ip).ok()?, mask(id))).into(),
        IPV6 => Ipv6Addr::from(xor(<[u8; 16]>::try_from(ip).ok()?, mask(id))).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Appends an attribute's value.
pub(super) fn encode(out: &mut Vec<u8>, address: SocketAddr, id: TransactionId) {
    let port = xor(address.port().to_be_bytes(), mask(id));
    let family = if address.is_ipv4() { IPV4 } else { IPV6 };
    out.extend_from_slice(&[0, family, port[0], port[1]]);
    match address.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&xor(ip.octets(), mask(id))),
        IpAddr::V6(ip) => out.extend_from_slice(&xor(ip.octets(), mask(id))),
    }
}
