//! The frames that every message passes through, without a struct in between: SEND is read in
//! place, SENDACK and DELIVER are written straight from the domain's values.

use anser_domain::{Address, Content, GroupRole, LogEvent, Message, Protocol, Sent, UserName};

use prost::Message as _;

use super::{
    CodecError,
    field::{
        Fields, Value, bytes_len, fixed64_len, nested_len, put_bytes, put_fixed64, put_nested,
        put_uint, uint_len,
    },
    header::{first_byte, put_header},
};
use crate::{convert, frame::FrameType};

/// A SEND read in place: its texts are those of the frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in frame::Send")]
pub struct SendRef<'a> {
    pub id: u32,
    pub to: &'a str,
    pub client_id: &'a [u8],
    pub kind: u32,
    pub body: &'a str,
    pub reply_to: u64,
    pub mentions: Vec<&'a str>,
    pub payload: &'a [u8],
    pub mentions_all: bool,
    pub forward: Option<SourceRef<'a>>,
}

/// The message that a SEND sends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in frame::Source")]
pub struct SourceRef<'a> {
    pub at: &'a str,
    pub seq: u64,
}

impl<'a> SendRef<'a> {
    /// Reads a SEND's body.
    ///
    /// # Errors
    /// As prost, and [`CodecError::Group`] for groups even in unknown fields.
    pub fn decode(body: &'a [u8]) -> Result<Self, CodecError> {
        let mut send = Self::default();
        let mut fields = Fields(body);
        while let Some((number, value)) = fields.next()? {
            match number {
                // protobuf: the low 32 bits of an integer that is too large.
                1 => send.id = value.int()? as u32,
                2 => send.to = value.text()?,
                3 => send.client_id = value.bytes()?,
                4 => send.kind = value.int()? as u32,
                5 => send.body = value.text()?,
                6 => send.reply_to = value.int()?,
                7 => send.mentions.push(value.text()?),
                8 => send.payload = value.bytes()?,
                9 => send.mentions_all = value.int()? != 0,
                10 => source(value.bytes()?, send.forward.get_or_insert_default())?,
                _ => {}
            }
        }
        Ok(send)
    }
}

/// Reads a message within a SEND; where a field comes twice, the last one counts.
fn source<'a>(body: &'a [u8], source: &mut SourceRef<'a>) -> Result<(), CodecError> {
    let mut fields = Fields(body);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => source.at = value.text()?,
            2 => source.seq = value.int()?,
            _ => {}
        }
    }
    Ok(())
}

/// Reads a DELIVERACK's body: conversation and seq.
pub(crate) fn deliver_ack(body: &[u8]) -> Result<(u64, u64), CodecError> {
    let (mut conv, mut seq) = (0, 0);
    let mut fields = Fields(body);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Int(value)) => conv = value,
            (2, Value::Int(value)) => seq = value,
            (1 | 2, _) => return Err(CodecError::Field),
            _ => {}
        }
    }
    Ok((conv, seq))
}

/// Appends a SENDACK.
pub fn put_send_ack(out: &mut Vec<u8>, id: u32, sent: &Sent) {
    let len = uint_len(1, id.into())
        + uint_len(2, sent.conv.0)
        + uint_len(3, sent.seq.0)
        + fixed64_len(4, sent.id.0)
        + uint_len(5, sent.ts.0 as u64)
        + uint_len(6, sent.duplicate.into());
    out.reserve(len + 2);
    put_header(out, const { first_byte(FrameType::SendAck) }, len);
    put_uint(out, 1, id.into());
    put_uint(out, 2, sent.conv.0);
    put_uint(out, 3, sent.seq.0);
    put_fixed64(out, 4, sent.id.0);
    put_uint(out, 5, sent.ts.0 as u64);
    put_uint(out, 6, sent.duplicate.into());
}

/// Appends a DELIVER.
pub fn put_delivery(out: &mut Vec<u8>, at: &Address, message: &Message) {
    let len = delivery_len(at, message);
    out.reserve(len + 5);
    put_header(out, const { first_byte(FrameType::Deliver) }, len);
    put_delivery_body(out, at, message);
}

/// How long the body of a DELIVER is.
pub(crate) fn delivery_len(at: &Address, message: &Message) -> usize {
    uint_len(1, message.conv.0) + nested_len(2, address_len(at)) + entry_len(message)
}

/// Appends the body of a DELIVER.
pub(crate) fn put_delivery_body(out: &mut Vec<u8>, at: &Address, message: &Message) {
    put_uint(out, 1, message.conv.0);
    put_address(out, 2, at);
    put_entry(out, message);
}

/// How long an address is as text.
pub(crate) fn address_len(at: &Address) -> usize {
    2 + at.parts().1.len()
}

/// Appends an address as a text field.
pub(crate) fn put_address(out: &mut Vec<u8>, number: u32, at: &Address) {
    let (kind, name) = at.parts();
    put_nested(out, number, 2 + name.len());
    out.push(kind as u8);
    out.push(b':');
    out.extend_from_slice(name.as_bytes());
}

/// The bytes that are for native clients; those for others are not theirs to see.
fn payload(message: &Message) -> &[u8] {
    match &message.payload {
        Some(payload) if payload.protocol == Protocol::Native => &payload.bytes,
        _ => &[],
    }
}

fn entry_len(message: &Message) -> usize {
    let content = match &message.content {
        Content::Event(event) => nested_len(13, event_len(event)),
        Content::Text(body)
        | Content::Image(body)
        | Content::File(body)
        | Content::Custom(body) => bytes_len(10, body.len()),
        Content::Gone(_) => 0,
    };
    uint_len(3, message.seq.0)
        + uint_len(4, message.ord.0)
        + fixed64_len(5, message.id.0)
        + bytes_len(6, message.sender.name.as_str().len())
        + nested_len(7, message.client_id.0.len())
        + uint_len(8, message.ts.0 as u64)
        + uint_len(9, message.content.kind().number().into())
        + content
        + uint_len(11, message.reply_to.map_or(0, |seq| seq.0))
        + names_len(12, &message.mentions)
        + bytes_len(14, payload(message).len())
        + convert::marks(message).map_or(0, |marks| nested_len(15, marks.encoded_len()))
}

fn put_entry(out: &mut Vec<u8>, message: &Message) {
    put_uint(out, 3, message.seq.0);
    put_uint(out, 4, message.ord.0);
    put_fixed64(out, 5, message.id.0);
    put_bytes(out, 6, message.sender.name.as_str().as_bytes());
    put_bytes(out, 7, &message.client_id.0);
    put_uint(out, 8, message.ts.0 as u64);
    put_uint(out, 9, message.content.kind().number().into());
    if let Some(body) = message.content.body() {
        put_bytes(out, 10, body.as_bytes());
    }
    put_uint(out, 11, message.reply_to.map_or(0, |seq| seq.0));
    put_names(out, 12, &message.mentions);
    if let Content::Event(event) = &message.content {
        put_nested(out, 13, event_len(event));
        put_event(out, event);
    }
    put_bytes(out, 14, payload(message));
    if let Some(marks) = convert::marks(message) {
        put_nested(out, 15, marks.encoded_len());
        marks.encode_raw(out);
    }
}

fn names_len(number: u32, names: &[UserName]) -> usize {
    names.iter().map(|name| nested_len(number, name.as_str().len())).sum()
}

fn put_names(out: &mut Vec<u8>, number: u32, names: &[UserName]) {
    for name in names {
        put_bytes(out, number, name.as_str().as_bytes());
    }
}

fn event_len(event: &LogEvent) -> usize {
    match event {
        LogEvent::Created { members } => nested_len(1, members_len(members)),
        LogEvent::Joined { members } => nested_len(2, members_len(members)),
        LogEvent::Removed { members } => nested_len(3, names_len(1, members)),
        // What else happens is rare, and takes the longer way.
        other => convert::tell::log_event(other).encoded_len(),
    }
}

fn put_event(out: &mut Vec<u8>, event: &LogEvent) {
    match event {
        LogEvent::Created { members } => put_members(out, 1, members),
        LogEvent::Joined { members } => put_members(out, 2, members),
        LogEvent::Removed { members } => {
            put_nested(out, 3, names_len(1, members));
            put_names(out, 1, members);
        }
        other => convert::tell::log_event(other).encode_raw(out),
    }
}

fn member_len((name, role): &(UserName, GroupRole)) -> usize {
    bytes_len(1, name.as_str().len()) + uint_len(2, convert::role_number(*role).into())
}

fn members_len(members: &[(UserName, GroupRole)]) -> usize {
    members.iter().map(|member| nested_len(1, member_len(member))).sum()
}

fn put_members(out: &mut Vec<u8>, number: u32, members: &[(UserName, GroupRole)]) {
    put_nested(out, number, members_len(members));
    for member in members {
        put_nested(out, 1, member_len(member));
        put_bytes(out, 1, member.0.as_str().as_bytes());
        put_uint(out, 2, convert::role_number(member.1).into());
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{
        ClientId, ConvId, DeviceId, Gone, Marks, MessageId, Millis, Ord64, Origin, Payload,
        ProfilePatch, Reaction, Sender, Seq, SyncToken, UserId,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{codec, convert::tell, frame};

    /// What prost makes of the same bytes.
    fn by_prost(body: &[u8]) -> Option<frame::Send> {
        frame::Send::decode(body).ok()
    }

    fn owned(send: &SendRef<'_>) -> frame::Send {
        frame::Send {
            id: send.id,
            to: send.to.to_owned(),
            client_id: send.client_id.to_vec(),
            kind: send.kind,
            body: send.body.to_owned(),
            reply_to: send.reply_to,
            mentions: send.mentions.iter().map(|name| (*name).to_owned()).collect(),
            payload: send.payload.to_vec(),
            mentions_all: send.mentions_all,
            forward: send.forward.map(|of| frame::Source { at: of.at.to_owned(), seq: of.seq }),
        }
    }

    /// Any bytes: groups aside, read in place exactly when prost reads them, and the same.
    fn agree(body: &[u8]) {
        match SendRef::decode(body) {
            Ok(send) => assert_eq!(Some(owned(&send)), by_prost(body)),
            Err(CodecError::Group) => {}
            Err(_) => assert_eq!(by_prost(body), None),
        }
    }

    fn names() -> impl Strategy<Value = Vec<UserName>> {
        prop::collection::vec("[a-z]{1,12}".prop_map(|name| UserName::new(&name).unwrap()), 0..4)
    }

    fn happenings() -> impl Strategy<Value = LogEvent> {
        let seq = || any::<u64>().prop_map(Seq);
        prop_oneof![
            seq().prop_map(|seq| LogEvent::Recalled { seq }),
            (seq(), prop::option::of(".{0,40}"), names()).prop_map(|(seq, text, mentions)| {
                let content = text.map(|text| Box::new(Content::Text(text.into())));
                LogEvent::Edited { seq, content, mentions }
            }),
            (seq(), ".{0,9}", any::<bool>()).prop_map(|(seq, reaction, on)| {
                LogEvent::Reacted { seq, reaction: reaction.into(), on }
            }),
            (seq(), any::<bool>()).prop_map(|(seq, on)| LogEvent::Pinned { seq, on }),
        ]
    }

    fn marks() -> impl Strategy<Value = Option<Box<Marks>>> {
        let one = (any::<Option<i64>>(), any::<u32>(), any::<(bool, bool, bool)>());
        prop::option::of(one.prop_map(|(edited, count, (pinned, mentions_all, origin))| {
            let sender = UserName::new("carol").unwrap();
            Box::new(Marks {
                edited: edited.map(Millis),
                reactions: vec![Reaction { reaction: "👍".into(), count, mine: pinned }],
                pinned,
                mentions_all,
                origin: origin.then_some(Origin { sender, ts: Millis(count.into()) }),
            })
        }))
    }

    fn contents() -> impl Strategy<Value = Content> {
        let members = || {
            names().prop_map(|names| {
                let roles = [GroupRole::Owner, GroupRole::Admin, GroupRole::Member];
                names.into_iter().zip(roles).collect::<Vec<_>>()
            })
        };
        prop_oneof![
            ".{0,300}".prop_map(|text| Content::Text(text.into())),
            ".{0,40}".prop_map(|text| Content::Custom(text.into())),
            members().prop_map(|members| Content::Event(LogEvent::Created { members })),
            members().prop_map(|members| Content::Event(LogEvent::Joined { members })),
            names().prop_map(|members| Content::Event(LogEvent::Removed { members })),
            ".{0,40}".prop_map(|title| {
                let title = Some(title.into());
                Content::Event(LogEvent::Profile(ProfilePatch { title, ..Default::default() }))
            }),
            Just(Content::Event(LogEvent::Dissolved)),
            happenings().prop_map(Content::Event),
            prop_oneof![Just(Gone::Recalled), Just(Gone::Deleted)].prop_map(Content::Gone),
        ]
    }

    prop_compose! {
        fn messages()(
            numbers in any::<[u64; 5]>(),
            ts in any::<i64>(),
            client_id in any::<[u8; 16]>(),
            sender in "[a-z]{1,20}",
            content in contents(),
            mentions in names(),
            payload in prop::option::of((any::<bool>(), prop::collection::vec(any::<u8>(), 0..40))),
            marks in marks(),
        ) -> Message {
            let [conv, seq, ord, id, reply_to] = numbers;
            Message {
                conv: ConvId(conv),
                seq: Seq(seq),
                ord: Ord64(ord),
                id: MessageId(id),
                sender: Sender {
                    user: UserId(1),
                    name: UserName::new(&sender).unwrap(),
                    device: DeviceId(1),
                },
                client_id: ClientId(client_id),
                ts: Millis(ts),
                content,
                reply_to: (reply_to % 2 == 0).then_some(Seq(reply_to)),
                mentions,
                payload: payload.map(|(native, bytes)| Payload {
                    protocol: if native { Protocol::Native } else { Protocol::Xmpp },
                    bytes: bytes.into(),
                }),
                marks,
            }
        }
    }

    proptest! {
        #[test]
        fn deliver_is_what_prost_would_write(message in messages(), group in any::<bool>()) {
            let at: Address = if group { "g:geese" } else { "u:鸿雁" }.parse().unwrap();
            let mut out = Vec::new();
            put_delivery(&mut out, &at, &message);
            let whole = frame::Deliver {
                conv: message.conv.0,
                at: at.to_string(),
                ..tell::entry(&message)
            };
            let mut expected = Vec::new();
            codec::write(&whole.into(), &mut expected);
            prop_assert_eq!(out, expected);
        }

        #[test]
        fn sendack_is_what_prost_would_write(
            id: u32, conv: u64, seq: u64, message_id: u64, ts: i64, duplicate: bool,
        ) {
            let sent = Sent {
                conv: ConvId(conv),
                seq: Seq(seq),
                id: MessageId(message_id),
                ts: Millis(ts),
                duplicate,
                prev: SyncToken::NEVER,
            };
            let (mut out, mut expected) = (Vec::new(), Vec::new());
            put_send_ack(&mut out, id, &sent);
            let ack = frame::SendAck { id, conv, seq, message_id, ts, duplicate };
            codec::write(&ack.into(), &mut expected);
            prop_assert_eq!(out, expected);
        }

        #[test]
        fn a_send_reads_as_prost_reads_it(
            id: u32, to: String, client_id: Vec<u8>, kind: u32, body: String, reply_to: u64,
            mentions in prop::collection::vec(any::<String>(), 0..4), payload: Vec<u8>,
            mentions_all: bool, forward: Option<(String, u64)>,
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let forward = forward.map(|(at, seq)| frame::Source { at, seq });
            let send = frame::Send {
                id, to, client_id, kind, body, reply_to, mentions, payload, mentions_all, forward,
            };
            let mut bytes = send.encode_to_vec();
            prop_assert_eq!(&owned(&SendRef::decode(&bytes).unwrap()), &send);
            for (at, flip) in flips {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= flip;
                }
            }
            agree(&bytes);
        }

        #[test]
        fn any_bytes_read_as_prost_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            agree(&bytes);
        }

        #[test]
        fn an_acknowledgement_reads_as_prost_reads_it(
            conv: u64, seq: u64, noise in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let bytes = frame::DeliverAck { conv, seq }.encode_to_vec();
            prop_assert_eq!(deliver_ack(&bytes), Ok((conv, seq)));
            let by_prost = frame::DeliverAck::decode(&noise[..]).ok();
            match deliver_ack(&noise) {
                Ok((conv, seq)) => prop_assert_eq!(Some(frame::DeliverAck { conv, seq }), by_prost),
                Err(CodecError::Group) => {}
                Err(_) => prop_assert_eq!(None, by_prost),
            }
        }
    }
}
