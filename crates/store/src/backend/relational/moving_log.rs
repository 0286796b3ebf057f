//! An import's entries: they keep their time, and are told to nobody.

use std::{collections::BTreeMap, sync::Arc};

use anser_domain::{
    Content, ConvId, DeviceId, GroupKind, GroupRole, Message, MessageId, Millis, Ord64, Payload,
    Policy, Refusal, Sender, Seq, UserId, UserName,
};

use super::{
    acls::{self, DIRECT},
    append::{NewMember, insert_member, insert_row, next_slot},
    convert::{content_of, id_at, protocol, sql},
    desk::Desk,
    engine::params,
    extra::Extra,
    friends,
    moving_in::{NO_GROUP, member},
    search_index,
};
use crate::port::{Acl, Bond, ConversationKind, EntryRecord, Members, Place, StoreError};

/// The device of entries that an import brought: none that anybody has. Followers pass them by.
pub(super) const IMPORTED: DeviceId = DeviceId(i64::MAX.cast_unsigned());

const NOT_NEXT: Refusal = Refusal::Invalid("seq is not the next one of its conversation");

/// How far conversations were before this import touched them.
pub(super) type Touched = BTreeMap<ConvId, Seq>;

/// What a record's words come to, once they are known to be readable.
struct Read {
    content: Content,
    payload: Option<Payload>,
    extra: Extra,
}

fn read(entry: &EntryRecord, now: Millis) -> Result<Read, StoreError> {
    let unreadable = |_| Refusal::Invalid("what it says cannot be read");
    let content = content_of(entry.kind, &entry.body).map_err(unreadable)?;
    if matches!(content, Content::Event(_)) && entry.seq.is_none() {
        return Err(Refusal::Invalid("an event has a seq").into());
    }
    let extra = entry.extra.as_deref().map(Extra::parse).transpose().map_err(unreadable)?;
    let mut extra = extra.unwrap_or_default();
    if let Some(from) = &mut extra.forward {
        // The place is of the store that it came from.
        (from.conv, from.seq) = (0, 0);
    }
    if entry.at.0 <= 0 || entry.at > now {
        return Err(Refusal::Invalid("at is a time that has passed").into());
    }
    let payload = match &entry.payload {
        Some((number, bytes)) => Some(Payload {
            protocol: protocol((*number).into()).ok_or(Refusal::Invalid("no such protocol"))?,
            bytes: bytes.clone().into(),
        }),
        None => None,
    };
    Ok(Read { content, payload, extra })
}

pub(super) fn take_entry(
    desk: &mut Desk<'_>,
    entry: EntryRecord,
    touched: &mut Touched,
) -> Result<bool, StoreError> {
    let Read { content, payload, extra } = read(&entry, desk.now)?;
    let from = friends::named(desk, &entry.from)?;
    let (conv, sides) = match &entry.place {
        Place::Group(name) => (Some(desk.group(name)?.ok_or(NO_GROUP)?), None),
        Place::Direct(one, other) => {
            let sides = (friends::named(desk, one)?, friends::named(desk, other)?);
            if from != sides.0 && from != sides.1 {
                return Err(Refusal::Invalid("its sender is none of the two").into());
            }
            (desk.direct(sides.0, sides.1)?, Some(sides))
        }
    };
    let last = match conv {
        Some(conv) if known(desk, conv, from, &entry)? => return Ok(false),
        Some(conv) => desk.head(conv)?.ok_or(NO_GROUP)?.last,
        None => Seq::ZERO,
    };
    if entry.seq.is_some_and(|seq| seq != last.next()) {
        return Err(NOT_NEXT.into());
    }
    if entry.reply_to.is_some_and(|to| to > last || to == Seq::ZERO) {
        return Err(Refusal::Invalid("reply_to is the seq of an earlier entry").into());
    }
    let id = desk.id_of_then(entry.at)?;
    let id = id.ok_or(Refusal::TooLarge("too many entries in one millisecond"))?;
    let conv = match (conv, sides) {
        (Some(conv), _) => conv,
        (None, Some(sides)) => make_direct(desk, sides)?,
        (None, None) => return Err(NO_GROUP.into()),
    };
    touched.entry(conv).or_insert(last);
    let name = desk.person(from)?.ok_or(Refusal::NoSuchUser)?.name;
    let event = matches!(content, Content::Event(_));
    let slot = next_slot(desk.head(conv)?.ok_or(NO_GROUP)?, conv, event);
    let message = Message {
        conv,
        seq: slot.seq,
        ord: slot.ord,
        id: MessageId(id),
        sender: Sender { user: from, name, device: IMPORTED },
        client_id: entry.client_id,
        ts: entry.at,
        content,
        reply_to: entry.reply_to,
        mentions: entry.mentions,
        payload,
        marks: None,
    };
    insert_row(desk, &message, extra.text()?)?;
    find_again(desk, &message)?;
    beside(desk, &message, &entry.reactions, entry.pinned)?;
    let changed = desk.next_id();
    desk.move_head(conv, |head| {
        (head.last, head.ord, head.changed) = (message.seq, message.ord, changed);
        if !event {
            head.last_message = message.seq;
        }
    });
    Ok(true)
}

/// Whether this entry is there: it stands in the millisecond of its time, whoever wrote it there.
fn known(
    desk: &Desk<'_>,
    conv: ConvId,
    from: UserId,
    entry: &EntryRecord,
) -> Result<bool, StoreError> {
    let mut query = desk.conn.prepare_cached(
        "SELECT 1 FROM msgs WHERE id >= ?1 AND id < ?2 AND conv = ?3 AND user = ?4 AND cid = ?5",
    )?;
    let (begin, end) = (id_at(entry.at), id_at(entry.at.plus(1)));
    let key = params![sql(begin), sql(end), sql(conv.0), sql(from.0), entry.client_id.0];
    Ok(query.exists(key)?)
}

fn make_direct(desk: &mut Desk<'_>, (one, other): (UserId, UserId)) -> Result<ConvId, StoreError> {
    let mut members = Members::default();
    for user in [one, other] {
        members.insert(member(desk, user, GroupRole::Member)?);
    }
    desk.lock_users(one, other)?;
    let bond = if one == other { Bond::default() } else { acls::bond(desk.conn, one, other)? };
    let (conv, kind) = (desk.next_conv()?, ConversationKind::Direct);
    let (group, policy) = (GroupKind::Group, Policy::default());
    let acl = Arc::new(Acl { conv, version: 1, kind, group, policy, members, bond });
    desk.make_head(DIRECT, &acl)?;
    let (lo, hi) = (one.min(other), one.max(other));
    let mut insert =
        desk.conn.prepare_cached("INSERT INTO directs (lo, hi, conv) VALUES (?1, ?2, ?3)")?;
    insert.execute([sql(lo.0), sql(hi.0), sql(conv.0)])?;
    desk.note_direct(lo, hi, conv);
    let id = desk.next_id();
    for user in acl.members.keys() {
        let peer = Some(if *user == one { other } else { one });
        let row = NewMember { user: *user, role: GroupRole::Member, peer };
        insert_member(desk, &acl, row, Seq(1), Ord64(0), id)?;
    }
    Ok(conv)
}

/// Puts a text into the index, which has passed its place; what it has not passed it will read.
fn find_again(desk: &Desk<'_>, message: &Message) -> Result<(), StoreError> {
    let Content::Text(text) = &message.content else { return Ok(()) };
    let mut query = desk.conn.prepare_cached("SELECT indexed_id >= ?1 FROM meta")?;
    if query.query_row([sql(message.id.0)], |row| row.get::<_, bool>(0))? {
        search_index::put(desk.conn, message.id.0, message.conv, text)?;
    }
    Ok(())
}

/// Writes what stands in other rows: who reacted, and that it is pinned.
fn beside(
    desk: &mut Desk<'_>,
    message: &Message,
    reactions: &[(Box<str>, UserName, Seq)],
    pinned: Option<Seq>,
) -> Result<(), StoreError> {
    let (conv, seq) = (sql(message.conv.0), sql(message.seq.0));
    for (reaction, user, entry) in reactions {
        let Some(user) = desk.user_named(user)? else { continue };
        let mut insert = desk.conn.prepare_cached(
            "INSERT OR IGNORE INTO reactions (conv, seq, reaction, user, entry) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        insert.execute(params![conv, seq, &**reaction, sql(user.0), sql(entry.0)])?;
    }
    if let Some(entry) = pinned {
        let mut insert =
            desk.conn.prepare_cached("INSERT INTO pins (conv, seq, entry) VALUES (?1, ?2, ?3)")?;
        insert.execute([conv, seq, sql(entry.0)])?;
    }
    Ok(())
}

/// Lets those who had read everything before have read this too.
pub(super) fn keep_up(desk: &mut Desk<'_>, conv: ConvId, before: Seq) -> Result<(), StoreError> {
    let Some((kind, last, ord)) = desk.head(conv)?.map(|head| (head.kind, head.last, head.ord))
    else {
        return Ok(());
    };
    if kind == DIRECT {
        desk.move_head(conv, |head| {
            for side in head.sides.iter_mut().filter(|side| side.read >= before) {
                (side.read, side.read_ord) = (last, ord);
            }
        });
        return Ok(());
    }
    let mut update = desk.conn.prepare_cached(
        "UPDATE members SET read_seq = ?2, read_ord = ?3 \
         WHERE conv = ?1 AND until_seq IS NULL AND read_seq >= ?4 AND read_seq <= ?2",
    )?;
    update.execute([sql(conv.0), sql(last.0), sql(ord.0), sql(before.0)])?;
    Ok(())
}
