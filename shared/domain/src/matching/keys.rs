//! One form for each value, so that equal means the same (product.md Q5, BND-03).

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::OaField;

/// Bytes of a value at most; a longer one matches nothing.
const VALUE_BYTES_MAX: usize = 256;
/// Digits of a telephone number, country code included (ITU-T E.164). Shorter ones are extensions, which are unique
/// within one switchboard only.
const MOBILE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A value as it is compared: never empty, at most 256 bytes. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// What to search for in the OA.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// A text as values of this field are compared (product.md Q5, BND-03); `None` for a text that names nobody.
/// `key(f, key(f, t))` is `key(f, t)`.
pub fn key(field: OaField, text: &str) -> Option<Key> {
    let text = text.trim();
    // Placeholders such as `-` or `/` are as good as empty.
    let says_something = text.chars().any(char::is_alphanumeric) && !text.chars().any(char::is_control);
    if !says_something || text.len() > VALUE_BYTES_MAX {
        return None;
    }
    match field {
        OaField::Mobile => mobile(text),
        OaField::Email => Some(lower_case(text)).filter(|text| is_address(text)),
        OaField::LoginName => Some(lower_case(text)),
        OaField::WorkCode => Some(text.to_owned()),
    }
    .map(Key)
}

/// `+` with the country code when it is known (`+`, `00`, 11 digits alone, 13 that begin with 86), digits alone when
/// not; `None` for what is no number.
fn mobile(text: &str) -> Option<String> {
    let folded = text.nfkc().collect::<String>().to_ascii_lowercase();
    let text = folded.trim_start();
    let plain: String = text.strip_prefix("tel:").unwrap_or(text).chars().filter(|c| !is_filler(*c)).collect();
    let international = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
    let digits = international.unwrap_or(&plain);
    if !MOBILE_DIGITS.contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match (international.is_some(), digits.len()) {
        // No country code begins with 0: a placeholder.
        (true, _) if digits.starts_with('0') => None,
        (true, _) => Some(format!("+{digits}")),
        (false, 11) => Some(format!("+86{digits}")),
        (false, 13) if digits.starts_with("86") => Some(format!("+{digits}")),
        (false, _) => Some(digits.to_owned()),
    }
}

/// What people write between the digits, and the invisible marks that come along when they copy a number.
fn is_filler(c: char) -> bool {
    let soft_hyphen_or_bom = matches!(c, '\u{ad}' | '\u{feff}');
    let invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    soft_hyphen_or_bom
        || invisible
        || c.is_whitespace()
        || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '(' | ')' | '.')
}

/// Lower case in which no letter outside of ASCII becomes one inside: the Kelvin sign is not a `k`, so nobody comes to
/// another's address by a look-alike.
fn lower_case(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() || c.to_lowercase().any(|l| l.is_ascii()) {
            lower.push(c.to_ascii_lowercase());
        } else {
            lower.extend(c.to_lowercase());
        }
    }
    lower
}

fn is_address(text: &str) -> bool {
    let split = text.rsplit_once('@');
    split.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty()) && !text.contains(char::is_whitespace)
}
