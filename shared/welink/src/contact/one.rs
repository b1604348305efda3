//! One person or department, and the translation of many ids (welink-api.md 4.3, 4.4).

use std::collections::BTreeMap;

use domain::ids::{DeptCode, WeLinkUserId};
use domain::sync::Family;
use serde_json::json;

use crate::api::{NOBODY, query};
use crate::client::{Ask, WeLink};
use crate::contact::lists::ReadError;
use crate::contact::rows::{DepartmentRow, PersonRow};
use crate::error::WeLinkError;
use crate::shared::{Credentials, Shared};
use crate::wire::Reply;

const PERSON: &str = "/api/contact/v2/user/detail";
const PERSON_OLD: &str = "/api/contact/v1/users";
const DEPARTMENT: &str = "/api/contact/v2/department/detail";
const DEPARTMENT_OLD: &str = "/api/contact/v1/departments";
const ACCOUNTS: &str = "/api/contact/v1/users/accounts";
/// Ids of one question at most (welink-api.md 4.4).
pub const ACCOUNTS_MAX: usize = 50;
/// The answers for a department that is not there.
const NOTHING: [&str; 3] = ["47012", "47009", "47002"];

/// What a person is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonKey<'a> {
    User(&'a WeLinkUserId),
    /// `corpUserId`.
    Corp(&'a str),
}

impl PersonKey<'_> {
    fn pair(&self) -> (&'static str, &str) {
        match self {
            Self::User(user) => ("userId", user.as_str()),
            Self::Corp(corp) => ("corpUserId", corp),
        }
    }
}

impl<S: Shared> WeLink<S> {
    /// One person, or `None` when WeLink does not know him or the app may not see him.
    pub async fn person(
        &self,
        c: &Credentials,
        family: Family,
        key: PersonKey<'_>,
    ) -> Result<Option<PersonRow>, ReadError> {
        let (name, id) = key.pair();
        let ask = match family {
            Family::New => Ask::post(PERSON, json!({ name: id }).to_string()),
            Family::Old => Ask { query: Some(query(name, id)), ..Ask::get(PERSON_OLD) },
        };
        let Some(reply) = there(self.0.call(c, &ask).await, &NOBODY)? else { return Ok(None) };
        let row = PersonRow::read(&reply, None);
        // An answer about somebody else is none.
        let asked = reply.text(name).is_none_or(|found| found.eq_ignore_ascii_case(id));
        row.ok().filter(|_| asked).ok_or_else(|| WeLinkError::Malformed.into())
    }

    /// One department, or `None` when there is none of that code or the app may not see it.
    pub async fn department(
        &self,
        c: &Credentials,
        family: Family,
        code: &DeptCode,
    ) -> Result<Option<DepartmentRow>, ReadError> {
        let ask = match family {
            Family::New => Ask { query: Some(query("deptCode", code.as_str())), lists: true, ..Ask::get(DEPARTMENT) },
            Family::Old => {
                let encoded: String = url::form_urlencoded::byte_serialize(code.as_str().as_bytes()).collect();
                Ask { tail: Some(format!("/{encoded}")), lists: true, ..Ask::get(DEPARTMENT_OLD) }
            }
        };
        let Some(reply) = there(self.0.call(c, &ask).await, &NOTHING)? else { return Ok(None) };
        let row = DepartmentRow::read(&reply, None).filter(|row| row.code == *code);
        row.map(Some).ok_or_else(|| WeLinkError::Malformed.into())
    }

    /// WeLink's ids of up to [`ACCOUNTS_MAX`] people by their `corpUserId`; whom WeLink does not know is left out.
    pub async fn accounts(
        &self,
        c: &Credentials,
        corp_users: &[&str],
    ) -> Result<BTreeMap<String, WeLinkUserId>, ReadError> {
        let mut found = BTreeMap::new();
        for part in corp_users.chunks(ACCOUNTS_MAX) {
            let ask = Ask { lists: true, ..Ask::post(ACCOUNTS, json!({ "corpUserId": part }).to_string()) };
            let Some(mut reply) = there(self.0.call(c, &ask).await, &NOBODY)? else { continue };
            for row in reply.take_rows("userInfo").ok_or(WeLinkError::Malformed)? {
                let user = row.text("userId").and_then(|user| WeLinkUserId::parse(&user).ok());
                if let (Some(corp), Some(user)) = (row.text("corpUserId"), user) {
                    found.insert(corp, user);
                }
            }
        }
        Ok(found)
    }
}

fn there(answer: Result<Reply, WeLinkError>, nothing: &[&str]) -> Result<Option<Reply>, ReadError> {
    match answer {
        Ok(reply) => Ok(Some(reply)),
        Err(WeLinkError::Refused { code, .. }) if nothing.contains(&code.as_str()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
