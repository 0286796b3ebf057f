//! Files: who may store how much, who may see what, and when it goes. The bytes are the Web's.

use std::{sync::Arc, time::Duration};

use anser_domain::{
    Actor, Clock, FileCommand, FileRecord, FileReply, FileState, Millis, Refusal, Reply,
};
use anser_store::{FileBounds, FilesBefore, Store};

use crate::{config::Config, rule};

pub(crate) struct Files {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
}

impl Files {
    /// Answers what a user asks.
    pub(crate) async fn answer(
        &self,
        actor: Actor,
        command: FileCommand,
    ) -> Result<Reply, Refusal> {
        let policy = &self.config.files;
        let user = actor.user;
        let one = |record| FileReply::File(Box::new(self.with_expiry(record)));
        let reply = match command {
            FileCommand::Begin(file) => {
                rule::acceptable_file(&file, policy)?;
                let bounds = FileBounds {
                    bytes: policy.quota,
                    files: policy.max_files,
                    unfinished: policy.max_unfinished,
                };
                one(self.store.begin_file(user, *file, bounds).await?)
            }
            FileCommand::Wrote { file, piece } => {
                one(self.store.wrote_file(user, file, piece).await?)
            }
            FileCommand::Finish { file, found } => {
                rule::acceptable_content(&found, policy)?;
                one(self.store.finish_file(user, file, *found).await?)
            }
            FileCommand::Info(file) => one(self.store.file(user, file).await?.record),
            FileCommand::Open(file) => {
                let mut content = self.store.file(user, file).await?;
                content.record = self.with_expiry(content.record);
                FileReply::Content(Box::new(content))
            }
            FileCommand::List { before, limit } => {
                let limit = limit.clamp(1, self.config.page_limit);
                let mut page = self.store.files(user, before, limit).await?;
                page.files = page.files.into_iter().map(|it| self.with_expiry(it)).collect();
                page.quota = policy.quota;
                FileReply::List(Box::new(page))
            }
            FileCommand::Delete(file) => {
                self.store.delete_file(user, file).await?;
                return Ok(Reply::Done);
            }
            FileCommand::Sweep { .. } | FileCommand::Swept(_) => return Err(Refusal::Forbidden),
        };
        Ok(Reply::Files(reply))
    }

    /// Answers what whoever keeps the bytes asks on nobody's behalf. It tells ids only, and takes
    /// away nothing but what is gone already.
    pub(crate) async fn keep_house(&self, command: FileCommand) -> Result<Reply, Refusal> {
        match command {
            FileCommand::Sweep { limit } => {
                let now = self.clock.wall();
                let before = FilesBefore {
                    touched: now.plus(-millis(self.config.files.unfinished)),
                    ready: self.config.files.keep.map(|keep| now.plus(-millis(keep))),
                };
                let doomed = self.store.doomed_files(before, limit).await?;
                Ok(Reply::Files(FileReply::Doomed(doomed)))
            }
            FileCommand::Swept(files) => {
                self.store.forget_files(files).await?;
                Ok(Reply::Done)
            }
            _ => Err(Refusal::BadCredentials),
        }
    }

    /// When a file's content goes: unfinished ones when they are left alone, others by policy.
    fn with_expiry(&self, record: FileRecord) -> FileRecord {
        let keep = match record.state {
            FileState::Ready if !record.public => self.config.files.keep,
            _ => None,
        };
        let expires = keep.map(|keep| Millis(record.created.0).plus(millis(keep)));
        FileRecord { expires, ..record }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
