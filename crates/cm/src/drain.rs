//! Stopping: no new links, everyone told to come back, and an end even for those who stay.

use std::{sync::Arc, time::Duration};

use anser_domain::Close;

use crate::{
    Cm,
    link::{Ending, pass::Pass},
    registry::SHARDS,
};

/// How long aborted links have to notice.
const ABORTED_WITHIN: Duration = Duration::from_secs(1);

impl Cm {
    /// Stops taking links, asks every link to come back after a time spread over `spread`,
    /// waits until all have gone or `within` has passed, and ends those that remain. Then the
    /// SM forgets this CM.
    pub async fn drain(self: &Arc<Self>, spread: Duration, within: Duration) {
        self.stopping.send_replace(true);
        self.each_shard(|cm, pass, link| {
            let retry_after = cm.retry_after(link.id(), spread);
            pass.with(link, |link| link.drain(retry_after));
        });
        if tokio::time::timeout(within, self.emptied()).await.is_err() {
            tracing::warn!(links = self.stats.links.read(), "links did not close in time");
            self.each_shard(|_, pass, link| {
                pass.with(link, |link| link.close(Close::Abort, Ending::Drained));
            });
            let _ = tokio::time::timeout(ABORTED_WITHIN, self.emptied()).await;
        }
        self.sm.detach(self.id);
    }

    async fn emptied(&self) {
        loop {
            let empty = self.empty.notified();
            if self.stats.links.read() == 0 {
                return;
            }
            empty.await;
        }
    }

    fn each_shard(&self, act: impl Fn(&Self, &mut Pass<'_>, &Arc<crate::link::Link>)) {
        for shard in 0..SHARDS {
            let mut pass = Pass::new(self);
            for link in self.registry.shard(shard) {
                act(self, &mut pass, &link);
            }
            pass.finish();
        }
    }
}
