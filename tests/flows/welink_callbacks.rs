//! C22: what the simulated WeLink sends is what oa-intake takes. Both read the contract (welink-api.md 10) by
//! themselves, so each proves the other's reading.

use serde_json::{Value, json};
use sim::welink::{Delivered, Event};
use tests::intake::Intake;
use tests::world::LINKED;

#[tokio::test]
async fn c22_what_welink_sends_is_taken_answered_as_it_demands_and_becomes_a_hint() {
    let intake = Intake::start().await;
    let (welink, known) = (intake.world.demo().welink.clone(), intake.world.demo().remembered.clone());
    let url = intake.world.bridge(&format!("/v1/welink/{}", known.app));
    welink.set_callback_url(&known.client_id, Some(url.as_str())).unwrap();
    let user = format!("{LINKED}@welink");
    let mut member = welink.member(&known.welink_tenant, &user).unwrap();
    member.name_zh.push('新');
    welink.add_member(&known.welink_tenant, member).unwrap();
    let deliveries = welink.deliver_callbacks(&intake.world.transport()).await;
    let told: Vec<(&Event, Delivered)> = deliveries.iter().map(|one| (&one.event, one.outcome)).collect();
    assert_eq!(told, [(&Event::Test, Delivered::Accepted), (&Event::EditUser(user.clone()), Delivered::Accepted)]);
    let queued = intake.queued().await;
    let hints: Vec<Value> = queued.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
    assert_eq!(hints.len(), 1, "{hints:?}");
    assert_eq!((&hints[0]["event"], &hints[0]["people"]), (&json!("corpEditUser"), &json!([user])));
    // While the queue is away nothing is answered as done, and WeLink tries again.
    let gone = welink.remove_member(&known.welink_tenant, &user).unwrap();
    intake.sqs.refuse(true);
    assert_eq!(welink.deliver_callbacks(&intake.world.transport()).await[0].outcome, Delivered::Postponed);
    intake.sqs.refuse(false);
    intake.world.advance_s(60);
    assert_eq!(welink.deliver_callbacks(&intake.world.transport()).await[0].outcome, Delivered::Accepted);
    let hint: Value = serde_json::from_str(&intake.queued().await[0].body).unwrap();
    assert_eq!((&hint["event"], &hint["people"]), (&json!("corpDelUser"), &json!([gone.user_id])));
}
