//! A run: devices chat on a cluster that is being hurt, then it is left alone, and everything
//! has to be whole within the time that the promises give.

use std::sync::Arc;

use anser_domain::{
    Caller, ClientId, Clock, Command, GroupKind, NewGroup, Secret, UserId, UserName,
};
use anyhow::Result;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::task::JoinHandle;

use super::{Cluster, Faults};
use crate::{
    checker::{self, Device, DeviceLog, History, Learned, User, Violation, check},
    probe::{Linked, Probe},
};

/// What hurts the cluster, and how long.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// On hints.
    pub faults: Faults,
    /// The link map is in a Redis of its own, not in memory.
    pub on_redis: bool,
    /// The link map is emptied every so many steps; 0: never.
    pub flush_routes: u32,
    /// An SM is lost every so many steps, and another life of it begins some later; 0: never.
    pub crash_sm: u32,
    /// Owners change every so many steps; 0: never.
    pub change_owners: u32,
    /// Streams break every so many steps, for longer than an SM may be silent; 0: never.
    pub break_streams: u32,
    /// A device's link breaks every so many steps, and it comes back at another CM; 0: never.
    pub break_links: u32,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// What was wanted stored.
    pub sends: usize,
    /// How many entries devices learned of.
    pub learned: usize,
    /// How many steps of 250 ms passed, after the last fault, until everything was whole.
    pub healed_in: u32,
    /// Whether the link map shows everybody as online in the end, as everybody is.
    pub is_presence_right: bool,
}

const USERS: usize = 5;
const DEVICES: usize = 2;
/// Steps of 250 ms in which devices chat: 20 s.
const STEPS: u32 = 80;
/// Steps after the last fault until nothing may be missing: the 20 s of promise 4 and, for a
/// login refused on the way, what a device waits before it comes again.
const HEAL: u32 = 100;
/// Sends of one device that wait for their answers.
const WINDOW: usize = 8;
/// How long a stream stays broken: longer than the 15 s in which an SM must be heard.
const BROKEN: u32 = 64;
/// How long an SM stays away.
const AWAY: u32 = 12;

struct Player {
    user: User,
    device: Arc<Linked>,
    link: Option<JoinHandle<()>>,
}

/// Runs `plan`.
///
/// # Errors
/// The run could not be carried out. What the cluster did wrong is in the outcome.
pub async fn run(plan: &Plan) -> Result<Outcome> {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let mut cluster = Cluster::start(2, 2, plan.seed, plan.on_redis).await?;
    let (mut players, readers) = gather(&cluster).await?;
    let addresses = addresses();

    cluster.set_faults(&plan.faults);
    let every = |period: u32, step: u32| period > 0 && step % period == period / 2;
    let mut broken_until = 0;
    let mut back_at: Option<(u32, usize)> = None;
    for step in 0..STEPS {
        for _ in 0..rng.random_range(0..6) {
            act(&cluster, &players, &addresses, &mut rng);
        }
        if every(plan.flush_routes, step) {
            cluster.flush_routes().await?;
        }
        if every(plan.change_owners, step) {
            cluster.change_owners(rng.random());
        }
        if every(plan.break_streams, step) {
            cluster.set_faults(&Faults { broken: true, ..plan.faults.clone() });
            broken_until = step + BROKEN;
        }
        if step == broken_until {
            cluster.set_faults(&plan.faults);
        }
        if every(plan.crash_sm, step) && back_at.is_none() {
            let sm = rng.random_range(0..2);
            cluster.crash_sm(sm);
            back_at = Some((step + AWAY, sm));
        }
        if let Some((at, sm)) = back_at
            && at == step
        {
            cluster.start_sm(sm).await?;
            back_at = None;
        }
        if every(plan.break_links, step) {
            let player = rng.random_range(0..players.len());
            if let Some(link) = players.get_mut(player).and_then(|it| it.link.take()) {
                link.abort();
            }
        }
        relink(&cluster, &mut players, &mut rng);
        cluster.step().await;
    }

    cluster.set_faults(&Faults::none());
    if let Some((_, sm)) = back_at {
        cluster.start_sm(sm).await?;
    }
    let (mut healed_in, mut online) = (0, 0);
    let mut history = History::default();
    while healed_in < HEAL {
        relink(&cluster, &mut players, &mut rng);
        cluster.step().await;
        healed_in += 1;
        if players.iter().all(|it| it.device.with(|probe| probe.is_answered())) {
            history = shown(&cluster, &readers).await?;
            online = cluster.online((1..=USERS as u64).map(UserId).collect()).await?;
            if whole(&players, &history) && online == USERS {
                break;
            }
        }
    }
    for player in &players {
        player.device.with(|probe| {
            let (sends, log) = probe.record(true);
            history.sends.extend(sends);
            history.devices.insert(probe.device.clone(), log);
        });
    }
    players.iter_mut().filter_map(|it| it.link.take()).for_each(|link| link.abort());
    Ok(Outcome {
        violations: check(&history),
        sends: history.sends.len(),
        learned: history.devices.values().map(|log| log.learned.len()).sum(),
        healed_in,
        is_presence_right: online == USERS,
    })
}

/// Users with their devices, each linked, and everybody's token for reading in the end.
async fn gather(cluster: &Cluster) -> Result<(Vec<Player>, Vec<(User, Secret)>)> {
    let mut players = Vec::new();
    let mut readers = Vec::new();
    for n in 0..USERS {
        let user: User = format!("user{n}").into();
        cluster.asker.create_user(&user).await?;
        readers.push((user.clone(), cluster.asker.sign_in(&user, "reader").await?));
        for d in 0..DEVICES {
            let device = Device { user: user.clone(), name: format!("phone{d}").into() };
            let token = cluster.asker.sign_in(&user, &device.name).await?;
            let probe = Probe::new(device, token.expose().to_owned());
            let device = Arc::new(Linked::new(probe, WINDOW, cluster.clock()));
            let link = cluster.link(d % 2, device.clone(), true);
            players.push(Player { user: user.clone(), device, link });
        }
    }
    if let Some((_, token)) = readers.first() {
        let group = NewGroup {
            kind: GroupKind::Group,
            client_id: ClientId(*uuid::Uuid::now_v7().as_bytes()),
            name: "geese".parse()?,
            title: "Geese".into(),
            members: (1..USERS)
                .map(|n| UserName::new(&format!("user{n}")))
                .collect::<Result<_, _>>()?,
        };
        let command = Command::CreateGroup(Box::new(group));
        cluster.asker.ask(Caller::Bearer(token.clone()), command).await?;
    }
    Ok((players, readers))
}

fn addresses() -> Vec<String> {
    (0..USERS).map(|n| format!("u:user{n}")).chain(["g:geese".to_owned()]).collect()
}

fn act(cluster: &Cluster, players: &[Player], addresses: &[String], rng: &mut StdRng) {
    let Some(player) = players.get(rng.random_range(0..players.len())) else { return };
    let Some(at) = addresses.get(rng.random_range(0..addresses.len())) else { return };
    let wall = cluster.clock.wall();
    let ms = u64::try_from(wall.0).unwrap_or(0);
    let bytes = uuid::Builder::from_unix_timestamp_millis(ms, &rng.random()).into_uuid();
    let body = format!("{} {}", bytes, player.user);
    player.device.with(|probe| {
        if rng.random_range(0..8) == 0 {
            let seq = probe.has(&checker::conv(&player.user, at));
            if seq > 0 {
                probe.want_read(at, seq);
            }
        } else {
            probe.send(at, ClientId(*bytes.as_bytes()), &body);
        }
    });
}

/// Devices without a link dial again, wherever chance sends them.
fn relink(cluster: &Cluster, players: &mut [Player], rng: &mut StdRng) {
    for player in players {
        if player.link.as_ref().is_none_or(JoinHandle::is_finished) {
            let hello = rng.random_range(0..4) == 0;
            player.link = cluster.link(rng.random_range(0..2), player.device.clone(), hello);
        }
    }
}

/// What the cluster shows: logs, lists, and each user's history as a device of theirs.
async fn shown(cluster: &Cluster, readers: &[(User, Secret)]) -> Result<History> {
    let mut history = History { hints_overtake: true, ..History::default() };
    for (user, token) in readers {
        let mut learned = Vec::new();
        for (at, row) in cluster.asker.rows(user, token).await? {
            let log = cluster.asker.log(token, &at).await?;
            learned.extend(log.iter().map(|entry| Learned::Delivered {
                conv: row.conv.clone(),
                seq: entry.seq,
                body: entry.body.clone(),
            }));
            history.logs.entry(row.conv.clone()).or_insert(log);
            history.rows.push(row);
        }
        let device = Device { user: user.clone(), name: "reader".into() };
        let log = DeviceLog { learned, complete: true, ..DeviceLog::default() };
        history.devices.insert(device, log);
    }
    Ok(history)
}

fn whole(players: &[Player], history: &History) -> bool {
    players.iter().all(|player| {
        player.device.with(|probe| {
            checker::is_whole(history, &player.user, |conv, seq| probe.knows(conv, seq))
        })
    })
}
