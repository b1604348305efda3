//! Networks as administrators write them: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A text that names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a network as 10.0.0.0/8 or 2001:db8::/32 / 请按 10.0.0.0/8 或 2001:db8::/32 的格式填写网段")]
pub struct NoNetwork;

/// A network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// An address without `/` is that address alone. Bits behind the counted ones must be zero: `10.1.2.3/8` is more
    /// likely a slip than a wish.
    pub fn parse(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| NoNetwork)?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(bits_max);
        let network = Self { address, bits };
        if bits > bits_max || network.host_bits(address) != 0 { Err(NoNetwork) } else { Ok(network) }
    }

    /// Whether the address, written as text, lies in it. An IPv4 address written as IPv6 counts as what it is.
    pub fn holds(&self, address: &str) -> bool {
        let Ok(address) = address.trim().parse::<IpAddr>().map(|address| address.to_canonical()) else { return false };
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                let own = number(self.address) | self.host_bits(address);
                own == number(address)
            }
            _ => false,
        }
    }

    /// The bits of an address that do not count here.
    fn host_bits(&self, address: IpAddr) -> u128 {
        let width = if address.is_ipv4() { 32 } else { 128 };
        let host = u32::from(u8::try_from(width).unwrap_or(128).saturating_sub(self.bits));
        let mask = 1_u128.checked_shl(host).map_or(u128::MAX, |bit| bit - 1);
        number(address) & mask
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six),
    }
}

impl TryFrom<String> for Network {
    type Error = NoNetwork;
    fn try_from(text: String) -> Result<Self, NoNetwork> {
        Self::parse(&text)
    }
}
impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_its_networks_and_in_no_other() {
        for (network, address, want) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("192.168.1.0/24", "192.168.1.255", true),
            ("192.168.1.0/24", "192.168.2.0", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::/0", "2001:db8::1", true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "", false),
            ("10.0.0.0/8", "10.0.0.1, 8.8.8.8", false),
        ] {
            assert_eq!(Network::parse(network).unwrap().holds(address), want, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in ["", "10.0.0.0/33", "10.1.2.3/8", "::/129", "2001:db8::1/32", "office", "10.0.0.0/", "10.0.0/8"] {
            assert_eq!(Network::parse(bad), Err(NoNetwork), "{bad}");
        }
        assert_eq!(Network::parse(" 10.0.0.0/8 ").unwrap().to_string(), "10.0.0.0/8");
    }
}
