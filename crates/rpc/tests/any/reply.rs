//! Arbitrary replies.

use super::{push::push_reply, *};

fn state() -> impl Strategy<Value = ConversationState> {
    let flags = (any::<bool>(), keep());
    (any::<[u64; 9]>(), address(), text(), option::of(message()), flags).prop_map(
        |(numbers, at, title, last, (member, keep))| {
            let [conv, head, delivered, read, peer_delivered, peer_read, unread, changed, mentions] =
                numbers;
            ConversationState {
                conv: ConvId(conv),
                at,
                title,
                head: Seq(head),
                last,
                delivered: Seq(delivered),
                read: Seq(read),
                peer_delivered: Seq(peer_delivered),
                peer_read: Seq(peer_read),
                unread,
                member,
                changed: SyncToken(changed),
                mentions,
                keep,
            }
        },
    )
}

fn changes() -> impl Strategy<Value = Changes> {
    (vec(state(), 0..4), any::<u64>(), any::<bool>()).prop_map(|(conversations, token, more)| {
        Changes { conversations, token: SyncToken(token), more }
    })
}

fn welcome() -> impl Strategy<Value = Welcome> {
    (actor(), user(), device(), secret(), any::<i64>(), changes(), any::<u64>()).prop_map(
        |(actor, user, device, ticket, until, changes, personal)| Welcome {
            actor,
            user,
            device,
            ticket,
            until: Millis(until),
            changes,
            personal: SyncToken(personal),
        },
    )
}

fn page() -> impl Strategy<Value = Page> {
    (any::<u64>(), address(), vec(message(), 0..4), seq(), seq(), any::<bool>()).prop_map(
        |(conv, at, messages, after, head, more)| Page {
            conv: ConvId(conv),
            at,
            messages,
            after,
            head,
            more,
        },
    )
}

fn members() -> impl Strategy<Value = MemberPage> {
    let member =
        (any::<u64>(), user(), group_role(), any::<i64>()).prop_map(|(user, name, role, muted)| {
            Member { user: UserId(user), name, role, muted: Millis(muted) }
        });
    (vec(member, 0..4), any::<bool>()).prop_map(|(members, more)| MemberPage { members, more })
}

fn sent() -> impl Strategy<Value = Sent> {
    any::<(u64, u64, u64, i64, bool, u64)>().prop_map(|(conv, seq, id, ts, duplicate, prev)| Sent {
        conv: ConvId(conv),
        seq: Seq(seq),
        id: MessageId(id),
        ts: Millis(ts),
        duplicate,
        prev: SyncToken(prev),
    })
}

fn of_people() -> impl Strategy<Value = Reply> {
    let device = (device(), any::<i64>(), any::<i64>(), any::<bool>()).prop_map(
        |(name, created, seen, online)| DeviceRecord {
            name,
            created: Millis(created),
            seen: Millis(seen),
            online,
        },
    );
    let tokens = (user(), super::device(), secret(), secret(), any::<u32>()).prop_map(
        |(user, device, access, refresh, expires_in)| Tokens {
            user,
            device,
            access,
            refresh,
            expires_in,
        },
    );
    prop_oneof![
        tokens.prop_map(|it| Reply::Tokens(Box::new(it))),
        profile().prop_map(|it| Reply::User(Box::new(it))),
        vec(profile(), 0..4).prop_map(Reply::Users),
        vec(device, 0..4).prop_map(Reply::Devices),
        push_reply().prop_map(Reply::Push),
    ]
    .boxed()
}

pub fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        Just(Reply::Done),
        refusal().prop_map(Reply::Refused),
        sent().prop_map(Reply::Sent),
        welcome().prop_map(|it| Reply::Welcome(Box::new(it))).boxed(),
        page().prop_map(|it| Reply::Page(Box::new(it))).boxed(),
        changes().prop_map(|it| Reply::Changes(Box::new(it))).boxed(),
        changes().prop_map(|it| Reply::Conversations(Box::new(it))).boxed(),
        card().prop_map(|it| Reply::Group(Box::new(it))).boxed(),
        group_reply().prop_map(|it| Reply::Groups(Box::new(it))).boxed(),
        members().prop_map(|it| Reply::Members(Box::new(it))).boxed(),
        of_people(),
        file_reply().prop_map(Reply::Files),
        people_reply().prop_map(|it| Reply::People(Box::new(it))).boxed(),
        messages::reply().boxed(),
        super::admin::admin_reply().prop_map(|it| Reply::Admin(Box::new(it))).boxed(),
    ]
    .boxed()
}

pub const REPLY_KINDS: usize = 19;

pub fn reply_kind(reply: &Reply) -> usize {
    match reply {
        Reply::Done => 0,
        Reply::Refused(_) => 1,
        Reply::Sent(_) => 2,
        Reply::Welcome(_) => 3,
        Reply::Page(_) => 4,
        Reply::Changes(_) => 5,
        Reply::Conversations(_) => 6,
        Reply::Group(_) => 7,
        Reply::Members(_) => 8,
        Reply::Tokens(_) => 9,
        Reply::User(_) => 10,
        Reply::Users(_) => 11,
        Reply::Devices(_) => 12,
        Reply::Files(_) => 13,
        Reply::Push(_) => 14,
        Reply::Groups(_) => 15,
        Reply::Admin(_) => 16,
        Reply::Messages(_) => 17,
        Reply::People(_) => 18,
    }
}
