//! From an `async fn` to the SM and back: a Web is a peer without links, and each call a number.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anser_domain::{
    Ask, Caller, Command, LinkId, Peer, PeerId, Replies, Reply, ReplyTo, SessionManager, Tag, Via,
};
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

use crate::{
    answer::Answer,
    limits::{CALL_DEADLINE, MAX_CALLS},
    problem::{self, Problem},
};

/// Calls are numbered one after another, so their low bits spread them over the shards.
const SHARDS: usize = 16;

/// Every call asks one thing, so one tag does for all.
const TAG: Tag = Tag(0);

/// The asking side: one peer of the SM for as long as it lives.
pub(crate) struct Calls {
    sm: Arc<dyn SessionManager>,
    peer: PeerId,
    next: AtomicU64,
    waiting: Arc<Waiting>,
}

impl Calls {
    /// Makes a new peer known to the SM.
    pub(crate) fn new(sm: Arc<dyn SessionManager>) -> Self {
        let peer = PeerId(rand::random());
        let waiting = Arc::new(Waiting::default());
        sm.attach(Peer { id: peer, via: Via::default(), replies: waiting.clone(), links: None });
        Self { sm, peer, next: AtomicU64::new(1), waiting }
    }

    /// Asks, and waits for the answer or the deadline. Dropping the future forgets the call; a
    /// command that the SM has taken runs to its end all the same.
    pub(crate) async fn ask<A: Answer>(
        &self,
        caller: Caller,
        command: Command,
    ) -> Result<A, Problem> {
        let link = LinkId(self.next.fetch_add(1, Ordering::Relaxed));
        let (call, reply) = self.waiting.enter(link)?;
        let from = ReplyTo { peer: self.peer, link, tag: TAG, via: Via::default() };
        self.sm.submit(vec![Ask { from, caller, command }]);
        let answer = timeout(CALL_DEADLINE, reply).await;
        drop(call);
        match answer {
            Ok(Ok(Reply::Refused(refusal))) => Err(refusal.into()),
            Ok(Ok(reply)) => A::from_reply(reply).ok_or_else(|| {
                tracing::error!("the sm answered with another kind of reply than was asked for");
                Problem::new(&problem::INTERNAL, "the answer was not of the expected kind")
            }),
            Ok(Err(_)) => Err(Problem::new(&problem::INTERNAL, "the answer was lost")),
            Err(_) => Err(Problem::new(
                &problem::DEADLINE,
                format!("no answer within {} s; the outcome is not known", seconds(CALL_DEADLINE)),
            )),
        }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.sm.detach(self.peer);
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs()
}

/// Who waits for an answer, by call. The SM holds this too, as the peer's [`Replies`].
#[derive(Default)]
struct Waiting {
    shards: [Mutex<HashMap<LinkId, oneshot::Sender<Reply>>>; SHARDS],
    count: AtomicUsize,
}

impl Waiting {
    fn enter(self: &Arc<Self>, link: LinkId) -> Result<(Call, oneshot::Receiver<Reply>), Problem> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= MAX_CALLS {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(anser_domain::Refusal::Busy(Duration::from_secs(1)).into());
        }
        let (answer, reply) = oneshot::channel();
        if let Some(shard) = self.shard(link) {
            shard.lock().insert(link, answer);
        }
        Ok((Call { waiting: self.clone(), link }, reply))
    }

    fn shard(&self, link: LinkId) -> Option<&Mutex<HashMap<LinkId, oneshot::Sender<Reply>>>> {
        self.shards.get(usize::try_from(link.0 % SHARDS as u64).unwrap_or(0))
    }

    fn take(&self, link: LinkId) -> Option<oneshot::Sender<Reply>> {
        self.shard(link)?.lock().remove(&link)
    }
}

impl Replies for Waiting {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        for (link, _, reply) in batch {
            // Nobody there: the caller has gone or run out of time.
            if let Some(answer) = self.take(link) {
                let _ = answer.send(reply);
            }
        }
    }
}

/// A call's place in the map, given up when the call ends in whatever way.
struct Call {
    waiting: Arc<Waiting>,
    link: LinkId,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.waiting.take(self.link);
        self.waiting.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::Refusal;

    use super::*;

    /// An SM that never answers.
    struct Silent;

    impl SessionManager for Silent {
        fn attach(&self, _: Peer) {}
        fn detach(&self, _: PeerId) {}
        fn submit(&self, _: Vec<Ask>) {}
    }

    fn slots(calls: &Calls) -> (usize, usize) {
        let held = calls.waiting.shards.iter().map(|shard| shard.lock().len()).sum();
        (held, calls.waiting.count.load(Ordering::Relaxed))
    }

    fn ask(calls: &Calls) -> impl Future<Output = Result<crate::answer::Done, Problem>> {
        calls.ask(Caller::Nobody, Command::SignOut)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_leaves_nothing_behind_however_it_ends() {
        let calls = Calls::new(Arc::new(Silent));
        let short = Duration::from_millis(1);

        let hung_up = timeout(short, async { tokio::join!(ask(&calls), ask(&calls)) }).await;
        assert!(hung_up.is_err());
        assert_eq!(slots(&calls), (0, 0), "cancelled");

        assert!(ask(&calls).await.is_err());
        assert_eq!(slots(&calls), (0, 0), "run out of time");

        let waiting = calls.waiting.clone();
        let (answer, ()) = tokio::join!(ask(&calls), async {
            assert_eq!(slots(&calls), (1, 1));
            let link = LinkId(calls.next.load(Ordering::Relaxed) - 1);
            waiting.replies(vec![(link, TAG, Reply::Done)]);
        });
        assert!(answer.is_ok());
        assert_eq!(slots(&calls), (0, 0), "answered");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_above_the_bound_are_told_at_once() {
        let calls = Calls::new(Arc::new(Silent));
        calls.waiting.count.store(MAX_CALLS, Ordering::Relaxed);
        let busy = Problem::from(Refusal::Busy(Duration::from_secs(1)));
        let problem = ask(&calls).await.unwrap_err();
        assert_eq!(problem.body().status, busy.body().status);
        assert_eq!(slots(&calls), (0, MAX_CALLS));
    }
}
