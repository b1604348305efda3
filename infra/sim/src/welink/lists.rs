//! Lists of departments and people in both generations, page by page (welink-api.md 4.1 to 4.6).

use serde_json::Value;

use super::ROOT_DEPT;
use super::answer::{Answer, Fields, Refusal, put, put_list};
use super::contact_settings::{Closed, EmptyPage};
use super::model::{Department, Member, MemberStatus};
use super::records;
use super::world::{Call, Caller, World};

/// Departments and people of a page at most (welink-api.md 12).
const DEPARTMENTS_MAX: usize = 100;
const PEOPLE_MAX: usize = 50;
const PEOPLE_USUAL: usize = 10;
/// Ids of one question at most (welink-api.md 4.4).
const ACCOUNTS_MAX: usize = 50;

/// One page of some rows.
struct Page<'w, T> {
    number: usize,
    size: usize,
    total: usize,
    rows: Vec<&'w T>,
}

impl<'w, T> Page<'w, T> {
    fn of(all: Vec<&'w T>, number: &str, size: &str, usual: usize, max: usize) -> Self {
        let read = |text: &str, usual: usize| text.parse().unwrap_or(usual).max(1);
        let (number, size) = (read(number, 1), read(size, usual).min(max));
        let total = all.len();
        let rows = all.into_iter().skip((number - 1).saturating_mul(size)).take(size).collect();
        Self { number, size, total, rows }
    }

    /// The envelope of the newer lists.
    fn more(&self, world: &World) -> Fields {
        let more = world.settings.contact.has_more_stuck || self.number.saturating_mul(self.size) < self.total;
        let numbers = [("pageNo", self.number), ("pageSize", self.size), ("hasMore", usize::from(more))];
        numbers.into_iter().map(|(name, number)| (name.to_owned(), Value::from(number))).collect()
    }

    /// The envelope of the older lists of people.
    fn total(&self) -> Fields {
        let pages = self.total.div_ceil(self.size);
        let numbers = [("pageNo", self.number), ("pages", pages), ("pageSize", self.size), ("total", self.total)];
        numbers.into_iter().map(|(name, number)| (name.to_owned(), Value::from(number))).collect()
    }
}

/// Puts the rows in, or says in one of the ways of welink-api.md 16 that there are none.
fn with_rows(world: &World, mut fields: Fields, name: &str, rows: Vec<Value>) -> Answer {
    match &world.settings.contact.empty_page {
        _ if !rows.is_empty() => {}
        EmptyPage::Absent => return Ok(fields),
        EmptyPage::List => {}
        EmptyPage::Code(code) => return Err(Refusal::new(code.clone())),
    }
    fields.insert(name.to_owned(), Value::from(rows));
    Ok(fields)
}

fn known(caller: Option<&Caller>) -> Result<&Caller, Refusal> {
    caller.ok_or_else(|| Refusal::new("47101"))
}

/// The department that a request names by either code; 47003 when it names none, 47012 when there is none.
fn named<'w>(world: &'w World, call: &'w Call, caller: &Caller) -> Result<&'w str, Refusal> {
    let (code, corp) = (call.param("deptCode"), call.param("corpDeptCode"));
    if code == ROOT_DEPT || (code.is_empty() && corp == ROOT_DEPT) {
        return Ok(ROOT_DEPT);
    }
    if code.is_empty() && corp.is_empty() {
        return Err(Refusal::new("47003"));
    }
    let found = if code.is_empty() {
        world.departments.by_corp(&caller.tenant_id, corp)
    } else {
        world.departments.get(&caller.tenant_id, code)
    };
    let found = found.ok_or_else(|| Refusal::new("47012"))?;
    if world.sees_department(caller, found) {
        Ok(&found.dept_code)
    } else {
        Err(Refusal::new(world.settings.out_of_range_code.clone()))
    }
}

/// What an app sees below a department. What it sees below something that it does not see hangs where it hangs.
fn departments_below<'w>(world: &'w World, caller: &Caller, parent: &str, recursive: bool) -> Vec<&'w Department> {
    let orphans = world.settings.contact.orphans_listed;
    let tenant = &caller.tenant_id;
    let all = if recursive {
        world.departments.below(tenant, parent)
    } else {
        world.departments.children(tenant, parent).collect()
    };
    let shown = |department: &&Department| {
        let parent_shown = || {
            let mut path = world.departments.path(tenant, &department.parent_code).into_iter();
            path.all(|code| {
                world.departments.get(tenant, code).is_some_and(|above| world.sees_department(caller, above))
            })
        };
        world.sees_department(caller, department) && (orphans || parent_shown())
    };
    all.into_iter().filter(shown).collect()
}

/// `GET /api/contact/v2/department/list`, and v1 (welink-api.md 4.2).
pub(super) fn departments(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let world: &World = world;
    let caller = known(caller)?;
    let parent = named(world, call, caller)?;
    let all = departments_below(world, caller, parent, call.param("recursiveflag") == "1");
    let page = Page::of(all, call.param("pageNo"), call.param("pageSize"), DEPARTMENTS_MAX, DEPARTMENTS_MAX);
    let rows = page.rows.iter().map(|one| Value::Object(records::department(world, caller, one))).collect();
    with_rows(world, page.more(world), "data", rows)
}

/// `GET /api/contact/v3/departments/list` and v2: the root shows its first level only, whatever is asked
/// (welink-api.md 4.1).
pub(super) fn departments_old(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let world: &World = world;
    let caller = known(caller)?;
    if call.param("recursiveflag").is_empty() {
        return Err(Refusal::new("47003"));
    }
    let parent = named(world, call, caller)?;
    let recursive = call.param("recursiveflag") == "1" && parent != ROOT_DEPT;
    let all = departments_below(world, caller, parent, recursive);
    let total = if !recursive && world.settings.contact.total_counts_everything {
        departments_below(world, caller, parent, true).len()
    } else {
        all.len()
    };
    let page = Page::of(all, call.param("offset"), call.param("limit"), DEPARTMENTS_MAX, DEPARTMENTS_MAX);
    let mut fields = Fields::new();
    for (name, number) in [("offset", page.number), ("limit", page.size), ("totalCount", total)] {
        fields.insert(name.to_owned(), Value::from(number));
    }
    let rows = page.rows.iter().map(|one| Value::Object(records::department_old(world, caller, one))).collect();
    with_rows(world, fields, "departmentInfo", rows)
}

/// `GET /api/contact/v2/department/detail`, and v1 (welink-api.md 4.3).
pub(super) fn department(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let world: &World = world;
    let caller = known(caller)?;
    let code = named(world, call, caller)?;
    let found = world.departments.get(&caller.tenant_id, code).ok_or_else(|| Refusal::new("47012"))?;
    Ok(records::department(world, caller, found))
}

/// `GET /api/contact/v1/departments/{deptcode}` (welink-api.md 4.3).
pub(super) fn department_old(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let world: &World = world;
    let caller = known(caller)?;
    let code = named(world, call, caller)?;
    let found = world.departments.get(&caller.tenant_id, code).ok_or_else(|| Refusal::new("47012"))?;
    let mut fields = Fields::new();
    put(&mut fields, "deptCode", Some(&found.dept_code));
    put(&mut fields, "corpDeptCode", found.corp_dept_code.as_deref());
    put(&mut fields, "deptNameCn", Some(&found.name_zh));
    put(&mut fields, "deptNameEn", Some(&found.name_en));
    put(&mut fields, "parentCode", Some(&found.parent_code));
    put(&mut fields, "managerAccount", found.heads.first().map(String::as_str));
    Ok(fields)
}

/// The direct members of a department whom the app sees.
fn members<'w>(world: &'w World, call: &Call, caller: &Caller) -> Result<Vec<&'w Member>, Refusal> {
    let code = named(world, call, caller)?;
    let listed = |member: &&Member| {
        let closed = member.status == MemberStatus::Closed && world.settings.contact.closed != Closed::Listed;
        !closed && world.sees_member(caller, member)
    };
    Ok(world.members.in_department(&caller.tenant_id, code).filter(listed).collect())
}

type Row = fn(&World, &Caller, &Member) -> Fields;

fn people_page(world: &World, call: &Call, caller: Option<&Caller>, totals: bool, row: Row) -> Answer {
    let caller = known(caller)?;
    let all = members(world, call, caller)?;
    let page = Page::of(all, call.param("pageNo"), call.param("pageSize"), PEOPLE_USUAL, PEOPLE_MAX);
    let fields = if totals { page.total() } else { page.more(world) };
    let rows = page.rows.iter().map(|one| Value::Object(row(world, caller, one))).collect();
    with_rows(world, fields, "data", rows)
}

/// `GET /api/contact/v2/user/list`, and v1 (welink-api.md 4.5).
pub(super) fn people(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    people_page(world, call, caller, false, records::person)
}

/// `GET /api/contact/v1/user/users` (welink-api.md 4.5).
pub(super) fn people_old(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    people_page(world, call, caller, true, records::person_old)
}

/// `GET /api/contact/v2/user/userid` (welink-api.md 4.5).
pub(super) fn people_ids(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    people_page(world, call, caller, true, records::simple)
}

/// `GET /api/contact/v1/user/simplelist` (welink-api.md 4.5).
pub(super) fn people_simple(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    people_page(world, call, caller, false, records::simple)
}

/// `POST /api/contact/v1/users/accounts`: whom it does not know it leaves out (welink-api.md 4.4).
pub(super) fn accounts(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = known(caller)?;
    let asked = call.body.as_ref().and_then(|body| body.get("corpUserId")).and_then(Value::as_array);
    let asked = asked.filter(|asked| !asked.is_empty()).ok_or_else(|| Refusal::new("47003"))?;
    if asked.len() > ACCOUNTS_MAX {
        return Err(Refusal::new("47013"));
    }
    let find = |corp: &Value| {
        let member = world.members.by_corp(&caller.tenant_id, corp.as_str()?)?;
        let open = member.status != MemberStatus::Closed && world.sees_member(caller, member);
        open.then(|| {
            let mut fields = Fields::new();
            put(&mut fields, "userId", Some(&member.user_id));
            put(&mut fields, "corpUserId", member.corp_user_id.as_deref());
            Value::Object(fields)
        })
    };
    let rows: Vec<Value> = asked.iter().filter_map(find).collect();
    Ok([("userInfo".to_owned(), Value::from(rows))].into_iter().collect())
}

/// `GET /api/weopen/v1/userscope`: the visible range of the app (welink-api.md 4.6).
pub(super) fn user_scope(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = known(caller)?;
    let app = world.apps.get(&caller.client_id).ok_or_else(|| Refusal::new("500"))?;
    let all: Vec<&Member> =
        world.members_of(&caller.tenant_id).filter(|member| app.range.holds(&member.user_id)).collect();
    let page = Page::of(all, call.param("page"), call.param("pageSize"), PEOPLE_USUAL, PEOPLE_MAX);
    let mut data = Fields::new();
    let everyone = matches!(app.range, super::VisibleRange::Everyone);
    data.insert("userScopeType".to_owned(), Value::from(u8::from(!everyone)));
    let users: Vec<String> = page.rows.iter().map(|member| member.user_id.clone()).collect();
    if !everyone {
        put_list(&mut data, "userIds", &users);
        let numbers = [("page", page.number), ("pageSize", page.size), ("totalCount", page.total)];
        let numbers: Fields = numbers.into_iter().map(|(name, n)| (name.to_owned(), Value::from(n))).collect();
        data.insert("userIdsPagination".to_owned(), Value::Object(numbers));
    }
    Ok([("data".to_owned(), Value::Object(data))].into_iter().collect())
}
