//! A master and its replica, watched by a Sentinel.

use anyhow::Result;

use super::server::{Server, until};

/// The set. Its master is called `geese`.
pub struct Watched {
    /// The first master, and the replica that takes over from it.
    pub servers: [Server; 2],
    sentinel: Server,
}

impl Watched {
    /// Starts all three, and waits until the Sentinel knows the replica.
    ///
    /// # Errors
    /// Some do not start, or never find each other.
    pub async fn start() -> Result<Self> {
        let master = Server::start(&["--repl-diskless-sync-delay", "0"]).await?;
        let of = format!("127.0.0.1 {}", master.port());
        let replica = Server::start(&["--replicaof", &of]).await?;
        until("a replica that is level", || async {
            let info = replica.ask(&["info", "replication"]).await.unwrap_or_default();
            info.contains("master_link_status:up")
        })
        .await?;
        let monitor = format!("sentinel monitor geese 127.0.0.1 {} 1", master.port());
        let sentinel = Server::begin(
            "redis-sentinel",
            &[
                &monitor,
                "sentinel down-after-milliseconds geese 500",
                "sentinel failover-timeout geese 3000",
            ],
        )
        .await?;
        until("a Sentinel that knows the replica", || async {
            let known = sentinel.ask(&["sentinel", "replicas", "geese"]).await;
            known.is_ok_and(|it| it.contains("master-link-status\nok"))
        })
        .await?;
        Ok(Self { servers: [master, replica], sentinel })
    }

    /// `redis-sentinel://…`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis-sentinel://127.0.0.1:{}/geese", self.sentinel.port())
    }

    /// Kills the master, and waits until the replica has taken over.
    ///
    /// # Errors
    /// It never does.
    pub async fn fail_over(&mut self) -> Result<()> {
        let [master, replica] = &mut self.servers;
        master.kill()?;
        let replica = &*replica;
        until("a replica that takes over", || async {
            let role = replica.ask(&["role"]).await;
            role.is_ok_and(|it| it.starts_with("master"))
        })
        .await
    }

    /// The one that was killed comes back, empty and as a master, as it was started; waits until
    /// the Sentinel has made a replica of it, that is level. The two have changed places then.
    ///
    /// # Errors
    /// It never is.
    pub async fn recover(&mut self) -> Result<()> {
        self.servers[0].restart().await?;
        let back = &self.servers[0];
        until("a master that is a replica now", || async {
            let info = back.ask(&["info", "replication"]).await.unwrap_or_default();
            info.contains("role:slave") && info.contains("master_link_status:up")
        })
        .await?;
        let sentinel = &self.sentinel;
        until("a Sentinel that knows the replica", || async {
            let known = sentinel.ask(&["sentinel", "replicas", "geese"]).await;
            known.is_ok_and(|it| it.contains("master-link-status\nok"))
        })
        .await?;
        self.servers.swap(0, 1);
        Ok(())
    }
}
