//! The directory (bridge copy): what the indexes find, page by page, and how an older table gets them.

use domain::audit::Action;
use domain::ids::{DeptCode, EnterpriseId, OaUnitId, OaUserId, RANDOM_CHARS, TENANT_CHARS, TenantId, WeLinkUserId};
use domain::model::{
    Department, DeptLink, Link, LinkOrigin, OaDepartment, OaUnitKind, Person, PersonSource, PersonStatus, Stamp,
};
use domain::time::Timestamp;
use state::Store;
use state::directory::{Cursor, Filter, PeoplePage};
use state::link::Bound;
use tests::world::{LINKED, World};

fn user(name: &str) -> WeLinkUserId {
    WeLinkUserId::parse(&format!("{name}@welink")).unwrap()
}

fn code(text: &str) -> DeptCode {
    DeptCode::parse(text).unwrap()
}

/// An enterprise of its own within the world's tenant.
fn empty_enterprise(world: &World) -> EnterpriseId {
    EnterpriseId::from_random(world.tenant(), [3; RANDOM_CHARS])
}

fn person(enterprise: &EnterpriseId, login: &str, name: &str, departments: &[&str]) -> Person {
    Person {
        name_zh: name.to_owned(),
        departments: departments.iter().map(|dept| code(dept)).collect(),
        ..Person::new(enterprise.clone(), user(login), PersonSource::Admin, Timestamp(1))
    }
}

fn department(enterprise: &EnterpriseId, own: &str, parent: &str, name: &str, order: u32) -> Department {
    Department {
        enterprise: enterprise.clone(),
        code: code(own),
        parent: Some(code(parent)),
        name_zh: name.to_owned(),
        name_en: String::new(),
        corp_code: String::new(),
        order,
        link: None,
        status: PersonStatus::Active,
        updated: Timestamp(1),
        version: 0,
    }
}

fn link(oa_user: &str) -> Link {
    let bound = Stamp { at: Timestamp(1), by: "test".to_owned() };
    Link { oa_user: OaUserId::parse(oa_user).unwrap(), login_id: String::new(), origin: LinkOrigin::Card, bound }
}

async fn create(world: &World, person: &Person, linked: Option<&str>) {
    let store = world.running.bridge.store();
    let entry = entry(world, Action::PersonCreate);
    match linked {
        Some(oa_user) => {
            let bound = store.create_linked_person(person, &link(oa_user), &entry).await.unwrap();
            assert_eq!(bound, Bound::Done);
        }
        None => assert!(store.create_person(person, &entry).await.unwrap()),
    }
}

fn entry(world: &World, action: Action) -> domain::audit::Entry {
    world.running.bridge.entry(world.tenant().clone(), action, "test", "test", "")
}

fn accounts(page: &PeoplePage) -> Vec<&str> {
    page.people.iter().map(|row| row.user_id.as_str().trim_end_matches("@welink")).collect()
}

async fn found(store: &Store, enterprise: &EnterpriseId, text: &str) -> Vec<String> {
    let page = store.search_people(enterprise, text, Filter::default(), None).await.unwrap();
    accounts(&page).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_department_lists_its_children_by_order_and_its_people_by_name() {
    let world = World::start().await;
    let (store, enterprise) = (world.running.bridge.store(), empty_enterprise(&world));
    for (own, parent, name, order) in [("20", "0", "乙部", 2), ("10", "0", "甲部", 10), ("21", "20", "丙组", 1)] {
        assert!(store.put_department(&department(&enterprise, own, parent, name, order)).await.unwrap());
    }
    create(&world, &person(&enterprise, "b", "李华", &["20", "10"]), Some("1")).await;
    create(&world, &person(&enterprise, "a", "李华", &["20"]), None).await;
    create(&world, &person(&enterprise, "c", "丁一", &["20"]), None).await;
    create(&world, &person(&enterprise, "nowhere", "戊二", &[]), None).await;
    let root = store.department_page(&enterprise, &DeptCode::root(), Filter::default(), None).await.unwrap();
    assert_eq!(root.departments.iter().map(|d| d.code.as_str()).collect::<Vec<_>>(), ["20", "10"]);
    assert_eq!(root.people.iter().map(|p| p.user_id.as_str()).collect::<Vec<_>>(), ["nowhere@welink"]);
    let page = store.department_page(&enterprise, &code("20"), Filter::default(), None).await.unwrap();
    assert_eq!(page.departments.iter().map(|d| d.name_zh.as_str()).collect::<Vec<_>>(), ["丙组"]);
    let people: Vec<_> = page.people.iter().map(|p| (p.user_id.as_str(), p.link.is_some())).collect();
    assert_eq!(people, [("c@welink", false), ("a@welink", false), ("b@welink", true)]);
    assert_eq!(page.next, None);
    // A filter leaves the tree as it is.
    let unlinked = Filter { linked: Some(false), missing: None };
    let page = store.department_page(&enterprise, &code("20"), unlinked, None).await.unwrap();
    assert_eq!((page.departments.len(), page.people.len()), (1, 2));
}

#[tokio::test]
async fn a_department_is_written_only_over_what_was_read() {
    let world = World::start().await;
    let (store, enterprise) = (world.running.bridge.store(), empty_enterprise(&world));
    let first = department(&enterprise, "20", "0", "甲部", 1);
    assert!(store.put_department(&first).await.unwrap());
    assert!(store.put_department(&first).await.unwrap(), "the same write again");
    assert!(!store.put_department(&Department { name_zh: "别的".to_owned(), ..first.clone() }).await.unwrap());
    let bound = Stamp { at: Timestamp(2), by: "test".to_owned() };
    let oa_department = OaDepartment { kind: OaUnitKind::Department, id: OaUnitId::parse("d-12").unwrap() };
    let dot = Some(DeptLink { oa_department, bound });
    let renamed = Department { name_zh: "乙部".to_owned(), link: dot.clone(), version: 1, ..first.clone() };
    assert!(store.put_department(&renamed).await.unwrap());
    assert!(!store.put_department(&Department { name_zh: "丙部".to_owned(), ..renamed.clone() }).await.unwrap());
    assert_eq!(store.department(&enterprise, &code("20")).await.unwrap(), Some(renamed.clone()));
    // Moving it takes it away from where it stood.
    let moved = Department { parent: Some(code("10")), version: 2, ..renamed };
    assert!(store.put_department(&moved).await.unwrap());
    let list = async |parent: &str| {
        let page = store.department_page(&enterprise, &code(parent), Filter::default(), None).await.unwrap();
        page.departments.into_iter().map(|d| (d.name_zh, d.link)).collect::<Vec<_>>()
    };
    assert_eq!(list("0").await, []);
    assert_eq!(list("10").await, [("乙部".to_owned(), dot)]);
    assert!(!store.remove_department(&enterprise, &code("20"), 1).await.unwrap());
    assert!(store.remove_department(&enterprise, &code("20"), 2).await.unwrap());
    assert!(store.remove_department(&enterprise, &code("20"), 2).await.unwrap(), "it is gone already");
    assert_eq!(list("10").await, []);
    let known = store.departments(&enterprise, &[code("20"), code("10")]).await.unwrap();
    assert_eq!(known, []);
}

#[tokio::test]
async fn people_are_found_by_account_and_by_name_in_any_width_and_case() {
    let world = World::start().await;
    let (store, enterprise) = (world.running.bridge.store(), empty_enterprise(&world));
    create(&world, &person(&enterprise, "lihua", "李华", &[]), Some("1")).await;
    create(&world, &person(&enterprise, "lihua2", "李华明", &[]), None).await;
    create(&world, &person(&enterprise, "LiMing", "黎明", &[]), None).await;
    let foreign = Person { name_en: "John Smith".to_owned(), ..person(&enterprise, "js0042", "", &[]) };
    create(&world, &foreign, None).await;
    assert_eq!(found(store, &enterprise, "李").await, ["lihua", "lihua2"]);
    assert_eq!(found(store, &enterprise, " 李华 ").await, ["lihua", "lihua2"]);
    assert_eq!(found(store, &enterprise, "李华明").await, ["lihua2"]);
    assert_eq!(found(store, &enterprise, "LI").await, ["lihua2", "lihua", "LiMing"]);
    assert_eq!(found(store, &enterprise, "ｌｉｍ").await, ["LiMing"]);
    assert_eq!(found(store, &enterprise, "lihua@welink").await, ["lihua"]);
    assert_eq!(found(store, &enterprise, "john s").await, ["js0042"]);
    assert_eq!(found(store, &enterprise, "js").await, ["js0042"]);
    assert_eq!(found(store, &enterprise, "王").await, Vec::<String>::new());
    assert_eq!(found(store, &enterprise, "").await, ["js0042", "lihua2", "lihua", "LiMing"]);
    let other = EnterpriseId::from_random(&TenantId::from_random([9; TENANT_CHARS]), [3; RANDOM_CHARS]);
    assert_eq!(found(store, &other, "李").await, Vec::<String>::new());
    let linked = Filter { linked: Some(true), missing: None };
    for text in ["", "li", "李", "lihua@welink"] {
        let page = store.search_people(&enterprise, text, linked, None).await.unwrap();
        assert_eq!(accounts(&page), ["lihua"], "{text}");
    }
}

#[tokio::test]
async fn binding_and_unbinding_move_a_person_between_the_lists() {
    let world = World::start().await;
    let (store, enterprise) = (world.running.bridge.store(), empty_enterprise(&world));
    for n in 0..4 {
        create(&world, &person(&enterprise, &format!("p{n}"), "人", &[]), None).await;
    }
    let unlinked = async || {
        let page = store.unlinked(&enterprise, None).await.unwrap();
        accounts(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(unlinked().await, ["p0", "p1", "p2", "p3"]);
    for n in 0..3 {
        let made = link(&format!("oa{n}"));
        let bound = store.bind(&enterprise, &user(&format!("p{n}")), &made, &entry(&world, Action::Bind)).await;
        assert_eq!(bound.unwrap(), Bound::Done);
    }
    assert_eq!(unlinked().await, ["p3"]);
    assert_eq!(store.count_links(&enterprise).await.unwrap(), 3);
    let gone = OaUserId::parse("oa1").unwrap();
    let unbound = store.unbind(&enterprise, &user("p1"), &gone, &entry(&world, Action::Unbind)).await.unwrap();
    assert_eq!(unbound, Bound::Done);
    assert_eq!(unlinked().await, ["p1", "p3"]);
    let (links, next) = store.links(&enterprise, None).await.unwrap();
    let links: Vec<_> = links.iter().map(|(oa_user, person)| (oa_user.as_str(), person.as_str())).collect();
    assert_eq!((links, next), (vec![("oa0", "p0@welink"), ("oa2", "p2@welink")], None));
    // What the listing shows of a link is the link.
    let row = store.search_people(&enterprise, "p0", Filter::default(), None).await.unwrap().people.remove(0);
    assert_eq!(row.link, Some(link("oa0")));
}

#[tokio::test]
async fn pages_hold_fifty_and_together_everybody_once() {
    let world = World::start().await;
    let (store, enterprise) = (world.running.bridge.store(), empty_enterprise(&world));
    let linked = |n: usize| n.is_multiple_of(3).then(|| format!("oa{n}"));
    for n in 0..130 {
        let mut person = person(&enterprise, &format!("p{n:03}"), "张三", &["20"]);
        if n % 10 == 0 {
            person.status = PersonStatus::Missing { since: Timestamp(5) };
        }
        create(&world, &person, linked(n).as_deref()).await;
    }
    for n in 0..3 {
        let child = department(&enterprise, &format!("2{n}"), "20", "组", n);
        assert!(store.put_department(&child).await.unwrap());
    }
    let everybody: Vec<String> = (0..130).map(|n| format!("p{n:03}@welink")).collect();
    for text in ["", "p", "张"] {
        let (mut all, mut cursor, mut sizes) = (Vec::new(), None::<Cursor>, Vec::new());
        loop {
            let page = store.search_people(&enterprise, text, Filter::default(), cursor.as_ref()).await.unwrap();
            sizes.push(page.people.len());
            all.extend(page.people.into_iter().map(|row| row.user_id.as_str().to_owned()));
            // As a client hands it back.
            let Some(next) = page.next else { break };
            cursor = Cursor::parse(&next.to_string());
        }
        assert_eq!((all, sizes), (everybody.clone(), vec![50, 50, 30]), "{text}");
    }
    let (mut people, mut cursor, mut departments) = (0, None, 0);
    loop {
        let page = store.department_page(&enterprise, &code("20"), Filter::default(), cursor.as_ref()).await.unwrap();
        assert!(page.people.len() + page.departments.len() <= 50);
        (people, departments) = (people + page.people.len(), departments + page.departments.len());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((departments, people), (3, 130));
    let count = async |linked, missing| {
        let filter = Filter { linked, missing };
        let page = store.search_people(&enterprise, "张三", filter, None).await.unwrap();
        page.people.len()
    };
    let both = (0..130).filter(|n| n % 3 == 0 && n % 10 == 0).count();
    assert_eq!(count(Some(true), Some(true)).await, both);
    assert_eq!(count(None, Some(true)).await, 13);
    assert_eq!(count(Some(true), None).await, 44);
    // A cursor of another listing, or of nobody, shows no more than this listing has.
    for forged in ["T#0000000000#E#x#U", "~", "\u{10ffff}\u{10ffff}"] {
        let cursor = Cursor::parse(&base64_of(forged)).unwrap();
        let page = store.search_people(&enterprise, "p", Filter::default(), Some(&cursor)).await.unwrap();
        assert!(page.people.iter().all(|row| everybody.contains(&row.user_id.as_str().to_owned())));
    }
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

/// What the first release wrote: a table without indexes, people without index attributes.
const RELEASE_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/release-1");
/// The port that the sample's demonstration was made for.
const RELEASE_1_PORT: u16 = 9417;

/// A folder with the data and the keys of the first release; whoever copies keys sees to it that nobody else reads
/// them.
fn release_1() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(RELEASE_1).unwrap() {
        let entry = entry.unwrap();
        let copy = folder.path().join(entry.file_name());
        std::fs::copy(entry.path(), &copy).unwrap();
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

#[tokio::test]
async fn dep_05_data_of_the_first_release_is_read_and_its_people_are_listed() {
    let folder = release_1();
    let world = World::again(folder.path(), RELEASE_1_PORT).await;
    let (store, enterprise) = (world.running.bridge.store(), world.enterprise().clone());
    // He had signed in once under the first release, and does so again.
    let before = store.person(&enterprise, &user(LINKED)).await.unwrap().unwrap();
    assert_eq!((before.sign_ins.len(), before.departments.len()), (1, 0));
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.status, http::StatusCode::OK, "{}", page.body);
    assert_eq!(store.person(&enterprise, &user(LINKED)).await.unwrap().unwrap().sign_ins.len(), 2);
    // Everybody is in the listings: 57 with a link, and one who came without.
    assert_eq!(found(store, &enterprise, "李华").await, [LINKED]);
    assert_eq!(found(store, &enterprise, "qin").await, ["qinfeng"]);
    assert_eq!(accounts(&store.unlinked(&enterprise, None).await.unwrap()), ["qinfeng"]);
    assert_eq!(store.count_links(&enterprise).await.unwrap(), 57);
    let root = store.department_page(&enterprise, &DeptCode::root(), Filter::default(), None).await.unwrap();
    assert!(root.people.len() == 50 && root.next.is_some());
    // Once is enough, and doing it again changes nothing.
    let (mut seen, mut from) = (0, None);
    loop {
        let done = store.reindex(&enterprise, from.as_ref()).await.unwrap();
        assert_eq!(done.written, 0);
        (seen, from) = (seen + done.seen, done.next);
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen, 58);
    world.running.stop().await.unwrap();
    let again = World::again(folder.path(), RELEASE_1_PORT).await;
    assert_eq!(found(again.running.bridge.store(), &enterprise, "李华").await, [LINKED]);
}

/// `docs/decisions/0006-directory-indexes.md`, costs.
#[tokio::test]
async fn the_indexes_cost_what_the_decision_says() {
    use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
    let world = World::start().await;
    let (store, enterprise) = (world.running.bridge.store(), empty_enterprise(&world));
    let put = async |item| {
        let put = store.client().put_item().table_name(store.table_name()).set_item(Some(item));
        let answer = put.return_consumed_capacity(ReturnConsumedCapacity::Indexes).send().await.unwrap();
        let used = answer.consumed_capacity.unwrap().global_secondary_indexes.unwrap_or_default();
        used.values().filter_map(|units| units.capacity_units).sum::<f64>()
    };
    let person_costs = async |person: &Person| put(state::index::person_item(person).unwrap()).await;
    let first = person(&enterprise, "lihua", "李华", &["20"]);
    let mut costs = vec![person_costs(&first).await];
    let unseen = Person { mobile: "1".to_owned(), title: "t".to_owned(), no_auto_bind: true, ..first.clone() };
    let linked = Person { link: Some(link("1")), ..unseen.clone() };
    let moved = Person { departments: vec![code("30")], ..linked.clone() };
    let missing = Person { status: PersonStatus::Missing { since: Timestamp(1) }, ..moved.clone() };
    let renamed = Person { name_zh: "王华".to_owned(), ..missing.clone() };
    for person in [unseen, linked, moved, missing, renamed] {
        costs.push(person_costs(&person).await);
    }
    assert_eq!(costs, [3.0, 0.0, 4.0, 2.0, 3.0, 5.0]);
    let first = department(&enterprise, "20", "0", "甲部", 1);
    let renamed = Department { name_zh: "乙部".to_owned(), ..first.clone() };
    let mut costs = Vec::new();
    for department in [first, renamed] {
        costs.push(put(state::index::department_item(&department).unwrap()).await);
    }
    assert_eq!(costs, [1.0, 2.0]);
}
