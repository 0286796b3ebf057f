//! `vectors/native.json`: every frame as bytes, for every SDK to run. Written by the codec,
//! checked here by a reader that knows nothing but the protocol's table.

use crate::table::{body_from_json, body_to_json, check_fresh, fields, frame_row, hex, unhex};
use anser_wire::{
    CODES, ErrorCode,
    codec::{self, CodecError},
    frame::*,
};
use serde_json::{Value, json};

const FILE: &str = "../../vectors/native.json";
const MAX: usize = 256 << 10;

fn uuid(n: u8) -> Vec<u8> {
    let mut bytes = unhex("0198c0de00007000800000000000000");
    bytes.resize(16, 0);
    bytes[15] = n;
    bytes
}

fn hello() -> Hello {
    Hello {
        token: "token-of-alice".into(),
        min_version: 1,
        max_version: 1,
        capabilities: vec!["zstd-1".into()],
        since: Some(0),
        credit: 64,
        heartbeat_ms: 30_000,
        client: "example/1.0".into(),
    }
}

fn text() -> Deliver {
    Deliver {
        conv: 300,
        at: "u:bob".into(),
        seq: 7,
        ord: 6,
        message_id: 0x0198_c0de_0000_0001,
        sender: "bob".into(),
        client_id: uuid(1),
        ts: 1_790_000_000_000,
        kind: 1,
        body: "大雁 honk".into(),
        reply_to: 5,
        mentions: vec!["alice".into(), "carol".into()],
        event: None,
        payload: vec![0, 255],
        marks: None,
    }
}

fn happening(what: Happening) -> Frame {
    let event = Some(LogEvent { what: Some(what) });
    Deliver {
        conv: 301,
        at: "g:geese".into(),
        seq: 1,
        message_id: 2,
        sender: "alice".into(),
        client_id: uuid(2),
        ts: 1_790_000_000_001,
        kind: 5,
        event,
        ..Deliver::default()
    }
    .into()
}

fn members() -> MemberList {
    let member = |user: &str, role| Membership { user: user.into(), role };
    MemberList { members: vec![member("alice", 3), member("bob", 1)] }
}

fn profile() -> ProfilePatch {
    let (title, announcement) = (Some("Ducks".into()), Some(String::new()));
    ProfilePatch { title, announcement, ..ProfilePatch::default() }
}

fn policy() -> Policy {
    Policy { post: 2, hidden: Some(false), ..Policy::default() }
}

fn mute() -> Mute {
    Mute { user: "bob".into(), until: 1_790_000_600_000 }
}

fn card() -> Group {
    Group {
        name: "ducks".into(),
        title: "Ducks".into(),
        members: 2,
        created: 1_790_000_000_003,
        role: 3,
        kind: 2,
        description: "About ducks".into(),
        avatar: "https://example.org/ducks.png".into(),
        announcement: "Rain".into(),
        policy: Some(Policy { join: 1, invite: 2, post: 2, pin: 2, edit: 2, hidden: Some(false) }),
        muted: 1_790_000_600_000,
    }
}

fn conversation() -> Conversation {
    Conversation {
        conv: 300,
        at: "u:bob".into(),
        title: "Bob".into(),
        head: 7,
        last: Some(Deliver { conv: 0, at: String::new(), ..text() }),
        delivered: 7,
        read: 5,
        peer_delivered: 6,
        peer_read: 4,
        unread: 2,
        member: true,
        changed: 99,
        mentions: 1,
        keep: Some(keep()),
    }
}

fn keep() -> Keep {
    Keep { muted_until: 1_790_000_000_000, pinned: true, hidden: true, cleared: 2 }
}

fn place() -> Source {
    Source { at: "g:geese".into(), seq: 7 }
}

fn altered() -> Deliver {
    Deliver {
        marks: Some(Marks {
            gone: 0,
            edited: Some(1_790_000_000_002),
            reactions: vec![Reaction { reaction: "👍".into(), count: 2, mine: true }],
            pinned: true,
            mentions_all: true,
            origin: Some(Origin { sender: "carol".into(), ts: 1_780_000_000_000 }),
        }),
        ..text()
    }
}

fn gone() -> Deliver {
    Deliver {
        kind: 6,
        body: String::new(),
        mentions: Vec::new(),
        payload: Vec::new(),
        marks: Some(Marks { gone: 1, ..Marks::default() }),
        ..text()
    }
}

/// What happens to messages, and what is asked about them.
#[rustfmt::skip]
fn of_messages() -> Vec<(&'static str, &'static str, Frame)> {
    let entry = || Deliver { conv: 0, at: String::new(), ..altered() };
    let edit = || Edit { seq: 7, kind: 1, body: "honk!".into(), mentions: vec!["alice".into()] };
    let react = || React { seq: 7, reaction: "👍".into(), on: true };
    vec![
        ("deliver_altered", "a message that was edited, forwarded, pinned and reacted to", altered().into()),
        ("deliver_gone", "a message that was recalled: nothing but its place", gone().into()),
        ("deliver_recalled", "a message was taken back", happening(Happening::Recalled(Target { seq: 7 }))),
        ("deliver_edited", "a message says something else now", happening(Happening::Edited(edit()))),
        ("deliver_reacted", "a reaction was given", happening(Happening::Reacted(react()))),
        ("deliver_pinned", "a message was pinned", happening(Happening::Pinned(Pin { seq: 7, on: true }))),
        ("event_kept", "another device deleted a message for the user",
            notice(Notice::Kept(Kept { conv: 300, at: "u:bob".into(), keep: Some(keep()), deleted: 7 }))),
        ("send_forward", "a message of another conversation sent on, calling everybody",
            Send {
                id: 3, to: "g:ducks".into(), client_id: uuid(6), mentions_all: true,
                forward: Some(place()), ..Send::default()
            }.into()),
        ("request_recall", "takes a message back",
            request(Call::Recall(RecallCall { client_id: uuid(7), of: Some(place()) }))),
        ("request_edit", "changes a message",
            request(Call::Edit(EditCall { client_id: uuid(7), at: "g:geese".into(), edit: Some(edit()) }))),
        ("request_react", "gives a reaction",
            request(Call::React(ReactCall { client_id: uuid(7), at: "g:geese".into(), react: Some(react()) }))),
        ("request_pin", "pins a message",
            request(Call::Pin(PinCall {
                client_id: uuid(7), at: "g:geese".into(), pin: Some(Pin { seq: 7, on: true }),
            }))),
        ("request_delete_for_me", "out of one's own sight", request(Call::DeleteForMe(place()))),
        ("request_clear_for_me", "everything up to it", request(Call::ClearForMe(place()))),
        ("request_keep", "muted; a false is written, since it is optional",
            request(Call::Keep(KeepCall {
                at: "g:geese".into(), muted_until: Some(1_790_000_000_000), pinned: Some(false), hidden: None,
            }))),
        ("request_reactors", "who reacted, after bob",
            request(Call::Reactors(ReactorsCall {
                at: "g:geese".into(), seq: 7, limit: 10,
                after: Some(Reactor { reaction: "👍".into(), user: "bob".into() }),
            }))),
        ("request_pins", "what is pinned", request(Call::Pins(PinsCall { at: "g:geese".into() }))),
        ("request_receipts", "who has it", request(Call::Receipts(place()))),
        ("request_search", "messages with these words",
            request(Call::Search(SearchCall {
                query: "大雁 honk".into(), at: "g:geese".into(), before: 9, limit: 10,
            }))),
        ("response_reactors", "who reacted",
            response(Answer::Reactors(Reactors {
                reactors: vec![Reactor { reaction: "👍".into(), user: "carol".into() }], more: true,
            }))),
        ("response_pins", "what is pinned",
            response(Answer::Pins(Pins { entries: vec![entry()], partial: true }))),
        ("response_receipts", "who has it",
            response(Answer::Receipts(Receipts {
                members: 3, delivered: vec!["bob".into(), "carol".into()], read: vec!["bob".into()],
            }))),
        ("response_found", "what was found",
            response(Answer::Found(Found {
                hits: vec![Hit {
                    at: "g:geese".into(), entry: Some(entry()),
                    snippet: vec![
                        Piece { text: "大雁".into(), hit: true }, Piece { text: " says".into(), hit: false },
                    ],
                }],
                next: 9, partial: true,
            }))),
    ]
}

fn change_set() -> ChangeSet {
    ChangeSet { conversations: vec![conversation()], token: 99, more: true, partial: false }
}

fn log() -> Log {
    Log {
        conv: 300,
        at: "u:bob".into(),
        entries: vec![Deliver { conv: 0, at: String::new(), ..text() }],
        after: 6,
        head: 9,
        more: true,
        partial: false,
    }
}

fn notice(what: Notice) -> Frame {
    Event { what: Some(what) }.into()
}

fn request(call: Call) -> Frame {
    Request { id: 9, call: Some(call) }.into()
}

fn response(answer: Answer) -> Frame {
    Response { id: 9, answer: Some(answer) }.into()
}

fn friend() -> Friend {
    Friend {
        user: "bob".into(),
        display_name: "Bob".into(),
        remark: "Bobby".into(),
        lists: vec!["work".into()],
        since: 1_790_000_000_000,
        presence: Some(Seen { online: true, last: 1_790_000_000_001 }),
        gone: false,
        version: 99,
    }
}

fn friend_request() -> FriendRequest {
    FriendRequest {
        request: 99,
        from: "alice".into(),
        to: "bob".into(),
        message: "it is me".into(),
        state: 1,
        created: 1_790_000_000_000,
        version: 99,
    }
}

/// Every frame, and every branch of those that have some: name, meaning, frame.
#[rustfmt::skip]
pub(crate) fn samples() -> Vec<(&'static str, &'static str, Frame)> {
    let mut all = vec![
        ("hello", "a login with everything set; `since` is optional, so a 0 is written", hello().into()),
        ("hello_least", "the least that a login can be",
            Hello { token: "t".into(), min_version: 1, max_version: 1, ..Hello::default() }.into()),
        ("resume", "a link that comes back",
            Resume {
                ticket: "ticket".into(), min_version: 1, max_version: 2, capabilities: vec!["zstd-1".into()],
                since: Some(99), credit: 64, heartbeat_ms: 30_000, client: "example/1.0".into(),
            }.into()),
        ("welcome", "the link is alice's phone",
            Welcome {
                version: 1, user: "alice".into(), device: "phone".into(), ticket: "ticket".into(),
                server_time: 1_790_000_000_000, expires: 1_790_000_900_000, heartbeat_ms: 60_000,
                max_frame: 262_144, max_in_flight: 256, capabilities: vec!["zstd-1".into()],
                changes: Some(change_set()), personal: 98,
            }.into()),
        ("send", "a text to a group, with everything set",
            Send {
                id: 1, to: "g:geese".into(), client_id: uuid(3), kind: 1, body: "honk".into(), reply_to: 6,
                mentions: vec!["bob".into()], payload: vec![1, 2, 3],
                mentions_all: false, forward: None,
            }.into()),
        ("send_least", "a text: kind 0 is text",
            Send { id: 2, to: "u:bob".into(), client_id: uuid(4), body: "hi".into(), ..Send::default() }.into()),
        ("send_custom", "JSON of the app's own",
            Send { id: 3, to: "u:bob".into(), client_id: uuid(5), kind: 4, body: r#"{"a":1}"#.into(), ..Send::default() }.into()),
        ("sendack", "stored",
            SendAck { id: 1, conv: 301, seq: 8, message_id: u64::MAX, ts: 1_790_000_000_002, duplicate: false }.into()),
        ("sendack_duplicate", "stored before",
            SendAck { id: 1, conv: 301, seq: 8, message_id: 3, ts: 1_790_000_000_002, duplicate: true }.into()),
        ("deliver", "a text from bob", text().into()),
        ("deliver_created", "a group is made", happening(Happening::Created(members()))),
        ("deliver_joined", "members come in", happening(Happening::Joined(members()))),
        ("deliver_removed", "members go", happening(Happening::Removed(NameList { users: vec!["bob".into()] }))),
        ("deliver_profile", "a group has another title", happening(Happening::Profile(profile()))),
        ("deliver_policy", "only admins write now", happening(Happening::Policy(policy()))),
        ("deliver_muted", "bob is muted", happening(Happening::Muted(mute()))),
        ("deliver_dissolved", "the group has ended", happening(Happening::Dissolved(Dissolved {}))),
        ("deliverack", "everything of 300 up to 7 is kept", DeliverAck { conv: 300, seq: 7 }.into()),
        ("credit", "64 more", Credit { add: 64 }.into()),
        ("sync_log", "entries of 300 above 7", Sync { id: 4, conv: 300, after: 7, limit: 100, since: 0 }.into()),
        ("sync_changes", "what changed after 99", Sync { id: 5, since: 99, ..Sync::default() }.into()),
        ("page", "the answer to sync_log", Page { id: 4, log: Some(log()) }.into()),
        ("changes", "the answer to sync_changes", Changes { id: 5, set: Some(change_set()) }.into()),
        ("synced", "nothing is missing up to 99", Synced { token: 99 }.into()),
        ("event_receipt", "bob has read up to 7",
            notice(Notice::Receipt(Receipt { conv: 300, at: "u:bob".into(), user: "bob".into(), read: true, seq: 7 }))),
        ("event_typing", "bob is typing",
            notice(Notice::Typing(Typing { at: "u:bob".into(), user: "bob".into(), active: true }))),
        ("event_typing_sent", "a client says that it has stopped",
            notice(Notice::Typing(Typing { at: "u:bob".into(), user: String::new(), active: false }))),
        ("event_presence", "bob is there", notice(Notice::Presence(Presence { user: "bob".into(), online: true }))),
        ("event_head", "300 has grown to 12", notice(Notice::Head(Head { conv: 300, head: 12 }))),
        ("event_changed", "the receiver's list of friends has changed", notice(Notice::Changed(Changed { subject: 1, at: 99 }))),
        ("event_expiring", "one minute left", notice(Notice::Expiring(Expiring { in_ms: 60_000 }))),
        ("request_history", "the newest entries",
            request(Call::History(HistoryCall { at: "g:geese".into(), limit: 50, ..HistoryCall::default() }))),
        ("request_history_after", "from the first entry on",
            request(Call::History(HistoryCall { at: "g:geese".into(), after: Some(0), ..HistoryCall::default() }))),
        ("request_conversations", "the list's second page",
            request(Call::Conversations(ConversationsCall { before: Some(99), limit: 20 }))),
        ("request_read", "read up to 7", request(Call::Read(ReadCall { at: "u:bob".into(), seq: 7 }))),
        ("request_create_group", "a group",
            request(Call::CreateGroup(CreateGroupCall { client_id: uuid(6), name: "ducks".into(), title: "Ducks".into(), members: vec!["bob".into()], kind: 2 }))),
        ("request_put_members", "an admin",
            request(Call::PutMembers(PutMembersCall { client_id: uuid(7), group: "ducks".into(), users: vec!["bob".into()], role: 2 }))),
        ("request_remove_members", "one less",
            request(Call::RemoveMembers(RemoveMembersCall { client_id: uuid(8), group: "ducks".into(), users: vec!["bob".into()] }))),
        ("request_group", "about a group", request(Call::Group(GroupCall { name: "ducks".into() }))),
        ("request_members", "its members from c on",
            request(Call::Members(MembersCall { group: "ducks".into(), after: "bob".into(), limit: 100 }))),
        ("request_items", "drafts that changed after 98, removed ones too",
            request(Call::Items(ItemsCall { prefix: "draft/".into(), list: Some(ListCall { after: 98, gone: true, limit: 50 }) }))),
        ("request_item", "one item", request(Call::Item(ItemCall { key: "draft/u:bob".into() }))),
        ("request_put_item", "an item that must not be there yet",
            request(Call::PutItem(PutItemCall { key: "draft/u:bob".into(), value: Some("\"hi\"".into()), expected: Some(0) }))),
        ("request_put_item_removed", "an item that goes", request(Call::PutItem(PutItemCall { key: "draft/u:bob".into(), value: None, expected: None }))),
        ("request_friends", "all friends", request(Call::Friends(ListCall { after: 0, gone: false, limit: 0 }))),
        ("request_friend_requests", "what waits", request(Call::FriendRequests(ListCall { after: 0, gone: false, limit: 50 }))),
        ("request_request_friend", "a wish", request(Call::RequestFriend(RequestFriendCall { user: "bob".into(), message: "it is me".into() }))),
        ("request_answer_request", "yes", request(Call::AnswerRequest(AnswerRequestCall { request: 99, accept: true }))),
        ("request_withdraw_request", "never mind", request(Call::WithdrawRequest(WithdrawRequestCall { request: 99 }))),
        ("request_edit_friend", "a remark and a list",
            request(Call::EditFriend(EditFriendCall { user: "bob".into(), remark: Some("Bobby".into()), lists: Some(Lists { names: vec!["work".into()] }) }))),
        ("request_remove_friend", "friends no more", request(Call::RemoveFriend(RemoveFriendCall { user: "bob".into() }))),
        ("request_blocks", "whom one blocks", request(Call::Blocks(ListCall { after: 0, gone: true, limit: 50 }))),
        ("request_block", "no more of bob", request(Call::Block(BlockCall { user: "bob".into(), blocked: true }))),
        ("request_find_users", "who is called so", request(Call::FindUsers(FindUsersCall { query: "wild goo".into(), after: "alice".into(), limit: 20 }))),
        ("request_edit_profile", "about oneself",
            request(Call::EditProfile(EditProfileCall { display_name: Some("Alice".into()), avatar: None, about: Some("Flies south.".into()), fields: Some(r#"{"team":"geese"}"#.into()) }))),
        ("request_me", "about oneself", request(Call::Me(MeCall {}))),
        ("request_set_display_name", "a name for people",
            request(Call::SetDisplayName(DisplayNameCall { display_name: "Alice 鸿雁".into() }))),
        ("request_user", "about someone", request(Call::User(UserCall { user: "bob".into() }))),
        ("request_devices", "one's devices", request(Call::Devices(DevicesCall {}))),
        ("request_remove_device", "one less", request(Call::RemoveDevice(RemoveDeviceCall { device: "old phone".into() }))),
        ("response_items", "a page of items",
            response(Answer::Items(Items { items: vec![Item { key: "draft/u:bob".into(), value: None, version: 99 }], token: 99, more: true }))),
        ("response_item", "an item", response(Answer::Item(Item { key: "draft/u:bob".into(), value: Some("\"hi\"".into()), version: 99 }))),
        ("response_friends", "a page of friends", response(Answer::Friends(Friends { friends: vec![friend()], token: 99, more: false }))),
        ("response_friend", "a friend", response(Answer::Friend(friend()))),
        ("response_requests", "a page of requests", response(Answer::Requests(FriendRequests { requests: vec![friend_request()], token: 99, more: false }))),
        ("response_request", "a request", response(Answer::Request(friend_request()))),
        ("response_blocks", "a page of blocks",
            response(Answer::Blocks(Blocks { blocks: vec![Blocked { user: "bob".into(), since: 1_790_000_000_000, gone: true, version: 99 }], token: 99, more: false }))),
        ("response_users", "who was found", response(Answer::Users(Users { users: vec![User { user: "bob".into(), display_name: "Bob".into(), ..User::default() }] }))),
        ("request_file", "what a file is", request(Call::File(FileCall { file: 5 }))),
        ("request_change_profile", "a title and no announcement",
            request(Call::ChangeProfile(ProfileCall { client_id: uuid(9), group: "ducks".into(), patch: Some(profile()) }))),
        ("request_change_policy", "only admins write",
            request(Call::ChangePolicy(PolicyCall { client_id: uuid(10), group: "ducks".into(), policy: Some(policy()) }))),
        ("request_mute", "bob is muted",
            request(Call::Mute(MuteCall { client_id: uuid(11), group: "ducks".into(), mute: Some(mute()) }))),
        ("request_dissolve", "the end", request(Call::Dissolve(DissolveCall { client_id: uuid(12), group: "ducks".into() }))),
        ("request_join", "someone wants in",
            request(Call::Join(JoinCall { client_id: uuid(13), group: "ducks".into(), message: "quack".into() }))),
        ("request_approve", "and comes in",
            request(Call::Approve(ApproveCall { client_id: uuid(14), group: "ducks".into(), user: "dave".into() }))),
        ("request_leave", "and leaves", request(Call::Leave(LeaveCall { client_id: uuid(15), group: "ducks".into() }))),
        ("request_groups", "one's groups from d on", request(Call::Groups(GroupsCall { after: "ducks".into(), limit: 10 }))),
        ("request_invite", "two are invited",
            request(Call::Invite(InviteCall { group: "ducks".into(), users: vec!["dave".into(), "erin".into()] }))),
        ("request_uninvite", "one is not any more", request(Call::Uninvite(DismissCall { group: "ducks".into(), user: "dave".into() }))),
        ("request_invited", "who is invited", request(Call::Invited(WaitingCall { group: "ducks".into(), after: "dave".into(), limit: 10 }))),
        ("request_invitations", "where one is invited", request(Call::Invitations(InvitationsCall { after: "ducks".into(), limit: 10 }))),
        ("request_retract", "no longer wanted", request(Call::Retract(RetractCall { group: "ducks".into(), request: true }))),
        ("request_requests", "who asks", request(Call::Requests(WaitingCall { group: "ducks".into(), after: String::new(), limit: 10 }))),
        ("request_refuse", "not this one", request(Call::Refuse(DismissCall { group: "ducks".into(), user: "dave".into() }))),
        ("response_done", "done", response(Answer::Done(Done {}))),
        ("response_log", "a page of history", response(Answer::Log(log()))),
        ("response_conversations", "a page of the list", response(Answer::Conversations(change_set()))),
        ("response_sent", "the change stands",
            response(Answer::Sent(Stored { conv: 302, seq: 1, message_id: 4, ts: 1_790_000_000_003, duplicate: true }))),
        ("response_group", "a group",
            response(Answer::Group(card()))),
        ("response_members", "its members",
            response(Answer::Members(Members { members: members().members, more: false }))),
        ("response_user", "a user",
            response(Answer::User(User { user: "bob".into(), display_name: "Bob".into(), admin: false, disabled: false, avatar: "https://example.org/b.png".into(), about: "Flies south.".into(), fields: r#"{"team":"geese"}"#.into(), presence: Some(Seen { online: true, last: 1_790_000_000_001 }) }))),
        ("response_devices", "devices",
            response(Answer::Devices(Devices { devices: vec![Device { device: "phone".into(), created: 1_790_000_000_000, seen: 1_790_000_000_004, online: true }] }))),
        ("response_file", "a picture",
            response(Answer::File(File { file: 5, owner: "bob".into(), name: "goose.png".into(), media: "image/png".into(), size: 70, received: 70, sha256: vec![7; 32], width: 4, height: 3, thumbnail: true, public: false, state: 2, created: 1_790_000_000_000, expires: 0 }))),
        ("response_groups", "one's groups", response(Answer::Groups(Groups { groups: vec![card()], more: true }))),
        ("response_waiting", "who asks",
            response(Answer::Waiting(WaitingList {
                users: vec![Waiting { user: "dave".into(), by: "dave".into(), message: "quack".into(), since: 1_790_000_000_005, until: 1_791_209_600_005 }],
                more: false,
            }))),
        ("response_invitations", "where one is invited",
            response(Answer::Invitations(Invitations {
                invitations: vec![Invitation { group: Some(card()), by: "alice".into(), since: 1_790_000_000_005, until: 1_791_209_600_005 }],
                more: false,
            }))),
        ("response_asked", "an admin will decide", response(Answer::Asked(Asked {}))),
        ("ping", "an empty one, two bytes", Ping::default().into()),
        ("ping_interval", "a client about to sleep", Ping { nonce: 7, heartbeat_ms: 600_000 }.into()),
        ("pong", "its answer", Pong { nonce: 7, heartbeat_ms: 600_000 }.into()),
        ("goaway", "the server is being stopped",
            GoAway { code: 64, reason: "the server is shutting down".into(), retry_after_ms: 2500, may_reconnect: true }.into()),
        ("error", "a send was refused for now",
            Error { code: 62, reason: "the server is busy".into(), id: 1, retry_after_ms: 500, until_ms: 0 }.into()),
        ("error_muted", "a member who may not write before a time",
            Error { code: 50, reason: "you are muted in this group".into(), id: 2, retry_after_ms: 0, until_ms: 1_800_000_000_000 }.into()),
    ];
    all.extend(of_messages());
    all
}

/// Bytes that a server refuses, and the code it names: name, meaning, hex, code.
#[rustfmt::skip]
pub(crate) fn refused() -> Vec<(&'static str, &'static str, Vec<u8>, ErrorCode)> {
    vec![
        ("type_zero", "type 0 is no frame", unhex("0000"), ErrorCode::Malformed),
        ("length_of_five_bytes", "2 GiB", unhex("818080808008"), ErrorCode::Malformed),
        ("length_above_the_bound", "16 MiB", unhex("8180808008"), ErrorCode::FrameTooLarge),
        ("unknown_critical", "type 63, critical", unhex("bf00"), ErrorCode::UnsupportedFrame),
        ("body_not_protobuf", "a HELLO that ends inside its token", unhex("81030a0561"), ErrorCode::Malformed),
        ("token_not_utf8", "a HELLO whose token is not text", unhex("81040a02c328"), ErrorCode::Malformed),
        ("wrong_wire_type", "a HELLO whose token is a number", unhex("81020801"), ErrorCode::Malformed),
        ("before_hello", "a PING first", unhex("9000"), ErrorCode::UnexpectedFrame),
        ("from_a_server", "a WELCOME from a client", unhex("8300"), ErrorCode::UnexpectedFrame),
        ("compressed_too_early", "a compressed HELLO", unhex("c10428b52ffd"), ErrorCode::BadCompression),
        ("no_version", "a HELLO for version 9", unhex("81070a017410091809"), ErrorCode::UnsupportedVersion),
    ]
}

fn vectors() -> Value {
    let frames: Vec<Value> = samples()
        .into_iter()
        .map(|(name, meaning, frame)| {
            let mut bytes = Vec::new();
            codec::write(&frame, &mut bytes);
            let mut body = Vec::new();
            frame.put_body(&mut body);
            json!({
                "name": name,
                "meaning": meaning,
                "frame": frame.frame_type().name(),
                "hex": hex(&bytes),
                "fields": body_to_json(frame_row(frame.frame_type().name()).body, &body),
            })
        })
        .collect();
    let (mut plain, mut packed) = (Vec::new(), Vec::new());
    codec::write(&long(), &mut plain);
    codec::write_compressed(&long(), 0, &mut packed);
    let refused: Vec<Value> = refused()
        .into_iter()
        .map(|(name, meaning, bytes, code)| {
            json!({
                "name": name,
                "meaning": meaning,
                "hex": hex(&bytes),
                "code": code.number(),
                "code_name": code.name(),
            })
        })
        .collect();
    json!({
        "about": "Test vectors of Anser's native protocol. `frames`: decoding `hex` gives `fields` \
                  (64-bit integers as text, bytes as hex), encoding `fields` gives `hex`. \
                  `compressed`: decoding gives the same as `plain`. `skipped`: passed over. \
                  `refused`: the first bytes of a link that a server answers with this ERROR.",
        "version": anser_wire::VERSION,
        "frames": frames,
        "compressed": [{
            "name": "send_long",
            "capability": codec::compress::CAPABILITY,
            "hex": hex(&packed),
            "plain": hex(&plain),
        }],
        "skipped": [{
            "name": "unknown_optional",
            "meaning": "type 63, not critical, three bytes of body",
            "hex": "3f03010203",
        }],
        "refused": refused,
    })
}

fn long() -> Frame {
    let body = "the geese are flying south again tonight, ".repeat(20);
    Send { id: 1, to: "g:geese".into(), client_id: uuid(9), body, ..Send::default() }.into()
}

fn stored() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_file_is_what_the_code_says() {
    let fresh = serde_json::to_string_pretty(&vectors()).unwrap() + "\n";
    check_fresh(FILE, &fresh);
}

#[test]
fn every_frame_and_every_branch_has_a_vector() {
    let stored = stored();
    let vectors = stored["frames"].as_array().unwrap();
    for row in FRAMES {
        let own: Vec<&Value> =
            vectors.iter().filter(|vector| vector["frame"] == row.name).collect();
        assert!(!own.is_empty(), "{} has no vector", row.name);
        let all: String = own.iter().map(|vector| vector["fields"].to_string()).collect();
        for field in fields(row.body) {
            let key = format!("\"{}\":", field.name);
            assert!(all.contains(&key), "{}.{} is in no vector", row.name, field.name);
        }
    }
}

#[test]
fn hex_and_fields_say_the_same_to_the_codec_and_to_the_table() {
    for vector in stored()["frames"].as_array().unwrap() {
        let (name, bytes) = (vector["name"].to_string(), unhex(vector["hex"].as_str().unwrap()));
        let (taken, frame) = codec::read(&bytes, MAX).unwrap().unwrap();
        let frame = frame.unwrap();
        assert_eq!(taken, bytes.len(), "{name}");
        let mut again = Vec::new();
        codec::write(&frame, &mut again);
        assert_eq!(again, bytes, "{name}");
        let row = frame_row(vector["frame"].as_str().unwrap());
        let raw = codec::split(&bytes, MAX).unwrap().unwrap();
        assert_eq!(body_to_json(row.body, raw.body), vector["fields"], "{name}");
        assert_eq!(body_from_json(row.body, &vector["fields"]), raw.body, "{name}");
    }
}

#[test]
fn every_vector_cut_short_waits_for_more_and_its_cut_body_is_no_panic() {
    for (name, _, frame) in samples() {
        let mut bytes = Vec::new();
        codec::write(&frame, &mut bytes);
        for cut in 0..bytes.len() {
            assert_eq!(codec::read(&bytes[..cut], MAX), Ok(None), "{name} cut at {cut}");
        }
        let mut body = Vec::new();
        frame.put_body(&mut body);
        for cut in 0..body.len() {
            let result = codec::decode(frame.frame_type(), &body[..cut]);
            assert!(matches!(result, Ok(_) | Err(CodecError::Field)), "{name} cut at {cut}");
        }
    }
}

#[test]
fn unknown_fields_are_passed_over() {
    for (name, _, frame) in samples() {
        let mut body = Vec::new();
        frame.put_body(&mut body);
        // Field 1,000: an integer, and some bytes.
        body.extend(unhex("c03e07c23e03616263"));
        assert_eq!(codec::decode(frame.frame_type(), &body), Ok(frame), "{name}");
    }
}

#[test]
fn compressed_and_skipped_vectors_read_as_they_should() {
    let stored = stored();
    for vector in stored["compressed"].as_array().unwrap() {
        let read = |key: &str| {
            let bytes = unhex(vector[key].as_str().unwrap());
            codec::read(&bytes, MAX).unwrap().unwrap().1.unwrap()
        };
        assert_eq!(read("hex"), read("plain"));
    }
    for vector in stored["skipped"].as_array().unwrap() {
        let bytes = unhex(vector["hex"].as_str().unwrap());
        assert_eq!(codec::read(&bytes, MAX), Ok(Some((bytes.len(), None))));
    }
}

#[test]
pub(crate) fn refused_vectors_name_codes_that_exist() {
    for vector in stored()["refused"].as_array().unwrap() {
        let number = vector["code"].as_u64().unwrap();
        assert!(CODES.iter().any(|row| u64::from(row.code.number()) == number), "{vector}");
    }
}
