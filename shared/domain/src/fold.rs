//! How names and accounts are compared in listings and searches: width, case and stray spaces make no difference.

use unicode_normalization::UnicodeNormalization as _;

/// Bytes of a folded text at most: with an id beside it it stays far below the 1,024 bytes of an index key.
pub const FOLDED_BYTES_MAX: usize = 256;

/// Unicode NFKC in lower case, without control characters, each run of spaces one space, cut to
/// [`FOLDED_BYTES_MAX`].
pub fn folded(text: &str) -> String {
    let mut out = String::new();
    let mut space = false;
    let readable = text.chars().filter(|c| c.is_whitespace() || !c.is_control());
    // Lower case may decompose again: `İ` becomes an `i` with a dot above it.
    for c in readable.nfkc().flat_map(char::to_lowercase).nfkc() {
        if c.is_whitespace() {
            space = !out.is_empty();
            continue;
        }
        if out.len() + usize::from(space) + c.len_utf8() > FOLDED_BYTES_MAX {
            break;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn width_case_and_spaces_make_no_difference() {
        for (text, want) in [
            ("", ""),
            ("  Li   Hua ", "li hua"),
            ("ＬＩＨＵＡ", "lihua"),
            ("李　华", "李 华"),
            ("ÉCOLE", "école"),
            ("E\u{301}cole", "école"),
            ("a\u{0}b\u{7}", "ab"),
            ("ﬁ", "fi"),
            ("Straße", "straße"),
        ] {
            assert_eq!(folded(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once_and_bounded(text in "\\PC{0,300}") {
            let once = folded(&text);
            prop_assert!(once.len() <= FOLDED_BYTES_MAX);
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' '));
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert_eq!(folded(&once), once);
        }
    }
}
