//! The kill test: load from many devices, `kill -9` at any moment, start again, and in the end
//! compare every device's log and every user's REST history with every answer that was given.

mod cast;
mod evidence;

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Result, bail};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{sync::watch, time::sleep};

use self::cast::Cast;
use crate::{
    checker::{Violation, check},
    real::{Rest, Server},
};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often the server is killed.
    pub rounds: u32,
    /// What chance depends on. Times depend on the machine too, so that a seed repeats what is
    /// done but not when.
    pub seed: u64,
    /// How many users.
    pub users: usize,
    /// How many devices each has.
    pub devices: usize,
    /// The longest that a round lasts before the kill.
    pub round: Duration,
    /// A fault to plant.
    pub plant: Option<&'static str>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            rounds: 5,
            seed: 1,
            users: 8,
            devices: 2,
            round: Duration::from_millis(700),
            plant: None,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// What was wanted stored.
    pub sends: usize,
    /// How many of those were answered with a place.
    pub acked: usize,
    /// How many entries devices applied.
    pub applied: usize,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

/// Every fault that the stores and the SM can plant.
pub const FAULTS: [&str; 5] =
    ["ack-before-commit", "no-dedupe", "seq-outside-tx", "cursor-ahead", "hint-lost-at-tail"];

/// How long the answers to what was sent may take once the server stays up.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long links may lack something (promise 4: 20 s), with some time for a busy machine.
const WHOLE_WITHIN: Duration = Duration::from_secs(25);
/// Every so many rounds one ends quietly: delivered cursors, gathered for 2 s, are written before the kill.
const FLUSHED_EVERY: u32 = 4;
const FLUSHED_AFTER: Duration = Duration::from_millis(2200);
const POLL: Duration = Duration::from_millis(50);

/// Runs `plan` with `binary` on the empty directory `dir`.
///
/// # Errors
/// The test could not be carried out. What the server did wrong is in the report.
pub async fn run(binary: &Path, dir: &Path, plan: &Plan) -> Result<Report> {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let env: Vec<(&str, &str)> = plan.plant.iter().map(|fault| ("ANSER_PLANT", *fault)).collect();
    let mut server = Server::start(binary, dir, &env).await?;
    let (at, seen) = watch::channel(Some(server.native()));
    let cast = Cast::gather(&Rest::new(server.http()), plan, &seen).await?;

    for round in 1..=plan.rounds {
        cast.let_sleep(&mut rng);
        load(&cast, plan, &mut rng).await;
        if round.is_multiple_of(FLUSHED_EVERY) {
            sleep(FLUSHED_AFTER).await;
        }
        kill(&mut server, &at).await?;
    }
    cast.let_sleep(&mut rng);
    load(&cast, plan, &mut rng).await;
    cast.wake();
    // Each conversation's last entry comes alone, so that its hint is the stream's last for
    // a moment: whatever loses it is not helped by a later one.
    for wish in cast.farewells() {
        cast.act(wish);
        sleep(Duration::from_millis(5)).await;
    }
    settle(&cast).await?;

    let rest = Rest::new(server.http());
    let mut history = evidence::gather(&cast, &rest).await?;
    let mut waited = Duration::ZERO;
    // What is wrong already will not mend by waiting.
    evidence::devices(&cast, &mut history, false);
    let broken = !check(&history).is_empty();
    while !broken && waited < WHOLE_WITHIN && !evidence::whole(&cast, &history) {
        sleep(POLL).await;
        waited += POLL;
    }
    evidence::devices(&cast, &mut history, true);
    let violations = check(&history);
    Ok(Report {
        sends: history.sends.len(),
        acked: history
            .sends
            .iter()
            .filter(|send| matches!(send.result, crate::checker::SendResult::Acked(_)))
            .count(),
        applied: history.devices.values().map(|log| log.learned.len()).sum(),
        violations,
    })
}

/// Everybody does something, for a while. Some whiles end when devices still catch up, some
/// before anybody is linked again.
async fn load(cast: &Cast, plan: &Plan, rng: &mut StdRng) {
    let most = u64::try_from(plan.round.as_millis()).unwrap_or(u64::MAX);
    let mut left = rng.random_range(1..most.max(2));
    while left > 0 {
        for _ in 0..rng.random_range(1..6) {
            cast.act(cast.wish(rng));
        }
        let pause = rng.random_range(1..8).min(left);
        sleep(Duration::from_millis(pause)).await;
        left -= pause;
    }
}

async fn kill(server: &mut Server, at: &watch::Sender<Option<SocketAddr>>) -> Result<()> {
    server.kill().await?;
    at.send_replace(None);
    server.restart().await?;
    at.send_replace(Some(server.native()));
    Ok(())
}

async fn settle(cast: &Cast) -> Result<()> {
    let mut waited = Duration::ZERO;
    while cast.unanswered() > 0 {
        if waited >= ANSWERED_WITHIN {
            bail!("{} sends were not answered within {ANSWERED_WITHIN:?}", cast.unanswered());
        }
        sleep(POLL).await;
        waited += POLL;
    }
    Ok(())
}
