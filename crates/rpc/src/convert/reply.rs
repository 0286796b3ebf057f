//! Replies.

use anser_domain::{
    Changes, ConvId, ConversationState, DeviceName, FileReply, GroupReply, GroupRole, Member,
    MemberPage, MessageId, MessagesReply, Millis, Page, PeopleReply, Profile, PushReply, Refusal,
    Reply, Secret, Sent, Seq, SyncToken, Tokens, UserId, UserName, Welcome,
};

use super::{Form, account::address, forms, known, or_never, read_all, required};
use crate::{malformed::Malformed, proto};

impl Form for Reply {
    type Proto = proto::Reply;

    fn form(&self) -> proto::Reply {
        use proto::reply::Reply as It;
        proto::Reply {
            reply: Some(match self {
                Self::Done => It::Done(proto::Unit {}),
                Self::Refused(why) => It::Refused(why.form()),
                Self::Sent(sent) => It::Sent(sent.form()),
                Self::Welcome(welcome) => It::Welcome(welcome.form()),
                Self::Page(page) => It::Page(page.form()),
                Self::Changes(changes) => It::Changes(changes.form()),
                Self::Conversations(changes) => It::Conversations(changes.form()),
                Self::Messages(reply) => It::Messages(reply.form()),
                Self::Group(group) => It::Group(group.form()),
                Self::Members(page) => It::Members(page.form()),
                Self::Groups(reply) => It::Groups(reply.form()),
                Self::Tokens(tokens) => It::Tokens(tokens.form()),
                Self::User(user) => It::User(user.form()),
                Self::Users(users) => It::Users(proto::Profiles { users: forms(users) }),
                Self::Push(reply) => It::Push(reply.form()),
                Self::People(it) => It::People(it.form()),
                Self::Devices(devices) => {
                    It::Devices(proto::DeviceRecords { devices: forms(devices) })
                }
                Self::Files(it) => It::Files(it.form()),
                Self::Admin(it) => It::Admin(it.form()),
            }),
        }
    }

    fn read(form: proto::Reply) -> Result<Self, Malformed> {
        use proto::reply::Reply as It;
        Ok(match form.reply.ok_or(Malformed::Missing("reply"))? {
            It::Done(_) => Self::Done,
            It::Refused(it) => Self::Refused(Refusal::read(it)?),
            It::Sent(it) => Self::Sent(Sent::read(it)?),
            It::Welcome(it) => Self::Welcome(Box::new(Welcome::read(it)?)),
            It::Page(it) => Self::Page(Box::new(Page::read(it)?)),
            It::Changes(it) => Self::Changes(Box::new(Changes::read(it)?)),
            It::Conversations(it) => Self::Conversations(Box::new(Changes::read(it)?)),
            It::Messages(it) => Self::Messages(MessagesReply::read(it)?),
            It::Group(it) => Self::Group(Box::new(Form::read(it)?)),
            It::Members(it) => Self::Members(Box::new(MemberPage::read(it)?)),
            It::Groups(it) => Self::Groups(Box::new(GroupReply::read(it)?)),
            It::Tokens(it) => Self::Tokens(Box::new(Tokens::read(it)?)),
            It::User(it) => Self::User(Box::new(Profile::read(it)?)),
            It::Users(it) => Self::Users(read_all(it.users)?),
            It::Push(it) => Self::Push(PushReply::read(it)?),
            It::People(it) => Self::People(Box::new(PeopleReply::read(it)?)),
            It::Devices(it) => Self::Devices(read_all(it.devices)?),
            It::Files(it) => Self::Files(FileReply::read(it)?),
            It::Admin(it) => Self::Admin(Box::new(anser_domain::AdminReply::read(it)?)),
        })
    }
}

impl Form for Sent {
    type Proto = proto::Sent;

    fn form(&self) -> proto::Sent {
        let Self { conv, seq, id, ts, duplicate, prev } = self;
        proto::Sent {
            conv: conv.0,
            seq: seq.0,
            id: id.0,
            ts: ts.0,
            duplicate: *duplicate,
            prev: known(*prev),
        }
    }

    fn read(form: proto::Sent) -> Result<Self, Malformed> {
        let proto::Sent { conv, seq, id, ts, duplicate, prev } = form;
        Ok(Self {
            conv: ConvId(conv),
            seq: Seq(seq),
            id: MessageId(id),
            ts: Millis(ts),
            duplicate,
            prev: or_never(prev),
        })
    }
}

impl Form for Welcome {
    type Proto = proto::Welcome;

    fn form(&self) -> proto::Welcome {
        let Self { actor, user, device, ticket, until, changes, personal } = self;
        proto::Welcome {
            actor: Some(actor.form()),
            user: user.form(),
            device: device.form(),
            ticket: ticket.form(),
            until: until.0,
            changes: Some(changes.form()),
            personal: personal.0,
        }
    }

    fn read(form: proto::Welcome) -> Result<Self, Malformed> {
        let proto::Welcome { actor, user, device, ticket, until, changes, personal } = form;
        Ok(Self {
            actor: required(actor, "actor")?,
            user: UserName::read(user)?,
            device: DeviceName::read(device)?,
            ticket: Secret::read(ticket)?,
            until: Millis(until),
            changes: required(changes, "changes")?,
            personal: SyncToken(personal),
        })
    }
}

impl Form for Changes {
    type Proto = proto::Changes;

    fn form(&self) -> proto::Changes {
        let Self { conversations, token, more } = self;
        proto::Changes { conversations: forms(conversations), token: token.0, more: *more }
    }

    fn read(form: proto::Changes) -> Result<Self, Malformed> {
        let proto::Changes { conversations, token, more } = form;
        Ok(Self { conversations: read_all(conversations)?, token: SyncToken(token), more })
    }
}

impl Form for ConversationState {
    type Proto = proto::ConversationState;

    fn form(&self) -> proto::ConversationState {
        let Self {
            conv,
            at,
            title,
            head,
            last,
            delivered,
            read,
            peer_delivered,
            peer_read,
            unread,
            member,
            changed,
            mentions,
            keep,
        } = self;
        proto::ConversationState {
            conv: conv.0,
            at: Some(at.form()),
            title: title.to_string(),
            head: head.0,
            last: last.as_ref().map(Form::form),
            delivered: delivered.0,
            read: read.0,
            peer_delivered: peer_delivered.0,
            peer_read: peer_read.0,
            unread: *unread,
            member: *member,
            changed: changed.0,
            mentions: *mentions,
            keep: Some(keep.form()),
        }
    }

    fn read(form: proto::ConversationState) -> Result<Self, Malformed> {
        let proto::ConversationState {
            conv,
            at,
            title,
            head,
            last,
            delivered,
            read,
            peer_delivered,
            peer_read,
            unread,
            member,
            changed,
            mentions,
            keep,
        } = form;
        Ok(Self {
            conv: ConvId(conv),
            at: address(at)?,
            title: title.into(),
            head: Seq(head),
            last: last.map(Form::read).transpose()?,
            delivered: Seq(delivered),
            read: Seq(read),
            peer_delivered: Seq(peer_delivered),
            peer_read: Seq(peer_read),
            unread,
            member,
            changed: SyncToken(changed),
            mentions,
            keep: required(keep, "keep")?,
        })
    }
}

impl Form for Page {
    type Proto = proto::Page;

    fn form(&self) -> proto::Page {
        let Self { conv, at, messages, after, head, more } = self;
        proto::Page {
            conv: conv.0,
            at: Some(at.form()),
            messages: forms(messages),
            after: after.0,
            head: head.0,
            more: *more,
        }
    }

    fn read(form: proto::Page) -> Result<Self, Malformed> {
        let proto::Page { conv, at, messages, after, head, more } = form;
        Ok(Self {
            conv: ConvId(conv),
            at: address(at)?,
            messages: read_all(messages)?,
            after: Seq(after),
            head: Seq(head),
            more,
        })
    }
}

impl Form for Member {
    type Proto = proto::Member;

    fn form(&self) -> proto::Member {
        let Self { user, name, role, muted } = self;
        proto::Member { user: user.0, name: name.form(), role: role.form(), muted: muted.0 }
    }

    fn read(form: proto::Member) -> Result<Self, Malformed> {
        let proto::Member { user, name, role, muted } = form;
        Ok(Self {
            user: UserId(user),
            name: UserName::read(name)?,
            role: GroupRole::read(role)?,
            muted: Millis(muted),
        })
    }
}

impl Form for MemberPage {
    type Proto = proto::MemberPage;

    fn form(&self) -> proto::MemberPage {
        let Self { members, more } = self;
        proto::MemberPage { members: forms(members), more: *more }
    }

    fn read(form: proto::MemberPage) -> Result<Self, Malformed> {
        let proto::MemberPage { members, more } = form;
        Ok(Self { members: read_all(members)?, more })
    }
}
