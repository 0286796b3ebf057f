//! What happens to messages, and what is asked about them.

use anser_domain::{
    Content, ConvId, EntryChange, Hit, Keep, KeepChange, Kept, Marks, MessageId, MessagesCommand,
    MessagesReply, Millis, Origin, Reaction, Reactor, Receipts, Search, SearchPage, Seq,
    SnippetPiece, Source, UserName,
};

use super::{Form, account::address, forms, limit, read_all, required};
use crate::{malformed::Malformed, proto};

impl Form for Source {
    type Proto = proto::Source;

    fn form(&self) -> proto::Source {
        let Self { at, seq } = self;
        proto::Source { at: Some(at.form()), seq: seq.0 }
    }

    fn read(form: proto::Source) -> Result<Self, Malformed> {
        let proto::Source { at, seq } = form;
        Ok(Self { at: address(at)?, seq: Seq(seq) })
    }
}

impl Form for EntryChange {
    type Proto = proto::EntryChange;

    fn form(&self) -> proto::EntryChange {
        use proto::entry_change::Change as It;
        proto::EntryChange {
            change: Some(match self {
                Self::Recall { seq } => It::Recall(seq.0),
                Self::Edit { seq, content, mentions } => It::Edit(proto::Edited {
                    seq: seq.0,
                    content: Some(Box::new(content.form())),
                    mentions: forms(mentions),
                }),
                Self::React { seq, reaction, on } => It::React(proto::Reacted {
                    seq: seq.0,
                    reaction: reaction.to_string(),
                    on: *on,
                }),
                Self::Pin { seq, on } => It::Pin(proto::Pinned { seq: seq.0, on: *on }),
            }),
        }
    }

    fn read(form: proto::EntryChange) -> Result<Self, Malformed> {
        use proto::entry_change::Change as It;
        Ok(match form.change.ok_or(Malformed::Missing("change"))? {
            It::Recall(seq) => Self::Recall { seq: Seq(seq) },
            It::Edit(it) => Self::Edit {
                seq: Seq(it.seq),
                content: required::<Content>(it.content.map(|content| *content), "content")?,
                mentions: read_all(it.mentions)?,
            },
            It::React(it) => {
                Self::React { seq: Seq(it.seq), reaction: it.reaction.into(), on: it.on }
            }
            It::Pin(it) => Self::Pin { seq: Seq(it.seq), on: it.on },
        })
    }
}

impl Form for Marks {
    type Proto = proto::Marks;

    fn form(&self) -> proto::Marks {
        let Self { edited, reactions, pinned, mentions_all, origin } = self;
        proto::Marks {
            edited: edited.map(|ts| ts.0),
            reactions: forms(reactions),
            pinned: *pinned,
            mentions_all: *mentions_all,
            origin: origin.as_ref().map(Origin::form),
        }
    }

    fn read(form: proto::Marks) -> Result<Self, Malformed> {
        let proto::Marks { edited, reactions, pinned, mentions_all, origin } = form;
        Ok(Self {
            edited: edited.map(Millis),
            reactions: read_all(reactions)?,
            pinned,
            mentions_all,
            origin: origin.map(Origin::read).transpose()?,
        })
    }
}

impl Form for Reaction {
    type Proto = proto::Reaction;

    fn form(&self) -> proto::Reaction {
        let Self { reaction, count, mine } = self;
        proto::Reaction { reaction: reaction.to_string(), count: *count, mine: *mine }
    }

    fn read(form: proto::Reaction) -> Result<Self, Malformed> {
        let proto::Reaction { reaction, count, mine } = form;
        Ok(Self { reaction: reaction.into(), count, mine })
    }
}

impl Form for Origin {
    type Proto = proto::Origin;

    fn form(&self) -> proto::Origin {
        let Self { sender, ts } = self;
        proto::Origin { sender: sender.form(), ts: ts.0 }
    }

    fn read(form: proto::Origin) -> Result<Self, Malformed> {
        let proto::Origin { sender, ts } = form;
        Ok(Self { sender: UserName::read(sender)?, ts: Millis(ts) })
    }
}

impl Form for MessagesCommand {
    type Proto = proto::MessagesCommand;

    fn form(&self) -> proto::MessagesCommand {
        use proto::messages_command::Command as It;
        let place = |at: &anser_domain::Address, seq: &Seq| proto::Source {
            at: Some(at.form()),
            seq: seq.0,
        };
        proto::MessagesCommand {
            command: Some(match self {
                Self::Delete { at, seq } => It::Delete(place(at, seq)),
                Self::Clear { at, seq } => It::Clear(place(at, seq)),
                Self::Keep { at, change } => {
                    let KeepChange { muted_until, pinned, hidden } = change;
                    It::Keep(proto::ChangeKeep {
                        at: Some(at.form()),
                        muted_until: muted_until.map(|until| until.0),
                        pinned: *pinned,
                        hidden: *hidden,
                    })
                }
                Self::Reactors { at, seq, after, limit } => It::Reactors(proto::ListReactors {
                    at: Some(at.form()),
                    seq: seq.0,
                    after: after.as_ref().map(Reactor::form),
                    limit: (*limit).into(),
                }),
                Self::Pins { at } => It::Pins(at.form()),
                Self::Receipts { at, seq } => It::Receipts(place(at, seq)),
                Self::Search(search) => It::Search(search.form()),
            }),
        }
    }

    fn read(form: proto::MessagesCommand) -> Result<Self, Malformed> {
        use proto::messages_command::Command as It;
        Ok(match form.command.ok_or(Malformed::Missing("command"))? {
            It::Delete(it) => Self::Delete { at: address(it.at)?, seq: Seq(it.seq) },
            It::Clear(it) => Self::Clear { at: address(it.at)?, seq: Seq(it.seq) },
            It::Keep(it) => {
                let proto::ChangeKeep { at, muted_until, pinned, hidden } = it;
                let muted_until = muted_until.map(Millis);
                let change = KeepChange { muted_until, pinned, hidden };
                Self::Keep { at: address(at)?, change }
            }
            It::Reactors(it) => Self::Reactors {
                at: address(it.at)?,
                seq: Seq(it.seq),
                after: it.after.map(Reactor::read).transpose()?,
                limit: limit(it.limit)?,
            },
            It::Pins(at) => Self::Pins { at: address(Some(at))? },
            It::Receipts(it) => Self::Receipts { at: address(it.at)?, seq: Seq(it.seq) },
            It::Search(it) => Self::Search(Box::new(Search::read(it)?)),
        })
    }
}

impl Form for Search {
    type Proto = proto::Search;

    fn form(&self) -> proto::Search {
        let Self { query, at, before, limit } = self;
        proto::Search {
            query: query.to_string(),
            at: at.as_ref().map(Form::form),
            before: before.map(|id| id.0),
            limit: (*limit).into(),
        }
    }

    fn read(form: proto::Search) -> Result<Self, Malformed> {
        let proto::Search { query, at, before, limit: size } = form;
        Ok(Self {
            query: query.into(),
            at: at.map(|at| address(Some(at))).transpose()?,
            before: before.map(MessageId),
            limit: limit(size)?,
        })
    }
}

impl Form for MessagesReply {
    type Proto = proto::MessagesReply;

    fn form(&self) -> proto::MessagesReply {
        use proto::messages_reply::Reply as It;
        proto::MessagesReply {
            reply: Some(match self {
                Self::Reactors { reactors, more } => {
                    It::Reactors(proto::Reactors { reactors: forms(reactors), more: *more })
                }
                Self::Pins(messages) => It::Pins(proto::Messages { messages: forms(messages) }),
                Self::Receipts(receipts) => It::Receipts(receipts.form()),
                Self::Found(found) => It::Found(found.form()),
            }),
        }
    }

    fn read(form: proto::MessagesReply) -> Result<Self, Malformed> {
        use proto::messages_reply::Reply as It;
        Ok(match form.reply.ok_or(Malformed::Missing("reply"))? {
            It::Reactors(it) => Self::Reactors { reactors: read_all(it.reactors)?, more: it.more },
            It::Pins(it) => Self::Pins(read_all(it.messages)?),
            It::Receipts(it) => Self::Receipts(Box::new(Receipts::read(it)?)),
            It::Found(it) => Self::Found(Box::new(SearchPage::read(it)?)),
        })
    }
}

impl Form for Reactor {
    type Proto = proto::Reactor;

    fn form(&self) -> proto::Reactor {
        let Self { reaction, user } = self;
        proto::Reactor { reaction: reaction.to_string(), user: user.form() }
    }

    fn read(form: proto::Reactor) -> Result<Self, Malformed> {
        let proto::Reactor { reaction, user } = form;
        Ok(Self { reaction: reaction.into(), user: UserName::read(user)? })
    }
}

impl Form for Receipts {
    type Proto = proto::Receipts;

    fn form(&self) -> proto::Receipts {
        let Self { members, delivered, read } = self;
        proto::Receipts { members: *members, delivered: forms(delivered), read: forms(read) }
    }

    fn read(form: proto::Receipts) -> Result<Self, Malformed> {
        let proto::Receipts { members, delivered, read } = form;
        Ok(Self { members, delivered: read_all(delivered)?, read: read_all(read)? })
    }
}

impl Form for SearchPage {
    type Proto = proto::SearchPage;

    fn form(&self) -> proto::SearchPage {
        let Self { hits, next } = self;
        proto::SearchPage { hits: forms(hits), next: next.map(|id| id.0) }
    }

    fn read(form: proto::SearchPage) -> Result<Self, Malformed> {
        let proto::SearchPage { hits, next } = form;
        Ok(Self { hits: read_all(hits)?, next: next.map(MessageId) })
    }
}

impl Form for Hit {
    type Proto = proto::Hit;

    fn form(&self) -> proto::Hit {
        let Self { at, message, snippet } = self;
        proto::Hit { at: Some(at.form()), message: Some(message.form()), snippet: forms(snippet) }
    }

    fn read(form: proto::Hit) -> Result<Self, Malformed> {
        let proto::Hit { at, message, snippet } = form;
        Ok(Self {
            at: address(at)?,
            message: required(message, "message")?,
            snippet: read_all(snippet)?,
        })
    }
}

impl Form for SnippetPiece {
    type Proto = proto::SnippetPiece;

    fn form(&self) -> proto::SnippetPiece {
        let Self { text, hit } = self;
        proto::SnippetPiece { text: text.to_string(), hit: *hit }
    }

    fn read(form: proto::SnippetPiece) -> Result<Self, Malformed> {
        let proto::SnippetPiece { text, hit } = form;
        Ok(Self { text: text.into(), hit })
    }
}

impl Form for Keep {
    type Proto = proto::Keep;

    fn form(&self) -> proto::Keep {
        let Self { muted_until, pinned, hidden, cleared } = self;
        proto::Keep {
            muted_until: muted_until.0,
            pinned: *pinned,
            hidden: *hidden,
            cleared: cleared.0,
        }
    }

    fn read(form: proto::Keep) -> Result<Self, Malformed> {
        let proto::Keep { muted_until, pinned, hidden, cleared } = form;
        Ok(Self { muted_until: Millis(muted_until), pinned, hidden, cleared: Seq(cleared) })
    }
}

impl Form for Kept {
    type Proto = proto::Kept;

    fn form(&self) -> proto::Kept {
        let Self { conv, at, keep, deleted } = self;
        proto::Kept {
            conv: conv.0,
            at: Some(at.form()),
            keep: Some(keep.form()),
            deleted: deleted.map(|seq| seq.0),
        }
    }

    fn read(form: proto::Kept) -> Result<Self, Malformed> {
        let proto::Kept { conv, at, keep, deleted } = form;
        Ok(Self {
            conv: ConvId(conv),
            at: address(at)?,
            keep: required(keep, "keep")?,
            deleted: deleted.map(Seq),
        })
    }
}
