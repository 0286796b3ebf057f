//! One run of a load: fill, measure, drain, count.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval},
};

use super::{
    body::SHORTEST,
    link::Opened,
    load::{Counts, Latencies, Run, SHARDS, Seen, Stage, Stream},
    process::{Process, Usage},
    progress,
    report::{Latency, Report},
    user::User,
};

/// How often the counts are looked at.
const TICK: Duration = Duration::from_millis(20);
/// Without progress for so long, what is missing is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of what is sent.
#[derive(clap::Args)]
pub(super) struct LoadArgs {
    /// Sends of one user that may be unanswered
    #[arg(long, default_value_t = 16)]
    window: usize,
    /// Length of a message's text, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    size: usize,
    /// End after so many messages
    #[arg(long, value_name = "COUNT")]
    messages: Option<u64>,
    /// End after so many seconds [default: 10, unless --messages says otherwise]
    #[arg(long)]
    seconds: Option<u64>,
    /// Send so many messages a second in all, whatever the answers do, and measure latency from
    /// the time at which each was meant to be sent
    #[arg(long, value_name = "MESSAGES")]
    rate: Option<f64>,
    /// Store so many messages before measuring
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    preload: u64,
}

/// Who takes part.
pub(super) struct Cast {
    /// Each user's link, and what they send on.
    pub(super) users: Vec<(Opened, Vec<Stream>)>,
    /// How many users receive each message.
    pub(super) receivers: u64,
}

/// The users at work, and what is known of them.
struct Theatre {
    run: Arc<Run>,
    stage: watch::Sender<Stage>,
    tasks: JoinSet<io::Result<Seen>>,
    receivers: u64,
    bar: ProgressBar,
    last_progress: Instant,
}

/// Runs the load and reports.
pub(super) async fn execute(
    cast: Cast,
    load: &LoadArgs,
    process: Option<Process>,
) -> anyhow::Result<Report> {
    if load.size < SHORTEST {
        bail!("--size: a message that can be checked has at least {SHORTEST} bytes");
    }
    let senders = cast.users.iter().filter(|user| !user.1.is_empty()).count();
    let streams: usize = cast.users.iter().map(|user| user.1.len()).sum();
    let mut theatre = Theatre::raise(cast, load)?;

    // At least one message each, so that no conversation is made while it is measured.
    let fill = load.preload.max(streams as u64);
    theatre.bar = progress(fill, "filling");
    theatre.play(Stage::Fill, Some(fill), None).await.context("while filling")?;
    theatre.play(Stage::Quiet, None, None).await?;
    let lost = theatre.counts_lost();
    if lost > 0 {
        bail!("{lost} messages did not arrive while filling; nothing was measured");
    }
    theatre.forget();

    let own = Process(std::process::id());
    let read = |process: Option<Process>| process.map(Process::usage).transpose();
    let before: (Option<Usage>, Usage) = (read(process)?, own.usage()?);
    let seconds = match (load.seconds, load.messages) {
        (Some(seconds), _) => Some(Duration::from_secs(seconds)),
        (None, Some(_)) => None,
        (None, None) => Some(Duration::from_secs(10)),
    };
    theatre.bar = progress(load.messages.unwrap_or(0), "measuring");
    let begun = Instant::now();
    let stage = match load.rate {
        Some(rate) if rate > 0.0 => {
            Stage::Open { from: begun + TICK, every: spacing(senders, rate) }
        }
        Some(_) => bail!("--rate: more than 0 messages a second"),
        None => Stage::Closed,
    };
    theatre.play(stage, load.messages, seconds).await?;
    theatre.play(Stage::Quiet, None, None).await?;
    let took = theatre.last_progress.saturating_duration_since(begun);
    let after = (read(process)?, own.usage()?);

    let mut report = theatre.report();
    report.time(took);
    report.generator(before.1, after.1);
    if let (Some(before), Some(after)) = (before.0, after.0) {
        report.server(before, after);
    }
    report.lost = theatre.close().await?;
    Ok(report)
}

/// Between two sends of one of `senders`.
fn spacing(senders: usize, rate: f64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "senders are far below 2^52")]
    let seconds = senders as f64 / rate;
    Duration::from_secs_f64(seconds.min(3600.0))
}

impl Theatre {
    fn raise(cast: Cast, load: &LoadArgs) -> anyhow::Result<Self> {
        let (stage, stages) = watch::channel(Stage::Quiet);
        let mut latencies = Vec::with_capacity(SHARDS);
        for _ in 0..SHARDS {
            latencies
                .push(Mutex::new(Latencies { ack: Latency::new()?, delivery: Latency::new()? }));
        }
        let latencies = latencies.try_into().map_err(|_| anyhow::anyhow!("no histograms"))?;
        let run = Arc::new(Run {
            id: rand::random(),
            begun: Instant::now(),
            size: load.size,
            window: load.window.clamp(1, 10_000),
            stage: stages,
            budget: AtomicI64::new(0),
            counts: Counts::default(),
            latencies,
        });
        let mut tasks = JoinSet::new();
        let mut senders = 0_u32;
        for (index, (link, streams)) in cast.users.into_iter().enumerate() {
            let offset = match load.rate {
                Some(rate) if rate > 0.0 => Duration::from_secs_f64(f64::from(senders) / rate),
                _ => Duration::ZERO,
            };
            senders += u32::from(!streams.is_empty());
            tasks.spawn(User::new(link, run.clone(), index, streams, offset).drive());
        }
        let (bar, last_progress) = (ProgressBar::hidden(), Instant::now());
        Ok(Self { run, stage, tasks, receivers: cast.receivers, bar, last_progress })
    }

    /// Plays a stage until its messages are sent or its time is up; `Quiet` until everything
    /// sent is answered and delivered, or nothing has moved for long.
    async fn play(
        &mut self,
        stage: Stage,
        messages: Option<u64>,
        time: Option<Duration>,
    ) -> anyhow::Result<()> {
        let budget = match (stage, messages) {
            (Stage::Quiet, _) => 0,
            (_, Some(messages)) => i64::try_from(messages)?,
            (_, None) => i64::MAX,
        };
        self.run.budget.store(budget, Ordering::Relaxed);
        self.stage.send_replace(stage);
        let begun = Instant::now();
        self.last_progress = begun;
        let mut seen = (0, 0);
        let mut tick = interval(TICK);
        loop {
            tick.tick().await;
            if let Some(ended) = self.tasks.try_join_next() {
                ended??;
                bail!("a user ended before the others");
            }
            let counts = &self.run.counts;
            let [sent, acked, delivered] = [&counts.sent, &counts.acked, &counts.delivered]
                .map(|count| count.load(Ordering::Relaxed));
            if (acked, delivered) != seen {
                seen = (acked, delivered);
                self.last_progress = Instant::now();
            }
            match (messages, time) {
                (None, Some(time)) => {
                    self.bar.set_length(u64::try_from(time.as_millis())?);
                    self.bar.set_position(u64::try_from(begun.elapsed().as_millis())?);
                }
                _ => self.bar.set_position(sent),
            }
            let done = match stage {
                Stage::Quiet => acked >= sent && delivered >= acked * self.receivers,
                _ => {
                    messages.is_some_and(|messages| sent >= messages)
                        || time.is_some_and(|time| begun.elapsed() >= time)
                }
            };
            if done || self.last_progress.elapsed() > PATIENCE {
                return Ok(());
            }
        }
    }

    fn counts_lost(&self) -> u64 {
        let counts = &self.run.counts;
        let acked = counts.acked.load(Ordering::Relaxed);
        (acked * self.receivers).saturating_sub(counts.delivered.load(Ordering::Relaxed))
    }

    /// Begins to count anew.
    fn forget(&self) {
        let Counts { sent, acked, delivered, duplicated, reordered, refused } = &self.run.counts;
        for count in [sent, acked, delivered, duplicated, reordered, refused] {
            count.store(0, Ordering::Relaxed);
        }
        for shard in &self.run.latencies {
            let mut shard = shard.lock();
            shard.ack.clear();
            shard.delivery.clear();
        }
    }

    fn report(&self) -> Report {
        let counts = &self.run.counts;
        let read = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let mut report = Report {
            sent: read(&counts.sent),
            acked: read(&counts.acked),
            delivered: read(&counts.delivered),
            duplicated: read(&counts.duplicated),
            reordered: read(&counts.reordered),
            refused: read(&counts.refused),
            ..Report::default()
        };
        let mut shards = self.run.latencies.iter();
        if let Some(first) = shards.next() {
            let mut whole = first.lock();
            for shard in shards {
                let mut shard = shard.lock();
                whole.ack.absorb(&mut shard.ack);
                whole.delivery.absorb(&mut shard.delivery);
            }
            report.latencies(&whole.ack, &whole.delivery);
        }
        report
    }

    /// Ends the run; how many acknowledged messages were missed by someone.
    async fn close(mut self) -> anyhow::Result<u64> {
        self.bar.finish_and_clear();
        self.stage.send_replace(Stage::Stop);
        let mut seen = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            seen.push(ended??);
        }
        Ok(lost(&seen, self.receivers))
    }
}

/// Acknowledged messages that did not arrive at each of their `receivers`, over all streams.
fn lost(seen: &[Seen], receivers: u64) -> u64 {
    let acked: HashMap<u32, u64> =
        seen.iter().flat_map(|user| user.acked.iter().copied()).collect();
    let mut arrived: HashMap<u32, u64> = HashMap::new();
    for (stream, distinct) in seen.iter().flat_map(|user| &user.arrived) {
        // More than was acknowledged can arrive; it must not stand in for another's loss.
        let bound = acked.get(stream).copied().unwrap_or(0);
        *arrived.entry(*stream).or_default() += bound.min(*distinct);
    }
    let missing = acked.iter().map(|(stream, acked)| {
        (acked * receivers).saturating_sub(arrived.get(stream).copied().unwrap_or(0))
    });
    missing.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_of_one_receiver_is_not_hidden_by_what_others_have() {
        let sender = Seen { acked: vec![(1, 10), (2, 5)], arrived: vec![] };
        let one = Seen { acked: vec![], arrived: vec![(1, 10), (2, 5)] };
        let other = Seen { acked: vec![], arrived: vec![(1, 8), (2, 6)] };
        assert_eq!(lost(&[sender, one, other], 2), 2);
    }

    #[test]
    fn a_schedule_spreads_the_rate_over_its_senders() {
        assert_eq!(spacing(100, 5000.0), Duration::from_millis(20));
    }
}
