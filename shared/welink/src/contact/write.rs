//! What WeLink is to be told, in the order of a plan's batches (product.md TWL-20; docs/decisions/0009).

use std::collections::BTreeMap;
use std::fmt;

use domain::ids::{DeptCode, WeLinkUserId};
use domain::sync::Field;

/// A department as a parent or as somebody's place, by either name that is known. The root has the code `0`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// WeLink's code.
    pub code: Option<DeptCode>,
    /// The customer's own code; the old family knows no other.
    pub corp: Option<String>,
}

impl Place {
    pub fn root() -> Self {
        Self { code: Some(DeptCode::root()), corp: None }
    }

    pub(super) fn is_root(&self) -> bool {
        self.code.as_ref().is_some_and(DeptCode::is_root)
    }
}

/// A department to create, change, adopt or remove. What is absent is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DepartmentWrite {
    /// WeLink's code; absent for a new one.
    pub code: Option<DeptCode>,
    /// The customer's own code. The old family knows no other, and a new department must have one.
    pub corp_code: Option<String>,
    /// Needed for a new one; the old family needs it for a removal too.
    pub parent: Option<Place>,
    /// Needed for a new one; the old family needs it for a removal too.
    pub name_zh: Option<String>,
    pub name_en: Option<String>,
    /// 1 to 9999; 0 is left to WeLink.
    pub order: u16,
    /// 1 for a department below the root; what the old family calls `deptLevel`.
    pub level: u16,
}

/// A person to create, change, adopt or remove. What is absent is left as it is. Its `Debug` shows the account alone.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PersonWrite {
    /// WeLink's id; absent for a new one.
    pub user: Option<WeLinkUserId>,
    /// The customer's own id. The old family knows no other, and a new person must have one.
    pub corp_user: Option<String>,
    /// Values that are written; an empty one is not.
    pub fields: BTreeMap<Field, String>,
    /// The main department first; empty = not written. The old family writes the first alone.
    pub places: Vec<Place>,
}

impl fmt::Debug for PersonWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonWrite").field("user", &self.user).finish_non_exhaustive()
    }
}

impl PersonWrite {
    /// What a plan says of a person; `places` are its departments, which the caller knows by their codes.
    pub fn of(plan: &domain::sync::PersonWrite<'_>, user: Option<WeLinkUserId>, places: Vec<Place>) -> Self {
        let fields = plan.fields.iter().map(|(field, value)| (*field, value.clone().into_owned())).collect();
        Self { user, corp_user: Some(plan.corp_user.to_owned()), fields, places }
    }

    pub(super) fn field(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// One batch, as `domain::sync::Phase` orders them. At most [`super::Writer::batch_max`] objects; of departments, one
/// level at a time (welink-api.md 16, 5B).
#[derive(Debug, Clone, Copy)]
pub enum Batch<'a> {
    /// `code` is given `corp_code`. The old family cannot.
    AdoptDepartments(&'a [DepartmentWrite]),
    /// Creates what has no `code`, changes what has one.
    WriteDepartments(&'a [DepartmentWrite]),
    /// `user` is given `corp_user`. The old family cannot.
    AdoptPeople(&'a [PersonWrite]),
    /// Creates who has no `user`, changes who has one.
    WritePeople(&'a [PersonWrite]),
    RemovePeople(&'a [PersonWrite]),
    RemoveDepartments(&'a [DepartmentWrite]),
}

impl Batch<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::AdoptDepartments(all) | Self::WriteDepartments(all) | Self::RemoveDepartments(all) => all.len(),
            Self::AdoptPeople(all) | Self::WritePeople(all) | Self::RemovePeople(all) => all.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `+CC-NNN`, as WeLink writes numbers (welink-api.md 1); eleven digits alone are Chinese.
pub(super) fn mobile(text: &str) -> String {
    let kept: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '-')).collect();
    let digits: String = kept.chars().filter(char::is_ascii_digit).collect();
    let is_national = |digits: &str| digits.len() == 11 && digits.starts_with('1');
    if let Some((country, rest)) = kept.strip_prefix('+').and_then(|rest| rest.split_once('-')) {
        return format!("+{country}-{}", rest.replace('-', ""));
    }
    match digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86")) {
        Some(national) if is_national(national) => format!("+86-{national}"),
        _ if is_national(&digits) && !kept.starts_with('+') => format!("+86-{digits}"),
        _ => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::mobile;

    #[test]
    fn numbers_are_written_as_welink_writes_them() {
        for (text, want) in [
            ("+86-13800000001", "+86-13800000001"),
            ("+8613800000001", "+86-13800000001"),
            ("138 0000 0001", "+86-13800000001"),
            ("008613800000001", "+86-13800000001"),
            ("86-13800000001", "+86-13800000001"),
            ("+852-6123-4567", "+852-61234567"),
            ("+85261234567", "+85261234567"),
            ("+13800000001", "+13800000001"),
            ("", ""),
        ] {
            assert_eq!(mobile(text), want, "{text}");
        }
    }
}
