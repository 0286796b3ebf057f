//! How soon a cluster is itself again after a part of it has gone: real processes, people who chat,
//! one loss after another, and the times until everybody was answered and had everything.
//!
//! What is lost decides whether a run holds, on any machine; the times are this machine's, and are
//! held against their bounds only where somebody wants that.

mod storm;
mod talk;
mod world;

use std::{
    fmt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::Result;
use tokio::time::{Instant, sleep};

use self::{storm::Storm, talk::Talk, world::World};

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Pairs who chat.
    pub pairs: usize,
    /// Links that return at once; no storm where there are none.
    pub links: usize,
    /// How long is looked after each loss.
    pub looks: Duration,
}

/// What was measured, and its bound.
#[derive(Clone, Debug)]
pub struct Measure {
    /// After what, and until what.
    pub what: &'static str,
    /// Of how many.
    pub count: usize,
    /// Half of them took no longer.
    pub p50: Duration,
    /// One in a hundred took longer.
    pub p99: Duration,
    /// The longest.
    pub longest: Duration,
    /// What may be of which: [`Bound::P99`] or [`Bound::Longest`].
    pub bound: Option<Bound>,
}

/// What a time is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// All but one in a hundred are to be within it.
    P99(Duration),
    /// All are.
    Longest(Duration),
}

impl Measure {
    fn of(what: &'static str, mut times: Vec<Duration>, bound: Option<Bound>) -> Self {
        times.sort_unstable();
        let count = times.len();
        let at = |hundredths: usize| {
            let index = (count * hundredths).div_ceil(100).saturating_sub(1);
            times.get(index).copied().unwrap_or_default()
        };
        Self { what, count, p50: at(50), p99: at(99), longest: at(100), bound }
    }

    /// Whether it is within its bound.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.bound {
            None => true,
            Some(Bound::P99(bound)) => self.p99 <= bound,
            Some(Bound::Longest(bound)) => self.longest <= bound,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, count, p50, p99, longest, .. } = self;
        let [p50, p99, longest] = [p50, p99, longest].map(Duration::as_millis);
        write!(f, "{what:58} {count:6} {p50:7} {p99:7} {longest:7}  ")?;
        let ok = if self.holds() { "ok" } else { "TOO LONG" };
        match self.bound {
            None => Ok(()),
            Some(Bound::P99(bound)) => write!(f, "p99 {} ms, {ok}", bound.as_millis()),
            Some(Bound::Longest(bound)) => write!(f, "all {} ms, {ok}", bound.as_millis()),
        }
    }
}

/// The line above the measures.
#[must_use]
pub fn heading() -> String {
    format!("{:58} {:>6} {:>7} {:>7} {:>7}  bound", "in ms, until", "of", "p50", "p99", "longest")
}

/// Runs all of it with `binary`; `say` hears of each measure as it comes.
///
/// # Errors
/// Something was lost, or the run could not be carried out.
pub async fn run(binary: &Path, plan: &Plan, say: impl Fn(&Measure)) -> Result<Vec<Measure>> {
    let mut world = World::start(binary).await?;
    let mut talk = Talk::begin(&world, plan.pairs).await?;
    let mut all = Vec::new();
    let mut note = |measure: Measure| {
        say(&measure);
        all.push(measure);
    };
    // Whatever is done for the first time is done now.
    talk.round().await?;
    let calm = talk.rounds(plan.looks).await?;
    note(Measure::of("nothing happened: sends are answered", calm.answered, None));
    note(Measure::of("nothing happened: messages are there", calm.there, None));

    let within = |seconds| Duration::from_secs(seconds);
    world.cm(0)?.kill().await?;
    talk.move_all(world.cm(1)?.native());
    let after = talk.round().await?;
    let bound = Some(Bound::P99(within(5)));
    note(Measure::of(
        "a cm was killed: its clients are back and have all",
        after.came_to_first,
        bound,
    ));
    world.cm(0)?.restart().await?;
    talk.link(&world)?;
    talk.round().await?;

    world.sm(0)?.kill().await?;
    let after = talk.rounds(plan.looks).await?;
    let bound = Some(Bound::Longest(within(3)));
    note(Measure::of("an sm was killed: sends are answered", after.answered, bound));
    world.sm(0)?.restart().await?;
    talk.rounds(plan.looks).await?;

    let (failed_over, after) = tokio::join!(world.routes.fail_over(), talk.rounds(plan.looks));
    failed_over?;
    let after = after?;
    let bound = Some(Bound::Longest(within(1)));
    note(Measure::of("the redis master was killed: sends are answered", after.answered, bound));
    note(Measure::of("the redis master was killed: messages are there", after.there, None));
    talk.round().await?;

    world.mariadb.stop(false)?;
    // Sends fail meanwhile, and are tried again.
    sleep(Duration::from_secs(1)).await;
    talk.say();
    tokio::task::block_in_place(|| world.mariadb.restart())?;
    let after = talk.settle(Instant::now()).await?;
    let bound = Some(Bound::Longest(within(3)));
    note(Measure::of("mariadb was killed and is up: sends are answered", after.answered, bound));

    if plan.links > 0 {
        let storm = Storm::gather(&world, plan.links).await?;
        let before = storm.back(None).await?;
        note(Measure::of("links come for the first time", before, None));
        let from = Instant::now();
        world.cm(0)?.kill().await?;
        talk.move_all(world.cm(1)?.native());
        let second = world.cm(1)?.native();
        let over = AtomicBool::new(false);
        let (back, others) = tokio::join!(
            async {
                let back = storm.back(Some((second, from))).await;
                over.store(true, Ordering::Relaxed);
                back
            },
            async {
                // Those of the CM that went are back before they are others.
                talk.round().await?;
                talk.rounds_while(|| !over.load(Ordering::Relaxed)).await
            }
        );
        let bound = Some(Bound::Longest(within(30)));
        note(Measure::of("a storm of links returns: all are back", back?, bound));
        let bound = Some(Bound::P99(within(1)));
        note(Measure::of(
            "a storm of links returns: others' sends are answered",
            others?.answered,
            bound,
        ));
    }
    talk.check()?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_held_against_what_its_bound_names() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let bound = Bound::P99(Duration::from_millis(198));
        let it = Measure::of("x", times, Some(bound));
        assert_eq!((it.count, it.p50.as_millis(), it.p99.as_millis()), (200, 100, 198));
        assert!(it.holds());
        let bound = Some(Bound::Longest(Duration::from_millis(198)));
        assert!(!Measure { bound, ..it }.holds());
        assert!(Measure::of("nothing", Vec::new(), bound).holds());
    }
}
