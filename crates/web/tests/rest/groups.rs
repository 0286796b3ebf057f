//! Groups beside their messages: what calls ask, what replies become, what is refused.

use anser_domain::{
    Act, Command, Content, ConvId, Group, GroupChange, GroupCommand, GroupKind, GroupName,
    GroupReply, GroupRole, Invitation, JoinPolicy, MemberChange, MessageId, Millis, Policy,
    PolicyPatch, ProfilePatch, Refusal, Reply, Sent, Seq, SyncToken, UserName, Waiting, Who,
};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fake::{FakeSm, NOW, Said, call, send, web};

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn geese() -> GroupName {
    GroupName::new("geese").unwrap()
}

fn sent(duplicate: bool) -> Reply {
    let (conv, seq, id) = (ConvId(1), Seq(7), MessageId(9));
    Reply::Sent(Sent { conv, seq, id, ts: NOW, duplicate, prev: SyncToken::NEVER })
}

fn groups(reply: GroupReply) -> Reply {
    Reply::Groups(Box::new(reply))
}

fn card() -> Group {
    Group {
        name: geese(),
        kind: GroupKind::Group,
        title: "Wild".into(),
        description: "".into(),
        avatar: "".into(),
        announcement: "".into(),
        members: 3,
        created: NOW,
        policy: Policy::default(),
        role: None,
        muted: Millis(0),
    }
}

async fn once(method: &str, uri: &str, body: Value, reply: Reply) -> (Command, Said) {
    let sm = FakeSm::always(reply);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let said = send(&web(&sm), call(method, uri, body)).await;
    let mut commands = sm.commands();
    assert_eq!(commands.len(), 1, "{method} {uri}: {} {}", said.status, said.text);
    (commands.remove(0), said)
}

#[tokio::test]
async fn changes_are_entries() {
    let until = Millis(NOW.0 + 60_000);
    let owner = MemberChange::Put { users: vec![user("bob")], role: GroupRole::Owner };
    let title = ProfilePatch {
        title: Some("Wild".into()),
        avatar: Some("".into()),
        ..ProfilePatch::default()
    };
    let policy = PolicyPatch {
        join: Some(JoinPolicy::Approval),
        post: Some(Who::Admins),
        hidden: Some(false),
        ..PolicyPatch::default()
    };
    let mute = |until| GroupChange::Mute { user: user("bob"), until };
    let approve = GroupChange::Approve { user: user("bob") };
    let null = || Value::Null;
    let rows = [
        (
            "PATCH",
            "",
            json!({"title": "Wild", "avatar": ""}),
            Act::Group(GroupChange::Profile(title)),
        ),
        ("DELETE", "", null(), Act::Group(GroupChange::Dissolve)),
        (
            "PATCH",
            "/policy",
            json!({"join": "approval", "post": "admins", "hidden": false}),
            Act::Group(GroupChange::Policy(policy)),
        ),
        ("PUT", "/members/bob/mute", json!({"until": until.0}), Act::Group(mute(until))),
        ("DELETE", "/members/bob/mute", null(), Act::Group(mute(Millis(0)))),
        ("POST", "/transfer", json!({"user": "bob"}), Act::Members(owner)),
        ("POST", "/requests/bob/accept", null(), Act::Group(approve)),
        ("POST", "/leave", null(), Act::Group(GroupChange::Leave)),
    ];
    for (method, path, body, act) in rows {
        let uri = format!("/v1/groups/geese{path}");
        let (asked, said) = once(method, &uri, body, sent(false)).await;
        let Command::Change(change) = asked else { panic!("{asked:?}") };
        assert_eq!((change.at.to_string().as_str(), &change.act), ("g:geese", &act), "{uri}");
        assert_eq!(said.status, StatusCode::CREATED);
        assert_eq!(said.json()["seq"], 7);
    }
    let uri = "/v1/invitations/geese/accept";
    let (asked, said) = once("POST", uri, Value::Null, sent(true)).await;
    let Command::Change(change) = asked else { panic!("{asked:?}") };
    assert_eq!((change.act, said.status), (Act::Group(GroupChange::Join), StatusCode::OK));
}

#[tokio::test]
async fn what_is_no_entry_is_asked_otherwise() {
    let (group, dave) = (geese(), user("dave"));
    let page = (Some(user("carol")), 2);
    let rows = [
        (
            "POST",
            "/v1/groups/geese/invitations",
            json!({"users": ["dave", "Erin"]}),
            GroupCommand::Invite { group: group.clone(), users: vec![dave.clone(), user("erin")] },
        ),
        (
            "DELETE",
            "/v1/groups/geese/invitations/dave",
            Value::Null,
            GroupCommand::Uninvite { group: group.clone(), user: dave.clone() },
        ),
        (
            "POST",
            "/v1/invitations/geese/decline",
            Value::Null,
            GroupCommand::Decline { group: group.clone() },
        ),
        (
            "DELETE",
            "/v1/groups/geese/join",
            Value::Null,
            GroupCommand::Withdraw { group: group.clone() },
        ),
        (
            "POST",
            "/v1/groups/geese/requests/dave/decline",
            Value::Null,
            GroupCommand::Refuse { group: group.clone(), user: dave },
        ),
    ];
    for (method, uri, body, command) in rows {
        let (asked, said) = once(method, uri, body, Reply::Done).await;
        assert_eq!(asked, Command::Groups(Box::new(command)), "{uri}");
        assert_eq!(said.status, StatusCode::NO_CONTENT);
    }
    let waiting = || Waiting {
        user: user("dave"),
        by: user("alice"),
        message: "hi".into(),
        since: NOW,
        until: Millis(NOW.0 + 1),
    };
    let row = json!({"user": "dave", "by": "alice", "message": "hi", "since": NOW.0,
                     "until": NOW.0 + 1});
    let (after, limit) = page;
    let asks = GroupCommand::Requests { group: group.clone(), after: after.clone(), limit };
    let invited = GroupCommand::Invited { group, after, limit };
    for (path, command) in [("requests", asks), ("invitations", invited)] {
        let uri = format!("/v1/groups/geese/{path}?cursor=carol&limit=2");
        let reply = groups(GroupReply::Waiting { users: vec![waiting()], more: true });
        let (asked, said) = once("GET", &uri, Value::Null, reply).await;
        assert_eq!(asked, Command::Groups(Box::new(command)));
        assert_eq!(said.json(), json!({"users": [row], "more": true, "next": "dave"}));
    }
}

#[tokio::test]
async fn lists_of_groups() {
    let reply = groups(GroupReply::Groups { groups: vec![card()], more: true });
    let (asked, said) = once("GET", "/v1/groups?cursor=ducks", Value::Null, reply).await;
    let after = Some(GroupName::new("ducks").unwrap());
    let mine = GroupCommand::Mine { after, limit: 50 };
    assert_eq!(asked, Command::Groups(Box::new(mine)));
    let json = said.json();
    assert_eq!((&json["groups"][0]["id"], &json["next"]), (&json!("geese"), &json!("geese")));
    assert!(json["groups"][0].get("role").is_none(), "not in it");

    let invitation = Invitation { group: card(), by: user("alice"), since: NOW, until: NOW };
    let reply = GroupReply::Invitations { invitations: vec![invitation], more: false };
    let (_, said) = once("GET", "/v1/invitations", Value::Null, groups(reply)).await;
    let json = said.json();
    assert_eq!(json["invitations"][0]["group"]["policy"]["join"], "invite");
    assert_eq!((&json["invitations"][0]["by"], &json["more"]), (&json!("alice"), &json!(false)));
}

#[tokio::test]
async fn joining_is_at_once_or_waits() {
    let uri = "/v1/groups/geese/join";
    let body = json!({"message": "please"});
    let (asked, said) = once("POST", uri, body.clone(), sent(false)).await;
    let Command::Groups(asked) = asked else { panic!("{asked:?}") };
    let GroupCommand::Join { group, message, .. } = *asked else { panic!("{asked:?}") };
    assert_eq!((group, &*message), (geese(), "please"));
    assert_eq!(said.status, StatusCode::CREATED);
    assert_eq!(
        (&said.json()["status"], &said.json()["entry"]["seq"]),
        (&json!("joined"), &json!(7))
    );
    let (_, said) = once("POST", uri, body, groups(GroupReply::Asked)).await;
    assert_eq!(said.status, StatusCode::ACCEPTED);
    assert_eq!(said.json(), json!({"status": "asked"}));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_asks_nothing() {
    let sm = FakeSm::always(sent(false));
    let router = web(&sm);
    let rows = [
        ("PATCH", "/v1/groups/geese", json!({"title": 7})),
        ("PATCH", "/v1/groups/geese/policy", json!({"join": "everybody"})),
        ("PATCH", "/v1/groups/geese/policy", json!({"hidden": "yes"})),
        ("PUT", "/v1/groups/geese/members/bob/mute", json!({"until": "tomorrow"})),
        ("PUT", "/v1/groups/geese/members/b%20b/mute", json!({"until": 1})),
        ("POST", "/v1/groups/geese/transfer", json!({})),
        ("POST", "/v1/groups/geese/invitations", json!({"users": ["a b"]})),
        ("POST", "/v1/groups/a+b/join", json!({})),
        ("POST", "/v1/groups", json!({"id": "geese", "kind": "crowd"})),
    ];
    for (method, uri, body) in rows {
        let said = send(&router, call(method, uri, body.to_string())).await;
        assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{uri}: {}", said.text);
    }
    for uri in ["/v1/groups?cursor=a%20b", "/v1/groups/geese/requests?limit=0"] {
        let said = send(&router, call("GET", uri, String::new())).await;
        assert_eq!(said.problem(), "invalid", "{uri}");
    }
    assert!(sm.commands().is_empty());
    let sm = FakeSm::refusing(Refusal::Forbidden);
    let said = send(&web(&sm), call("DELETE", "/v1/groups/geese", String::new())).await;
    assert_eq!(said.problem(), "forbidden");
}

#[tokio::test]
async fn events_of_groups_are_shown() {
    use anser_domain::{
        Address, ClientId, DeviceId, LogEvent, Message, Ord64, Page, Sender, UserId,
    };
    let events = [
        (
            LogEvent::Profile(ProfilePatch { title: Some("W".into()), ..ProfilePatch::default() }),
            json!({"type": "profile", "title": "W"}),
        ),
        (
            LogEvent::Policy(PolicyPatch { pin: Some(Who::Members), ..PolicyPatch::default() }),
            json!({"type": "policy", "pin": "members"}),
        ),
        (
            LogEvent::Muted { user: user("bob"), until: NOW },
            json!({"type": "muted", "user": "bob", "until": NOW.0}),
        ),
        (LogEvent::Dissolved, json!({"type": "dissolved"})),
    ];
    let message = |event: LogEvent| {
        std::sync::Arc::new(Message {
            conv: ConvId(1),
            seq: Seq(1),
            ord: Ord64(0),
            id: MessageId(1),
            sender: Sender { user: UserId(1), name: user("alice"), device: DeviceId(1) },
            client_id: ClientId([0; 16]),
            ts: NOW,
            content: Content::Event(event),
            reply_to: None,
            mentions: vec![],
            payload: None,
            marks: None,
        })
    };
    let page = Page {
        conv: ConvId(1),
        at: Address::Group(geese()),
        messages: events.iter().map(|(event, _)| message(event.clone())).collect(),
        after: Seq(0),
        head: Seq(4),
        more: false,
    };
    let uri = "/v1/conversations/g:geese/messages";
    let (_, said) = once("GET", uri, Value::Null, Reply::Page(Box::new(page))).await;
    for (shown, (_, want)) in said.json()["messages"].as_array().unwrap().iter().zip(&events) {
        assert_eq!(&shown["event"], want);
    }
}
