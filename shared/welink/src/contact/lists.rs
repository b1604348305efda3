//! Whole lists, page by page, with the ways in which WeLink's lists are not what they seem (welink-api.md 4.1, 4.2,
//! 4.5).
//!
//! - The old department list does not read the root recursively: its first level is read, then what is below each.
//! - `offset` is a page number. `hasMore` can be stuck at 1, so a page with fewer rows than asked ends a list that has
//!   no total; where there is a total, the rows must come to it.
//! - Nothing there is an empty page, or code 47012, or 47009, which is also a passing failure and so asked about twice.

use domain::ids::DeptCode;
use domain::sync::Family;
use serde::{Deserialize, Serialize};

use crate::client::{Ask, WeLink};
use crate::contact::rows::{DepartmentRow, PersonRow};
use crate::error::WeLinkError;
use crate::shared::{Credentials, Shared};
use crate::wire::Reply;

const DEPARTMENTS: &str = "/api/contact/v2/department/list";
const DEPARTMENTS_OLD: &str = "/api/contact/v3/departments/list";
const DEPARTMENTS_OLDER: &str = "/api/contact/v2/departments/list";
const PEOPLE: &str = "/api/contact/v2/user/list";
const PEOPLE_OLD: &str = "/api/contact/v1/user/users";
/// Departments of a page at most (welink-api.md 12).
const DEPARTMENTS_MAX: u32 = 100;
/// People of a page at most (welink-api.md 12).
const PEOPLE_MAX: u32 = 50;
/// Pages of one list at most: a million departments, half a million people of one department.
const PAGES_MAX: u32 = 10_000;
/// Nothing is there.
const EMPTY: [&str; 2] = ["47012", "47009"];

/// Why a list could not be read whole. Nothing that was read of it may be taken for the whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A call failed; its error says what to do. The cursor has not moved, so the page may be asked for again.
    #[error(transparent)]
    Call(#[from] WeLinkError),
    /// WeLink's total and its rows differ, or the total changed between two pages: begin again.
    #[error("WeLink lists {listed} of {promised} below department {below}")]
    Incomplete { below: DeptCode, listed: u32, promised: u32 },
    /// The same page came twice under two numbers.
    #[error("WeLink repeats a page below department {below}")]
    Repeating { below: DeptCode },
    /// A row that is none of the contract.
    #[error("WeLink lists something below department {below} that cannot be read")]
    BadRow { below: DeptCode },
    /// More pages than any company has.
    #[error("the list below department {below} does not end")]
    Endless { below: DeptCode },
}

impl ReadError {
    /// Whether the same page may be asked for again; the other errors ask for a new read.
    pub fn keeps_cursor(&self) -> bool {
        matches!(self, Self::Call(_))
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Rows without an account id: people who are stored and were never opened.
    pub without_id: u32,
    /// There is no further page: everything has been given out.
    pub done: bool,
}

/// Where one list stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Listing {
    below: DeptCode,
    /// Everything below, not the direct children alone.
    recursive: bool,
    /// Next page, from 1.
    page: u32,
    listed: u32,
    /// WeLink's total, where the interface has one.
    promised: Option<u32>,
    /// Id of the first row of the page before.
    first: Option<String>,
}

impl Listing {
    fn new(below: DeptCode, recursive: bool) -> Self {
        Self { below, recursive, page: 1, listed: 0, promised: None, first: None }
    }
}

/// Reads all departments of the enterprise: [`WeLink::departments_page`] until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepartmentCursor {
    family: Family,
    /// The older of the two old lists, where the newer is not there.
    older: bool,
    at: Option<Listing>,
    /// First-level departments whose subtree has not been read (old family).
    waiting: Vec<DeptCode>,
    /// Total and rows of the root's own level (old family).
    root: Option<(u32, u32)>,
    listed: u32,
}

impl DepartmentCursor {
    pub fn new(family: Family) -> Self {
        let root = Listing::new(DeptCode::root(), family == Family::New);
        Self { family, older: false, at: Some(root), waiting: Vec::new(), root: None, listed: 0 }
    }

    /// Departments given out so far.
    pub fn listed(&self) -> u32 {
        self.listed
    }

    fn list(&self) -> List {
        match self.family {
            Family::New => List { interface: DEPARTMENTS, rows: "data", size: DEPARTMENTS_MAX, total: None },
            Family::Old => {
                let interface = if self.older { DEPARTMENTS_OLDER } else { DEPARTMENTS_OLD };
                List { interface, rows: "departmentInfo", size: DEPARTMENTS_MAX, total: Some("totalCount") }
            }
        }
    }

    /// Goes on after a page; true when everything is there.
    fn advance(&mut self, at: Listing, ended: bool, rows: &[DepartmentRow]) -> Result<bool, ReadError> {
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.listed = self.listed.saturating_add(count);
        if self.family == Family::Old && !at.recursive {
            self.waiting.extend(rows.iter().map(|row| row.code.clone()));
        }
        if !ended {
            self.at = Some(at);
            return Ok(false);
        }
        if self.family == Family::Old && at.below.is_root() {
            self.root = at.promised.map(|promised| (promised, at.listed));
        }
        self.at = self.waiting.pop().map(|code| Listing::new(code, true));
        if self.at.is_some() {
            return Ok(false);
        }
        // The root's total is that of its own level, or of everything (welink-api.md 16, 4.1).
        match self.root {
            Some((promised, level)) if promised != level && promised != self.listed => {
                Err(ReadError::Incomplete { below: DeptCode::root(), listed: self.listed, promised })
            }
            _ => Ok(true),
        }
    }
}

/// Reads the direct members of one department: [`WeLink::people_page`] until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleCursor {
    family: Family,
    at: Option<Listing>,
}

impl PeopleCursor {
    /// `department` may be the root.
    pub fn new(family: Family, department: DeptCode) -> Self {
        Self { family, at: Some(Listing::new(department, true)) }
    }

    fn list(&self) -> List {
        match self.family {
            Family::New => List { interface: PEOPLE, rows: "data", size: PEOPLE_MAX, total: None },
            Family::Old => List { interface: PEOPLE_OLD, rows: "data", size: PEOPLE_MAX, total: Some("total") },
        }
    }
}

/// One interface that lists.
struct List {
    interface: &'static str,
    /// Field of the rows.
    rows: &'static str,
    /// Rows of a page at most.
    size: u32,
    /// Field of the total.
    total: Option<&'static str>,
}

impl List {
    fn ask(&self, at: &Listing) -> Ask {
        let (page, size) = if self.interface == DEPARTMENTS_OLD || self.interface == DEPARTMENTS_OLDER {
            ("offset", "limit")
        } else {
            ("pageNo", "pageSize")
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("deptCode", at.below.as_str());
        if self.size == DEPARTMENTS_MAX {
            query.append_pair("recursiveflag", if at.recursive { "1" } else { "0" });
        }
        query.append_pair(page, &at.page.to_string()).append_pair(size, &self.size.to_string());
        let query = platform::secret::Secret::new(query.finish());
        Ask { query: Some(query), lists: true, ..Ask::get(self.interface) }
    }

    /// What one answer means for the list: its rows, and whether they were the last ones.
    fn read(&self, at: &mut Listing, mut reply: Reply) -> Result<(Vec<Reply>, bool), ReadError> {
        let below = || at.below.clone();
        let number = |name: &str| reply.integer(name).and_then(|number| u32::try_from(number).ok());
        let total = self.total.and_then(number);
        let size = ["pageSize", "limit"].into_iter().find_map(number).filter(|size| *size > 0);
        let size = size.unwrap_or(self.size).min(self.size);
        let no_more = self.total.is_none() && reply.integer("hasMore") == Some(0);
        let rows = reply.take_rows(self.rows).ok_or_else(|| ReadError::BadRow { below: below() })?;
        let first = rows.first().and_then(|row| row.text("userId").or_else(|| row.text("deptCode")));
        if first.is_some() && first == at.first {
            return Err(ReadError::Repeating { below: below() });
        }
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        at.listed = at.listed.saturating_add(count);
        at.first = first;
        at.page += 1;
        if let (Some(before), Some(now)) = (at.promised, total)
            && before != now
        {
            return Err(ReadError::Incomplete { below: below(), listed: at.listed, promised: now });
        }
        at.promised = at.promised.or(total);
        let short = count < size || no_more;
        let ended = match at.promised {
            // The total of a list that is not recursive may be that of the whole subtree.
            Some(promised) if !at.recursive => at.listed >= promised || short,
            Some(promised) => at.listed >= promised || count == 0,
            None => short,
        };
        at.verify(ended)?;
        Ok((rows, ended))
    }
}

impl Listing {
    /// A list that has ended holds what was promised; one that goes on, goes on within bounds.
    fn verify(&self, ended: bool) -> Result<(), ReadError> {
        match self.promised {
            Some(promised) if ended && self.recursive && promised != self.listed => {
                Err(ReadError::Incomplete { below: self.below.clone(), listed: self.listed, promised })
            }
            _ if !ended && self.page > PAGES_MAX => Err(ReadError::Endless { below: self.below.clone() }),
            _ => Ok(()),
        }
    }
}

impl<S: Shared> WeLink<S> {
    /// The next page of all departments; the root is not among them. On an error the cursor stands where it stood.
    /// After the last page it gives out empty ones.
    pub async fn departments_page(
        &self,
        c: &Credentials,
        cursor: &mut DepartmentCursor,
    ) -> Result<Page<DepartmentRow>, ReadError> {
        let Some(mut at) = cursor.at.clone() else { return Ok(Page { rows: Vec::new(), without_id: 0, done: true }) };
        let mut page = self.page(c, &cursor.list(), &mut at).await;
        if cursor.family == Family::Old
            && !cursor.older
            && page.as_ref().is_err_and(|error| matches!(error, ReadError::Call(call) if is_absent(call)))
        {
            let older = DepartmentCursor { older: true, ..cursor.clone() };
            page = self.page(c, &older.list(), &mut at).await;
            cursor.older = page.is_ok();
        }
        let (rows, ended) = page?;
        let asked = Some(&at.below).filter(|_| !at.recursive);
        let bad = || ReadError::BadRow { below: at.below.clone() };
        let rows = rows.iter().map(|row| DepartmentRow::read(row, asked).ok_or_else(bad));
        let mut rows: Vec<DepartmentRow> = rows.collect::<Result<_, _>>()?;
        rows.retain(|row| !row.code.is_root());
        let mut next = cursor.clone();
        let done = next.advance(at, ended, &rows)?;
        *cursor = next;
        Ok(Page { rows, without_id: 0, done })
    }

    /// The next page of a department's direct members. On an error the cursor stands where it stood. A person of
    /// several departments is listed in each of them.
    pub async fn people_page(&self, c: &Credentials, cursor: &mut PeopleCursor) -> Result<Page<PersonRow>, ReadError> {
        let Some(mut at) = cursor.at.clone() else { return Ok(Page { rows: Vec::new(), without_id: 0, done: true }) };
        let (replies, done) = self.page(c, &cursor.list(), &mut at).await?;
        let (mut rows, mut without_id) = (Vec::with_capacity(replies.len()), 0);
        for reply in &replies {
            match PersonRow::read(reply, Some(&at.below)) {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => without_id += 1,
                Err(_) => return Err(ReadError::BadRow { below: at.below }),
            }
        }
        cursor.at = Some(at).filter(|_| !done);
        Ok(Page { rows, without_id, done })
    }

    async fn page(&self, c: &Credentials, list: &List, at: &mut Listing) -> Result<(Vec<Reply>, bool), ReadError> {
        let mut answer = self.0.call(c, &list.ask(at)).await;
        if answer.as_ref().is_err_and(|error| error.code() == Some("47009")) {
            answer = self.0.call(c, &list.ask(at)).await;
        }
        match answer {
            Ok(reply) => list.read(at, reply),
            Err(WeLinkError::Refused { code, .. }) if EMPTY.contains(&code.as_str()) => {
                at.verify(true)?;
                Ok((Vec::new(), true))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// No such address, or not applied for.
fn is_absent(error: &WeLinkError) -> bool {
    matches!(error.code(), Some("404" | "501"))
}
