//! Groups and channels, as their members' devices see them.

use super::support::*;
use anser_domain::{
    Act, Change, Command, Event, GroupChange, GroupCommand, GroupKind, GroupReply, JoinPolicy,
    MemberChange, Millis, NewGroup, PolicyPatch, Refusal, Reply, Subject, UserName, Who,
};

fn found(w: &World, name: &str, kind: GroupKind, members: &[&str]) -> Command {
    Command::CreateGroup(Box::new(NewGroup {
        client_id: client_id(&*w.clock),
        name: name.parse().unwrap(),
        kind,
        title: "".into(),
        members: members.iter().map(|name| UserName::new(name).unwrap()).collect(),
    }))
}

fn change(w: &World, name: &str, change: GroupChange) -> Command {
    let (client_id, at) = (client_id(&*w.clock), format!("g:{name}").parse().unwrap());
    Command::Change(Box::new(Change { client_id, at, act: Act::Group(change) }))
}

fn policy(w: &World, name: &str, patch: PolicyPatch) -> Command {
    change(w, name, GroupChange::Policy(patch))
}

fn groups(command: GroupCommand) -> Command {
    Command::Groups(Box::new(command))
}

fn join(w: &World, name: &str) -> Command {
    let (group, client_id) = (name.parse().unwrap(), client_id(&*w.clock));
    groups(GroupCommand::Join { group, client_id, message: "please".into() })
}

fn members(name: &str) -> Command {
    Command::Members { group: name.parse().unwrap(), after: None, limit: 10 }
}

async fn heard(device: &Device<'_>, text: &str) {
    device
        .until_event(|event| match event {
            Event::Message(it) if it.message.content.body() == Some(text) => Some(()),
            _ => None,
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitee_hears_of_it_and_comes_in() {
    let w = world(&["alice", "bob", "carol"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let carol = w.link("carol", "phone", 3).await;
    alice.ask(found(&w, "geese", GroupKind::Group, &["carol"])).await;
    let invite = |user: &str| {
        let users = vec![UserName::new(user).unwrap()];
        groups(GroupCommand::Invite { group: "geese".parse().unwrap(), users })
    };
    assert_eq!(carol.ask(invite("bob")).await, Reply::Refused(Refusal::Forbidden));
    assert_eq!(alice.ask(invite("bob")).await, Reply::Done);
    bob.until_event(|event| match event {
        Event::Changed(it) if it.subject == Subject::Invitations => Some(()),
        _ => None,
    })
    .await;
    let list = groups(GroupCommand::Invitations { after: None, limit: 10 });
    let Reply::Groups(reply) = bob.ask(list).await else { panic!() };
    let GroupReply::Invitations { invitations, .. } = *reply else { panic!() };
    assert_eq!((invitations[0].by.as_str(), invitations[0].group.members), ("alice", 2));
    let Reply::Sent(_) = bob.ask(join(&w, "geese")).await else { panic!() };
    carol
        .until_event(|event| match event {
            Event::Message(it) if it.message.sender.name.as_str() == "bob" => Some(()),
            _ => None,
        })
        .await;
    bob.send("g:geese", "honk").await;
    heard(&alice, "honk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_let_in_by_an_admin() {
    let w = world(&["alice", "bob", "carol"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let carol = w.link("carol", "phone", 3).await;
    alice.ask(found(&w, "geese", GroupKind::Group, &["carol"])).await;
    assert_eq!(bob.ask(join(&w, "geese")).await, Reply::Refused(Refusal::NotMember), "hidden");
    let join_policy = Some(JoinPolicy::Approval);
    let patch = PolicyPatch { join: join_policy, hidden: Some(false), ..PolicyPatch::default() };
    assert_eq!(carol.ask(policy(&w, "geese", patch)).await, Reply::Refused(Refusal::Forbidden));
    let Reply::Sent(_) = alice.ask(policy(&w, "geese", patch)).await else { panic!() };
    let asked = Reply::Groups(Box::new(GroupReply::Asked));
    assert_eq!(bob.ask(join(&w, "geese")).await, asked);
    let list = || {
        let group = "geese".parse().unwrap();
        groups(GroupCommand::Requests { group, after: None, limit: 10 })
    };
    assert_eq!(carol.ask(list()).await, Reply::Refused(Refusal::Forbidden));
    let Reply::Groups(reply) = alice.ask(list()).await else { panic!() };
    let GroupReply::Waiting { users, .. } = *reply else { panic!() };
    assert_eq!((users[0].user.as_str(), &*users[0].message), ("bob", "please"));
    let approve = || change(&w, "geese", GroupChange::Approve { user: users[0].user.clone() });
    assert_eq!(carol.ask(approve()).await, Reply::Refused(Refusal::Forbidden));
    let Reply::Sent(_) = alice.ask(approve()).await else { panic!() };
    bob.send("g:geese", "thanks").await;
    heard(&carol, "thanks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_may_not_write_until_then() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    alice.ask(found(&w, "geese", GroupKind::Group, &["bob"])).await;
    let user = UserName::new("bob").unwrap();
    let until = Millis(anser_domain::Clock::wall(&*w.clock).0 + 60_000);
    let mute = change(&w, "geese", GroupChange::Mute { user, until });
    let Reply::Sent(_) = alice.ask(mute).await else { panic!() };
    let muted = Reply::Refused(Refusal::Muted(until));
    assert_eq!(bob.ask(text_to("g:geese", "mmm")).await, muted);
    w.clock.advance(std::time::Duration::from_secs(60));
    bob.send("g:geese", "honk").await;
    let patch = PolicyPatch { post: Some(Who::Admins), ..PolicyPatch::default() };
    let Reply::Sent(_) = alice.ask(policy(&w, "geese", patch)).await else { panic!() };
    let refused = Reply::Refused(Refusal::Forbidden);
    assert_eq!(bob.ask(text_to("g:geese", "mmm")).await, refused, "all but admins are");
    alice.send("g:geese", "calm").await;
    heard(&bob, "calm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_read_by_many_who_do_not_see_one_another() {
    let w = world(&["alice", "bob", "carol"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let carol = w.link("carol", "phone", 3).await;
    alice.ask(found(&w, "news", GroupKind::Channel, &[])).await;
    for reader in [&bob, &carol] {
        let Reply::Sent(_) = reader.ask(join(&w, "news")).await else { panic!() };
    }
    let sent = alice.send("g:news", "one").await;
    assert_eq!(sent.seq.0, 2, "subscribers took no place in the log");
    heard(&bob, "one").await;
    heard(&carol, "one").await;
    assert_eq!(bob.received(), ["g:news alice one"]);
    assert_eq!(bob.ask(text_to("g:news", "me too")).await, Reply::Refused(Refusal::Forbidden));
    assert_eq!(bob.ask(members("news")).await, Reply::Refused(Refusal::Forbidden));
    let Reply::Members(page) = alice.ask(members("news")).await else { panic!() };
    assert_eq!(page.members.len(), 3);
    // Nobody sees anybody type.
    bob.submit(Command::Typing { at: "g:news".parse().unwrap(), active: true });
    let Reply::Sent(_) = bob.ask(change(&w, "news", GroupChange::Leave)).await else { panic!() };
    alice.send("g:news", "two").await;
    heard(&carol, "two").await;
    assert_eq!(bob.received(), ["g:news alice one"], "nothing after leaving");
    assert!(carol.events().iter().all(|event| !matches!(event, Event::Typing(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_group_reaches_all_and_nothing_follows() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    alice.ask(found(&w, "geese", GroupKind::Group, &["bob"])).await;
    let end = || change(&w, "geese", GroupChange::Dissolve);
    assert_eq!(bob.ask(end()).await, Reply::Refused(Refusal::Forbidden));
    let Reply::Sent(_) = alice.ask(end()).await else { panic!() };
    bob.until_event(|event| match event {
        Event::Message(it) if it.message.seq.0 == 2 => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(alice.ask(text_to("g:geese", "x")).await, Reply::Refused(Refusal::NotMember));
    assert_eq!(bob.ask(members("geese")).await, Reply::Refused(Refusal::NotMember));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_consent_nobody_is_put_into_a_group() {
    let config = |config: &mut anser_sm::Config| config.consent = true;
    let w = world_set(&["alice", "bob"], anser_sm::Outside::default(), config).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let refused = alice.ask(found(&w, "geese", GroupKind::Group, &["bob"])).await;
    assert!(matches!(refused, Reply::Refused(Refusal::Invalid(_))), "{refused:?}");
    let Reply::Sent(_) = alice.ask(found(&w, "geese", GroupKind::Group, &[])).await else {
        panic!()
    };
    let put = |role| {
        let users = vec![UserName::new("bob").unwrap()];
        let act = Act::Members(MemberChange::Put { users, role });
        let (client_id, at) = (client_id(&*w.clock), "g:geese".parse().unwrap());
        Command::Change(Box::new(Change { client_id, at, act }))
    };
    let refused = alice.ask(put(anser_domain::GroupRole::Member)).await;
    assert!(matches!(refused, Reply::Refused(Refusal::Invalid(_))), "{refused:?}");
    let (group, users) = ("geese".parse().unwrap(), vec![UserName::new("bob").unwrap()]);
    assert_eq!(alice.ask(groups(GroupCommand::Invite { group, users })).await, Reply::Done);
    let Reply::Sent(_) = bob.ask(join(&w, "geese")).await else { panic!() };
    // Who is in it may get another standing.
    let Reply::Sent(_) = alice.ask(put(anser_domain::GroupRole::Admin)).await else { panic!() };
}
