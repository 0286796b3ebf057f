//! Every call once, the way it is meant: the command it becomes and the answer it gives.

use std::{sync::Arc, time::Duration};

use anser_domain::{
    Act, Address, Caller, Change, Changes, ClientId, Command, Content, ConvId, ConversationState,
    Details, DeviceId, DeviceName, DeviceRecord, Group, GroupChange, GroupKind, GroupName,
    GroupRole, HistoryRange, Keep, LogEvent, Member, MemberChange, MemberPage, Message, MessageId,
    Millis, NewGroup, NewUser, Ord64, Outgoing, Page, PeopleCommand, Policy, Profile, ProfileEdit,
    PushCommand, PushOutcome, PushRecord, PushReply, PushTarget, Refusal, Reply, Role, Secret,
    Sender, Sent, Seq, SignIn, SyncToken, Tokens, UserId, UserName,
};
use anser_web::{Config, Gateways, Registration};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fake::{FakeSm, NOW, Said, call, configured, request, send, web};

const KEY: &str = "0198c0de-0000-7000-8000-000000000001";

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn conv(text: &str) -> Address {
    text.parse().unwrap()
}

fn profile(name: &str) -> Profile {
    Profile {
        name: user(name),
        display_name: "Bob B.".into(),
        role: Role::User,
        disabled: false,
        details: Details::default(),
    }
}

fn sent(duplicate: bool) -> Reply {
    let id = MessageId(9_007_199_254_740_993);
    Reply::Sent(Sent {
        conv: ConvId(5),
        seq: Seq(7),
        id,
        ts: NOW,
        duplicate,
        prev: SyncToken::NEVER,
    })
}

fn message(seq: u64, content: Content) -> Arc<Message> {
    Arc::new(Message {
        conv: ConvId(5),
        seq: Seq(seq),
        ord: Ord64(seq),
        id: MessageId(u64::MAX),
        sender: Sender { user: UserId(1), name: user("alice"), device: DeviceId(77) },
        client_id: ClientId::from_text(KEY),
        ts: NOW,
        content,
        reply_to: None,
        mentions: vec![],
        payload: None,
        marks: None,
    })
}

/// Makes one call and says what was asked and answered.
async fn once(method: &str, uri: &str, body: Value, reply: Reply) -> (Command, Said) {
    let sm = FakeSm::always(reply);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let said = send(&web(&sm), call(method, uri, body)).await;
    let mut commands = sm.commands();
    assert_eq!(commands.len(), 1, "{} {}", said.status, said.text);
    (commands.remove(0), said)
}

fn tokens() -> Reply {
    Reply::Tokens(Box::new(Tokens {
        user: user("alice"),
        device: DeviceName::new("laptop").unwrap(),
        access: Secret::new("acc"),
        refresh: Secret::new("ref"),
        expires_in: 900,
    }))
}

#[tokio::test]
async fn login_becomes_a_sign_in_by_nobody_and_names_the_gateways() {
    let sm = FakeSm::always(tokens());
    let gateways = Gateways::fixed(vec!["tcp://127.0.0.1:7700".to_owned()]);
    let router = configured(Config { gateways, ..Config::default() }, &sm);
    let body = json!({"user": "Alice", "password": "pw", "device": "laptop"}).to_string();
    let said = send(&router, call("POST", "/v1/auth/login", body)).await;
    assert_eq!(said.status, StatusCode::OK);
    assert_eq!(
        said.json(),
        json!({"access_token": "acc", "refresh_token": "ref", "token_type": "Bearer",
               "expires_in": 900, "user": "alice", "device": "laptop",
               "gateways": ["tcp://127.0.0.1:7700"]})
    );
    let expected = SignIn {
        user: user("alice"),
        password: Secret::new("pw"),
        device: DeviceName::new("laptop").unwrap(),
    };
    assert_eq!(sm.commands(), [Command::SignIn(Box::new(expected))]);
    assert_eq!(sm.callers(), [Caller::Nobody], "a token shown at login does not count");
}

#[tokio::test]
async fn a_name_nobody_can_have_fails_like_a_wrong_password() {
    let sm = FakeSm::always(tokens());
    let body = json!({"user": "a b", "password": "pw", "device": "laptop"}).to_string();
    let said = send(&web(&sm), call("POST", "/v1/auth/login", body)).await;
    assert_eq!(said.problem(), "bad-credentials");
}

#[tokio::test]
async fn refresh_logout_and_password() {
    let body = json!({"refresh_token": "ref"});
    let (asked, said) = once("POST", "/v1/auth/refresh", body, tokens()).await;
    assert_eq!(asked, Command::Refresh(Secret::new("ref")));
    assert_eq!(said.json()["access_token"], "acc");

    let (asked, said) = once("POST", "/v1/auth/logout", Value::Null, Reply::Done).await;
    assert_eq!(asked, Command::SignOut);
    assert_eq!((said.status, said.text.as_str()), (StatusCode::NO_CONTENT, ""));

    let body = json!({"old_password": "a", "new_password": "b"});
    let (asked, said) = once("POST", "/v1/auth/password", body, Reply::Done).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT);
    let (old, new) = (Secret::new("a"), Secret::new("b"));
    assert_eq!(asked, Command::ChangePassword { old, new });
}

#[tokio::test]
async fn me_and_its_name() {
    let reply = Reply::User(Box::new(profile("bob")));
    let (asked, said) = once("GET", "/v1/me", Value::Null, reply.clone()).await;
    assert_eq!(asked, Command::Me);
    let bob = json!({"user": "bob", "display_name": "Bob B.", "role": "user", "disabled": false});
    assert_eq!((said.status, said.json()), (StatusCode::OK, bob.clone()));

    let body = json!({"display_name": "B"});
    let (asked, said) = once("PATCH", "/v1/me", body, reply.clone()).await;
    let edit = ProfileEdit { display_name: Some("B".into()), ..ProfileEdit::default() };
    assert_eq!(asked, Command::People(Box::new(PeopleCommand::EditProfile(edit))));
    assert_eq!(said.json(), bob);

    let (asked, _) = once("PATCH", "/v1/me", json!({}), reply).await;
    assert_eq!(asked, Command::Me, "nothing to change is no change");
}

#[tokio::test]
async fn a_user_by_name_and_a_new_one() {
    let reply = Reply::User(Box::new(profile("鸿雁")));
    let (asked, said) =
        once("GET", "/v1/users/%E9%B8%BF%E9%9B%81", Value::Null, reply.clone()).await;
    assert_eq!(asked, Command::User(user("鸿雁")));
    assert_eq!(said.json()["user"], "鸿雁");

    let body = json!({"user": "鸿雁", "password": "pw", "role": "admin"});
    let (asked, said) = once("POST", "/v1/users", body, reply).await;
    let role = Role::User;
    let new =
        NewUser {
            name: user("鸿雁"), password: Secret::new("pw"), display_name: "".into(), role
        };
    assert_eq!(asked, Command::CreateUser(Box::new(new)), "nobody registers as administrator");
    assert_eq!(said.status, StatusCode::CREATED);
    assert_eq!(said.header("location"), "/v1/users/%E9%B8%BF%E9%9B%81");
}

#[tokio::test]
async fn registration_without_a_token_is_for_where_it_is_open() {
    let register = || {
        request("POST", "/v1/users")
            .header("content-type", "application/json")
            .body(json!({"user": "dave", "password": "pw"}).to_string().into())
            .unwrap()
    };
    let sm = FakeSm::always(Reply::User(Box::new(profile("dave"))));
    let said = send(&web(&sm), register()).await;
    assert_eq!(said.problem(), "unauthenticated");
    assert!(sm.commands().is_empty());

    let open = Config { registration: Registration::Open, ..Config::default() };
    let said = send(&configured(open, &sm), register()).await;
    assert_eq!(said.status, StatusCode::CREATED);
    assert_eq!(sm.callers(), [Caller::Nobody]);
}

#[tokio::test]
async fn devices() {
    let record = DeviceRecord {
        name: DeviceName::new("Alice's phone").unwrap(),
        created: Millis(1),
        seen: Millis(2),
        online: true,
    };
    let (asked, said) = once("GET", "/v1/devices", Value::Null, Reply::Devices(vec![record])).await;
    assert_eq!(asked, Command::Devices);
    let row = json!({"device": "Alice's phone", "created": 1, "seen": 2, "online": true});
    assert_eq!(said.json(), json!({"devices": [row]}));

    let (asked, said) =
        once("DELETE", "/v1/devices/Alice's%20phone", Value::Null, Reply::Done).await;
    assert_eq!(asked, Command::RemoveDevice(DeviceName::new("Alice's phone").unwrap()));
    assert_eq!(said.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn conversations_page_by_page() {
    let state = ConversationState {
        conv: ConvId(5),
        at: conv("u:bob"),
        title: "Bob".into(),
        head: Seq(9),
        last: Some(message(8, Content::Text("hi".into()))),
        delivered: Seq(9),
        read: Seq(4),
        peer_delivered: Seq(3),
        peer_read: Seq(2),
        unread: 4,
        mentions: 0,
        keep: Keep::default(),
        member: true,
        changed: SyncToken(90),
    };
    let group = ConversationState { at: conv("g:geese"), last: None, ..state.clone() };
    let list = Changes { conversations: vec![state, group], token: SyncToken(88), more: true };
    let (asked, said) =
        once("GET", "/v1/conversations", Value::Null, Reply::Conversations(Box::new(list))).await;
    assert_eq!(asked, Command::Conversations { before: None, limit: 50 });
    let json = said.json();
    assert_eq!((&json["more"], &json["next"]), (&json!(true), &json!("88")));
    let first = &json["conversations"][0];
    assert_eq!(first["conv"], "u:bob");
    assert_eq!(first["last"]["text"], "hi");
    assert_eq!(
        (&first["unread"], &first["read"], &first["peer_read"]),
        (&json!(4), &json!(4), &json!(2))
    );
    let second = &json["conversations"][1];
    assert_eq!(second["conv"], "g:geese");
    assert!(second.get("peer_read").is_none() && second.get("last").is_none(), "{second}");

    let end = Changes { conversations: vec![], token: SyncToken(1), more: false };
    let uri = "/v1/conversations?cursor=88&limit=5000&unknown=1";
    let (asked, said) = once("GET", uri, Value::Null, Reply::Conversations(Box::new(end))).await;
    assert_eq!(asked, Command::Conversations { before: Some(SyncToken(88)), limit: 200 });
    assert_eq!(said.json(), json!({"conversations": [], "more": false}));
}

#[tokio::test]
async fn read_moves_the_cursor() {
    let body = json!({"seq": 12});
    for path in ["/v1/conversations/u:bob/read", "/v1/conversations/u%3Abob/read"] {
        let (asked, said) = once("PUT", path, body.clone(), Reply::Done).await;
        assert_eq!(asked, Command::Read { at: conv("u:bob"), seq: Seq(12) });
        assert_eq!(said.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn history_in_every_direction() {
    for (query, range) in [
        ("", HistoryRange::Latest { limit: 50 }),
        ("?limit=1", HistoryRange::Latest { limit: 1 }),
        ("?before=7&limit=2", HistoryRange::Before { seq: Seq(7), limit: 2 }),
        ("?after=0", HistoryRange::After { seq: Seq(0), limit: 50 }),
        ("?after=18446744073709551615", HistoryRange::After { seq: Seq(u64::MAX), limit: 50 }),
    ] {
        let page = Page {
            conv: ConvId(5),
            at: conv("g:geese"),
            messages: vec![],
            after: Seq(0),
            head: Seq(9),
            more: true,
        };
        let uri = format!("/v1/conversations/g:geese/messages{query}");
        let (asked, said) = once("GET", &uri, Value::Null, Reply::Page(Box::new(page))).await;
        assert_eq!(asked, Command::History { at: conv("g:geese"), range });
        assert_eq!(said.json(), json!({"messages": [], "more": true, "head": 9}));
    }
}

#[tokio::test]
async fn history_shows_every_kind_of_entry() {
    let bob = user("bob");
    let odd_json = r#"{ "b":1e400, "a" : [ 1.0 ] }"#;
    let text = Message {
        reply_to: Some(Seq(1)),
        mentions: vec![bob.clone()],
        ..(*message(2, Content::Text("hi <b>\u{0}".into()))).clone()
    };
    let event = |event| Content::Event(event);
    let page = Page {
        conv: ConvId(5),
        at: conv("g:geese"),
        messages: vec![
            message(
                1,
                event(LogEvent::Created {
                    members: vec![
                        (user("alice"), GroupRole::Owner),
                        (bob.clone(), GroupRole::Member),
                    ],
                }),
            ),
            Arc::new(text),
            message(3, Content::Image(r#"{"url":"x"}"#.into())),
            message(4, Content::File(r#"{"url":"y"}"#.into())),
            message(5, Content::Custom(odd_json.into())),
            message(6, Content::Custom("not json".into())),
            message(7, event(LogEvent::Joined { members: vec![(bob.clone(), GroupRole::Admin)] })),
            message(8, event(LogEvent::Removed { members: vec![bob] })),
        ],
        after: Seq(0),
        head: Seq(8),
        more: false,
    };
    let uri = "/v1/conversations/g:geese/messages";
    let (_, said) = once("GET", uri, Value::Null, Reply::Page(Box::new(page))).await;
    assert!(said.text.contains(odd_json), "data is kept as it was sent");
    let text = said.text.replace("1e400", "1");
    let json: Value = serde_json::from_str(&text).unwrap();
    let entries = json["messages"].as_array().unwrap();
    let head = |seq: u64, kind: &str| {
        json!({"id": "18446744073709551615", "seq": seq, "sender": "alice", "ts": NOW.0,
               "kind": kind, "client_id": KEY})
    };
    let with = |seq, kind, more: Value| {
        let mut entry = head(seq, kind);
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let created = json!({"event": {"type": "created", "members": [
        {"user": "alice", "role": "owner"}, {"user": "bob", "role": "member"}]}});
    let joined =
        json!({"event": {"type": "joined", "members": [{"user": "bob", "role": "admin"}]}});
    let removed = json!({"event": {"type": "removed", "members": [{"user": "bob"}]}});
    let text = json!({"text": "hi <b>\u{0}", "reply_to": 1, "mentions": ["bob"]});
    assert_eq!(entries[0], with(1, "event", created));
    assert_eq!(entries[1], with(2, "text", text));
    assert_eq!(entries[2], with(3, "image", json!({"data": {"url": "x"}})));
    assert_eq!(entries[3], with(4, "file", json!({"data": {"url": "y"}})));
    assert_eq!(entries[4]["kind"], "custom");
    assert_eq!(entries[5], with(6, "custom", json!({"data": "not json"})));
    assert_eq!(entries[6], with(7, "event", joined));
    assert_eq!(entries[7], with(8, "event", removed));
}

fn outgoing(asked: Command) -> Outgoing {
    match asked {
        Command::Send(outgoing) => *outgoing,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_send_is_created_and_its_retry_is_ok() {
    let uri = "/v1/conversations/u:bob/messages";
    let body = json!({"kind": "text", "text": "hi", "reply_to": 3, "mentions": ["Bob"]});
    let (asked, said) = once("POST", uri, body.clone(), sent(false)).await;
    let outgoing = outgoing(asked);
    assert_eq!(outgoing.to, conv("u:bob"));
    assert_eq!(outgoing.content, Content::Text("hi".into()));
    assert_eq!((outgoing.reply_to, outgoing.mentions), (Some(Seq(3)), vec![user("bob")]));
    assert_eq!(outgoing.payload, None);
    assert_eq!(said.status, StatusCode::CREATED);
    assert_eq!(said.json(), json!({"id": "9007199254740993", "seq": 7, "ts": NOW.0}));

    let (_, said) = once("POST", uri, body, sent(true)).await;
    assert_eq!(said.status, StatusCode::OK);
    assert_eq!(said.json()["seq"], 7);
}

#[tokio::test]
async fn data_is_sent_on_as_it_was_written() {
    let uri = "/v1/conversations/g:geese/messages";
    for (kind, data) in [
        ("image", r#"{ "url":"a",  "w":1.50 }"#),
        ("file", r#"{"url":"\u00e9"}"#),
        ("custom", "[1, 2]"),
        ("custom", "null"),
        ("custom", "12345678901234567890"),
    ] {
        let sm = FakeSm::always(sent(false));
        let body = format!(r#"{{"kind":"{kind}","data":{data}}}"#);
        let said = send(&web(&sm), call("POST", uri, body)).await;
        if data == "null" {
            // JSON has one null: for `data` it reads as "not there".
            assert_eq!(said.problem(), "invalid");
            continue;
        }
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
        let outgoing = outgoing(sm.commands().remove(0));
        assert_eq!(outgoing.content.kind().name(), kind);
        assert_eq!(outgoing.content.body(), Some(data));
    }
}

#[tokio::test]
async fn groups_are_made_and_shown() {
    let body = json!({"id": "Geese", "title": "Wild", "members": ["bob", "carol"]});
    let (asked, said) = once("POST", "/v1/groups", body, sent(false)).await;
    let Command::CreateGroup(new) = asked else { panic!("{asked:?}") };
    let NewGroup { name, title, members, .. } = *new;
    assert_eq!(
        (name.as_str(), &*title, members),
        ("geese", "Wild", vec![user("bob"), user("carol")])
    );
    assert_eq!(said.status, StatusCode::CREATED);
    assert_eq!(said.header("location"), "/v1/groups/geese");
    let entry = json!({"id": "9007199254740993", "seq": 7, "ts": NOW.0});
    assert_eq!(said.json(), json!({"id": "geese", "conv": "g:geese", "entry": entry}));

    let group = Group {
        name: GroupName::new("geese").unwrap(),
        kind: GroupKind::Channel,
        title: "Wild".into(),
        description: "About".into(),
        avatar: "a.png".into(),
        announcement: "Rain".into(),
        members: 3,
        created: NOW,
        policy: Policy::new(GroupKind::Channel),
        role: Some(GroupRole::Admin),
        muted: Millis(9),
    };
    let (asked, said) =
        once("GET", "/v1/groups/geese", Value::Null, Reply::Group(Box::new(group))).await;
    assert_eq!(asked, Command::Group(GroupName::new("geese").unwrap()));
    assert_eq!(
        said.json(),
        json!({"id": "geese", "conv": "g:geese", "kind": "channel", "title": "Wild",
               "description": "About", "avatar": "a.png", "announcement": "Rain", "members": 3,
               "created": NOW.0, "role": "admin", "muted_until": 9,
               "policy": {"join": "open", "invite": "admins", "post": "admins", "pin": "admins",
                          "edit": "admins", "hidden": false}})
    );
}

#[tokio::test]
async fn members_page_by_page() {
    let member =
        |name: &str, role| Member { user: UserId(1), name: user(name), role, muted: Millis(0) };
    let members = vec![member("alice", GroupRole::Owner), member("bob", GroupRole::Member)];
    let page = MemberPage { members, more: true };
    let uri = "/v1/groups/geese/members?cursor=aaron&limit=2";
    let (asked, said) = once("GET", uri, Value::Null, Reply::Members(Box::new(page))).await;
    let group = GroupName::new("geese").unwrap();
    assert_eq!(asked, Command::Members { group, after: Some(user("aaron")), limit: 2 });
    assert_eq!(
        said.json(),
        json!({"members": [{"user": "alice", "role": "owner"}, {"user": "bob", "role": "member"}],
               "more": true, "next": "bob"})
    );
}

#[tokio::test]
async fn members_come_go_and_rise() {
    let put = |users: &[&str], role| MemberChange::Put {
        users: users.iter().map(|name| user(name)).collect(),
        role,
    };
    for (method, path, body, change) in [
        (
            "POST",
            "members",
            json!({"users": ["bob", "eve"]}),
            put(&["bob", "eve"], GroupRole::Member),
        ),
        (
            "POST",
            "members",
            json!({"users": ["eve"], "role": "admin"}),
            put(&["eve"], GroupRole::Admin),
        ),
        ("PUT", "members/bob/role", json!({"role": "owner"}), put(&["bob"], GroupRole::Owner)),
        ("DELETE", "members/bob", Value::Null, MemberChange::Remove { users: vec![user("bob")] }),
    ] {
        let uri = format!("/v1/groups/geese/{path}");
        let (asked, said) = once(method, &uri, body, sent(false)).await;
        let Command::Change(asked) = asked else { panic!("{asked:?}") };
        let Change { at, act, .. } = *asked;
        assert_eq!((at.to_string().as_str(), act), ("g:geese", Act::Members(change)));
        assert_eq!(said.status, StatusCode::CREATED);
        assert_eq!(said.json()["seq"], 7);
    }
}

#[tokio::test]
async fn leaving_removes_whoever_the_token_belongs_to() {
    let uri = "/v1/groups/geese/leave";
    let (asked, said) = once("POST", uri, Value::Null, sent(false)).await;
    assert_eq!(said.status, StatusCode::CREATED);
    let Command::Change(change) = asked else { panic!("{asked:?}") };
    assert_eq!(change.act, Act::Group(GroupChange::Leave));
}

#[tokio::test]
async fn administration() {
    use anser_domain::{
        AdminAct, AdminCommand, AdminReply, AdminUser, Audience, Noticed, PushServices,
    };
    let act = |act| {
        let address = Some([127, 0, 0, 1].into());
        Command::Admin(Box::new(AdminCommand { address, act }))
    };
    let admin_user = |name| AdminUser {
        name: user(name),
        display_name: "".into(),
        role: Role::User,
        disabled: false,
        ban: None,
    };
    let page = |more| {
        let users = vec![admin_user("bob"), admin_user("carol")];
        Reply::Admin(Box::new(AdminReply::Users { users, more }))
    };
    let uri = "/v1/admin/users?limit=2&cursor=alice&query=b";
    let (asked, said) = once("GET", uri, Value::Null, page(true)).await;
    let after = Some(user("alice"));
    assert_eq!(asked, act(AdminAct::Users { prefix: "b".into(), after, limit: 2 }));
    assert_eq!((&said.json()["more"], &said.json()["next"]), (&json!(true), &json!("carol")));
    let (_, said) = once("GET", "/v1/admin/users?limit=2", Value::Null, page(false)).await;
    assert_eq!(said.json()["more"], false, "a full page may be the last one");
    assert_eq!(
        (&said.json()["next"], &said.json()["users"][0]["user"]),
        (&Value::Null, &json!("bob"))
    );

    let body = json!({"user": "root", "password": "pw", "display_name": "R", "role": "admin"});
    let reply = Reply::Admin(Box::new(AdminReply::User(admin_user("root"))));
    let (asked, said) = once("POST", "/v1/admin/users", body, reply).await;
    let (password, role) = (Secret::new("pw"), Role::Admin);
    let new = NewUser { name: user("root"), password, display_name: "R".into(), role };
    assert_eq!(asked, act(AdminAct::CreateUser(Box::new(new))));
    assert_eq!(said.status, StatusCode::CREATED);

    let uri = "/v1/admin/users/bob/password";
    let (asked, said) = once("PUT", uri, json!({"password": "n"}), Reply::Done).await;
    let set = AdminAct::SetPassword { user: user("bob"), password: Secret::new("n") };
    assert_eq!(asked, act(set));
    assert_eq!(said.status, StatusCode::NO_CONTENT);

    let uri = "/v1/admin/users/bob/ban";
    let body = json!({"reason": "spam", "until": 9});
    let (asked, said) = once("PUT", uri, body, Reply::Done).await;
    let (reason, until) = ("spam".into(), Some(Millis(9)));
    assert_eq!(asked, act(AdminAct::Ban { user: user("bob"), reason, until }));
    assert_eq!(said.status, StatusCode::NO_CONTENT);

    let uri = "/v1/admin/messages";
    let body = json!({"from": "bob", "to": "g:geese", "message": {"kind": "text", "text": "hi"}});
    let (asked, said) = once("POST", uri, body, sent(false)).await;
    let Command::Admin(it) = asked else { panic!("{asked:?}") };
    let AdminAct::SendAs { from, message } = it.act else { panic!("{:?}", it.act) };
    assert_eq!((from, message.to.to_string()), (user("bob"), "g:geese".to_owned()));
    assert_eq!(said.status, StatusCode::CREATED);

    let uri = "/v1/admin/notices";
    let message = json!({"kind": "text", "text": "hi"});
    let body = json!({"users": ["bob", "carol"], "message": message});
    let refused = vec![(user("carol"), Refusal::NoSuchUser)];
    let reply = AdminReply::Noticed(Noticed { sent: 1, refused });
    let (asked, said) = once("POST", uri, body, Reply::Admin(Box::new(reply))).await;
    let Command::Admin(it) = asked else { panic!("{asked:?}") };
    let AdminAct::Notice(notice) = it.act else { panic!("{:?}", it.act) };
    assert_eq!(notice.to, Audience::Users(vec![user("bob"), user("carol")]));
    assert_eq!(notice.content, Content::Text("hi".into()));
    let carol =
        json!({"user": "carol", "type": "/problems/no-such-user", "detail": "no such user"});
    assert_eq!(said.json(), json!({"sent": 1, "refused": [carol]}));
    for wrong in [
        json!({"message": message}),
        json!({"users": ["bob"], "group": "geese", "message": message}),
        json!({"users": ["b b"], "message": message}),
        json!({"users": "bob", "message": message}),
        json!({"users": ["bob"]}),
        json!({"users": ["bob"], "message": {"kind": "text", "text": "hi", "mentions": ["bob"]}}),
        json!({"users": ["bob"], "message": {"kind": "event", "text": "hi"}}),
    ] {
        let sm = FakeSm::always(Reply::Done);
        let said = send(&web(&sm), call("POST", uri, wrong.to_string())).await;
        assert_eq!((said.problem().as_str(), sm.commands().len()), ("invalid", 0), "{wrong}");
    }

    let uri = "/v1/admin/users/bob/anonymise";
    let (asked, _) = once("POST", uri, Value::Null, Reply::Done).await;
    assert_eq!(asked, act(AdminAct::Anonymise { user: user("bob"), scrub: false }));
    let uri = "/v1/admin/users/bob/anonymise?messages=scrub";
    let (asked, said) = once("POST", uri, Value::Null, Reply::Done).await;
    assert_eq!(asked, act(AdminAct::Anonymise { user: user("bob"), scrub: true }));
    assert_eq!(said.status, StatusCode::NO_CONTENT);

    let services = PushServices { providers: vec!["web".into()], web_key: Some("BK".into()) };
    let reply = Reply::Push(PushReply::Services(services));
    let (asked, said) = once("GET", "/v1/push/services", Value::Null, reply).await;
    assert_eq!(asked, Command::Push(Box::new(PushCommand::Services)));
    assert_eq!(said.json(), json!({"providers": ["web"], "web_key": "BK"}));

    let body = json!({"name": "k", "scopes": ["users:read", "everything"]});
    let (said, asked) = {
        let sm = FakeSm::always(Reply::Done);
        let request = call("POST", "/v1/admin/keys", body.to_string());
        (send(&web(&sm), request).await, sm.commands())
    };
    assert_eq!((said.problem().as_str(), asked.len()), ("invalid", 0), "no such scope");
}

#[tokio::test]
async fn an_answer_of_another_kind_is_the_servers_mistake_and_says_nothing_more() {
    let (_, said) = once("GET", "/v1/me", Value::Null, sent(false)).await;
    assert_eq!(said.problem(), "internal");
    assert!(!said.text.contains("Sent"), "{}", said.text);
}

#[tokio::test]
async fn an_answer_that_comes_later_from_another_thread_is_waited_for() {
    let sm = FakeSm::new(|_| None);
    let router = web(&sm);
    let call = tokio::spawn(async move { send(&router, call("GET", "/v1/me", "")).await });
    while sm.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let from = sm.asked.lock().unwrap()[0].from;
    let replies = sm.peers.lock().unwrap()[0].replies.clone();
    std::thread::spawn(move || {
        replies.replies(vec![(
            from.link,
            from.tag,
            Reply::Refused(Refusal::RateLimited(Duration::from_millis(1500))),
        )]);
    });
    let said = call.await.unwrap();
    assert_eq!(said.problem(), "rate-limited");
    assert_eq!(said.header("retry-after"), "2");
}

#[tokio::test]
async fn a_device_registers_for_notifications() {
    let device = DeviceName::new("phone").unwrap();
    let register = |target| {
        let (device, locale) = (device.clone(), "de".into());
        Command::Push(Box::new(PushCommand::Register { device, target, locale }))
    };
    let uri = "/v1/devices/phone/push";
    for (body, target) in [
        (
            json!({"provider": "apns", "token": "ab", "app": "org.x", "locale": "de"}),
            PushTarget::Apns { token: "ab".into(), topic: "org.x".into(), sandbox: false },
        ),
        (
            json!({"provider": "fcm", "token": "t:1", "locale": "de"}),
            PushTarget::Fcm { token: "t:1".into() },
        ),
        (
            json!({"provider": "web", "endpoint": "https://x/1", "locale": "de",
                   "keys": {"p256dh": "k", "auth": "a"}}),
            PushTarget::Web {
                endpoint: "https://x/1".into(),
                p256dh: "k".into(),
                auth: "a".into(),
            },
        ),
        (
            json!({"provider": "webhook", "token": "me", "locale": "de"}),
            PushTarget::Webhook { token: "me".into() },
        ),
    ] {
        let (command, said) = once("PUT", uri, body, Reply::Done).await;
        assert_eq!((said.status, command), (StatusCode::NO_CONTENT, register(target)));
    }
    for wrong in [
        json!({"provider": "apns", "token": "ab"}),
        json!({"provider": "fcm", "endpoint": "https://x/1"}),
        json!({"provider": "web", "token": "ab"}),
        json!({"provider": "web", "endpoint": "https://x/1"}),
        json!({"provider": "pigeon", "token": "ab"}),
        json!({"provider": "fcm", "token": ""}),
        json!({"provider": "fcm", "token": "a\nb"}),
        json!({"provider": "fcm", "token": "x".repeat(3000)}),
        json!({"provider": "fcm", "token": 7}),
    ] {
        let sm = FakeSm::always(Reply::Done);
        let said = send(&web(&sm), call("PUT", uri, wrong.to_string())).await;
        assert_eq!((said.problem().as_str(), sm.commands().len()), ("invalid", 0), "{wrong}");
    }
}

#[tokio::test]
async fn a_registration_is_shown_without_its_token_and_forgotten() {
    let uri = "/v1/devices/phone/push";
    let device = DeviceName::new("phone").unwrap();
    let last = PushOutcome { at: NOW, taken: false, reason: "status 503".into() };
    let record = PushRecord {
        provider: "fcm".into(),
        locale: "de".into(),
        registered: NOW,
        taken: 3,
        failed: 1,
        last: Some(last),
    };
    let reply = Reply::Push(PushReply::Record(Some(Box::new(record))));
    let (command, said) = once("GET", uri, Value::Null, reply).await;
    assert_eq!(command, Command::Push(Box::new(PushCommand::Show(device.clone()))));
    assert_eq!(
        said.json(),
        json!({"provider": "fcm", "locale": "de", "registered": NOW.0, "taken": 3, "failed": 1,
               "last": {"at": NOW.0, "taken": false, "reason": "status 503"}})
    );
    let none = Reply::Push(PushReply::Record(None));
    let (_, said) = once("GET", uri, Value::Null, none).await;
    assert_eq!(said.problem(), "no-such");
    let (command, said) = once("DELETE", uri, Value::Null, Reply::Done).await;
    assert_eq!(command, Command::Push(Box::new(PushCommand::Forget(device))));
    assert_eq!(said.status, StatusCode::NO_CONTENT);
}
