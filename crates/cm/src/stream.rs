//! The numbered streams of hints: noticing what did not arrive (DESIGN promise 4).
//!
//! Every batch from an SM carries the next number of its stream, and a beat every few seconds
//! carries the last one, so that a lost batch shows even when nothing follows it. Batches that
//! merely overtake each other are given a moment.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anser_domain::{Beat, PeerId, StreamPos, SyncToken};

/// How long a number may be missing before it counts as lost.
const GRACE: Duration = Duration::from_secs(1);
/// How long an SM may be silent before its stream counts as broken: three beats.
const SILENCE: Duration = Duration::from_secs(15);
/// Numbers remembered ahead of a missing one.
const AHEAD: usize = 4096;

/// The streams of all SMs to this CM.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    all: Vec<Stream>,
    /// Whether there has ever been one: the first SM of a process has lost nothing.
    known: bool,
    /// The link map's generation, as last heard from anyone.
    routes_generation: Option<u64>,
}

/// What a look at the streams came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Hints were lost: links compare heads.
    pub(crate) gap: bool,
    /// The link map was emptied: links register, then compare.
    pub(crate) relink: bool,
    /// Where heads are to be compared from in either case: the safe place *before* what was
    /// found, since a later one may already lie above what was lost.
    pub(crate) since: Option<SyncToken>,
    /// Everything up to here has been hinted at, and the hints were handed to the links.
    pub(crate) safe: Option<SyncToken>,
}

#[derive(Debug)]
struct Stream {
    sm: PeerId,
    /// Everything up to this number has arrived.
    seen: u64,
    /// Arrived beyond it.
    ahead: BTreeSet<u64>,
    missing_since: Option<Instant>,
    /// The last beat whose batches have not all arrived.
    beat: Option<(u64, SyncToken)>,
    safe: Option<SyncToken>,
    /// The link map's generation, as last heard.
    routes_generation: Option<u64>,
    heard: Instant,
}

impl Streams {
    /// A batch was handed to its links.
    pub(crate) fn arrived(&mut self, at: StreamPos, now: Instant) -> Findings {
        let mut findings = self.findings();
        let stream = self.stream(at.sm, now, &mut findings);
        stream.arrived(at.number, now);
        findings.safe = self.safe();
        findings
    }

    /// An SM gave a sign of life.
    pub(crate) fn beat(&mut self, beat: Beat, now: Instant) -> Findings {
        let mut findings = self.findings();
        let stream = self.stream(beat.at.sm, now, &mut findings);
        stream.beat = Some((beat.at.number, beat.watermark));
        stream.look(now);
        let before = stream.routes_generation.replace(beat.routes_generation);
        findings.relink = before.is_some_and(|before| before != beat.routes_generation);
        self.routes_generation = Some(beat.routes_generation);
        findings.safe = self.safe();
        findings
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, now: Instant) -> Findings {
        let mut findings = self.findings();
        self.all.retain_mut(|stream| {
            let silent = now.saturating_duration_since(stream.heard) >= SILENCE;
            let lost = stream
                .missing_since
                .is_some_and(|since| now.saturating_duration_since(since) >= GRACE);
            if lost {
                stream.give_up(now);
            }
            findings.gap |= lost || silent;
            !silent
        });
        findings.safe = self.safe();
        findings
    }

    fn stream(&mut self, sm: PeerId, now: Instant, findings: &mut Findings) -> &mut Stream {
        let index = match self.all.iter().position(|it| it.sm == sm) {
            Some(index) => index,
            None => {
                // Another life: whatever the one before had sent last may be lost.
                findings.gap = std::mem::replace(&mut self.known, true);
                // What the map's generation was is no secret of one SM: its next life, or an SM that
                // was silent for long, may be the first to tell of another.
                let routes_generation = self.routes_generation;
                self.all.push(Stream {
                    sm,
                    seen: 0,
                    ahead: BTreeSet::new(),
                    missing_since: None,
                    beat: None,
                    safe: None,
                    routes_generation,
                    heard: now,
                });
                self.all.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "found or pushed right above")]
        let stream = &mut self.all[index];
        stream.heard = now;
        stream
    }

    fn findings(&self) -> Findings {
        Findings { since: self.safe(), ..Findings::default() }
    }

    fn safe(&self) -> Option<SyncToken> {
        self.all.iter().map(|it| it.safe).min().flatten()
    }
}

impl Stream {
    fn arrived(&mut self, number: u64, now: Instant) {
        if number == self.seen + 1 {
            self.seen = number;
            while self.ahead.remove(&(self.seen + 1)) {
                self.seen += 1;
            }
        } else if number > self.seen {
            self.ahead.insert(number);
            if self.ahead.len() > AHEAD {
                self.ahead.pop_first();
            }
        }
        self.look(now);
    }

    fn look(&mut self, now: Instant) {
        if let Some((number, watermark)) = self.beat
            && self.seen >= number
        {
            self.beat = None;
            self.safe = self.safe.max(Some(watermark));
        }
        if self.ahead.is_empty() && self.beat.is_none() {
            self.missing_since = None;
        } else if self.missing_since.is_none() {
            self.missing_since = Some(now);
        }
    }

    /// What is missing is lost. The links compare heads from the last safe place.
    fn give_up(&mut self, now: Instant) {
        let last = self.ahead.last().copied().unwrap_or(0);
        self.seen = self.seen.max(last).max(self.beat.map_or(0, |(number, _)| number));
        self.ahead.clear();
        // The beat's watermark is safe only for links that compare from before it; the next
        // beat will say one that is safe for all.
        self.beat = None;
        self.look(now);
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{Clock, SystemClock};

    use super::*;

    const SM: PeerId = PeerId(7);

    fn at(number: u64) -> StreamPos {
        StreamPos { sm: SM, number }
    }

    fn beat(number: u64, watermark: u64) -> Beat {
        Beat { at: at(number), watermark: SyncToken(watermark), routes_generation: 1 }
    }

    #[test]
    fn a_lost_tail_shows_at_the_beat_and_batches_that_overtake_do_not() {
        let now = SystemClock.now();
        let mut it = Streams::default();
        assert!(!it.beat(beat(0, 10), now).gap, "nothing was lost before the first SM");
        it.arrived(at(1), now);
        it.arrived(at(3), now);
        assert!(!it.tick(now + GRACE / 2).gap);
        it.arrived(at(2), now + GRACE / 2);
        assert!(!it.tick(now + GRACE).gap);
        assert_eq!(it.beat(beat(3, 20), now + GRACE).safe, Some(SyncToken(20)));
        // Batch 4 is lost, and nothing follows it but the beat.
        assert_eq!(it.beat(beat(4, 30), now + GRACE).safe, Some(SyncToken(20)));
        let found = it.tick(now + GRACE * 2);
        assert!(found.gap);
        assert_eq!(found.safe, Some(SyncToken(20)), "what was lost is above the safe place");
        assert!(!it.tick(now + GRACE * 3).gap, "once");
        assert_eq!(it.beat(beat(4, 40), now + GRACE * 3).safe, Some(SyncToken(40)));
    }

    #[test]
    fn a_watermark_counts_once_its_batches_have_come() {
        let now = SystemClock.now();
        let mut it = Streams::default();
        assert_eq!(it.beat(beat(2, 50), now).safe, None);
        it.arrived(at(1), now);
        assert_eq!(it.arrived(at(2), now).safe, Some(SyncToken(50)));
    }

    #[test]
    fn silence_and_another_life_break_the_stream() {
        let now = SystemClock.now();
        let mut it = Streams::default();
        it.beat(beat(0, 1), now);
        assert!(!it.tick(now + SILENCE / 2).gap);
        assert!(it.tick(now + SILENCE).gap);
        assert!(!it.tick(now + SILENCE * 2).gap);
        assert!(it.arrived(StreamPos { sm: PeerId(8), number: 1 }, now).gap);
    }

    #[test]
    fn the_oldest_safe_place_of_several_counts() {
        let now = SystemClock.now();
        let mut it = Streams::default();
        it.beat(beat(0, 100), now);
        let other = Beat { at: StreamPos { sm: PeerId(8), number: 0 }, ..beat(0, 60) };
        assert_eq!(it.beat(other, now).safe, Some(SyncToken(60)));
    }

    #[test]
    fn a_new_generation_is_noticed_when_an_sm_comes_with_it() {
        let now = SystemClock.now();
        let mut streams = Streams::default();
        streams.beat(beat(0, 1), now);
        streams.tick(now + SILENCE);
        let next = Beat { routes_generation: 2, ..beat(0, 2) };
        assert!(streams.beat(next, now + SILENCE).relink);
    }

    #[test]
    fn a_new_generation_of_the_link_map_relinks_once() {
        let now = SystemClock.now();
        let mut it = Streams::default();
        assert!(!it.beat(beat(0, 1), now).relink);
        let next = Beat { routes_generation: 2, ..beat(0, 2) };
        assert!(it.beat(next, now).relink);
        assert!(!it.beat(next, now).relink);
    }
}
