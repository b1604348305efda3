//! When two departments have the same name, and when only almost (product.md Q16).

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A name as it is compared: trimmed, NFC, case kept.
pub(super) fn canonical(name: &str) -> Cow<'_, str> {
    let name = name.trim();
    if is_nfc_quick(name.chars()) == IsNormalized::Yes { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

/// Of names that look alike: without width, case and spaces.
pub(super) fn lookalike(name: &str) -> String {
    name.nfkc().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_and_almost_the_same() {
        for (a, b, same, alike) in [
            ("部门A", " 部门A\u{3000}", true, true),
            ("Caf\u{e9}", "Cafe\u{301}", true, true),
            ("部门A", "部门a", false, true),
            ("部门A", "部门Ａ", false, true),
            ("部门A", "部门 A", false, true),
            ("部门A", "部门B", false, false),
        ] {
            assert_eq!((canonical(a) == canonical(b), lookalike(a) == lookalike(b)), (same, alike), "{a} {b}");
        }
    }
}
