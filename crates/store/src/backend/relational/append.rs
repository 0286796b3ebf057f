//! Messages into logs: resolve, recognise a retry, admit, write.
//!
//! Everything is checked before anything is written, so that a refused entry leaves no trace and
//! needs no savepoint. The one exception is the dedupe row, which is taken back.

use std::sync::Arc;

use super::engine::{OptionalExtension, params};
use anser_domain::{
    Actor, Address, ClientId, Content, ConvId, DeviceId, GroupKind, GroupRole, Member, Message,
    MessageId, Millis, Ord64, Outgoing, Policy, Refusal, Sender, Sent, Seq, SyncToken, UserId,
    UserName,
};

use super::{
    acls::{self, DIRECT},
    convert::{
        MESSAGE_COLUMNS, body_of, entry_of, group_role_number, mentions_of, num, protocol_number,
        sql, time_of,
    },
    desk::{Desk, Person},
    extra::Extra,
    files,
    head::Head,
    mention, reworded,
    special::{Special, look},
};
use crate::{
    planted::{Plant, left_out, planted},
    port::{Acl, Append, Appended, Bond, ConversationKind, Entry, Gate, Members, StoreError},
};

/// For so long a retry is recognised (DESIGN promise 2). Client ids that tell an earlier time
/// are refused, so that forgetting a key never lets a retry pass.
pub(super) const HORIZON_MS: i64 = 7 * 24 * 3_600_000;
/// How far a client's clock may be ahead. Keys are kept for longer than the horizon by this.
pub(super) const SKEW_MS: i64 = 5 * 60_000;

/// A conversation's place for one more entry.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) conv: ConvId,
    pub(super) seq: Seq,
    pub(super) ord: Ord64,
    pub(super) acl: Arc<Acl>,
}

/// Writes one entry.
pub(super) fn append(
    desk: &mut Desk<'_>,
    gate: &dyn Gate,
    append: Append,
) -> Result<Appended, StoreError> {
    fresh_enough(desk, append.entry.client_id())?;
    let sender = desk.person(append.actor.user)?.ok_or(Refusal::NoSuchUser)?;
    if sender.disabled {
        return Err(Refusal::Disabled.into());
    }
    match append.entry {
        Entry::Message(_) => send(desk, gate, append, sender.name),
        Entry::NewGroup(_) => super::group::create(desk, gate, &append, sender.name),
        Entry::Change(_) => super::change::change(desk, gate, &append, sender.name),
    }
}

/// Refuses client ids whose time is outside the window in which retries are recognised.
fn fresh_enough(desk: &Desk<'_>, client_id: ClientId) -> Result<(), Refusal> {
    let window = desk.now.plus(-HORIZON_MS)..=desk.now.plus(SKEW_MS);
    match client_id.time() {
        Some(time) if !window.contains(&time) => Err(Refusal::StaleClientId),
        _ => Ok(()),
    }
}

fn send(
    desk: &mut Desk<'_>,
    gate: &dyn Gate,
    append: Append,
    name: UserName,
) -> Result<Appended, StoreError> {
    let Entry::Message(out) = &append.entry else { return Err(Refusal::Unavailable.into()) };
    let actor = append.actor;
    let (conv, peer) = match &out.to {
        Address::Group(group) => (desk.group(group)?.ok_or(Refusal::NotMember)?, None),
        Address::User(user) => {
            let user = desk.user_named(user)?.ok_or(Refusal::NoSuchUser)?;
            let peer = desk.person(user)?.ok_or(Refusal::NoSuchUser)?;
            match desk.direct(actor.user, user)? {
                Some(conv) => (conv, Some(peer)),
                None => return first(desk, gate, append, name, (user, peer)),
            }
        }
    };
    let head = desk.head(conv)?.ok_or(Refusal::NotMember)?;
    let (slot, head_seq) = (next_slot(head, conv, false), head.last);
    let barred = if peer.is_some_and(|peer| peer.disabled) {
        Some(Refusal::NoSuchUser)
    } else if slot.acl.members.contains_key(&actor.user) {
        None
    } else {
        Some(Refusal::NotMember)
    };
    if let Some(refusal) = barred {
        // What was stored before the change still gets its first answer.
        return match stored(desk, actor.device, out.client_id, conv)? {
            Some((first, extra)) => again(desk, slot.acl, first, &extra, &append),
            None => Err(refusal.into()),
        };
    }

    let id = desk.next_id();
    if !planted(Plant::NoDedupe)
        && !desk.note_key((conv, actor.device, out.client_id), id, slot.seq)?
    {
        let first = stored(desk, actor.device, out.client_id, conv)?;
        let (first, extra) = first.ok_or_else(|| lost("a dedupe key has no message"))?;
        return again(desk, slot.acl, first, &extra, &append);
    }
    let verdict = replies_below(out, slot.seq)
        .map_err(StoreError::from)
        .and_then(|()| look(desk, &slot, &append, out))
        .and_then(|special| {
            let content = special.as_ref().and_then(|it| it.content()).unwrap_or(&out.content);
            let carried = files::to_carry(desk.conn, actor.user, content)?;
            gate.admit(&slot.acl, head_seq, &append)?;
            Ok((special, carried))
        });
    let (special, carried) = match verdict {
        Ok(verdict) => verdict,
        Err(StoreError::Refused(refusal)) => {
            desk.take_back_key((conv, actor.device, out.client_id))?;
            return Err(refusal.into());
        }
        Err(failed) => return Err(failed),
    };
    files::carry(desk.conn, &carried, slot.conv, slot.seq)?;
    keep_words(desk, &append, &slot, id)?;
    let Entry::Message(out) = append.entry else { return Err(Refusal::Unavailable.into()) };
    write(desk, actor, name, slot, id, *out, special)
}

/// The first message of a direct conversation makes it.
fn first(
    desk: &mut Desk<'_>,
    gate: &dyn Gate,
    append: Append,
    name: UserName,
    (peer, person): (UserId, Person),
) -> Result<Appended, StoreError> {
    if person.disabled {
        return Err(Refusal::NoSuchUser.into());
    }
    let conv = desk.next_conv()?;
    let me = append.actor.user;
    let mut members = Members::default();
    for (user, name) in [(peer, &person.name), (me, &name)] {
        let (name, role) = (name.clone(), GroupRole::Member);
        members.insert(Member { user, name, role, muted: Millis(0) });
    }
    let (kind, policy) = (ConversationKind::Direct, Policy::default());
    desk.lock_users(me, peer)?;
    let bond = if me == peer { Bond::default() } else { acls::bond(desk.conn, me, peer)? };
    let group = GroupKind::Group;
    let acl = Arc::new(Acl { conv, version: 1, kind, group, policy, members, bond });
    let slot = Slot { conv, seq: Seq(1), ord: Ord64(1), acl: Arc::clone(&acl) };
    let Entry::Message(out) = &append.entry else { return Err(Refusal::Unavailable.into()) };
    replies_below(out, Seq(1))?;
    let special = look(desk, &slot, &append, out)?;
    let content = special.as_ref().and_then(|it| it.content()).unwrap_or(&out.content);
    let carried = files::to_carry(desk.conn, me, content)?;
    gate.admit(&acl, Seq::ZERO, &append)?;

    let id = desk.next_id();
    keep_words(desk, &append, &slot, id)?;
    let Entry::Message(out) = append.entry else { return Err(Refusal::Unavailable.into()) };
    desk.make_head(DIRECT, &acl)?;
    let (lo, hi) = (me.min(peer), me.max(peer));
    let mut insert =
        desk.conn.prepare_cached("INSERT INTO directs (lo, hi, conv) VALUES (?1, ?2, ?3)")?;
    insert.execute([sql(lo.0), sql(hi.0), sql(conv.0)])?;
    desk.note_direct(lo, hi, conv);
    for user in acl.members.keys() {
        let peer = if *user == me { peer } else { me };
        let row = NewMember { user: *user, role: GroupRole::Member, peer: Some(peer) };
        insert_member(desk, &acl, row, Seq(1), Ord64(0), id)?;
    }
    insert_dedupe(desk, append.actor.device, out.client_id, &slot, id)?;
    files::carry(desk.conn, &carried, conv, slot.seq)?;
    write(desk, append.actor, name, slot, id, *out, special)
}

/// A member's row to be made.
pub(super) struct NewMember {
    pub(super) user: UserId,
    pub(super) role: GroupRole,
    pub(super) peer: Option<UserId>,
}

/// Makes the row of a member who was never in the conversation, from entry `from` on; `ord`
/// messages stand below it.
pub(super) fn insert_member(
    desk: &Desk<'_>,
    acl: &Acl,
    member: NewMember,
    from: Seq,
    ord: Ord64,
    id: u64,
) -> Result<(), StoreError> {
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO members (user, conv, role, peer, from_seq, earlier, read_seq, read_ord, \
         delivered, joined, acl_version, changed) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?6, ?8, ?9, ?10)",
    )?;
    insert.execute(params![
        sql(member.user.0),
        sql(acl.conv.0),
        group_role_number(member.role),
        member.peer.map(|peer| sql(peer.0)),
        sql(from.0),
        sql(from.0 - 1),
        sql(ord.0),
        desk.now.0,
        sql(acl.version),
        sql(id),
    ])?;
    Ok(())
}

/// The place of the next entry.
pub(super) fn next_slot(head: &Head, conv: ConvId, event: bool) -> Slot {
    Slot {
        conv,
        seq: head.last.next(),
        ord: Ord64(head.ord.0 + u64::from(!event)),
        acl: Arc::clone(&head.acl),
    }
}

fn replies_below(out: &Outgoing, seq: Seq) -> Result<(), Refusal> {
    match out.reply_to {
        Some(to) if to >= seq || to == Seq::ZERO => {
            Err(Refusal::Invalid("reply_to is the seq of an earlier entry"))
        }
        _ => Ok(()),
    }
}

/// The answer to a retry.
fn again(
    desk: &Desk<'_>,
    acl: Arc<Acl>,
    first: Message,
    extra: &Extra,
    append: &Append,
) -> Result<Appended, StoreError> {
    let Entry::Message(out) = &append.entry else { return Err(Refusal::Unavailable.into()) };
    // What it said at first is gone once it was edited or recalled: whoever knows the key gets
    // the first answer, since a retry is what a client sends under it.
    let changed = extra.recalled || extra.edited.is_some();
    let source = extra.forward.as_ref().map(|from| Seq(from.seq));
    let same = first.reply_to == out.reply_to
        && source == out.forward.as_ref().map(|from| from.seq)
        && first.mentions == out.mentions
        && extra.all == out.mentions_all
        && (source.is_some() || {
            let (stored, sent) = (first.payload.as_ref(), out.payload.as_ref());
            let (stored, sent) = ((&first.content, stored), (&out.content, sent));
            reworded::same(desk, first.id, stored, sent, reworded::words(append))?
        });
    if !same && !changed {
        return Err(Refusal::Conflict.into());
    }
    Ok(duplicate(acl, first))
}

/// Remembers what was sent, where something else is written.
fn keep_words(desk: &Desk<'_>, append: &Append, slot: &Slot, id: u64) -> Result<(), StoreError> {
    let Some(words) = reworded::words(append) else { return Ok(()) };
    // A retry of what is forwarded is known by its source.
    if matches!(&append.entry, Entry::Message(out) if out.forward.is_some()) {
        return Ok(());
    }
    reworded::remember(desk, id, slot.conv, slot.seq, words)
}

/// The first answer once more.
pub(super) fn duplicate(acl: Arc<Acl>, first: Message) -> Appended {
    let sent = Sent {
        conv: first.conv,
        seq: first.seq,
        id: first.id,
        ts: first.ts,
        duplicate: true,
        prev: SyncToken::NEVER,
    };
    Appended { sent, message: Arc::new(first), acl, removed: Vec::new(), quiet: false }
}

/// The message that this key stored, and what it has beside.
pub(super) fn stored(
    desk: &mut Desk<'_>,
    device: DeviceId,
    client_id: ClientId,
    conv: ConvId,
) -> Result<Option<(Message, Extra)>, StoreError> {
    if planted(Plant::NoDedupe) {
        return Ok(None);
    }
    let key = params![client_id.0, sql(device.0), sql(conv.0)];
    let Some(id) = desk.hot.find_dedupe.query_row(key, |row| num(row, 0)).optional()? else {
        return Ok(None);
    };
    let mut query =
        desk.conn.prepare_cached(&format!("SELECT {MESSAGE_COLUMNS} FROM msgs WHERE id = ?1"))?;
    let mut rows = query.query([sql(id)])?;
    let row = &rows.next()?.ok_or_else(|| lost("a dedupe key has no message"))?;
    let name_of = |user| Ok(desk.person(user)?.ok_or_else(|| lost("a sender has no row"))?.name);
    let (message, extra) = entry_of(row, name_of)?;
    Ok(Some((message, extra.unwrap_or_default())))
}

/// Remembers what a client id stored.
pub(super) fn insert_dedupe(
    desk: &mut Desk<'_>,
    device: DeviceId,
    client_id: ClientId,
    slot: &Slot,
    id: u64,
) -> Result<(), StoreError> {
    desk.note_key((slot.conv, device, client_id), id, slot.seq).map(|_| ())
}

fn write(
    desk: &mut Desk<'_>,
    actor: Actor,
    name: UserName,
    slot: Slot,
    id: u64,
    out: Outgoing,
    special: Option<Box<Special>>,
) -> Result<Appended, StoreError> {
    let mut message = Message {
        conv: slot.conv,
        seq: slot.seq,
        ord: slot.ord,
        id: MessageId(id),
        sender: Sender { user: actor.user, name, device: actor.device },
        client_id: out.client_id,
        ts: time_of(id),
        content: out.content,
        reply_to: out.reply_to,
        mentions: out.mentions,
        payload: out.payload,
        marks: None,
    };
    let Some(mut special) = special else { return insert(desk, message, slot.acl) };
    special.put_on(&mut message);
    mention::remember(desk, slot.conv, slot.seq, &special.called, special.extra.all)?;
    insert_with(desk, message, special.extra.text()?, slot.acl)
}

/// Inserts an entry and moves its head and its sender's read cursor with it.
pub(super) fn insert(
    desk: &mut Desk<'_>,
    message: Message,
    acl: Arc<Acl>,
) -> Result<Appended, StoreError> {
    insert_with(desk, message, None, acl)
}

/// Inserts an entry's row, and nothing else.
pub(super) fn insert_row(
    desk: &mut Desk<'_>,
    message: &Message,
    extra: Option<String>,
) -> Result<(), StoreError> {
    let payload = message.payload.as_ref();
    if !left_out(message.seq.0) {
        desk.hot.insert_message.execute(params![
            sql(message.id.0),
            sql(message.conv.0),
            sql(message.seq.0),
            sql(message.ord.0),
            sql(message.sender.user.0),
            sql(message.sender.device.0),
            message.client_id.0,
            message.content.kind().number(),
            body_of(&message.content)?,
            message.reply_to.map(|seq| sql(seq.0)),
            mentions_of(&message.mentions),
            payload.map(|payload| protocol_number(payload.protocol)),
            payload.map(|payload| &*payload.bytes),
            extra,
        ])?;
    }
    Ok(())
}

fn insert_with(
    desk: &mut Desk<'_>,
    message: Message,
    extra: Option<String>,
    acl: Arc<Acl>,
) -> Result<Appended, StoreError> {
    insert_row(desk, &message, extra)?;
    let event = matches!(message.content, Content::Event(_));
    let mut prev = SyncToken(0);
    desk.move_head(message.conv, |head| {
        prev = SyncToken(head.changed);
        head.last = message.seq;
        head.ord = message.ord;
        head.changed = message.id.0;
        if !event {
            head.last_message = message.seq;
        }
    });
    desk.move_read(message.sender.user, message.conv, message.seq, message.ord);
    let sent = Sent {
        conv: message.conv,
        seq: message.seq,
        id: message.id,
        ts: message.ts,
        duplicate: false,
        prev,
    };
    Ok(Appended { sent, message: Arc::new(message), acl, removed: Vec::new(), quiet: false })
}

/// The database contradicts itself.
pub(super) fn lost(what: &str) -> StoreError {
    StoreError::Failed(what.to_owned())
}
