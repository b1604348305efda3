//! What a member's fields should say, and whether they do (product.md TWL-18).

use std::borrow::Cow;

use super::fingerprint::{Mixer, of};
use super::settings::{Field, Mapping, Piece, Rule, Source, Value};
use super::sides::{CopyRow, Directory, OaRow, OaSide, copy, oa};
use crate::matching::{OaField, key};

fn source(side: &OaSide, row: u32, source: Source) -> &str {
    let at = match source {
        Source::Name => oa::NAME,
        Source::Login => oa::LOGIN,
        Source::WorkCode => oa::WORK_CODE,
        Source::Mobile => oa::MOBILE,
        Source::Email => oa::EMAIL,
        Source::Title => oa::TITLE,
    };
    side.people.get(row, at).trim()
}

/// What a rule says for a person of the OA; empty = nothing to write.
pub(super) fn wanted<'a>(rule: &'a Rule, side: &'a OaSide, row: u32) -> Cow<'a, str> {
    match &rule.value {
        Value::Direct(from) => Cow::Borrowed(source(side, row, *from)),
        Value::Constant(text) => Cow::Borrowed(text.trim()),
        Value::DefaultIfEmpty(from, default) => match source(side, row, *from) {
            "" => Cow::Borrowed(default.trim()),
            text => Cow::Borrowed(text),
        },
        Value::Template(pieces) => {
            let text: String = pieces.iter().map(|piece| piece_of(piece, side, row)).collect();
            Cow::Owned(text.trim().to_owned())
        }
    }
}

fn piece_of<'a>(piece: &'a Piece, side: &'a OaSide, row: u32) -> &'a str {
    match piece {
        Piece::Text(text) => text,
        Piece::Field(from) => source(side, row, *from),
    }
}

/// What WeLink says.
pub(super) fn found(directory: &Directory, row: u32, field: Field) -> &str {
    let at = match field {
        Field::NameZh => copy::NAME_ZH,
        Field::NameEn => copy::NAME_EN,
        Field::Mobile => copy::MOBILE,
        Field::Email => copy::EMAIL,
        Field::EmployeeId => copy::EMPLOYEE,
        Field::Position => copy::POSITION,
        Field::Sex => copy::SEX,
    };
    directory.people.get(row, at)
}

/// Whether two texts say the same in this field: WeLink writes numbers and addresses in its own way.
pub(super) fn same(field: Field, a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let by_key = |kind: OaField| key(kind, a).is_some_and(|a| key(kind, b) == Some(a));
    match field {
        Field::Mobile => by_key(OaField::Mobile),
        Field::Email => by_key(OaField::Email),
        Field::NameZh | Field::NameEn | Field::EmployeeId | Field::Position | Field::Sex => a.trim() == b.trim(),
    }
}

/// The ten digits after `+861`, `+86-1` or `1` of a Chinese number in one of its usual forms.
fn chinese(text: &str) -> Option<&str> {
    let local = text.strip_prefix("+86").map_or(text, |rest| rest.strip_prefix('-').unwrap_or(rest));
    let digits = local.strip_prefix('1')?;
    (digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// Whether it is written in one of the usual forms.
pub(super) fn is_plain_mobile(text: &str) -> bool {
    chinese(text).is_some()
}

/// Equal for numbers that are the same; the usual forms cost no allocation.
pub(super) fn mobile_number(text: &str) -> u64 {
    // Turned, so that ten digits without a country code are another number.
    let print = |text: &str| chinese(text).map_or_else(|| of(text), |digits| of(digits).rotate_left(7));
    if chinese(text).is_some() {
        return print(text);
    }
    key(OaField::Mobile, text).map_or_else(|| of(text), |key| print(key.as_str()))
}

fn mix(mixer: &mut Mixer, field: Field, text: &str) {
    match field {
        Field::Mobile if !text.is_empty() => mixer.number(mobile_number(text)),
        _ => mixer.text(text),
    }
}

/// Of the fields that an update writes, as the OA wants them. Equal to [`found_print`] only if nothing is to be done.
pub(super) fn wanted_print(mapping: &Mapping, side: &OaSide, row: u32) -> Mixer {
    let mut mixer = Mixer::new(0);
    for rule in mapping.rules().iter().filter(|rule| !rule.only_at_creation) {
        mix(&mut mixer, rule.field, &wanted(rule, side, row));
    }
    mixer
}

/// Of the same fields as WeLink shows them.
pub(super) fn found_print(mapping: &Mapping, directory: &Directory, row: u32) -> Mixer {
    let mut mixer = Mixer::new(0);
    for rule in mapping.rules().iter().filter(|rule| !rule.only_at_creation) {
        mix(&mut mixer, rule.field, found(directory, row, rule.field));
    }
    mixer
}

/// A set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields(u8);

impl Fields {
    pub(super) const NONE: Self = Self(0);

    fn bit(field: Field) -> u8 {
        1 << (field as u8)
    }

    #[must_use]
    pub fn with(self, field: Field) -> Self {
        Self(self.0 | Self::bit(field))
    }

    pub fn contains(self, field: Field) -> bool {
        self.0 & Self::bit(field) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.contains(*field))
    }
}

/// The fields that an update has to write. An empty value is nothing to say and changes nothing.
pub(super) fn differing(mapping: &Mapping, sides: (&OaSide, OaRow), copy: (&Directory, CopyRow)) -> Fields {
    let mut fields = Fields::default();
    for rule in mapping.rules().iter().filter(|rule| !rule.only_at_creation) {
        let wanted = wanted(rule, sides.0, sides.1.0);
        if !wanted.is_empty() && !same(rule.field, &wanted, found(copy.0, copy.1.0, rule.field)) {
            fields = fields.with(rule.field);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sync::{OaBuilder, OaPerson};

    fn side() -> OaSide {
        let mut builder = OaBuilder::default();
        let person = OaPerson { id: "1", name: " 李华 ", work_code: "W7", login: "lihua", ..OaPerson::default() };
        builder.person(&person).unwrap();
        builder.finish()
    }

    #[test]
    fn twl_18_values_are_direct_constant_templates_or_defaults() {
        let piece = |text: &str| Piece::Text(text.to_owned());
        for (value, want) in [
            (Value::Direct(Source::Name), "李华"),
            (Value::Direct(Source::Email), ""),
            (Value::Constant("M".to_owned()), "M"),
            (Value::DefaultIfEmpty(Source::Email, "none@corp.example".to_owned()), "none@corp.example"),
            (Value::DefaultIfEmpty(Source::Login, "x".to_owned()), "lihua"),
            (Value::Template(vec![Piece::Field(Source::Name), piece("-"), Piece::Field(Source::WorkCode)]), "李华-W7"),
        ] {
            let rule = Rule { field: Field::NameZh, value, only_at_creation: false };
            assert_eq!(wanted(&rule, &side(), 0), want, "{rule:?}");
        }
    }

    #[test]
    fn only_what_means_something_else_differs() {
        for (field, a, b, equal) in [
            (Field::Mobile, "+8613800000001", "+86-13800000001", true),
            (Field::Mobile, "+8613800000001", "", false),
            (Field::Email, "A@corp.example", "a@corp.example", true),
            (Field::NameZh, "李华", "李华 ", true),
            (Field::NameEn, "Li", "li", false),
        ] {
            assert_eq!(same(field, a, b), equal, "{a} {b}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn numbers_are_equal_exactly_when_their_keys_are(
            a in "(\\+86|\\+86-|86|0086|)1[0-9]{2,3} ?0{6}[01]|[0-9+-]{0,9}",
            b in "(\\+86|\\+86-|86|0086|)1[0-9]{2,3} ?0{6}[01]|[0-9+-]{0,9}",
        ) {
            let keys = [&a, &b].map(|text| key(OaField::Mobile, text).ok_or(text));
            prop_assert_eq!(mobile_number(&a) == mobile_number(&b), keys[0] == keys[1]);
        }
    }
}
