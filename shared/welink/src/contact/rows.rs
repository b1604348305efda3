//! Departments and people as both generations list them (welink-api.md 4.1 to 4.5).

use std::fmt;

use domain::ids::{DeptCode, WeLinkUserId};
use domain::sync::{CopyDepartment, CopyPerson};

use crate::api::{Status, status};
use crate::wire::Reply;

/// One department. The root is not one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartmentRow {
    pub code: DeptCode,
    /// The root for the first level.
    pub parent: DeptCode,
    /// The customer's own code; absent if never maintained.
    pub corp_code: Option<String>,
    /// The Chinese name, or the English one where there is no other; empty where WeLink leaves both out.
    pub name_zh: String,
    pub name_en: Option<String>,
    /// Order among siblings; 0 when left out or out of range.
    pub order: u16,
}

/// One person. Its `Debug` shows neither names nor addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonRow {
    pub user_id: WeLinkUserId,
    pub status: Status,
    /// The customer's own id; absent if never maintained.
    pub corp_user_id: Option<String>,
    /// As WeLink writes it, e.g. `+86-15811847236`.
    pub mobile: Option<String>,
    pub email: Option<String>,
    pub employee_id: Option<String>,
    pub name_zh: Option<String>,
    pub name_en: Option<String>,
    pub position: Option<String>,
    /// `M` or `F`.
    pub sex: Option<String>,
    /// The main one first; the department that was asked when WeLink names none.
    pub departments: Vec<DeptCode>,
}

impl fmt::Debug for PersonRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonRow")
            .field("user_id", &self.user_id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl DepartmentRow {
    /// As the planner takes it, without what only the bridge knows.
    pub fn as_copy(&self) -> CopyDepartment<'_> {
        CopyDepartment {
            code: self.code.as_str(),
            parent: self.parent.as_str(),
            name: &self.name_zh,
            corp_code: text(self.corp_code.as_ref()),
            order: self.order,
            ..CopyDepartment::default()
        }
    }

    /// `asked` is the parent where the question was about direct children only. `None` = not a row of the contract.
    pub(super) fn read(row: &Reply, asked: Option<&DeptCode>) -> Option<Self> {
        let code = |name: &str| row.text(name).map(|code| DeptCode::parse(&code));
        let parent = match code("parentCode").or_else(|| code("fatherCode")) {
            Some(parent) => parent.ok()?,
            None => asked?.clone(),
        };
        let name_en = row.text("deptNameEn");
        Some(Self {
            code: code("deptCode")?.ok()?,
            parent,
            corp_code: row.text("corpDeptCode"),
            name_zh: row.text("deptNameCn").or_else(|| name_en.clone()).unwrap_or_default(),
            name_en,
            order: row.integer("orderNo").and_then(|order| u16::try_from(order).ok()).unwrap_or(0),
        })
    }
}

impl PersonRow {
    /// As the planner takes it, without what only the bridge knows. `departments` is [`Self::department_codes`].
    pub fn as_copy<'a>(&'a self, departments: &'a [&'a str]) -> CopyPerson<'a> {
        CopyPerson {
            user: self.user_id.as_str(),
            corp_user: text(self.corp_user_id.as_ref()),
            name_zh: text(self.name_zh.as_ref()),
            name_en: text(self.name_en.as_ref()),
            mobile: text(self.mobile.as_ref()),
            email: text(self.email.as_ref()),
            employee: text(self.employee_id.as_ref()),
            position: text(self.position.as_ref()),
            sex: text(self.sex.as_ref()),
            departments,
            ..CopyPerson::default()
        }
    }

    pub fn department_codes(&self) -> Vec<&str> {
        self.departments.iter().map(DeptCode::as_str).collect()
    }

    /// Whether there is an account: closed ones (userStatus 4) may still be listed (welink-api.md 16, 5B.2).
    pub fn is_closed(&self) -> bool {
        self.status == Status::Closed
    }

    /// Both generations of the record. `Ok(None)` = a person who is only stored and has no account id; `Err` = not a
    /// row of the contract.
    pub(super) fn read(row: &Reply, asked: Option<&DeptCode>) -> Result<Option<Self>, Malformed> {
        let Some(user) = row.text("userId") else {
            // Something that names a person has to be there.
            let named = ["corpUserId", "mobileNumber", "userNameCn"].iter().any(|name| row.text(name).is_some());
            return if named { Ok(None) } else { Err(Malformed) };
        };
        let code = |code: String| DeptCode::parse(&code).map_err(|_| Malformed);
        let main = row.text("mainDeptCode").or_else(|| row.text("deptCode")).map(code).transpose()?;
        let mut departments: Vec<DeptCode> = main.into_iter().collect();
        for listed in row.list("deptCodes") {
            let listed = code(listed)?;
            if !departments.contains(&listed) {
                departments.push(listed);
            }
        }
        if departments.is_empty() {
            departments.extend(asked.cloned());
        }
        Ok(Some(Self {
            user_id: WeLinkUserId::parse(&user).map_err(|_| Malformed)?,
            status: status(row.integer("userStatus")),
            corp_user_id: row.text("corpUserId"),
            mobile: row.text("mobileNumber"),
            email: row.text("userEmail"),
            employee_id: row.text("employeeId"),
            name_zh: row.text("userNameCn"),
            name_en: row.text("userNameEn"),
            position: row.text("position"),
            sex: row.text("sex"),
            departments,
        }))
    }
}

/// A row that is none of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

fn text(field: Option<&String>) -> &str {
    field.map_or("", String::as_str)
}
