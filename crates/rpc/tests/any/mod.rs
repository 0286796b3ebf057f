//! Arbitrary domain values.
//!
//! Each `*_kind` matches without a wildcard and counts its variants in `*_KINDS`: a new variant
//! does not compile until it has a number, and `every_variant_is_tried` fails until a strategy
//! makes it.

use std::{sync::Arc, time::Duration};

use anser_domain::*;
use proptest::{collection::vec, option, prelude::*};

pub fn user() -> impl Strategy<Value = UserName> {
    prop_oneof!["[a-z][a-z0-9._-]{0,12}", Just("鸿雁".to_owned())]
        .prop_map(|text| UserName::new(&text).unwrap())
}

pub fn group() -> impl Strategy<Value = GroupName> {
    "[a-z][a-z0-9._-]{0,12}".prop_map(|text| GroupName::new(&text).unwrap())
}

pub fn device() -> impl Strategy<Value = DeviceName> {
    "[a-zA-Z0-9 '/é-]{1,20}".prop_map(|text| DeviceName::new(&text).unwrap())
}

pub fn secret() -> impl Strategy<Value = Secret> {
    ".{0,24}".prop_map(Secret::new)
}

pub fn text() -> impl Strategy<Value = Box<str>> {
    ".{0,40}".prop_map(Into::into)
}

pub fn address() -> impl Strategy<Value = Address> {
    prop_oneof![user().prop_map(Address::User), group().prop_map(Address::Group)]
}

pub fn seq() -> impl Strategy<Value = Seq> {
    any::<u64>().prop_map(Seq)
}

pub fn client_id() -> impl Strategy<Value = ClientId> {
    any::<[u8; 16]>().prop_map(ClientId)
}

pub fn actor() -> impl Strategy<Value = Actor> {
    any::<(u64, u64, u64)>().prop_map(|(user, device, epoch)| Actor {
        user: UserId(user),
        device: DeviceId(device),
        epoch: Epoch(epoch),
    })
}

pub fn caller() -> impl Strategy<Value = Caller> {
    prop_oneof![
        Just(Caller::Nobody),
        actor().prop_map(Caller::Link),
        secret().prop_map(Caller::Bearer),
    ]
}

pub fn sign_in() -> impl Strategy<Value = SignIn> {
    (user(), secret(), device()).prop_map(|(user, password, device)| SignIn {
        user,
        password,
        device,
    })
}

fn credential() -> impl Strategy<Value = Credential> {
    prop_oneof![
        secret().prop_map(Credential::Token),
        secret().prop_map(Credential::Ticket),
        sign_in().prop_map(|SignIn { user, password, device }| Credential::Password {
            user,
            password,
            device
        }),
    ]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::User), Just(Role::Admin)]
}

fn group_role() -> impl Strategy<Value = GroupRole> {
    prop_oneof![Just(GroupRole::Member), Just(GroupRole::Admin), Just(GroupRole::Owner)]
}

fn payload() -> impl Strategy<Value = Payload> {
    let protocol = prop_oneof![
        Just(Protocol::Native),
        Just(Protocol::Mqtt3),
        Just(Protocol::Mqtt5),
        Just(Protocol::Xmpp)
    ];
    (protocol, vec(any::<u8>(), 0..30))
        .prop_map(|(protocol, bytes)| Payload { protocol, bytes: bytes.into() })
}

fn log_event() -> impl Strategy<Value = LogEvent> {
    let roles = || vec((user(), group_role()), 0..4);
    prop_oneof![
        roles().prop_map(|members| LogEvent::Created { members }),
        roles().prop_map(|members| LogEvent::Joined { members }),
        vec(user(), 0..4).prop_map(|members| LogEvent::Removed { members }),
        profile_patch().prop_map(LogEvent::Profile).boxed(),
        policy_patch().prop_map(LogEvent::Policy).boxed(),
        (user(), any::<i64>())
            .prop_map(|(user, until)| LogEvent::Muted { user, until: Millis(until) }),
        Just(LogEvent::Dissolved),
    ]
    .boxed()
}

fn of_messages() -> impl Strategy<Value = LogEvent> {
    prop_oneof![
        seq().prop_map(|seq| LogEvent::Recalled { seq }),
        (seq(), option::of(text()), vec(user(), 0..3)).prop_map(|(seq, text, mentions)| {
            let content = text.map(|text| Box::new(Content::Text(text)));
            LogEvent::Edited { seq, content, mentions }
        }),
        (seq(), text(), any::<bool>()).prop_map(|(seq, reaction, on)| LogEvent::Reacted {
            seq,
            reaction,
            on
        }),
        (seq(), any::<bool>()).prop_map(|(seq, on)| LogEvent::Pinned { seq, on }),
    ]
}

fn marks() -> impl Strategy<Value = Marks> {
    let reaction = (text(), any::<u32>(), any::<bool>())
        .prop_map(|(reaction, count, mine)| Reaction { reaction, count, mine });
    let origin = (user(), any::<i64>()).prop_map(|(sender, ts)| Origin { sender, ts: Millis(ts) });
    let flags = any::<(bool, bool)>();
    (option::of(any::<i64>()), vec(reaction, 0..3), flags, option::of(origin)).prop_map(
        |(edited, reactions, (pinned, mentions_all), origin)| Marks {
            edited: edited.map(Millis),
            reactions,
            pinned,
            mentions_all,
            origin,
        },
    )
}

pub fn keep() -> impl Strategy<Value = Keep> {
    (any::<i64>(), any::<bool>(), any::<bool>(), seq()).prop_map(
        |(until, pinned, hidden, cleared)| Keep {
            muted_until: Millis(until),
            pinned,
            hidden,
            cleared,
        },
    )
}

pub fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        text().prop_map(Content::Text),
        text().prop_map(Content::Image),
        text().prop_map(Content::File),
        text().prop_map(Content::Custom),
        log_event().prop_map(Content::Event).boxed(),
        of_messages().prop_map(Content::Event).boxed(),
        prop_oneof![Just(Gone::Recalled), Just(Gone::Deleted)].prop_map(Content::Gone).boxed(),
    ]
    .boxed()
}

pub fn message() -> impl Strategy<Value = Arc<Message>> {
    (
        any::<(u64, u64, u64, u64, i64)>(),
        (any::<u64>(), user(), any::<u64>()),
        client_id(),
        content(),
        option::of(seq()),
        vec(user(), 0..3),
        option::of(payload()),
        option::of(marks()),
    )
        .prop_map(|(numbers, sender, client_id, content, reply_to, mentions, payload, marks)| {
            let (conv, seq, ord, id, ts) = numbers;
            let (user, name, device) = sender;
            Arc::new(Message {
                conv: ConvId(conv),
                seq: Seq(seq),
                ord: Ord64(ord),
                id: MessageId(id),
                sender: Sender { user: UserId(user), name, device: DeviceId(device) },
                client_id,
                ts: Millis(ts),
                content,
                reply_to,
                mentions,
                payload,
                marks: marks.map(Box::new),
            })
        })
        .boxed()
}

pub fn refusal() -> impl Strategy<Value = Refusal> {
    let after = || (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(s, n)| Duration::new(s, n));
    prop_oneof![
        Just(Refusal::BadCredentials),
        Just(Refusal::Expired),
        Just(Refusal::Disabled),
        Just(Refusal::Revoked),
        Just(Refusal::TakenOver),
        Just(Refusal::Forbidden),
        Just(Refusal::NotMember),
        Just(Refusal::NoSuchUser),
        Just(Refusal::NoSuchFile),
        Just(Refusal::Quota("the quota is used up")),
        Just(Refusal::NameTaken),
        Just(Refusal::Conflict),
        Just(Refusal::StaleClientId),
        any::<i64>().prop_map(|until| Refusal::Muted(Millis(until))),
        Just(Refusal::VersionMismatch),
        Just(Refusal::Invalid("a group has at most 100,000 members")),
        Just(Refusal::TooLarge("a message has at most 64 KiB")),
        Just(Refusal::OutOfOrder),
        after().prop_map(Refusal::RateLimited),
        after().prop_map(Refusal::Busy),
        Just(Refusal::Unavailable),
        Just(Refusal::Draining),
        Just(Refusal::NoSuch("webhook")),
        text().prop_map(Refusal::Denied),
    ]
    .boxed()
}

pub const REFUSAL_KINDS: usize = 24;

pub fn refusal_kind(refusal: &Refusal) -> usize {
    match refusal {
        Refusal::BadCredentials => 0,
        Refusal::Expired => 1,
        Refusal::Disabled => 2,
        Refusal::Revoked => 3,
        Refusal::TakenOver => 4,
        Refusal::Forbidden => 5,
        Refusal::NotMember => 6,
        Refusal::NoSuchUser => 7,
        Refusal::NameTaken => 8,
        Refusal::Conflict => 9,
        Refusal::StaleClientId => 10,
        Refusal::Invalid(_) => 11,
        Refusal::TooLarge(_) => 12,
        Refusal::OutOfOrder => 13,
        Refusal::RateLimited(_) => 14,
        Refusal::Busy(_) => 15,
        Refusal::Unavailable => 16,
        Refusal::Draining => 17,
        Refusal::NoSuchFile => 18,
        Refusal::Quota(_) => 19,
        Refusal::NoSuch(_) => 20,
        Refusal::Denied(_) => 21,
        Refusal::Muted(_) => 22,
        Refusal::VersionMismatch => 23,
    }
}

fn profile() -> impl Strategy<Value = Profile> {
    (user(), text(), role(), any::<bool>(), details())
        .prop_map(|(name, display_name, role, disabled, details)| Profile {
            name,
            display_name,
            role,
            disabled,
            details,
        })
        .boxed()
}

mod admin;
mod command;
mod event;
mod files;
mod group;
mod messages;
mod people;
mod push;
mod reply;

pub use command::{COMMAND_KINDS, command, command_kind};
pub use event::{EVENT_KINDS, event, event_kind, same_event};
pub use files::{
    FILE_COMMAND_KINDS, FILE_REPLY_KINDS, file_command, file_command_kind, file_reply,
    file_reply_kind,
};
use group::{card, group_change, group_command, group_reply, kind, policy_patch, profile_patch};
use people::details;
pub use people::{
    PEOPLE_COMMAND_KINDS, PEOPLE_REPLY_KINDS, people_command, people_command_kind, people_reply,
    people_reply_kind,
};
pub use reply::{REPLY_KINDS, reply, reply_kind};
