//! A Cluster of masters without replicas.

use anyhow::Result;

use super::server::{Server, until};

/// All slots.
const SLOTS: usize = 16_384;

/// The masters.
pub struct Cluster {
    masters: Vec<Server>,
}

impl Cluster {
    /// Starts `count` masters that share the slots evenly, and waits until each says that all is
    /// well.
    ///
    /// # Errors
    /// Some do not start, or never find each other.
    pub async fn start(count: usize) -> Result<Self> {
        let mut masters: Vec<Server> = Vec::new();
        for at in 0..count {
            let bus = crate::ports::free()?.to_string();
            let settings = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            let server = Server::start(&settings).await?;
            let (first, last) = (SLOTS * at / count, SLOTS * (at + 1) / count - 1);
            let range = [first.to_string(), last.to_string()];
            server.ask(&["cluster", "addslotsrange", &range[0], &range[1]]).await?;
            server.ask(&["cluster", "set-config-epoch", &(at + 1).to_string()]).await?;
            if let Some(one) = masters.first() {
                let port = server.port().to_string();
                one.ask(&["cluster", "meet", "127.0.0.1", &port, &bus]).await?;
            }
            masters.push(server);
        }
        let cluster = Self { masters };
        let all = &cluster.masters;
        let known = format!("cluster_known_nodes:{count}");
        until("a whole Cluster", || async {
            for master in all {
                let info = master.ask(&["cluster", "info"]).await.unwrap_or_default();
                if !info.contains("cluster_state:ok") || !info.contains(&known) {
                    return false;
                }
            }
            true
        })
        .await?;
        Ok(cluster)
    }

    /// The masters.
    pub fn masters(&mut self) -> &mut [Server] {
        &mut self.masters
    }

    /// `redis-cluster://…`, with two of its nodes.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes = self.masters.iter().take(2).map(|it| format!("127.0.0.1:{}", it.port()));
        format!("redis-cluster://{}", nodes.collect::<Vec<_>>().join(","))
    }

    /// Empties all of them.
    ///
    /// # Errors
    /// One does not answer.
    pub async fn flush(&self) -> Result<()> {
        for master in &self.masters {
            master.flush().await?;
        }
        Ok(())
    }
}
