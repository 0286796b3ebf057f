//! Many seeds under many faults: short rounds on clusters that stay up, each with users and a seed
//! of its own, until one finds something.

use std::{
    collections::VecDeque,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    Plan, Report,
    fault::{self, Map, Together},
    keep, play,
    site::Site,
    tally::{Round, Tally},
    timeline::Timeline,
};

/// Longer than the longest round that only finds something.
const ROUND_WITHIN: Duration = Duration::from_secs(300);

/// What a sweep is made of.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Which faults under which seeds, a round each.
    pub rounds: Vec<(Together, u64)>,
    /// Clusters at a time. Rounds mostly wait.
    pub beside: usize,
    /// Where a line is written for each round. A table over them stands beside, as `.md`.
    pub file: PathBuf,
    /// Whether rounds that are in the file already, and found nothing, are left out.
    pub resume: bool,
}

/// What those who play rounds share.
struct Desk {
    binary: PathBuf,
    left: Mutex<VecDeque<(Together, u64)>>,
    book: Mutex<(Tally, File)>,
    table: PathBuf,
    /// Names of users begin with it.
    tags: AtomicU64,
    say: fn(&str),
}

/// Plays all rounds with `binary`; the table, and whether nothing was found.
///
/// # Errors
/// The file cannot be written. A round that cannot be carried out is a finding.
pub async fn sweep(binary: &Path, sweep: &Sweep, say: fn(&str)) -> Result<(String, bool)> {
    let tally = if sweep.resume { Tally::read(&sweep.file)? } else { Tally::default() };
    let mut left = sweep.rounds.clone();
    left.retain(|(together, seed)| !tally.is_clean(&fault::name(together), *seed));
    // Whoever needs another Redis starts another cluster.
    left.sort_by_key(|(together, _)| fault::map(std::slice::from_ref(together)).ok());
    say(&format!("{} rounds, {} of them to be played", sweep.rounds.len(), left.len()));
    let mut options = File::options();
    options.create(true).append(sweep.resume).write(true).truncate(!sweep.resume);
    let file = options.open(&sweep.file).with_context(|| sweep.file.display().to_string())?;
    let desk = Arc::new(Desk {
        binary: binary.to_owned(),
        left: Mutex::new(left.into()),
        book: Mutex::new((tally, file)),
        table: sweep.file.with_extension("md"),
        tags: AtomicU64::new(0),
        say,
    });
    let players: JoinSet<_> = (0..sweep.beside).map(|_| desk.clone().work()).collect();
    for ended in players.join_all().await {
        ended?;
    }
    let (tally, _) = &*desk.book.lock();
    Ok((tally.table(), tally.all_clean()))
}

impl Desk {
    /// Plays rounds as long as there are any.
    async fn work(self: Arc<Self>) -> Result<()> {
        let mut stage = None;
        loop {
            let Some((together, seed)) = self.left.lock().pop_front() else { return Ok(()) };
            let began = Instant::now();
            let mut said = Vec::new();
            let played = self.round(&mut stage, &together, seed, &mut said).await;
            let round = told(fault::name(&together), seed, began.elapsed(), &played);
            if round.findings > 0 {
                said.iter().for_each(|line| (self.say)(line));
            }
            if let Ok(report) = &played {
                report.findings.lines().for_each(self.say);
                report.kept.iter().for_each(|it| (self.say)(&format!("kept: {}", it.display())));
            }
            self.note(round)?;
        }
    }

    /// Plays one, on the cluster that is there if it is of the right kind; what is left of it
    /// then is fit for another.
    async fn round(
        &self,
        stage: &mut Option<(Map, Site)>,
        together: &Together,
        seed: u64,
        said: &mut Vec<String>,
    ) -> Result<Report> {
        let map = fault::map(std::slice::from_ref(together))?;
        let mut site = match stage.take() {
            Some((kind, site)) if kind == map => site,
            _ => Site::start(self.binary.clone(), map, None).await?,
        };
        let tag = format!("r{}-", self.tags.fetch_add(1, Ordering::Relaxed));
        let lines = Mutex::new(said);
        let mut timeline = Timeline::new(|line: &str| lines.lock().push(line.to_owned()));
        let plan = Plan::once(seed, together.clone());
        let played = timeout(ROUND_WITHIN, play(&mut site, &tag, &plan, &mut timeline)).await;
        match played.context("a round that never ends").flatten() {
            Ok((report, _)) if report.violations.is_empty() => {
                *stage = Some((map, site));
                Ok(report)
            }
            Ok((mut report, history)) => {
                report.kept = keep(site, &history)?;
                Ok(report)
            }
            Err(error) => Err(error.context(format!("kept: {:?}", site.keep()))),
        }
    }

    fn note(&self, round: Round) -> Result<()> {
        let Round { faults, seed, ms, sends, findings, first, .. } = &round;
        let what = if *findings == 0 { "clean".into() } else { format!("{findings}: {first}") };
        (self.say)(&format!("{faults} under {seed}: {ms} ms, {sends} sends, {what}"));
        let mut book = self.book.lock();
        let (tally, file) = &mut *book;
        file.write_all(round.line().as_bytes())?;
        tally.add(round);
        std::fs::write(&self.table, tally.table())?;
        Ok(())
    }
}

/// The line for a round.
fn told(faults: String, seed: u64, took: Duration, played: &Result<Report>) -> Round {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let none = Round {
        faults,
        seed,
        ms: ms(took),
        sends: 0,
        acked: 0,
        silence_ms: 0,
        whole_ms: 0,
        findings: 1,
        first: String::new(),
    };
    match played {
        Ok(report) => Round {
            sends: report.sends,
            acked: report.acked,
            silence_ms: ms(report.longest_silence),
            whole_ms: ms(report.healed_in),
            findings: report.violations.len(),
            first: report.violations.first().map(ToString::to_string).unwrap_or_default(),
            ..none
        },
        Err(error) => Round { first: format!("not carried out: {error:#}"), ..none },
    }
}
