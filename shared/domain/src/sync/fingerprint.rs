//! One number for many bytes, the same on every machine and in every release: what is stored must still compare equal
//! next year. Good against accidents, not against somebody who looks for collisions; nothing here is a signature.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Odd numbers without pattern: the fractional parts of square roots of primes.
const KEYS: [u64; 6] = [
    0x6a09_e667_f3bc_c909,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
];

/// What would be written, or what is seen, of one object. Equal means equal, but for one chance in 2^64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub(super) u64);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
impl From<Fingerprint> for String {
    fn from(print: Fingerprint) -> Self {
        format!("{:016x}", print.0)
    }
}
impl TryFrom<String> for Fingerprint {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// Names one plan: settings, both sides, what is due, and the planner's version. As text 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanHash(pub(super) u128);

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
impl fmt::Debug for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl From<PlanHash> for String {
    fn from(hash: PlanHash) -> Self {
        hash.to_string()
    }
}
impl TryFrom<String> for PlanHash {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

/// Multiplies and lays both halves of the product over each other.
#[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
fn fold(x: u64, y: u64) -> u64 {
    let product = u128::from(x) * u128::from(y);
    (product as u64) ^ ((product >> 64) as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
fn halves(block: [u8; 16]) -> (u64, u64) {
    let whole = u128::from_le_bytes(block);
    (whole as u64, (whole >> 64) as u64)
}

/// Two words that tell all texts of one length up to 16 bytes apart.
fn tail(rest: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (rest.first_chunk::<8>(), rest.last_chunk::<8>()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        return (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
    }
    let at = |i: usize| u64::from(rest.get(i).copied().unwrap_or_default());
    (at(0) | at(1) << 8, at(2))
}

/// Takes values one after another; each is told apart from its neighbours by its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixer {
    a: u64,
    b: u64,
}

impl Mixer {
    pub fn new(seed: u64) -> Self {
        Self { a: KEYS[0] ^ seed, b: KEYS[1].wrapping_add(seed) }
    }

    fn block(&mut self, x: u64, y: u64) {
        self.a = fold(x ^ self.a, y ^ KEYS[2]);
        self.b = fold(y ^ self.b, x ^ KEYS[3]);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while rest.len() > 16 {
            let Some((block, after)) = rest.split_first_chunk::<16>() else { break };
            let (x, y) = halves(*block);
            self.block(x, y);
            rest = after;
        }
        let (x, y) = tail(rest);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.block(x ^ length.wrapping_mul(KEYS[4]), y);
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub fn number(&mut self, number: u64) {
        self.block(number, KEYS[5]);
    }

    pub fn short(self) -> u64 {
        fold(self.a ^ KEYS[4], self.b ^ KEYS[5])
    }

    pub fn long(self) -> u128 {
        u128::from(self.short()) << 64 | u128::from(fold(self.b ^ KEYS[2], self.a ^ KEYS[3]))
    }
}

/// Of one text.
pub(super) fn of(text: &str) -> u64 {
    let mut mixer = Mixer::new(0);
    mixer.text(text);
    mixer.short()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These numbers are stored: a change here makes every object of every customer look changed once.
    #[test]
    fn the_numbers_never_change() {
        assert_eq!(of(""), 0xe32c_1bf5_8daa_3a2c);
        assert_eq!(of("研发部"), 0x9912_b463_da23_2975);
        assert_eq!(of("zhangsan1@welink, +8613800000001"), 0x04a7_e77b_1854_94bb);
    }

    #[test]
    fn neighbours_lengths_and_places_count() {
        let mixed = |parts: &[&str]| {
            let mut mixer = Mixer::new(7);
            for part in parts {
                mixer.text(part);
            }
            mixer.long()
        };
        let long = "x".repeat(40);
        let all = [
            mixed(&["ab", "c"]),
            mixed(&["a", "bc"]),
            mixed(&["abc", ""]),
            mixed(&["", "abc"]),
            mixed(&["abc"]),
            mixed(&["abc\0"]),
            mixed(&[&long]),
            mixed(&[&long[1..]]),
            mixed(&[&long[..16], &long[16..]]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
        }
    }

    #[test]
    fn a_flipped_bit_is_another_number() {
        let text: Vec<u8> = (0..64).collect();
        for length in 0..text.len() {
            let number = |bytes: &[u8]| {
                let mut mixer = Mixer::new(0);
                mixer.bytes(bytes);
                (mixer.short(), mixer.long())
            };
            let whole = number(&text[..length]);
            for bit in 0..length * 8 {
                let mut other = text[..length].to_vec();
                other[bit / 8] ^= 1 << (bit % 8);
                let flipped = number(&other);
                assert!(flipped.0 != whole.0 && flipped.1 != whole.1, "{length} {bit}");
            }
        }
    }

    #[test]
    fn as_text_and_back() {
        let (print, hash) = (Fingerprint(7), PlanHash(1 << 100));
        assert_eq!(Fingerprint::try_from(String::from(print)), Ok(print));
        assert_eq!(PlanHash::try_from(hash.to_string()), Ok(hash));
        assert_eq!(hash.to_string().len(), 32);
    }
}
