//! The harness that tries to lose a message: a cluster of real processes on MariaDB and Redis,
//! users who chat over it, faults from a seeded plan, and in the end the [checker](crate::checker)
//! over everything that was answered, learned and shown.
//!
//! A seed repeats what is done and in which order; when exactly, the machine decides.

mod cast;
mod evidence;
pub mod fault;
mod nemesis;
mod player;
mod post;
mod pulse;
mod site;
mod sweep;
mod tally;
mod timeline;
mod trial;
mod verdict;

use std::{
    fmt::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use self::{cast::Cast, nemesis::Wound, pulse::Pulse, site::Site, verdict::Verdict};
pub use self::{
    fault::Together,
    player::{Deed, Player},
    sweep::{Sweep, sweep},
    timeline::Timeline,
    trial::{CLUSTER_PLANTS, PLANTS, trial},
};
use crate::checker::{History, SendResult, Violation};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What chance depends on.
    pub seed: u64,
    /// How long faults are done; at least one is, however short that is.
    pub lasts: Duration,
    /// Which, each entry together.
    pub faults: Vec<Together>,
    /// Who chats, with two devices and more each.
    pub users: usize,
    /// How long the cluster is left alone before a fault and after it, in milliseconds.
    pub calm: Range<u64>,
    /// A fault of the servers themselves, planted to test this test.
    pub plant: Option<String>,
}

impl Plan {
    /// Faults by turns, as `seed` chooses.
    #[must_use]
    pub fn mix(seed: u64, lasts: Duration, faults: Vec<Together>) -> Self {
        Self { seed, lasts, faults, users: USERS, calm: 1_000..4_000, plant: None }
    }

    /// These faults, once.
    #[must_use]
    pub fn once(seed: u64, faults: Together) -> Self {
        let (lasts, users, calm) = (Duration::ZERO, FEW, 500..1_500);
        Self { seed, lasts, faults: vec![faults], users, calm, plant: None }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// What was wanted stored.
    pub sends: usize,
    /// How many of those were answered with a place.
    pub acked: usize,
    /// How many entries devices learned of.
    pub learned: usize,
    /// How often faults were done.
    pub strikes: usize,
    /// How long, after the last fault, until all had everything.
    pub healed_in: Duration,
    /// The longest silence of the whole cluster while something waited for an answer.
    pub longest_silence: Duration,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// Each with the operations that it is about.
    pub findings: String,
    /// Where the history and the servers' logs are kept; only after a failure.
    pub kept: Vec<PathBuf>,
}

/// Users; enough for many conversations at once on a small machine.
const USERS: usize = 10;
/// Users of a short round. What it costs is mostly to sign them in, and to read all that all of them
/// see, which grows with their square.
const FEW: usize = 6;

/// Runs `plan` with `binary`; `say` hears what happens.
///
/// # Errors
/// The run could not be carried out. What the cluster did wrong is in the report.
pub async fn run(binary: &Path, plan: &Plan, say: impl Fn(&str) + Send) -> Result<Report> {
    let map = fault::map(&plan.faults)?;
    let mut timeline = Timeline::new(say);
    let mut site = Site::start(binary.to_owned(), map, plan.plant.as_deref()).await?;
    timeline.say(&format!("a cluster on {map:?}"));
    let (mut report, history) = play(&mut site, "", plan, &mut timeline).await?;
    if !report.violations.is_empty() {
        report.kept = keep(site, &history)?;
    }
    Ok(report)
}

/// Carries `plan` out on a cluster that is whole, with users of its own, whose names begin with
/// `tag`.
async fn play(
    site: &mut Site,
    tag: &str,
    plan: &Plan,
    timeline: &mut Timeline<impl Fn(&str)>,
) -> Result<(Report, History)> {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let gateways: Vec<_> =
        site.cms.iter().map(|it| watch::Sender::new(Some(it.front.at()))).collect();
    let places: Vec<_> = gateways.iter().map(watch::Sender::subscribe).collect();
    let cast = Arc::new(Cast::gather(Arc::new(site.rest()?), tag, plan.users, &places).await?);
    timeline.say(&format!("{} devices chat", cast.players.len()));

    let pulse = Arc::new(Pulse::default());
    let load = Load(tokio::spawn(pulse::load(cast.clone(), pulse.clone(), rng.random())));
    let began = Instant::now();
    let mut strikes = 0;
    while strikes == 0 || began.elapsed() < plan.lasts {
        sleep(Duration::from_millis(rng.random_range(plan.calm.clone()))).await;
        cast.let_sleep(&mut rng);
        pulse.forget_silence();
        let together = plan.faults.choose(&mut rng).context("a plan without faults")?;
        cast.block(strikes);
        strikes += 1;
        hurt(site, together, &mut rng, timeline).await?;
        sleep(Duration::from_millis(rng.random_range(plan.calm.clone()))).await;
        let (done, waits) = cast.pulse();
        timeline.say(&format!(
            "   {done} done, {waits} wait; longest silence {} ms",
            pulse.silence().as_millis()
        ));
    }
    drop(load);
    let [one, two] = [0, 1].map(|at| site.cms.get(at).map(|it| it.front.at()));
    let twins = [one.context("a CM")?, two.context("a CM")?];
    let Verdict { history, violations, answered_in, healed_in } =
        verdict::reach(&cast, twins).await?;
    timeline.say(&format!("everything answered {answered_in:?} after the last fault"));
    timeline.say(&format!("whole after {healed_in:?}, {} findings", violations.len()));

    let acked = history.sends.iter().filter(|it| matches!(it.result, SendResult::Acked(_)));
    let report = Report {
        sends: history.sends.len(),
        acked: acked.count(),
        learned: history.devices.values().map(|log| log.learned.len()).sum(),
        strikes,
        healed_in,
        longest_silence: pulse.longest(),
        findings: findings(&history, &violations),
        kept: Vec::new(),
        violations,
    };
    Ok((report, history))
}

/// The load ends with whoever started it, however that ends.
struct Load(tokio::task::JoinHandle<()>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does some faults together, for as long as the longest of them lasts.
async fn hurt(
    site: &mut Site,
    together: &Together,
    rng: &mut StdRng,
    timeline: &mut Timeline<impl Fn(&str)>,
) -> Result<()> {
    let mut together = together.clone();
    // Replacing everything takes its time: what else is done is done meanwhile.
    together.sort_by_key(|fault| fault.takes_its_time());
    let mut wounds = Vec::new();
    let mut hold = Duration::ZERO;
    for fault in &together {
        let (wound, words) = nemesis::strike(site, fault, rng).await.context(fault.name)?;
        if let (Wound::Rolled(down), [_]) = (&wound, &*together) {
            ensure!(down.is_empty(), "{down:?} do not come back, and nothing else is hurt");
        }
        hold = hold.max(Duration::from_millis(rng.random_range(fault.holds.clone())));
        timeline.say(&words);
        wounds.push(wound);
    }
    sleep(hold).await;
    wounds.sort_by_key(Wound::is_inside);
    for wound in wounds {
        nemesis::heal(site, wound).await?;
    }
    timeline.say("   taken back");
    Ok(())
}

fn findings(history: &History, violations: &[Violation]) -> String {
    /// One cause has many findings; the first tell it.
    const MOST: usize = 50;
    let mut text = String::new();
    for violation in violations.iter().take(MOST) {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{violation}");
        for line in evidence::concerned(history, violation) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn keep(site: Site, history: &History) -> Result<Vec<PathBuf>> {
    let dir = tempfile::Builder::new().prefix("chaos-").tempdir()?.keep();
    let place = dir.join("history.txt");
    std::fs::write(&place, evidence::written(history))?;
    Ok([vec![place], site.keep()].concat())
}
