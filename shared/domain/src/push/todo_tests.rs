use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::push::event::{By, Content, Kind, Named, Priority};

const NOW: Timestamp = Timestamp(1_772_352_000_000);

fn event(id: u64, kind: Kind, time_s: i64, closed: bool, receivers: &[usize]) -> Event {
    let content = Content {
        source: "todo".to_owned(),
        biz_id: "42".to_owned(),
        title: format!("title {id}"),
        summary: String::new(),
        creator: None,
        creator_name: String::new(),
        dest_pc: None,
        dest_mobile: None,
        category: String::new(),
        step: String::new(),
        priority: Priority::Normal,
        over: false,
        closed,
    };
    Event {
        id: format!("evt-{id:03}"),
        source: "/oa".to_owned(),
        kind,
        event_type: String::new(),
        time: NOW.plus_s(time_s),
        sequence: id,
        content: Some(content),
        recipients: receivers.iter().map(|r| Named { by: By::Id, value: r.to_string() }).collect(),
    }
}

/// Several people's to-dos of one matter, and a WeLink that remembers what was done to it.
#[derive(Default)]
struct World {
    rows: BTreeMap<String, Todo>,
    closed: Option<Closed>,
    /// Rows there, by receiver and generation.
    remote: BTreeMap<(String, u32), String>,
}

/// How a call ends.
#[derive(Debug, Clone, Copy)]
enum Luck {
    Well,
    /// The answer is lost, or the process dies before it can be written down.
    Lost,
    /// It never arrived.
    Unsent,
}

impl World {
    fn arrives(&mut self, event: &Event) {
        if event.closes_all() {
            self.closed = Some(Closed { time: event.time }.and(self.closed));
        }
        for receiver in &event.recipients {
            let known = self.rows.remove(&receiver.value);
            let (todo, _) = take(known, event, &event.content.as_ref().unwrap().title, NOW);
            self.rows.extend(todo.map(|todo| (receiver.value.clone(), todo)));
        }
        for todo in self.rows.values_mut() {
            todo.close(self.closed, NOW);
        }
    }

    fn works(&mut self, receiver: &str, now: Timestamp, luck: Luck) {
        let Some(todo) = self.rows.get_mut(receiver) else { return };
        let step = todo.step(now);
        todo.begun(step);
        let row = |generation| (receiver.to_owned(), generation);
        match (step, luck) {
            (_, Luck::Unsent) => return,
            (Step::Add { generation, again }, _) => {
                let Want::Open { look } = &todo.want else { panic!("adds what is over") };
                let there = self.remote.insert(row(generation), look.clone()).is_some();
                assert!(!there || again, "an id is used twice for no recorded attempt");
            }
            (Step::Remove { generation, again }, _) => {
                let gone = self.remote.remove(&row(generation)).is_none();
                assert!(!gone || again, "removes what was never there");
            }
            (Step::Nothing, _) => {}
        }
        assert!(self.remote.keys().filter(|(of, _)| of == receiver).count() <= 1, "one to-do is seen twice");
        if matches!(luck, Luck::Well) {
            todo.ended(step, now);
        }
    }

    fn settles(&mut self, now: Timestamp) {
        let receivers: Vec<String> = self.rows.keys().cloned().collect();
        for receiver in receivers {
            for _ in 0..4 {
                self.works(&receiver, now, Luck::Well);
            }
            assert_eq!(self.rows[&receiver].step(now), Step::Nothing, "it comes to rest");
        }
    }

    /// Who sees what.
    fn seen(&self) -> BTreeMap<String, String> {
        self.remote.iter().map(|((receiver, _), look)| (receiver.clone(), look.clone())).collect()
    }
}

/// What is open in the OA after these events, in the OA's own order.
fn open_in_the_oa(events: &[Event]) -> BTreeMap<String, String> {
    let closed = events.iter().filter(|event| event.closes_all()).map(|event| event.time).max();
    let mut open = BTreeMap::new();
    let mut latest: BTreeMap<&str, &Event> = BTreeMap::new();
    for event in events {
        for receiver in &event.recipients {
            let there = latest.entry(&receiver.value).or_insert(event);
            if Order::of(event) > Order::of(there) {
                *there = event;
            }
        }
    }
    for (receiver, event) in latest {
        if event.opens() && closed.is_none_or(|closed| event.time > closed) {
            open.insert(receiver.to_owned(), event.content.as_ref().unwrap().title.clone());
        }
    }
    open
}

#[test]
fn done_closes_those_whom_it_lists_and_final_closes_all() {
    let mut world = World::default();
    world.arrives(&event(1, Kind::TodoCreated, 0, false, &[1, 2, 3]));
    world.settles(NOW);
    assert_eq!(world.seen().len(), 3);
    world.arrives(&event(2, Kind::TodoDone, 1, false, &[2]));
    world.settles(NOW);
    assert_eq!(world.seen().keys().collect::<Vec<_>>(), ["1", "3"]);
    world.arrives(&event(3, Kind::TodoDone, 2, true, &[1]));
    world.settles(NOW);
    assert!(world.seen().is_empty());
}

#[test]
fn what_ends_before_it_begins_stays_ended() {
    let mut world = World::default();
    world.arrives(&event(2, Kind::TodoDone, 1, false, &[1]));
    world.arrives(&event(1, Kind::TodoCreated, 0, false, &[1]));
    world.settles(NOW);
    assert!(world.seen().is_empty());
    world.arrives(&event(4, Kind::TodoDone, 9, true, &[1]));
    world.arrives(&event(3, Kind::TodoCreated, 8, false, &[2]));
    world.settles(NOW);
    assert!(world.seen().is_empty(), "a final end holds for those who come later");
}

#[test]
fn an_event_older_than_the_memory_makes_nothing() {
    let old = -KEPT_S - 1;
    assert_eq!(take(None, &event(1, Kind::TodoCreated, old, false, &[1]), "x", NOW), (None, Effect::Stale));
    assert_eq!(take(None, &event(1, Kind::TodoDone, old, false, &[1]), "x", NOW), (None, Effect::Stale));
    let (open, _) = take(None, &event(1, Kind::TodoCreated, -KEPT_S, false, &[1]), "x", NOW);
    let (over, effect) = take(open, &event(2, Kind::TodoDone, old, false, &[1]), "x", NOW);
    assert_eq!((effect, over.clone().unwrap().is_open()), (Effect::Taken, false), "what is known is still ended");
    assert_eq!(over.unwrap().forgotten(), Some(NOW.plus_s(KEPT_S)));
}

#[test]
fn a_row_of_eighty_days_is_made_anew_under_the_next_generation() {
    let mut world = World::default();
    world.arrives(&event(1, Kind::TodoCreated, 0, false, &[1]));
    world.settles(NOW);
    let later = NOW.plus_s(REFRESH_S);
    assert_eq!(world.rows["1"].step(later.plus_ms(-1)), Step::Nothing);
    assert_eq!(world.rows["1"].step(later), Step::Remove { generation: 1, again: false });
    world.settles(later);
    assert_eq!(world.remote.keys().collect::<Vec<_>>(), [&("1".to_owned(), 2)]);
}

#[test]
fn names_of_tasks_never_meet() {
    assert_ne!(task("o", "4/2", "1", "a", 1), task("o", "4", "2/1", "a", 1));
    assert_ne!(task("o", "42", "1", "a", 1), task("o", "42", "1", "a", 2));
}

fn any_event() -> impl Strategy<Value = (u8, i64, bool, Vec<usize>)> {
    (0u8..4, 0i64..6, prop::bool::weighted(0.1), prop::collection::vec(0usize..3, 1..3))
}

fn any_luck() -> impl Strategy<Value = (usize, Luck)> {
    (0usize..3, prop_oneof![Just(Luck::Well), Just(Luck::Lost), Just(Luck::Unsent)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Any interleaving and repetition of events, with calls in between that end in any way, ends in the OA's set.
    #[test]
    fn whatever_arrives_when_ends_in_the_oas_set(
        made in prop::collection::vec(any_event(), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        calls in prop::collection::vec(prop::collection::vec(any_luck(), 0..4), 52),
    ) {
        let kinds = [Kind::TodoCreated, Kind::TodoUpdated, Kind::TodoDone, Kind::TodoDeleted];
        let events: Vec<Event> = made.iter().enumerate().map(|(n, (kind, time_s, closed, receivers))| {
            let closed = *closed && *kind >= 2;
            // Half of the OAs count their events, the others have only their clocks.
            let mut event = event(n as u64 + 1, kinds[usize::from(*kind)], *time_s, closed, receivers);
            if made.len().is_multiple_of(2) {
                event.sequence = 0;
            }
            event
        }).collect();
        let mut world = World::default();
        let repeated = order.iter().map(|index| index.get(&events));
        // Each at least once, in reverse, after any number of repetitions in any order.
        for (event, calls) in repeated.chain(events.iter().rev()).zip(&calls) {
            world.arrives(event);
            for (receiver, luck) in calls {
                world.works(&receiver.to_string(), NOW, *luck);
            }
        }
        world.settles(NOW);
        prop_assert_eq!(world.seen(), open_in_the_oa(&events));
    }
}
