//! The machine of a code against a reference model that counts phones and times, over random stories.

use proptest::prelude::*;

use super::*;
use crate::ids::{RANDOM_CHARS, TENANT_CHARS, TenantId};

const START: Timestamp = Timestamp(1_000_000);

fn tenant() -> TenantId {
    TenantId::from_random([3; TENANT_CHARS])
}

fn code(life_s: i64) -> QrSession {
    QrSession {
        id: QrId::from_random(&tenant(), [1; RANDOM_CHARS]),
        instance: OaInstanceId::from_random(&tenant(), [2; RANDOM_CHARS]),
        shown: Shown::Server,
        dest: None,
        desktop: Desktop { address: String::new(), browser: String::new(), system: String::new() },
        created: START,
        expires: START.plus_s(life_s),
        scan: None,
        approved: None,
        denied: None,
        revoked: None,
    }
}

fn scan(phone: u8, at: Timestamp) -> Scan {
    Scan {
        phone: phone.to_string(),
        app: AppId::from_random(&tenant(), [4; RANDOM_CHARS]),
        user: WeLinkUserId::parse("lihua@welink").unwrap(),
        display_name: "李华".to_owned(),
        oa_user: OaUserId::parse("1001").unwrap(),
        login_id: "lihua".to_owned(),
        at,
        numbers: None,
    }
}

fn approval(at: Timestamp) -> Approval {
    let random = [5; RANDOM_CHARS];
    Approval {
        at,
        session: SessionId::from_random(&tenant(), random),
        ticket: TicketId::from_random(&tenant(), random),
    }
}

/// What happens to a code.
#[derive(Debug, Clone, Copy)]
enum Event {
    Wait(i64),
    Scan(u8),
    Approve(u8),
    Deny(u8),
    Revoke(u8),
    Enter,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..70_i64).prop_map(Event::Wait),
        (0..3_u8).prop_map(Event::Scan),
        (0..3_u8).prop_map(Event::Approve),
        (0..3_u8).prop_map(Event::Deny),
        (0..3_u8).prop_map(Event::Revoke),
        Just(Event::Enter),
    ]
}

/// The reference: a story told in booleans and times, without the machine's cases.
#[derive(Debug, Default)]
struct Model {
    scanned_by: Option<u8>,
    approved_s: Option<i64>,
    denied: bool,
    revoked: bool,
    entered: bool,
}

impl Model {
    fn allows(&self, event: Event, now_s: i64, life_s: i64) -> bool {
        let undecided = self.approved_s.is_none() && !self.denied;
        match event {
            Event::Wait(_) => true,
            Event::Scan(_) => self.scanned_by.is_none() && undecided && now_s < life_s,
            Event::Approve(phone) | Event::Deny(phone) => self.scanned_by == Some(phone) && undecided && now_s < life_s,
            Event::Revoke(phone) => self.scanned_by == Some(phone) && self.approved_s.is_some() && !self.revoked,
            Event::Enter => {
                let fresh = self.approved_s.is_some_and(|at_s| now_s - at_s < APPROVED_S);
                fresh && !self.revoked && !self.entered
            }
        }
    }

    fn happens(&mut self, event: Event, now_s: i64) {
        match event {
            Event::Wait(_) => {}
            Event::Scan(phone) => self.scanned_by = Some(phone),
            Event::Approve(_) => self.approved_s = Some(now_s),
            Event::Deny(_) => self.denied = true,
            Event::Revoke(_) => self.revoked = true,
            Event::Enter => self.entered = true,
        }
    }
}

/// One step of the machine, as the table takes it.
fn step(code: &mut QrSession, consumed: &mut bool, event: Event, now: Timestamp) -> Result<(), Refused> {
    match event {
        Event::Wait(_) => {}
        Event::Scan(phone) => {
            code.may_scan(now)?;
            code.scan = Some(scan(phone, now));
        }
        Event::Approve(phone) => {
            code.may_decide(&phone.to_string(), now)?;
            code.approved = Some(approval(now));
        }
        Event::Deny(phone) => {
            code.may_decide(&phone.to_string(), now)?;
            code.denied = Some(Denial::Cancelled);
        }
        Event::Revoke(phone) => {
            code.may_revoke(&phone.to_string())?;
            code.revoked = Some(now);
        }
        Event::Enter => {
            code.may_enter(now)?;
            if std::mem::replace(consumed, true) {
                return Err(Refused::Used);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_machine_allows_what_the_model_allows(
        life_s in LIFE_S_MIN..=LIFE_S_MAX,
        story in prop::collection::vec(event(), 1..24),
    ) {
        let (mut code, mut consumed, mut model, mut now_s) = (code(life_s), false, Model::default(), 0);
        let (mut entered, mut seen) = (0, vec![State::Pending]);
        for event in story {
            if let Event::Wait(s) = event {
                now_s += s;
            }
            let now = START.plus_s(now_s);
            let allowed = model.allows(event, now_s, life_s);
            let was = step(&mut code, &mut consumed, event, now);
            prop_assert_eq!(was.is_ok(), allowed, "{:?} at {} s: {:?}, {:?}", event, now_s, was, &model);
            if allowed {
                model.happens(event, now_s);
                entered += usize::from(matches!(event, Event::Enter));
            }
            let state = code.state(consumed, now);
            if seen.last() != Some(&state) {
                seen.push(state);
            }
        }
        prop_assert!(entered <= 1, "an approval is used once");
        // Only the steps of the contract, and "this was not me" after an approval.
        for pair in seen.windows(2) {
            let known = matches!(
                (pair[0], pair[1]),
                (State::Pending, State::Scanned | State::Expired)
                    | (State::Scanned, State::Approved | State::Denied | State::Expired)
                    | (State::Approved, State::Consumed | State::Expired | State::Denied)
                    | (State::Consumed | State::Expired, State::Denied)
            );
            prop_assert!(known, "{:?}", seen);
        }
    }

    #[test]
    fn three_numbers_of_two_digits_are_offered_and_one_of_them_is_shown(random in any::<[u8; 4]>()) {
        let numbers = Numbers::draw(random);
        let [a, b, c] = numbers.offered;
        prop_assert!(a != b && b != c && a != c);
        prop_assert!(numbers.offered.iter().all(|number| (10..=99).contains(number)));
        prop_assert!(numbers.offered.contains(&numbers.shown));
    }
}

#[test]
fn an_expired_code_is_refused_to_the_millisecond() {
    let code = code(30);
    assert_eq!(code.may_scan(code.expires.plus_ms(-1)), Ok(()));
    assert_eq!(code.may_scan(code.expires), Err(Refused::Expired));
}

#[test]
fn whoever_asks_too_fast_has_to_wait_longer() {
    let mut pace = Pace::begun(START);
    assert_eq!(pace.ask(START.plus_ms(500)), Err(7));
    assert_eq!(pace.ask(START.plus_ms(1_000)), Err(12));
    assert_eq!(pace.ask(START.plus_ms(2_000)), Ok(()));
    assert_eq!(pace.ask(START.plus_ms(9_000)), Err(17), "the longer pause stays");
    assert_eq!(pace.ask(START.plus_ms(14_000)), Ok(()));
    let mut calm = Pace::begun(START);
    assert!((1..50).all(|n| calm.ask(START.plus_s(n * POLL_S)).is_ok()));
}

#[test]
fn settings_of_an_older_form_are_read() {
    let old = serde_json::json!({ "enabled": true });
    let read: ScanLogin = serde_json::from_value(old).unwrap();
    assert_eq!((read.life_s, read.refreshes, read.version), (LIFE_S, REFRESHES_MAX, 0));
}
