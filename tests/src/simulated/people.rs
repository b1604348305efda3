//! Who works in the two companies, and how each stands.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use domain::audit::Action;
use domain::ids::{OaUserId, WeLinkUserId};
use domain::model::{Link, LinkOrigin, Person, PersonSource, Stamp};
use signin::Bridge;
use sim::company::Company;
use sim::welink::{MemberStatus, VisibleRange, WeLink};

use super::Side;

/// How a member stands with the bridge and with WeLink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Linked,
    /// Linked at first; an administrator unbinds and binds him again while he signs in.
    Wavering,
    Unlinked,
    /// Not linked, and outside the app's visible range.
    OutOfRange,
    /// Linked, and his WeLink account is closed.
    Left,
}

/// A member of one of the two WeLink companies.
#[derive(Debug, Clone)]
pub struct Member {
    pub side: usize,
    /// Account in WeLink.
    pub user: WeLinkUserId,
    pub standing: Standing,
    /// The OA account that is his while he is linked.
    pub oa_user: OaUserId,
    pub login: String,
}

const FIRST: [Standing; 12] = [
    Standing::Linked,
    Standing::Linked,
    Standing::Linked,
    Standing::Linked,
    Standing::Linked,
    Standing::Linked,
    Standing::Left,
    Standing::Wavering,
    Standing::Unlinked,
    Standing::Unlinked,
    Standing::OutOfRange,
    Standing::Left,
];
const SECOND: [Standing; 7] = [
    Standing::Linked,
    Standing::Linked,
    Standing::Linked,
    Standing::Linked,
    Standing::Left,
    Standing::Unlinked,
    Standing::OutOfRange,
];
/// The second company's people begin here, so that some WeLink accounts are named alike in both companies.
const SECOND_BEGINS: usize = 3;

/// The unlinked member of the first company whose mobile another OA account has too.
const AMBIGUOUS: usize = 9;

/// The company of one side: the demonstration company, cut down.
pub(super) fn company(side: usize) -> Company {
    let mut company = Company::demo();
    let (begin, count) = if side == 0 { (0, FIRST.len()) } else { (SECOND_BEGINS, SECOND.len()) };
    company.people = company.people.drain(begin..begin + count).collect();
    if side == 0 {
        // Two OA accounts match one unlinked member; the other unlinked one is matched by his own alone.
        let mobile = company.people[AMBIGUOUS + 1].mobile.clone();
        company.people[AMBIGUOUS].mobile = mobile;
    }
    company
}

/// The members of one side. In the second company everybody has the OA account of his neighbour, so that an account of
/// one company taken for the same one of the other leads to a wrong login.
pub(super) fn members(side: usize, company: &Company) -> Vec<Member> {
    let standings: &[Standing] = if side == 0 { &FIRST } else { &SECOND };
    let people = &company.people;
    let member = |(at, standing): (usize, &Standing)| {
        let account = &people[(at + side) % people.len()];
        Member {
            side,
            user: WeLinkUserId::parse(&format!("{}@welink", people[at].login)).expect("an account"),
            standing: *standing,
            oa_user: OaUserId::parse(&account.id).expect("an OA account"),
            login: account.login.clone(),
        }
    };
    standings.iter().enumerate().map(member).collect()
}

/// Brings WeLink to where the standings say it is.
pub(super) fn prepare(welink: &WeLink, side: &Side, members: &[Member]) {
    for member in members.iter().filter(|member| member.standing == Standing::Left) {
        set_status(welink, side, member, MemberStatus::Closed);
    }
    let visible: BTreeSet<String> = members
        .iter()
        .filter(|member| member.standing != Standing::OutOfRange)
        .map(|member| member.user.as_str().to_owned())
        .collect();
    welink.set_visible_range(&side.client_id, VisibleRange::Members(visible)).expect("the app exists");
}

fn set_status(welink: &WeLink, side: &Side, member: &Member, status: MemberStatus) {
    let mut entry = welink.member(&side.welink_tenant, member.user.as_str()).expect("the member exists");
    entry.status = status;
    welink.add_member(&side.welink_tenant, entry).expect("the company exists");
}

/// A code for this member. Whoever may not have one any more got it just before: he left, or the range was narrowed,
/// while his page was open.
pub(super) fn code(welink: &WeLink, side: &Side, member: &Member) -> String {
    let (user, client) = (member.user.as_str(), side.client_id.as_str());
    let issue = || welink.issue_auth_code(user, client).expect("the member may open the app");
    match member.standing {
        Standing::Linked | Standing::Wavering | Standing::Unlinked => issue(),
        Standing::Left => {
            set_status(welink, side, member, MemberStatus::Opened);
            let code = issue();
            set_status(welink, side, member, MemberStatus::Closed);
            code
        }
        Standing::OutOfRange => {
            let range = welink.app(client).expect("the app exists").range;
            welink.set_visible_range(client, VisibleRange::Everyone).expect("the app exists");
            let code = issue();
            welink.set_visible_range(client, range).expect("the app exists");
            code
        }
    }
}

/// Links a member straight in the table, as the demonstration does.
pub(super) async fn link(bridge: &Bridge, side: &Side, member: &Member) {
    let now = bridge.clock().now();
    let link = Link {
        oa_user: member.oa_user.clone(),
        login_id: member.login.clone(),
        origin: LinkOrigin::Card,
        bound: Stamp { at: now, by: "operator".to_owned() },
    };
    let person = Person::new(side.enterprise.clone(), member.user.clone(), PersonSource::Admin, now);
    let entry = bridge.entry(side.tenant.clone(), Action::Bind, "operator", member.user.as_str(), "");
    let bound = bridge.store().create_linked_person(&person, &link, &entry).await.expect("no fault during set-up");
    assert_eq!(bound, state::link::Bound::Done);
}
