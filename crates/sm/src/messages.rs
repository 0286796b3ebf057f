//! What users ask about messages beside reading and sending.

use std::sync::Arc;

use anser_domain::{
    Address, Event, Kept, MessagesCommand, MessagesReply, Refusal, Reply, ReplyTo, Seq, UserId,
};
use anser_store::{KeepMoved, Store};

use crate::{config::Config, fanout::Fanout};

/// Answers [`MessagesCommand`].
pub(crate) struct Messages {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Arc<Config>,
    pub(crate) fanout: Arc<Fanout>,
}

impl Messages {
    pub(crate) async fn answer(
        &self,
        from: ReplyTo,
        user: UserId,
        command: MessagesCommand,
    ) -> Result<Reply, Refusal> {
        let limit = |limit: u16| limit.clamp(1, self.config.page_limit);
        Ok(match command {
            MessagesCommand::Delete { at, seq } => {
                let moved = self.store.delete_for(user, &at, seq).await?;
                self.kept(from, user, at, moved, Some(seq))
            }
            MessagesCommand::Clear { at, seq } => {
                let moved = self.store.clear_for(user, &at, seq).await?;
                self.kept(from, user, at, moved, None)
            }
            MessagesCommand::Keep { at, change } => {
                let moved = self.store.keep(user, &at, change).await?;
                self.kept(from, user, at, moved, None)
            }
            MessagesCommand::Reactors { at, seq, after, limit: l } => {
                let page = self.store.reactors(user, &at, seq, after.as_ref(), limit(l)).await?;
                let (reactors, more) = page;
                Reply::Messages(MessagesReply::Reactors { reactors, more })
            }
            MessagesCommand::Pins { at } => {
                Reply::Messages(MessagesReply::Pins(self.store.pins(user, &at).await?))
            }
            MessagesCommand::Receipts { at, seq } => {
                let up_to = self.config.receipts_up_to;
                let receipts = self.store.receipts(user, &at, seq, up_to).await?;
                Reply::Messages(MessagesReply::Receipts(Box::new(receipts)))
            }
            MessagesCommand::Search(mut search) => {
                search.limit = limit(search.limit);
                let found = self.store.search(user, &search).await?;
                Reply::Messages(MessagesReply::Found(Box::new(found)))
            }
        })
    }

    /// Tells the user's other links how they keep the conversation now. Whoever has none learns
    /// of it by the next sync.
    fn kept(
        &self,
        from: ReplyTo,
        user: UserId,
        at: Address,
        moved: KeepMoved,
        deleted: Option<Seq>,
    ) -> Reply {
        let KeepMoved { conv, keep } = moved;
        let kept = Arc::new(Kept { conv, at, keep, deleted });
        self.fanout.event(vec![user], Some(from), move |_| Some(Event::Kept(kept.clone())));
        Reply::Done
    }
}
