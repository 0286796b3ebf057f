//! Conversations and their messages.

use anser_domain::{
    Address, Content, KeepChange, MessageId, Reactor, Receipts, Seq, SyncToken, UserName,
};
use anser_wire::frame::{self, Answer, Call};

use super::{names, once};
use crate::{
    client::Client,
    convert,
    error::Failed,
    model::{ConversationPage, Message, Page, Range, SearchPage, Stored},
};

impl Client {
    /// Part of a conversation's log; `limit` 0 leaves its size to the server.
    ///
    /// # Errors
    /// [`Failed`], as for every call.
    pub async fn history(&self, at: &Address, range: Range, limit: u32) -> Result<Page, Failed> {
        let (before, after) = match range {
            Range::Latest => (0, None),
            Range::Before(seq) => (seq.0, None),
            Range::After(seq) => (0, Some(seq.0)),
        };
        let call = frame::HistoryCall { at: at.to_string(), before, after, limit };
        match self.call(Call::History(call)).await? {
            Answer::Log(log) => convert::page(log).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// The user's conversations, most recently changed first.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn conversations(
        &self,
        before: Option<SyncToken>,
        limit: u32,
    ) -> Result<ConversationPage, Failed> {
        let call = frame::ConversationsCall { before: before.map(|token| token.0), limit };
        let Answer::Conversations(set) = self.call(Call::Conversations(call)).await? else {
            return Err(Failed::Odd);
        };
        let next = set.more.then_some(SyncToken(set.token));
        let rows = set.conversations.into_iter().map(convert::conversation);
        let conversations = rows.collect::<Result<_, _>>().map_err(|_| Failed::Odd)?;
        Ok(ConversationPage { conversations, next })
    }

    /// The user has read up to `seq`.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn read(&self, at: &Address, seq: Seq) -> Result<(), Failed> {
        let call = frame::ReadCall { at: at.to_string(), seq: seq.0 };
        match self.call(Call::Read(call)).await? {
            Answer::Done(_) => Ok(()),
            _ => Err(Failed::Odd),
        }
    }

    /// Takes a message back, for everybody.
    ///
    /// ```no_run
    /// # async fn example(client: anser_client::Client) -> Result<(), anser_client::Failed> {
    /// # let at = "u:bob".parse().unwrap();
    /// # let hello = anser_client::message("u:bob".parse().unwrap(), anser_domain::Content::Text("good-bye".into()));
    /// let stored = client.send(hello).await?;
    /// client.edit(&at, stored.seq, "hello", &[]).await?;
    /// client.react(&at, stored.seq, "👍", true).await?;
    /// client.recall(&at, stored.seq).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn recall(&self, at: &Address, seq: Seq) -> Result<Stored, Failed> {
        let of = Some(source(at, seq));
        self.change(Call::Recall(frame::RecallCall { client_id: once(), of })).await
    }

    /// Puts another text into a message of the user's own.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn edit(
        &self,
        at: &Address,
        seq: Seq,
        text: &str,
        mentions: &[UserName],
    ) -> Result<Stored, Failed> {
        self.edit_content(at, seq, &Content::Text(text.into()), mentions).await
    }

    /// The same, for a message of any kind.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn edit_content(
        &self,
        at: &Address,
        seq: Seq,
        content: &Content,
        mentions: &[UserName],
    ) -> Result<Stored, Failed> {
        let edit = frame::Edit {
            seq: seq.0,
            kind: content.kind().number().into(),
            body: content.body().unwrap_or_default().to_owned(),
            mentions: names(mentions),
        };
        let (client_id, at, edit) = (once(), at.to_string(), Some(edit));
        self.change(Call::Edit(frame::EditCall { client_id, at, edit })).await
    }

    /// Gives a reaction, or takes it back.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn react(
        &self,
        at: &Address,
        seq: Seq,
        reaction: &str,
        on: bool,
    ) -> Result<Stored, Failed> {
        let react = Some(frame::React { seq: seq.0, reaction: reaction.to_owned(), on });
        let (client_id, at) = (once(), at.to_string());
        self.change(Call::React(frame::ReactCall { client_id, at, react })).await
    }

    /// Pins a message for everybody, or takes the pin off.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn pin(&self, at: &Address, seq: Seq, on: bool) -> Result<Stored, Failed> {
        let pin = Some(frame::Pin { seq: seq.0, on });
        let (client_id, at) = (once(), at.to_string());
        self.change(Call::Pin(frame::PinCall { client_id, at, pin })).await
    }

    /// What is pinned, the latest pin first.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn pins(&self, at: &Address) -> Result<Vec<Message>, Failed> {
        match self.call(Call::Pins(frame::PinsCall { at: at.to_string() })).await? {
            Answer::Pins(pins) => convert::pins(pins, at).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// Who reacted to a message, by reaction and name, and whether another page follows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn reactors(
        &self,
        at: &Address,
        seq: Seq,
        after: Option<&Reactor>,
        limit: u32,
    ) -> Result<(Vec<Reactor>, bool), Failed> {
        let after = after.map(|it| frame::Reactor {
            reaction: it.reaction.to_string(),
            user: it.user.to_string(),
        });
        let call = frame::ReactorsCall { at: at.to_string(), seq: seq.0, after, limit };
        let Answer::Reactors(page) = self.call(Call::Reactors(call)).await? else {
            return Err(Failed::Odd);
        };
        let reactors = page.reactors.into_iter().map(convert::reactor).collect::<Result<_, _>>();
        Ok((reactors.map_err(|_| Failed::Odd)?, page.more))
    }

    /// Who of a message's other members has it, and who has read it.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn receipts(&self, at: &Address, seq: Seq) -> Result<Receipts, Failed> {
        match self.call(Call::Receipts(source(at, seq))).await? {
            Answer::Receipts(it) => convert::receipts(&it).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// Takes a message out of this user's own sight; others keep it.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn delete_for_me(&self, at: &Address, seq: Seq) -> Result<(), Failed> {
        self.done(Call::DeleteForMe(source(at, seq))).await
    }

    /// Takes everything up to `seq` out of this user's own sight; others keep it.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn clear_for_me(&self, at: &Address, seq: Seq) -> Result<(), Failed> {
        self.done(Call::ClearForMe(source(at, seq))).await
    }

    /// Changes how this user keeps a conversation; what is absent stays.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn keep(&self, at: &Address, change: KeepChange) -> Result<(), Failed> {
        let call = frame::KeepCall {
            at: at.to_string(),
            muted_until: change.muted_until.map(|until| until.0),
            pinned: change.pinned,
            hidden: change.hidden,
        };
        self.done(Call::Keep(call)).await
    }

    /// Messages that hold all the words, newest first: in one conversation or in all of the
    /// user's. Goes on before the `next` of the page before.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn search(
        &self,
        query: &str,
        at: Option<&Address>,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<SearchPage, Failed> {
        let call = frame::SearchCall {
            query: query.to_owned(),
            at: super::after(at),
            before: before.map_or(0, |id| id.0),
            limit,
        };
        match self.call(Call::Search(call)).await? {
            Answer::Found(found) => convert::found(found).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }
}

fn source(at: &Address, seq: Seq) -> frame::Source {
    frame::Source { at: at.to_string(), seq: seq.0 }
}
