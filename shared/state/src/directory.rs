//! The directory (bridge copy): departments, listings and searches of people. The indexes behind it follow the items
//! by some milliseconds; what guards something reads the item itself.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Select};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::fold::folded;
use domain::ids::{DeptCode, EnterpriseId, OaUserId, WeLinkUserId};
use domain::model::{Department, DeptLink, Link, Person, PersonSource, PersonStatus};
use serde::{Deserialize, Serialize};

use crate::index::{self, BY_ACCOUNT, BY_DEPARTMENT, BY_NAME, Index, Range};
use crate::keys;
use crate::store::{Item, Store, StoreError, read, text, unavailable};
use crate::table::{PARTITION_KEY, SORT_KEY};

/// Rows of a listing's page.
pub const PAGE_ROWS: usize = 50;
/// Rows that a filtered page looks at; a row is a few hundred bytes, so this stays far below 1 MB.
const FILTERED_ROWS_MAX: usize = 1_000;
/// Links of one page: they are read to be worked on, not to be looked at.
pub const PAGE_LINKS: usize = 500;
/// Pages of a count: 200 MB of links.
const COUNT_PAGES_MAX: usize = 200;
/// Departments that are read at once.
pub const DEPARTMENTS_AT_ONCE: usize = 100;

/// Where a listing goes on: a sort key and nothing else. The partition always comes from the ids of the request, so a
/// forged cursor leads nowhere but to another place of the same listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

impl Cursor {
    /// Reads what [`std::fmt::Display`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let sort = String::from_utf8(bytes).ok()?;
        (!sort.is_empty() && sort.len() <= 1_024).then_some(Self(sort))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

/// A person as a listing shows him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    pub user_id: WeLinkUserId,
    #[serde(default)]
    pub name_zh: String,
    #[serde(default)]
    pub name_en: String,
    pub source: PersonSource,
    #[serde(default)]
    pub status: PersonStatus,
    #[serde(default)]
    pub link: Option<Link>,
}

/// A department as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepartmentRow {
    pub code: DeptCode,
    #[serde(default)]
    pub name_zh: String,
    #[serde(default)]
    pub name_en: String,
    /// The solid dot (product.md M70).
    #[serde(default)]
    pub link: Option<DeptLink>,
}

/// One page of what stands below a department; its child departments come first.
#[derive(Debug, Clone, PartialEq)]
pub struct DepartmentPage {
    pub departments: Vec<DepartmentRow>,
    pub people: Vec<PersonRow>,
    pub next: Option<Cursor>,
}

/// One page of people.
#[derive(Debug, Clone, PartialEq)]
pub struct PeoplePage {
    pub people: Vec<PersonRow>,
    pub next: Option<Cursor>,
}

/// Which people a listing shows; `None` = all. Departments are always shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    pub linked: Option<bool>,
    /// `true` = those who are missing in WeLink.
    pub missing: Option<bool>,
}

impl Filter {
    /// The filter as the table understands it, by attributes that the index has; departments pass.
    fn expression(self, index: Index) -> Option<String> {
        let linked = self.linked.map(|yes| if yes { "attribute_exists(#link.oa_user)" } else { UNLINKED });
        let missing = self.missing.map(|yes| if yes { "attribute_exists(#status.#missing)" } else { PRESENT });
        let both: Vec<&str> = linked.into_iter().chain(missing).collect();
        let people = (!both.is_empty()).then(|| both.join(" AND "))?;
        Some(if index == BY_DEPARTMENT { format!("attribute_exists(#code) OR ({people})") } else { people })
    }
}

const UNLINKED: &str = "attribute_not_exists(#link.oa_user)";
const PRESENT: &str = "attribute_not_exists(#status.#missing)";

/// Rows of an index in their order, with the sort key up to which there are no others.
struct Rows {
    rows: Vec<(String, Item)>,
    /// `None` = up to the end.
    known_to: Option<String>,
}

impl Store {
    pub async fn department(
        &self,
        enterprise: &EnterpriseId,
        code: &DeptCode,
    ) -> Result<Option<Department>, StoreError> {
        self.get(&keys::department(enterprise, code)).await
    }

    /// Those of the departments that exist, in one request; at most [`DEPARTMENTS_AT_ONCE`] are looked for.
    pub async fn departments(
        &self,
        enterprise: &EnterpriseId,
        codes: &[DeptCode],
    ) -> Result<Vec<Department>, StoreError> {
        let mut wanted: Vec<&DeptCode> = codes.iter().collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.truncate(DEPARTMENTS_AT_ONCE);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let key = |code: &&DeptCode| {
            let key = keys::department(enterprise, code);
            HashMap::from([(PARTITION_KEY.to_owned(), text(key.pk)), (SORT_KEY.to_owned(), text(key.sk))])
        };
        let all = wanted.iter().map(key).collect();
        let asked = KeysAndAttributes::builder().set_keys(Some(all)).consistent_read(true).build();
        let request = self.client.batch_get_item().request_items(&*self.name, asked.map_err(unavailable)?);
        let answer = request.send().await.map_err(unavailable)?;
        if answer.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(StoreError::Unavailable("a batch of reads was cut".to_owned()));
        }
        let found = answer.responses.and_then(|mut tables| tables.remove(&*self.name)).unwrap_or_default();
        found.into_iter().map(read).collect()
    }

    /// Writes a department: a new one has version 0, a changed one the version after the one that was read. Renaming
    /// and moving are changes. `false` when somebody else was first. The run that writes it keeps the record of it.
    pub async fn put_department(&self, department: &Department) -> Result<bool, StoreError> {
        let item = index::department_item(department)?;
        match department.version.checked_sub(1) {
            None => self.put_if(item, "attribute_not_exists(pk)", None).await,
            Some(seen) => self.put_if(item, "version = :seen", Some((":seen", crate::store::number(seen)))).await,
        }
    }

    /// Removes a department that still has this version; `false` when it has another one. One that is not there is
    /// removed. Its people and children are the caller's business.
    pub async fn remove_department(
        &self,
        enterprise: &EnterpriseId,
        code: &DeptCode,
        version: u64,
    ) -> Result<bool, StoreError> {
        let condition = "attribute_not_exists(pk) OR version = :seen";
        self.delete_if(&keys::department(enterprise, code), condition, (":seen", crate::store::number(version))).await
    }

    /// What stands directly below a department: child departments by their order, then the people whose main
    /// department it is, by name.
    pub async fn department_page(
        &self,
        enterprise: &EnterpriseId,
        code: &DeptCode,
        filter: Filter,
        cursor: Option<&Cursor>,
    ) -> Result<DepartmentPage, StoreError> {
        let partition = keys::listing_partition(enterprise, code);
        let rows = self.rows(BY_DEPARTMENT, &partition, &Range::listing(), filter, cursor).await?;
        let (rows, next) = page(vec![rows]);
        let (mut departments, mut people) = (Vec::new(), Vec::new());
        for row in rows {
            if row.contains_key("user_id") {
                people.push(read(row)?);
            } else {
                departments.push(read(row)?);
            }
        }
        Ok(DepartmentPage { departments, people, next })
    }

    /// People by a text: an account with its `@` in full, a beginning of a name, or a beginning of an account. A text
    /// in Latin letters is taken for an account unless it has a space. An empty text finds all, by account.
    pub async fn search_people(
        &self,
        enterprise: &EnterpriseId,
        asked: &str,
        filter: Filter,
        cursor: Option<&Cursor>,
    ) -> Result<PeoplePage, StoreError> {
        let wanted = folded(asked);
        if wanted.contains('@') {
            return self.exactly(enterprise, asked.trim(), filter).await;
        }
        let is_name = !wanted.is_ascii() || wanted.contains(' ');
        let lists = if is_name {
            let partition = index::names_partition(enterprise, &wanted);
            vec![self.rows(BY_NAME, &partition, &Range::prefix(&wanted), filter, cursor).await?]
        } else {
            self.by_account(enterprise, &Range::prefix(&wanted), filter, cursor).await?
        };
        let (rows, next) = page(lists);
        Ok(PeoplePage { people: rows.into_iter().map(read).collect::<Result<_, _>>()?, next })
    }

    /// People without a link, by account.
    pub async fn unlinked(&self, enterprise: &EnterpriseId, cursor: Option<&Cursor>) -> Result<PeoplePage, StoreError> {
        let filter = Filter { linked: Some(false), missing: None };
        self.search_people(enterprise, "", filter, cursor).await
    }

    async fn exactly(
        &self,
        enterprise: &EnterpriseId,
        account: &str,
        filter: Filter,
    ) -> Result<PeoplePage, StoreError> {
        let person = match WeLinkUserId::parse(account) {
            Ok(user) => self.person(enterprise, &user).await?,
            Err(_) => None,
        };
        let fits = |person: &Person| {
            filter.linked.is_none_or(|linked| linked == person.link.is_some())
                && filter.missing.is_none_or(|missing| missing == (person.status != PersonStatus::Active))
        };
        Ok(PeoplePage { people: person.filter(fits).map(row_of).into_iter().collect(), next: None })
    }

    /// The people with a link and those without one stand apart: both are asked unless the filter names one.
    async fn by_account(
        &self,
        enterprise: &EnterpriseId,
        range: &Range,
        filter: Filter,
        cursor: Option<&Cursor>,
    ) -> Result<Vec<Rows>, StoreError> {
        let rest = Filter { linked: None, ..filter };
        let mut lists = Vec::new();
        for linked in [true, false] {
            if filter.linked.is_none_or(|wanted| wanted == linked) {
                let partition = keys::accounts_partition(enterprise, linked);
                lists.push(self.rows(BY_ACCOUNT, &partition, range, rest, cursor).await?);
            }
        }
        Ok(lists)
    }

    async fn rows(
        &self,
        index: Index,
        partition: &str,
        range: &Range,
        filter: Filter,
        cursor: Option<&Cursor>,
    ) -> Result<Rows, StoreError> {
        let after = cursor.map(|cursor| cursor.0.as_str()).filter(|after| *after > range.from.as_str());
        // A cursor beyond the range, which no answer gave out, finds nothing.
        if after.is_some_and(|after| after > range.to.as_str()) {
            return Ok(Rows { rows: Vec::new(), known_to: None });
        }
        let expression = filter.expression(index);
        // The row at the cursor comes once more and is passed over; another one more tells whether there are any.
        let limit = if expression.is_some() { FILTERED_ROWS_MAX } else { PAGE_ROWS + 2 };
        let mut request = self
            .client
            .query()
            .table_name(&*self.name)
            .index_name(index.name)
            .key_condition_expression("#p = :p AND #s BETWEEN :from AND :to")
            .expression_attribute_names("#p", index.partition)
            .expression_attribute_names("#s", index.sort)
            .expression_attribute_values(":p", text(partition))
            .expression_attribute_values(":from", text(after.unwrap_or(&range.from)))
            .expression_attribute_values(":to", text(&range.to))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        if let Some(expression) = expression {
            for (name, attribute) in
                [("#code", "code"), ("#link", "link"), ("#status", "status"), ("#missing", "missing")]
            {
                if expression.contains(name) {
                    request = request.expression_attribute_names(name, attribute);
                }
            }
            request = request.filter_expression(expression);
        }
        let answer = request.send().await.map_err(unavailable)?;
        let sort = |item: &HashMap<String, AttributeValue>| item.get(index.sort)?.as_s().ok().cloned();
        let known_to = answer.last_evaluated_key.as_ref().and_then(sort);
        let items = answer.items.unwrap_or_default().into_iter();
        let rows = items.filter_map(|item| Some((sort(&item)?, item)));
        Ok(Rows { rows: rows.filter(|(sort, _)| Some(sort.as_str()) != after).collect(), known_to })
    }

    /// How many links the enterprise has.
    pub async fn count_links(&self, enterprise: &EnterpriseId) -> Result<u64, StoreError> {
        let partition = keys::links_partition(enterprise);
        let (mut count, mut start) = (0, None);
        for _ in 0..COUNT_PAGES_MAX {
            let query = self.query(&partition).select(Select::Count).set_exclusive_start_key(start);
            let page = query.send().await.map_err(unavailable)?;
            count += u64::try_from(page.count).unwrap_or_default();
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
        Err(StoreError::Unavailable(format!("more than {COUNT_PAGES_MAX} pages of links")))
    }

    /// Who is linked to whom, by OA user, [`PAGE_LINKS`] at a time. A consistent read: what bulk work goes by.
    pub async fn links(
        &self,
        enterprise: &EnterpriseId,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<(OaUserId, WeLinkUserId)>, Option<Cursor>), StoreError> {
        let mut query = self.query(&keys::links_partition(enterprise)).limit(i32::try_from(PAGE_LINKS).unwrap_or(1));
        if let Some(Cursor(after)) = cursor {
            query = query.key_condition_expression("pk = :pk AND sk > :after");
            query = query.expression_attribute_values(":after", text(after));
        }
        let page = query.send().await.map_err(unavailable)?;
        let next = page.last_evaluated_key.and_then(|key| key.get(SORT_KEY)?.as_s().ok().cloned()).map(Cursor);
        let links = page.items.unwrap_or_default().into_iter().map(crate::link::sides).collect::<Result<_, _>>()?;
        Ok((links, next))
    }
}

/// Joins lists into one page in their common order. Beyond the point where one list is cut the others must wait.
fn page(lists: Vec<Rows>) -> (Vec<Item>, Option<Cursor>) {
    let known_to = lists.iter().filter_map(|list| list.known_to.clone()).min();
    let mut rows: Vec<(String, Item)> = lists.into_iter().flat_map(|list| list.rows).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(end) = &known_to {
        rows.retain(|(sort, _)| sort <= end);
    }
    let next = if rows.len() > PAGE_ROWS { Some(rows[PAGE_ROWS - 1].0.clone()) } else { known_to };
    rows.truncate(PAGE_ROWS);
    (rows.into_iter().map(|(_, item)| item).collect(), next.map(Cursor))
}

fn row_of(person: Person) -> PersonRow {
    let Person { user_id, name_zh, name_en, source, status, link, .. } = person;
    PersonRow { user_id, name_zh, name_en, source, status, link }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(sorts: &[usize], known_to: Option<usize>) -> Rows {
        let sort = |n: usize| format!("{n:04}");
        let row = |n: &usize| (sort(*n), Item::from([("n".to_owned(), text(sort(*n)))]));
        Rows { rows: sorts.iter().map(row).collect(), known_to: known_to.map(sort) }
    }

    fn check(lists: Vec<Rows>, want: std::ops::Range<usize>, next: Option<usize>) {
        let (items, cursor) = page(lists);
        let found: Vec<String> = items.iter().map(|item| item["n"].as_s().unwrap().clone()).collect();
        assert_eq!(found, want.map(|n| format!("{n:04}")).collect::<Vec<_>>());
        assert_eq!(cursor, next.map(|n| Cursor(format!("{n:04}"))));
    }

    #[test]
    fn two_lists_make_one_page_in_order() {
        let (even, odd): (Vec<_>, Vec<_>) = (0..40).partition(|n| n % 2 == 0);
        check(vec![rows(&even, None), rows(&odd, None)], 0..40, None);
        let (even, odd): (Vec<_>, Vec<_>) = (0..100).partition(|n| n % 2 == 0);
        check(vec![rows(&even, None), rows(&odd, None)], 0..50, Some(49));
        // The first list is cut at 9: what the second has beyond it must not come before what the first may have.
        let first: Vec<_> = (0..10).collect();
        let second: Vec<_> = (10..30).collect();
        check(vec![rows(&first, Some(9)), rows(&second, None)], 0..10, Some(9));
        check(vec![rows(&[], Some(5)), rows(&[], None)], 0..0, Some(5));
    }

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let cursor = Cursor("李华#lihua@welink".to_owned());
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for bad in ["", "%", "====", "_w"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn filters_let_departments_pass() {
        assert_eq!(Filter::default().expression(BY_DEPARTMENT), None);
        let unlinked = Filter { linked: Some(false), missing: None };
        let below = unlinked.expression(BY_DEPARTMENT).unwrap();
        assert_eq!(below, "attribute_exists(#code) OR (attribute_not_exists(#link.oa_user))");
        assert_eq!(unlinked.expression(BY_NAME).as_deref(), Some(UNLINKED));
    }
}
