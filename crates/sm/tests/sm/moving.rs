//! Moving in and out, on a real store: what was begun goes on.

use std::time::Duration;

use anser_domain::{AdminAct, AdminCommand, AdminReply, Caller, Command, Refusal, Reply};

use crate::support::{World, world};

fn admin(act: AdminAct) -> Command {
    Command::Admin(Box::new(AdminCommand { address: None, act }))
}

fn export(after: &str) -> Command {
    admin(AdminAct::Export { after: after.into(), limit: 1 })
}

async fn part(world: &World, by: &Caller, after: &str) -> Option<Box<str>> {
    let said = world.call(by.clone(), export(after)).await;
    let Reply::Admin(it) = said else { panic!("{said:?}") };
    let AdminReply::Exported { next, .. } = *it else { panic!("{it:?}") };
    next
}

#[tokio::test]
async fn a_move_outlives_the_token_it_was_begun_with_but_not_its_session() {
    let world = world(&["root", "alice", "bob"]).await;
    let tokens = world.sign_in("root", "desk").await;
    let by = Caller::Bearer(tokens.access.clone());
    let next = part(&world, &by, "").await.unwrap();
    let nothing = admin(AdminAct::Import(Vec::new()));
    assert!(matches!(world.call(by.clone(), nothing.clone()).await, Reply::Admin(_)));

    world.clock.advance(Duration::from_secs(u64::from(tokens.expires_in)));
    let next = part(&world, &by, &next).await.unwrap();
    let line = admin(AdminAct::Import(vec![r#"{"type":"user","user":"carol"}"#.into()]));
    assert!(matches!(world.call(by.clone(), line.clone()).await, Reply::Admin(_)));
    for begins in [export(""), nothing] {
        let said = world.call(by.clone(), begins).await;
        assert_eq!(said, Reply::Refused(Refusal::Expired), "nothing new begins");
    }
    let alice = Caller::Bearer(world.sign_in("alice", "desk").await.access);
    assert_eq!(world.call(alice, export(&next)).await, Reply::Refused(Refusal::Forbidden));

    // It ends with a day, and at once with the session.
    let again = Caller::Bearer(world.sign_in("root", "lap").await.access);
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(world.call(by, export(&next)).await, Reply::Refused(Refusal::Expired));
    part(&world, &again, &next).await;
    world.sign_in("root", "lap").await;
    for goes_on in [export(&next), line] {
        assert_eq!(world.call(again.clone(), goes_on).await, Reply::Refused(Refusal::Revoked));
    }
}
