//! Credentials, sessions and their ends.

use std::time::Duration;

use crate::support::{CM, PASSWORD, Told, world};
use anser_domain::{
    Caller, Command, Credential, LinkId, Login, Refusal, Reply, Secret, SignIn, UserName,
};

fn sign_in(user: &str, password: &str) -> Command {
    Command::SignIn(Box::new(SignIn {
        user: UserName::new(user).unwrap(),
        password: Secret::new(password),
        device: "phone".parse().unwrap(),
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_and_wrong_passwords_are_answered_alike() {
    let w = world(&["alice"]).await;
    let refused = Reply::Refused(Refusal::BadCredentials);
    assert_eq!(w.call(Caller::Nobody, sign_in("alice", "wrong password")).await, refused);
    assert_eq!(w.call(Caller::Nobody, sign_in("nobody", PASSWORD)).await, refused);
    assert_eq!(w.call(Caller::Nobody, Command::Me).await, refused);
    let forged = Caller::Bearer(Secret::new("eyJhbGciOiJub25lIn0.e30."));
    assert_eq!(w.call(forged, Command::Me).await, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_about_costs_the_same_work() {
    let w = world(&["alice", "root", "carol"]).await;
    let admin = w.sign_in("root", "desk").await;
    let disable = Command::SetDisabled { user: UserName::new("carol").unwrap(), disabled: true };
    assert_eq!(w.call(Caller::Bearer(admin.access), disable).await, Reply::Done);
    // Keys from a time when fewer iterations were asked for.
    let older = anser_sm::Config { scram_iterations: 1, ..anser_sm::Config::default() };
    let new = anser_domain::NewUser {
        name: UserName::new("old").unwrap(),
        password: Secret::new(PASSWORD),
        display_name: Box::default(),
        role: anser_domain::Role::User,
    };
    anser_sm::create_user(&w.store, &older, new).await.unwrap();
    let mut work = Vec::new();
    for user in ["alice", "nobody", "carol", "old"] {
        let before = w.sm.stats().hashed;
        let said = w.call(Caller::Nobody, sign_in(user, "wrong password")).await;
        assert_eq!(said, Reply::Refused(Refusal::BadCredentials), "{user}");
        work.push(w.sm.stats().hashed - before);
    }
    assert!(work[0] > 0 && work.iter().all(|it| *it == work[0]), "{work:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_make_strangers_wait_and_neither_hash_nor_keep_the_owner_out() {
    let w = world(&["alice"]).await;
    w.sign_in("alice", "phone").await;
    let wrong = |user: &str, n: usize| {
        Command::SignIn(Box::new(SignIn {
            user: UserName::new(user).unwrap(),
            password: Secret::new("wrong password"),
            device: format!("stranger{n}").parse().unwrap(),
        }))
    };
    for user in ["alice", "nobody"] {
        let mut tries = 0;
        let wait = loop {
            match w.call(Caller::Nobody, wrong(user, tries)).await {
                Reply::Refused(Refusal::BadCredentials) => tries += 1,
                Reply::Refused(Refusal::RateLimited(wait)) => break wait,
                other => panic!("{other:?}"),
            }
            assert!(tries < 100, "never told to wait");
        };
        assert_eq!((tries, wait), (11, Duration::from_secs(1)), "alike for {user}");
        let before = w.sm.stats().hashed;
        w.call(Caller::Nobody, wrong(user, tries)).await;
        assert_eq!(w.sm.stats().hashed, before, "refused before anything is hashed");
    }
    // The right password of someone who is not known here has to wait as well …
    let right = |device: &str| {
        Command::SignIn(Box::new(SignIn {
            user: UserName::new("alice").unwrap(),
            password: Secret::new(PASSWORD),
            device: device.parse().unwrap(),
        }))
    };
    let said = w.call(Caller::Nobody, right("new")).await;
    assert!(matches!(said, Reply::Refused(Refusal::RateLimited(_))), "{said:?}");
    // … and a device of hers does not.
    assert!(matches!(w.call(Caller::Nobody, right("phone")).await, Reply::Tokens(_)));
    w.clock.advance(Duration::from_secs(1));
    assert!(matches!(w.call(Caller::Nobody, right("new")).await, Reply::Tokens(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_and_are_renewed_once() {
    let w = world(&["alice"]).await;
    let tokens = w.sign_in("alice", "phone").await;
    let me = |access: &Secret| w.call(Caller::Bearer(access.clone()), Command::Me);
    assert!(matches!(me(&tokens.access).await, Reply::User(_)));
    w.clock.advance(Duration::from_secs(u64::from(tokens.expires_in)));
    assert_eq!(me(&tokens.access).await, Reply::Refused(Refusal::Expired));

    let refresh = Command::Refresh(tokens.refresh.clone());
    let Reply::Tokens(next) = w.call(Caller::Nobody, refresh.clone()).await else { panic!() };
    assert!(matches!(me(&next.access).await, Reply::User(_)));
    // Exchanged twice means stolen: the session ends for both.
    assert_eq!(w.call(Caller::Nobody, refresh).await, Reply::Refused(Refusal::Revoked));
    assert_eq!(me(&next.access).await, Reply::Refused(Refusal::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_resumes_until_the_password_changes_and_is_no_access_token() {
    let w = world(&["alice"]).await;
    let link = w.link("alice", "phone", 1).await;
    let ticket = link.welcome.ticket.clone();
    let as_token = w.call(Caller::Bearer(ticket.clone()), Command::Me).await;
    assert_eq!(as_token, Reply::Refused(Refusal::BadCredentials));
    let resumed = w.login(LinkId(2), Credential::Ticket(ticket.clone())).await;
    assert!(matches!(resumed, Reply::Welcome(_)), "{resumed:?}");

    // The password is changed on this device, so its session stays; its tickets do not.
    let tokens = w.sign_in("alice", "laptop").await;
    let change =
        Command::ChangePassword { old: Secret::new(PASSWORD), new: Secret::new("battery staple") };
    let call = w.call(Caller::Bearer(tokens.access.clone()), change);
    let closing = async {
        // The CM closes the link it is told to close.
        w.cm.until(|told| {
            told.iter().find_map(|it| match it {
                Told::Evicted(LinkId(2), why) => Some(why.clone()),
                _ => None,
            })
        })
        .await
    };
    let (reply, why) = tokio::join!(call, async {
        let why = closing.await;
        w.submit(
            CM,
            LinkId(2),
            Caller::Link(match &resumed {
                Reply::Welcome(it) => it.actor,
                _ => panic!(),
            }),
            Command::Unlink,
        );
        why
    });
    assert_eq!((reply, why), (Reply::Done, Refusal::Revoked));
    let again = w.login(LinkId(3), Credential::Ticket(ticket)).await;
    assert_eq!(again, Reply::Refused(Refusal::Revoked));
    let me = w.call(Caller::Bearer(tokens.access), Command::Me).await;
    assert!(matches!(me, Reply::User(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_ended_by_another_process_close_links_here() {
    let w = world(&["alice"]).await;
    let link = w.link("alice", "phone", 1).await;
    // As `anser user disable` does it: in the store, past this SM.
    let row = w.store.user(&UserName::new("alice").unwrap()).await.unwrap().unwrap();
    w.store.change_user(row.id, anser_store::UserChange::Disabled(true)).await.unwrap();
    w.clock.advance(Duration::from_secs(1));
    w.sm.tick().await;
    let why =
        w.cm.until(|told| {
            told.iter().find_map(|it| match it {
                Told::Evicted(link, why) => Some((*link, why.clone())),
                _ => None,
            })
        })
        .await;
    assert_eq!(why, (link.link, Refusal::Disabled));
    let reply = w.call(Caller::Nobody, sign_in("alice", PASSWORD)).await;
    assert_eq!(reply, Reply::Refused(Refusal::Disabled));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_administer() {
    let w = world(&["alice", "root"]).await;
    let alice = Caller::Bearer(w.sign_in("alice", "phone").await.access);
    let root = Caller::Bearer(w.sign_in("root", "phone").await.access);
    let disable = Command::SetDisabled { user: UserName::new("alice").unwrap(), disabled: true };
    let list = Command::Users { after: None, limit: 10 };
    let forbidden = Reply::Refused(Refusal::Forbidden);
    assert_eq!(w.call(alice.clone(), disable.clone()).await, forbidden);
    assert_eq!(w.call(alice.clone(), list.clone()).await, forbidden);
    assert!(matches!(w.call(root.clone(), list).await, Reply::Users(users) if users.len() == 2));
    assert_eq!(w.call(root, disable).await, Reply::Done);
    assert_eq!(w.call(alice, Command::Me).await, Reply::Refused(Refusal::Disabled));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_revocation_does_not_close_the_next_sessions_link() {
    let w = world(&["alice", "bob"]).await;
    let first = w.link("alice", "phone", 1).await;
    w.store.end_device(first.actor().user, &"phone".parse().unwrap()).await.unwrap();
    first.submit(Command::Unlink);
    // Signed in again before anybody has read the list.
    let _second = w.link("alice", "phone", 2).await;
    let bob = w.link("bob", "phone", 3).await;
    w.store.end_device(bob.actor().user, &"phone".parse().unwrap()).await.unwrap();
    w.clock.advance(Duration::from_secs(1));
    w.sm.tick().await;
    let evicted: Vec<LinkId> =
        w.cm.told()
            .into_iter()
            .filter_map(|told| match told {
                Told::Evicted(link, _) => Some(link),
                _ => None,
            })
            .collect();
    assert_eq!(evicted, [bob.link]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_cannot_become_another_device() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let theirs = Credential::Ticket(bob.welcome.ticket.clone());
    let login = Command::Login(Box::new(Login { credential: theirs, since: None }));
    assert_eq!(alice.ask(login).await, Reply::Refused(Refusal::Forbidden));
    assert!(!w.cm.told().iter().any(|told| matches!(told, Told::Evicted(..))), "bob stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_is_told_to_come_back() {
    let w = world(&["alice"]).await;
    let tags: Vec<_> = (0..500)
        .map(|link| {
            let sign_in = sign_in(&format!("nobody{link}"), "wrong password");
            w.submit(CM, LinkId(link), Caller::Nobody, sign_in)
        })
        .collect();
    let mut busy = 0;
    for tag in tags {
        match w.reply(CM, tag).await {
            Reply::Refused(Refusal::Busy(_)) => busy += 1,
            Reply::Refused(Refusal::BadCredentials) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(busy > 0, "all 500 waited");
    w.sign_in("alice", "phone").await;
}
