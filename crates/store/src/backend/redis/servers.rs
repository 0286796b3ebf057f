//! The servers that hold the map, behind one face: a bucket goes in, the server that has it
//! answers, whether there is one server, one that Sentinels name, or a Cluster.
//!
//! The library makes connections; which server has which bucket is kept here, because the cache
//! needs each server's answers and invalidations in the order in which that server said them, and
//! invalidations on from the first command of every connection (ADR 11).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use parking_lot::RwLock;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ErrorKind, Pipeline, PushInfo, RedisError,
    RedisResult, ServerErrorKind, Value, aio::MultiplexedConnection,
};
use tokio::sync::Mutex;

use super::{
    keys::{self, BUCKETS},
    scripts,
    topology::{self, Place},
    url::Target,
};

/// How long a connection may take: a server that needs longer is no use to a login either.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long an answer may take before the server counts as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How often a command is tried while the servers rearrange themselves.
const ATTEMPTS: u32 = 5;
/// How long a command waits for that, times the attempt.
const WAIT: Duration = Duration::from_millis(20);

/// What connections tell by themselves.
pub(super) type OnPush = Arc<dyn Fn(PushInfo) + Send + Sync>;

/// All servers.
pub(super) struct Servers {
    target: Target,
    map: RwLock<Arc<Map>>,
    /// Servers that have no bucket yet, but some key of one that is on its way.
    guests: parking_lot::Mutex<Vec<Arc<Server>>>,
    on_push: OnPush,
    /// Held while connections are made, so that one at a time finds out where things are.
    mending: Mutex<()>,
    /// Whether some bucket is not where it was.
    broken: AtomicBool,
}

/// Which bucket is where.
#[derive(Default)]
pub(super) struct Map {
    servers: Vec<Arc<Server>>,
    /// Per bucket an index into `servers`.
    homes: Vec<Option<usize>>,
}

/// A server and its connection.
pub(super) struct Server {
    pub(super) address: ConnectionAddr,
    connection: MultiplexedConnection,
    up: Arc<AtomicBool>,
}

impl Map {
    /// The server of `bucket`, if it is reached.
    pub(super) fn server(&self, bucket: usize) -> Option<&Arc<Server>> {
        let home = (*self.homes.get(bucket)?)?;
        self.servers.get(home).filter(|server| server.is_up())
    }

    /// Every server that is reached, with its buckets.
    pub(super) fn servers(&self) -> Vec<(Arc<Server>, Vec<usize>)> {
        let buckets = |home: usize| {
            (0..BUCKETS).filter(|at| self.homes.get(*at) == Some(&Some(home))).collect::<Vec<_>>()
        };
        let all = self.servers.iter().enumerate();
        all.filter(|(_, it)| it.is_up()).map(|(at, it)| (it.clone(), buckets(at))).collect()
    }

    fn is_whole(&self) -> bool {
        (0..BUCKETS).all(|bucket| self.server(bucket).is_some())
    }
}

impl Server {
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    /// Nobody asks it anything more over this connection.
    pub(super) fn give_up(&self) {
        self.up.store(false, Ordering::Release);
    }

    /// Everything in one go; an answer each. An error is the connection's own.
    pub(super) async fn pipe(
        &self,
        commands: impl Iterator<Item = &Cmd>,
    ) -> RedisResult<Vec<Value>> {
        let mut pipeline = Pipeline::new();
        for command in commands {
            pipeline.add_command(command.clone());
        }
        let count = pipeline.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let answers = self.connection.clone().send_packed_commands(&pipeline, 0, count).await;
        if answers.is_err() {
            self.give_up();
        }
        answers
    }
}

impl Servers {
    pub(super) fn new(target: Target, on_push: OnPush) -> Self {
        Self {
            target,
            map: RwLock::default(),
            guests: parking_lot::Mutex::default(),
            on_push,
            mending: Mutex::default(),
            broken: AtomicBool::new(true),
        }
    }

    pub(super) fn map(&self) -> Arc<Map> {
        self.map.read().clone()
    }

    /// Something is not where it was: [`mend`](Self::mend) is due.
    pub(super) fn doubt(&self) {
        self.broken.store(true, Ordering::Release);
    }

    /// Finds out where the buckets are and connects where there is no connection. Does nothing
    /// while nothing is broken.
    pub(super) async fn mend(&self) -> RedisResult<()> {
        let _mending = self.mending.lock().await;
        let before = self.map();
        if !self.broken.load(Ordering::Acquire) && before.is_whole() {
            return Ok(());
        }
        self.remap(&before).await?;
        self.broken.store(false, Ordering::Release);
        Ok(())
    }

    async fn remap(&self, before: &Map) -> RedisResult<()> {
        let known: Vec<_> =
            before.servers().into_iter().map(|(it, _)| it.address.clone()).collect();
        let places = topology::find(&self.target, &known).await?;
        let connect = |place: &Place| {
            let address = place.address.clone();
            let kept =
                before.servers.iter().find(|it| it.address == address && it.is_up()).cloned();
            async move {
                match kept {
                    Some(kept) => Ok(kept),
                    None => self.connect(address).await,
                }
            }
        };
        let connected = join_all(places.iter().map(connect)).await;
        let mut map = Map { servers: Vec::new(), homes: vec![None; BUCKETS] };
        let mut failed = None;
        for (place, server) in places.into_iter().zip(connected) {
            match server {
                Ok(server) => {
                    for bucket in place.buckets {
                        if let Some(home) = map.homes.get_mut(bucket) {
                            *home = Some(map.servers.len());
                        }
                    }
                    map.servers.push(server);
                }
                Err(error) => failed = Some(error),
            }
        }
        let whole = map.is_whole();
        *self.map.write() = Arc::new(map);
        match failed {
            None if whole => Ok(()),
            None => Err((ErrorKind::Io, "the Cluster does not serve all of its slots").into()),
            Some(error) => Err(error),
        }
    }

    /// A server that another one has pointed to.
    async fn guest(&self, address: ConnectionAddr) -> RedisResult<Arc<Server>> {
        let map = self.map();
        let is_it = |it: &&Arc<Server>| it.address == address && it.is_up();
        let known = map.servers.iter().find(is_it).cloned();
        let known = known.or_else(|| self.guests.lock().iter().find(is_it).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let guest = self.connect(address).await?;
        let mut guests = self.guests.lock();
        guests.retain(|it| it.is_up());
        guests.push(guest.clone());
        Ok(guest)
    }

    async fn connect(&self, address: ConnectionAddr) -> RedisResult<Arc<Server>> {
        let up = Arc::new(AtomicBool::new(true));
        let (on_push, alive) = (self.on_push.clone(), up.clone());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN))
            .set_push_sender(move |push: PushInfo| -> Result<(), std::convert::Infallible> {
                if push.kind == redis::PushKind::Disconnection {
                    alive.store(false, Ordering::Release);
                }
                on_push(push);
                Ok(())
            });
        let client = self.target.holder(address.clone())?;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let server = Server { address, connection, up };
        let mut tracking = redis::cmd("CLIENT");
        tracking.arg("TRACKING").arg("ON");
        for answer in server.pipe(scripts::load().iter().chain([&tracking])).await? {
            answer.extract_error()?;
        }
        Ok(Arc::new(server))
    }

    /// Asks for each bucket what belongs to it; the answers are in the same order. What a server
    /// has no answer to *now*, because it is being replaced or its slots move, is asked again for
    /// a while. Commands have to bear that.
    pub(super) async fn ask(&self, asks: &[(usize, Cmd)]) -> Vec<RedisResult<Value>> {
        let mut answers: Vec<RedisResult<Value>> =
            asks.iter().map(|_| Err(gone("no server has been reached"))).collect();
        let mut open: Vec<usize> = (0..asks.len()).collect();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(WAIT * attempt).await;
                // What cannot be mended now is told by the answers.
                let _ = self.mend().await;
            }
            self.ask_once(asks, &open, &mut answers).await;
            open.retain(|at| answers.get(*at).is_some_and(|it| it.as_ref().is_err_and(passes)));
            if open.is_empty() {
                break;
            }
            self.doubt();
        }
        answers
    }

    async fn ask_once(
        &self,
        asks: &[(usize, Cmd)],
        open: &[usize],
        answers: &mut [RedisResult<Value>],
    ) {
        let map = self.map();
        let mut per_server: Vec<(&Arc<Server>, Vec<usize>)> = Vec::new();
        for at in open {
            let Some((bucket, _)) = asks.get(*at) else { continue };
            let Some(server) = map.server(*bucket) else { continue };
            match per_server.iter_mut().find(|(it, _)| Arc::ptr_eq(it, server)) {
                Some((_, which)) => which.push(*at),
                None => per_server.push((server, vec![*at])),
            }
        }
        let ask = |(server, which): (&Arc<Server>, Vec<usize>)| {
            let server = server.clone();
            async move {
                let commands = which.iter().filter_map(|at| asks.get(*at)).map(|(_, cmd)| cmd);
                let found = server.pipe(commands).await;
                (server, which, found)
            }
        };
        for (server, which, found) in join_all(per_server.into_iter().map(ask)).await {
            match found {
                Ok(values) => {
                    for (at, value) in which.into_iter().zip(values) {
                        let Some((_, command)) = asks.get(at) else { continue };
                        let value = self.settle(&server, command, value.extract_error()).await;
                        if let Some(answer) = answers.get_mut(at) {
                            *answer = value;
                        }
                    }
                }
                Err(error) => {
                    for at in which {
                        if let Some(answer) = answers.get_mut(at) {
                            *answer = Err(gone(error.category()));
                        }
                    }
                }
            }
        }
    }

    /// What can be settled at once: scripts that a server has forgotten, and keys that are on
    /// their way to another server.
    async fn settle(
        &self,
        server: &Server,
        command: &Cmd,
        answer: RedisResult<Value>,
    ) -> RedisResult<Value> {
        let Err(error) = &answer else { return answer };
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => {
                let again = scripts::load();
                let values = server.pipe(again.iter().chain([command])).await?;
                values.into_iter().last().unwrap_or_default().extract_error()
            }
            ErrorKind::Server(ServerErrorKind::Ask) => {
                let there = error.redirect_node().and_then(|(it, _)| it.rsplit_once(':'));
                let Some((host, port)) = there else { return answer };
                let address = self.target.address(host, port.parse().unwrap_or(0));
                let there = self.guest(address).await?;
                let asking = redis::cmd("ASKING");
                let values = there.pipe([&asking, command].into_iter()).await?;
                values.into_iter().last().unwrap_or_default().extract_error()
            }
            _ => answer,
        }
    }
}

/// Whether something else may be answered in a moment.
fn passes(error: &RedisError) -> bool {
    use ServerErrorKind as Kind;
    match error.kind() {
        ErrorKind::Io => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            Kind::Moved
                | Kind::Ask
                | Kind::TryAgain
                | Kind::ClusterDown
                | Kind::MasterDown
                | Kind::ReadOnly
                | Kind::BusyLoading
        ),
        _ => false,
    }
}

fn gone(why: &str) -> RedisError {
    std::io::Error::new(std::io::ErrorKind::NotConnected, why.to_owned()).into()
}

/// The first bucket's slot and so on: asked of a server, so that nothing here has to know how slots
/// are reckoned.
pub(super) fn slot_questions() -> Vec<Cmd> {
    let question = |bucket| {
        let mut cmd = redis::cmd("CLUSTER");
        cmd.arg("KEYSLOT").arg(keys::generation(bucket));
        cmd
    };
    (0..BUCKETS).map(question).collect()
}
