//! Reading users and units through SCIM (oa-api.md C.1, rules 1, 3 and 8).

use std::collections::BTreeMap;

use domain::ids::OaUserId;
use domain::time::Timestamp;
use serde::de::IgnoredAny;
use url::Url;

use super::client::{CALL_TIMEOUT, Format, PAGE_TIMEOUT};
use super::scim::{List, Resource, ServiceProviderConfig, WireUser};
use super::{Generic, Urls};
use crate::model::{MatchField, OaUser, mobile_e164};
use crate::port::{Cursor, MATCHES_MAX, OaError, Page, Read};

/// Items of a page at most, whatever the server offers.
const PAGE_ITEMS_MAX: u32 = 200;
/// Items of a full read at most; ten times the largest organisation we know of.
const ITEMS_MAX: u64 = 500_000;
/// Complete passes until a consistent one is given up.
const PASSES_MAX: u32 = 3;
/// A read of changes begins this much before the last change seen: two changes of one instant may become visible apart.
const OVERLAP_MS: i64 = 5 * 60 * 1000;
/// Bytes of a value that is searched for at most.
const VALUE_BYTES_MAX: usize = 256;

/// What the server says about itself, asked once.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerProfile {
    pub(super) filter: bool,
    pub(super) page_items_max: u32,
}

/// One pass over all pages.
struct Pass<R> {
    by_id: BTreeMap<String, R>,
    /// The `totalResults` of every page; `None` when they differ.
    total: Option<u64>,
}

impl Generic {
    /// A server without `/ServiceProviderConfig` may filter all the same: every answer is checked.
    pub(super) async fn profile(&self) -> Result<ServerProfile, OaError> {
        let ask = || async {
            let url = Urls::under(&self.urls.scim, &["ServiceProviderConfig"]);
            let config = self.client.get::<ServiceProviderConfig>(&url, Format::Scim, CALL_TIMEOUT).await?;
            let filter = config.as_ref().is_none_or(|c| c.filter.supported);
            let offered = config.and_then(|c| c.filter.max_results).filter(|&n| n > 0);
            let page_items_max = offered.unwrap_or(PAGE_ITEMS_MAX).min(PAGE_ITEMS_MAX);
            Ok(ServerProfile { filter, page_items_max })
        };
        self.profile.get_or_try_init(ask).await.copied()
    }

    /// Whether there is `/OrgUnits`; a plain SCIM server has none.
    pub(super) async fn has_units(&self) -> Result<bool, OaError> {
        let mut url = Urls::under(&self.urls.scim, &["OrgUnits"]);
        set_query(&mut url, &[("startIndex", "1"), ("count", "1")]);
        Ok(self.client.get::<List<IgnoredAny>>(&url, Format::Scim, PAGE_TIMEOUT).await?.is_some())
    }

    pub(super) async fn read_user(&self, id: &OaUserId) -> Result<Option<OaUser>, OaError> {
        // A path cannot name these two: it would end at the collection.
        if matches!(id.as_str(), "." | "..") {
            return Ok(None);
        }
        let url = Urls::under(&self.urls.scim, &["Users", id.as_str()]);
        match self.client.get::<WireUser>(&url, Format::Scim, CALL_TIMEOUT).await? {
            None => Ok(None),
            Some(wire) if wire.id() == id.as_str() => wire.canonical().map(Some),
            Some(_) => Err(OaError::Malformed("it is about another user".to_owned())),
        }
    }

    pub(super) async fn search_users(&self, field: MatchField, value: &str) -> Result<Vec<OaUser>, OaError> {
        let value = value.trim();
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            return Ok(Vec::new());
        }
        let mut found = BTreeMap::new();
        for spelling in spellings(field, value) {
            for wire in self.search(field, &spelling).await? {
                // A server that ignores filters answers with everybody; taking its first user would sign in a stranger.
                if !wire.answers(field, &spelling) {
                    return Err(OaError::Malformed("it does not follow the filter".to_owned()));
                }
                let user = wire.canonical()?;
                if matches(&user, field, &spelling) {
                    found.insert(user.id.clone(), user);
                }
            }
        }
        Ok(found.into_values().take(MATCHES_MAX).collect())
    }

    async fn search(&self, field: MatchField, value: &str) -> Result<Vec<WireUser>, OaError> {
        let filter = equals(attribute(field), value);
        let count = MATCHES_MAX.to_string();
        let mut url = Urls::under(&self.urls.scim, &["Users"]);
        set_query(&mut url, &[("filter", &filter), ("startIndex", "1"), ("count", &count)]);
        let list = self.client.get::<List<WireUser>>(&url, Format::Scim, CALL_TIMEOUT).await?;
        Ok(list.ok_or_else(missing::<WireUser>)?.resources)
    }

    pub(super) async fn read_page<R: Resource>(&self, read: &Read) -> Result<Page<R::Canonical>, OaError> {
        let (list, next) = self.page::<R>(read).await?;
        let newest = list.resources.iter().filter_map(Resource::changed).max();
        let items = list.resources.into_iter().map(Resource::canonical).collect::<Result<_, _>>()?;
        Ok(Page { items, next, total: list.total_results, newest })
    }

    /// Repeats the pass until every page names the same total and the distinct ids seen are as many: pages shift while
    /// people come and go, and a read that lost a person must not be taken for his departure. The last total alone, as
    /// rule 1 has it, is not enough: one removal between two pages hides one person and lowers the total by one, which
    /// adds up.
    pub(super) async fn read_all<R: Resource>(&self) -> Result<Vec<R::Canonical>, OaError> {
        for _ in 0..PASSES_MAX {
            let pass = self.pass::<R>().await?;
            if u64::try_from(pass.by_id.len()).ok() == pass.total {
                return pass.by_id.into_values().map(Resource::canonical).collect();
            }
        }
        Err(OaError::Malformed(format!("{PASSES_MAX} reads of /{} did not give as many as it counts", R::PATH)))
    }

    async fn pass<R: Resource>(&self) -> Result<Pass<R>, OaError> {
        let mut pass = Pass { by_id: BTreeMap::new(), total: None };
        let mut read = Read::default();
        // Every page moves on by one item at least, and the total is bounded: so is this loop.
        for _ in 0..=ITEMS_MAX {
            let (list, next) = self.page::<R>(&read).await?;
            let steady = read.cursor.is_none() || pass.total == Some(list.total_results);
            pass.total = steady.then_some(list.total_results);
            pass.by_id.extend(list.resources.into_iter().map(|r| (r.id().to_owned(), r)));
            if next.is_none() {
                break;
            }
            read.cursor = next;
        }
        Ok(pass)
    }

    async fn page<R: Resource>(&self, read: &Read) -> Result<(List<R>, Option<Cursor>), OaError> {
        let count = self.profile().await?.page_items_max;
        let start: u64 = match &read.cursor {
            None => 1,
            Some(Cursor(text)) => text.parse().map_err(|_| OaError::Malformed("the cursor is not ours".to_owned()))?,
        };
        let (start_text, count_text) = (start.to_string(), count.to_string());
        let mut query = vec![("startIndex", start_text.as_str()), ("count", count_text.as_str())];
        let filter = read.changed_since.map(changed_since).transpose()?;
        query.extend(filter.as_deref().map(|f| ("filter", f)));
        let mut url = Urls::under(&self.urls.scim, &[R::PATH]);
        set_query(&mut url, &query);
        let list = self.client.get::<List<R>>(&url, Format::Scim, PAGE_TIMEOUT).await?;
        let list = list.ok_or_else(missing::<R>)?;
        if list.total_results > ITEMS_MAX || list.resources.len() > usize::try_from(count).unwrap_or(usize::MAX) {
            return Err(OaError::Malformed(format!("/{} gives more than was asked for or can be read", R::PATH)));
        }
        let next = next_start(start, &list).map(|n| Cursor(n.to_string()));
        Ok((list, next))
    }
}

/// Rule 1: on by `itemsPerPage`, or by what came if that is absent; the smaller of the two, as a server that names the
/// size it was asked for instead of the size it gave would make us skip people. An empty page ends the pass.
fn next_start<R>(start: u64, list: &List<R>) -> Option<u64> {
    let came = u64::try_from(list.resources.len()).unwrap_or(u64::MAX);
    let step = list.items_per_page.filter(|&n| n > 0).map_or(came, |n| n.min(came));
    let next = start.saturating_add(step);
    (step > 0 && next <= list.total_results).then_some(next)
}

fn missing<R: Resource>() -> OaError {
    OaError::Refused(format!("there is no /{} under scim_base", R::PATH))
}

fn attribute(field: MatchField) -> &'static str {
    match field {
        MatchField::LoginName => "userName",
        MatchField::WorkCode => "urn:cloudbridge:params:scim:schemas:1.0:OaUser:workCode",
        // Without the type, which some servers cannot filter by; the answer is checked for it.
        MatchField::Mobile => "phoneNumbers.value",
        MatchField::Email => "emails.value",
    }
}

/// An OA may store a Chinese mobile number with or without `+86`.
fn spellings(field: MatchField, value: &str) -> Vec<String> {
    let MatchField::Mobile = field else { return vec![value.to_owned()] };
    let Some(full) = mobile_e164(value) else { return Vec::new() };
    let bare = full.strip_prefix("+86").filter(|rest| rest.len() == 11).map(str::to_owned);
    std::iter::once(full).chain(bare).collect()
}

fn matches(user: &OaUser, field: MatchField, value: &str) -> bool {
    match field {
        // What was found by userName is found: the login name that people see may differ from it.
        MatchField::LoginName => true,
        MatchField::WorkCode => user.work_code.as_deref() == Some(value),
        MatchField::Mobile => user.mobile.is_some() && user.mobile == mobile_e164(value),
        MatchField::Email => user.email.as_deref() == Some(value.to_lowercase().as_str()),
    }
}

/// A comparison value is a JSON string (RFC 7644, 3.4.2.2): JSON's escaping is the filter's, so that no quote or
/// backslash in a value ends it.
fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", serde_json::Value::from(value))
}

fn changed_since(since: Timestamp) -> Result<String, OaError> {
    let instant = jiff::Timestamp::from_millisecond(since.plus_ms(-OVERLAP_MS).0)
        .map_err(|_| OaError::Malformed("the time of its last change is out of range".to_owned()))?;
    Ok(format!("meta.lastModified ge \"{instant}\""))
}

/// Spaces as `%20`: a strict server reads `+` in a filter as a plus sign. A plus sign of a value is `%2B` already.
fn set_query(url: &mut Url, pairs: &[(&str, &str)]) {
    url.query_pairs_mut().clear().extend_pairs(pairs);
    let query = url.query().unwrap_or_default().replace('+', "%20");
    url.set_query(Some(&query));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        for (value, want) in [
            ("lihua", r#"userName eq "lihua""#),
            (r#"x" or userName pr or userName eq ""#, r#"userName eq "x\" or userName pr or userName eq \"""#),
            (r"x\", r#"userName eq "x\\""#),
            ("x\n李", "userName eq \"x\\n李\""),
        ] {
            assert_eq!(equals("userName", value), want);
        }
    }

    #[test]
    fn a_page_moves_on_by_what_came() {
        let list = |total: u64, items_per_page, came: usize| List {
            total_results: total,
            items_per_page,
            resources: vec![(); came],
        };
        for (list, want) in [
            (list(5, Some(2), 2), Some(3)),
            (list(5, None, 2), Some(3)),
            (list(5, Some(200), 2), Some(3)),
            (list(5, Some(0), 2), Some(3)),
            (list(2, Some(2), 2), None),
            (list(5, Some(200), 0), None),
            (list(0, None, 0), None),
        ] {
            assert_eq!(next_start(1, &list), want, "{list:?}");
        }
    }

    #[test]
    fn an_instant_is_written_as_scim_reads_it() {
        let filter = changed_since(Timestamp(1_767_225_600_000)).unwrap();
        assert_eq!(filter, "meta.lastModified ge \"2025-12-31T23:55:00Z\"");
    }
}
