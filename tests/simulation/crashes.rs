//! A crash at every await of every request of a sign-in and of a binding, one after the other (goals.md R4, R8), and
//! lost answers of the table.

use http::Method;
use serde_json::Value;
use sim::oa::DEMO_PASSWORD;
use tests::simulated::{BRIDGE, Options, Simulated, Standing};

use crate::actions::{Visit, pause_ms};
use crate::binding::{bind, unlinked};
use crate::campaign::{Mode, in_virtual_time};
use crate::checker;

/// Requests of one sign-in, by how their paths begin.
const FLOWS: [&str; 5] = ["/h/", "/handoff", "/v1/tickets/redeem", "/.well-known/jwks.json", "/health"];
/// Asked by machines, and not within a browser's visit.
const DIRECT: [&str; 2] = ["/.well-known/jwks.json", "/health"];
/// A request that has more awaits than this is not one of ours.
const AWAITS_MAX: u32 = 200;

/// Crashes the first request to `path` at its n-th await, for each n, and lets its person come again. Says how many
/// there were.
async fn everywhere(world: &Simulated, path: &'static str) -> u32 {
    let member = world.members.iter().find(|member| member.standing == Standing::Linked).expect("somebody is linked");
    for awaits in 1..AWAITS_MAX {
        let before = world.knobs.fired()["function.crash"];
        if DIRECT.contains(&path) {
            // Sandboxes keep the signing keys for 300 s.
            pause_ms(301_000).await;
            world.fleet.arm_crash(path, awaits);
            let request = http::Request::get(format!("{BRIDGE}{path}")).body(bytes::Bytes::new());
            world.fleet.serve("gateway", request.expect("a request")).await.ok();
        } else {
            let mut visit = Visit::new(world, member);
            // A page of the app is opened and answered under one path; the answer is the one to break.
            let form = visit.open().await.expect("nothing is wrong yet");
            world.fleet.arm_crash(path, awaits);
            if let Ok(page) = visit.submit(&form, &world.code(member)).await
                && let Ok(form) = visit.reach_hand_off(page).await
            {
                visit.land(&form).await.ok();
            }
        }
        // A claim of the dead sandbox ends after 12 s.
        pause_ms(15_000).await;
        assert_eq!(Visit::new(world, member).sign_in().await, Ok(()), "after a crash of {path} at await {awaits}");
        if world.knobs.fired()["function.crash"] == before {
            return awaits - 1;
        }
    }
    panic!("{path} never ends");
}

#[test]
fn r4_a_crash_at_every_await_of_a_sign_in_leaves_nobody_outside() {
    let seed = 0;
    in_virtual_time(seed, async {
        let world = Simulated::start(Options { seed, slow_pace: false, skews_ms: vec![0, 0], auto_bind: false }).await;
        for path in FLOWS {
            let awaits = everywhere(&world, path).await;
            assert!(awaits > 0, "{path} was never reached");
            checker::note_sessions(&world);
        }
        assert!(world.fleet.settle().await);
        assert_eq!(checker::check(&world, Mode::Function, false), Vec::<String>::new());
    });
}

/// Crashes the answer to an entered OA account at its n-th await, for each n, and lets its person come again.
async fn everywhere_in_binding(world: &Simulated) -> u32 {
    let member = unlinked(world).next().expect("somebody is not linked");
    let link = format!("/v1/enterprises/{}/links/{}", world.sides[member.side].enterprise, member.user);
    for awaits in 1..AWAITS_MAX {
        let before = world.knobs.fired()["function.crash"];
        let mut visit = Visit::new(world, member);
        assert_eq!(visit.at_the_door().await, Ok(true), "await {awaits}");
        world.fleet.arm_crash("/bind", awaits);
        visit.enter(&member.login, DEMO_PASSWORD).await.ok();
        checker::note_sessions(world);
        // A dead sandbox does not give its attempts back: they count until the window ends.
        pause_ms(901_000).await;
        assert_eq!(bind(world, member).await, Ok(()), "after a crash of /bind at await {awaits}");
        if world.knobs.fired()["function.crash"] == before {
            return awaits - 1;
        }
        let unbound = world.api(Method::DELETE, &link, &Value::Null).await;
        assert_eq!(unbound.map(|(status, _)| status), Some(204));
    }
    panic!("/bind never ends");
}

#[test]
fn r4_a_crash_at_every_await_of_a_binding_leaves_no_half_link() {
    let seed = 1;
    in_virtual_time(seed, async {
        let world = Simulated::start(Options { seed, slow_pace: false, skews_ms: vec![0, 0], auto_bind: false }).await;
        assert!(everywhere_in_binding(&world).await > 0, "/bind was never reached");
        assert!(world.fleet.settle().await);
        assert_eq!(checker::check(&world, Mode::Function, false), Vec::<String>::new());
    });
}

/// A write to the table whose answer is lost is repeated by the SDK: no attempt may be given back twice by it.
#[test]
fn lost_answers_of_the_table_give_nobody_more_guesses() {
    for seed in 0..4 {
        in_virtual_time(seed, async {
            let options = Options { seed, slow_pace: false, skews_ms: vec![0, 0], auto_bind: false };
            let world = Simulated::start(options).await;
            let member = unlinked(&world).next().expect("somebody is not linked");
            let taken = world.members.iter().find(|other| other.side == member.side).expect("somebody is linked");
            let mut visit = Visit::new(&world, member);
            assert_eq!(visit.at_the_door().await, Ok(true));
            for at in 0..3 {
                visit.enter(&member.login, &format!("wrong-before-{at}")).await.ok();
            }
            world.knobs.set("table.answer_lost", 400);
            for _ in 0..3 {
                visit.enter(&taken.login, DEMO_PASSWORD).await.ok();
            }
            world.heal();
            for at in 0..7 {
                visit.enter(&member.login, &format!("wrong-after-{at}")).await.ok();
            }
            assert!(world.fleet.settle().await);
            assert_eq!(checker::check(&world, Mode::Table, false), Vec::<String>::new(), "seed {seed}");
        });
    }
}
