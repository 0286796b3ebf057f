//! Log entries.

use std::sync::Arc;

use anser_domain::{
    ClientId, Content, ConvId, DeviceId, Gone, GroupRole, LogEvent, Marks, Message, MessageId,
    Millis, Ord64, Payload, Protocol, Sender, Seq, UserId, UserName,
};
use bytes::Bytes;

use super::{Form, forms, read_all, required};
use crate::{malformed::Malformed, proto};

impl Form for Message {
    type Proto = proto::Message;

    fn form(&self) -> proto::Message {
        let Self {
            conv,
            seq,
            ord,
            id,
            sender,
            client_id,
            ts,
            content,
            reply_to,
            mentions,
            payload,
            marks,
        } = self;
        proto::Message {
            conv: conv.0,
            seq: seq.0,
            ord: ord.0,
            id: id.0,
            sender: Some(sender.form()),
            client_id: client_id.form(),
            ts: ts.0,
            content: Some(content.form()),
            reply_to: reply_to.map(|seq| seq.0),
            mentions: forms(mentions),
            payload: payload.as_ref().map(Payload::form),
            marks: marks.as_ref().map(|marks| marks.form()),
        }
    }

    fn read(form: proto::Message) -> Result<Self, Malformed> {
        let proto::Message {
            conv,
            seq,
            ord,
            id,
            sender,
            client_id,
            ts,
            content,
            reply_to,
            mentions,
            payload,
            marks,
        } = form;
        Ok(Self {
            conv: ConvId(conv),
            seq: Seq(seq),
            ord: Ord64(ord),
            id: MessageId(id),
            sender: required(sender, "sender")?,
            client_id: ClientId::read(client_id)?,
            ts: Millis(ts),
            content: required(content, "content")?,
            reply_to: reply_to.map(Seq),
            mentions: read_all(mentions)?,
            payload: payload.map(Payload::read).transpose()?,
            marks: marks.map(Marks::read).transpose()?.map(Box::new),
        })
    }
}

impl Form for Arc<Message> {
    type Proto = proto::Message;

    fn form(&self) -> proto::Message {
        Message::form(self)
    }

    fn read(form: proto::Message) -> Result<Self, Malformed> {
        Message::read(form).map(Self::new)
    }
}

impl Form for ClientId {
    type Proto = Bytes;

    fn form(&self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    fn read(form: Bytes) -> Result<Self, Malformed> {
        <[u8; 16]>::try_from(&form[..]).map(Self).map_err(|_| Malformed::Range("client id"))
    }
}

impl Form for Sender {
    type Proto = proto::Sender;

    fn form(&self) -> proto::Sender {
        let Self { user, name, device } = self;
        proto::Sender { user: user.0, name: name.form(), device: device.0 }
    }

    fn read(form: proto::Sender) -> Result<Self, Malformed> {
        let proto::Sender { user, name, device } = form;
        Ok(Self { user: UserId(user), name: UserName::read(name)?, device: DeviceId(device) })
    }
}

impl Form for Content {
    type Proto = proto::Content;

    fn form(&self) -> proto::Content {
        use proto::content::Content as It;
        proto::Content {
            content: Some(match self {
                Self::Text(body) => It::Text(body.to_string()),
                Self::Image(body) => It::Image(body.to_string()),
                Self::File(body) => It::File(body.to_string()),
                Self::Custom(body) => It::Custom(body.to_string()),
                Self::Event(event) => It::Event(Box::new(event.form())),
                Self::Gone(gone) => It::Gone(gone.number().into()),
            }),
        }
    }

    fn read(form: proto::Content) -> Result<Self, Malformed> {
        use proto::content::Content as It;
        Ok(match form.content.ok_or(Malformed::Missing("content"))? {
            It::Text(body) => Self::Text(body.into()),
            It::Image(body) => Self::Image(body.into()),
            It::File(body) => Self::File(body.into()),
            It::Custom(body) => Self::Custom(body.into()),
            It::Event(event) => Self::Event(LogEvent::read(*event)?),
            It::Gone(number) => {
                let gone = u8::try_from(number).ok().and_then(Gone::from_number);
                Self::Gone(gone.ok_or(Malformed::Range("gone"))?)
            }
        })
    }
}

impl Form for LogEvent {
    type Proto = proto::LogEvent;

    fn form(&self) -> proto::LogEvent {
        use proto::log_event::Event as It;
        proto::LogEvent {
            event: Some(match self {
                Self::Created { members } => It::Created(proto::Roles { members: forms(members) }),
                Self::Joined { members } => It::Joined(proto::Roles { members: forms(members) }),
                Self::Removed { members } => It::Removed(proto::Names { names: forms(members) }),
                Self::Profile(patch) => It::Profile(patch.form()),
                Self::Policy(patch) => It::Policy(patch.form()),
                Self::Muted { user, until } => {
                    It::Muted(proto::Mute { user: user.form(), until: until.0 })
                }
                Self::Dissolved => It::Dissolved(proto::Unit {}),
                Self::Recalled { seq } => It::Recalled(seq.0),
                Self::Edited { seq, content, mentions } => It::Edited(Box::new(proto::Edited {
                    seq: seq.0,
                    content: content.as_ref().map(|content| Box::new(content.form())),
                    mentions: forms(mentions),
                })),
                Self::Reacted { seq, reaction, on } => It::Reacted(proto::Reacted {
                    seq: seq.0,
                    reaction: reaction.to_string(),
                    on: *on,
                }),
                Self::Pinned { seq, on } => It::Pinned(proto::Pinned { seq: seq.0, on: *on }),
            }),
        }
    }

    fn read(form: proto::LogEvent) -> Result<Self, Malformed> {
        use proto::log_event::Event as It;
        Ok(match form.event.ok_or(Malformed::Missing("event"))? {
            It::Created(it) => Self::Created { members: read_all(it.members)? },
            It::Joined(it) => Self::Joined { members: read_all(it.members)? },
            It::Removed(it) => Self::Removed { members: read_all(it.names)? },
            It::Profile(it) => Self::Profile(Form::read(it)?),
            It::Policy(it) => Self::Policy(Form::read(it)?),
            It::Muted(it) => {
                Self::Muted { user: UserName::read(it.user)?, until: Millis(it.until) }
            }
            It::Dissolved(_) => Self::Dissolved,
            It::Recalled(seq) => Self::Recalled { seq: Seq(seq) },
            It::Edited(it) => Self::Edited {
                seq: Seq(it.seq),
                content: it
                    .content
                    .map(|content| Content::read(*content))
                    .transpose()?
                    .map(Box::new),
                mentions: read_all(it.mentions)?,
            },
            It::Reacted(it) => {
                Self::Reacted { seq: Seq(it.seq), reaction: it.reaction.into(), on: it.on }
            }
            It::Pinned(it) => Self::Pinned { seq: Seq(it.seq), on: it.on },
        })
    }
}

impl Form for (UserName, GroupRole) {
    type Proto = proto::NamedRole;

    fn form(&self) -> proto::NamedRole {
        let (name, role) = self;
        proto::NamedRole { name: name.form(), role: role.form() }
    }

    fn read(form: proto::NamedRole) -> Result<Self, Malformed> {
        let proto::NamedRole { name, role } = form;
        Ok((UserName::read(name)?, GroupRole::read(role)?))
    }
}

impl Form for GroupRole {
    type Proto = i32;

    fn form(&self) -> i32 {
        match self {
            Self::Member => proto::GroupRole::Member,
            Self::Admin => proto::GroupRole::Admin,
            Self::Owner => proto::GroupRole::Owner,
        }
        .into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::GroupRole::try_from(form) {
            Ok(proto::GroupRole::Member) => Ok(Self::Member),
            Ok(proto::GroupRole::Admin) => Ok(Self::Admin),
            Ok(proto::GroupRole::Owner) => Ok(Self::Owner),
            Ok(proto::GroupRole::Unspecified) | Err(_) => Err(Malformed::Missing("group role")),
        }
    }
}

impl Form for Protocol {
    type Proto = i32;

    fn form(&self) -> i32 {
        match self {
            Self::Native => proto::Protocol::Native,
            Self::Mqtt3 => proto::Protocol::Mqtt3,
            Self::Mqtt5 => proto::Protocol::Mqtt5,
            Self::Xmpp => proto::Protocol::Xmpp,
        }
        .into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::Protocol::try_from(form) {
            Ok(proto::Protocol::Native) => Ok(Self::Native),
            Ok(proto::Protocol::Mqtt3) => Ok(Self::Mqtt3),
            Ok(proto::Protocol::Mqtt5) => Ok(Self::Mqtt5),
            Ok(proto::Protocol::Xmpp) => Ok(Self::Xmpp),
            Ok(proto::Protocol::Unspecified) | Err(_) => Err(Malformed::Missing("protocol")),
        }
    }
}

impl Form for Payload {
    type Proto = proto::Payload;

    fn form(&self) -> proto::Payload {
        let Self { protocol, bytes } = self;
        proto::Payload { protocol: protocol.form(), bytes: bytes.clone() }
    }

    fn read(form: proto::Payload) -> Result<Self, Malformed> {
        let proto::Payload { protocol, bytes } = form;
        Ok(Self { protocol: Protocol::read(protocol)?, bytes })
    }
}
