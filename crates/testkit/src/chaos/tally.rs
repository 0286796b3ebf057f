//! What the rounds of a sweep have come to: a line each, in a file that another sweep goes on from,
//! and a table over them.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use anyhow::Result;

/// One round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// What was done, as it is named on the command line.
    pub(super) faults: String,
    pub(super) seed: u64,
    /// How long it took.
    pub(super) ms: u64,
    pub(super) sends: usize,
    pub(super) acked: usize,
    /// The longest silence of the whole cluster.
    pub(super) silence_ms: u64,
    /// How long, after the last fault, until all had everything.
    pub(super) whole_ms: u64,
    pub(super) findings: usize,
    /// What was found first, or why the round could not be carried out, which is a finding too.
    pub(super) first: String,
}

impl Round {
    /// A line of the file.
    pub(super) fn line(&self) -> String {
        let Self { faults, seed, ms, sends, acked, silence_ms, whole_ms, findings, first } = self;
        let first = first.replace(['\t', '\n'], " ");
        format!(
            "{faults}\t{seed}\t{ms}\t{sends}\t{acked}\t{silence_ms}\t{whole_ms}\t{findings}\t{first}\n"
        )
    }

    /// Reads a line; the last one of a sweep that was ended may be none.
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        Some(Self {
            faults: next()?.to_owned(),
            seed: next()?.parse().ok()?,
            ms: next()?.parse().ok()?,
            sends: next()?.parse().ok()?,
            acked: next()?.parse().ok()?,
            silence_ms: next()?.parse().ok()?,
            whole_ms: next()?.parse().ok()?,
            findings: next()?.parse().ok()?,
            first: next()?.to_owned(),
        })
    }
}

/// All rounds; of those that were played twice the later one counts.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<(String, u64), Round>);

impl Tally {
    /// What an earlier sweep has written, if there was one.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let mut tally = Self::default();
        if file.exists() {
            std::fs::read_to_string(file)?
                .lines()
                .filter_map(Round::read)
                .for_each(|it| tally.add(it));
        }
        Ok(tally)
    }

    pub(super) fn add(&mut self, round: Round) {
        self.0.insert((round.faults.clone(), round.seed), round);
    }

    /// Whether this one was played, and nothing was found.
    pub(super) fn is_clean(&self, faults: &str, seed: u64) -> bool {
        let round = self.0.get(&(faults.to_owned(), seed));
        round.is_some_and(|it| it.findings == 0)
    }

    /// Whether nothing was found at all.
    pub(super) fn all_clean(&self) -> bool {
        self.0.values().all(|it| it.findings == 0)
    }

    /// For a person, and for the documentation: what was done how often and what was found, then
    /// how to repeat each finding.
    pub(super) fn table(&self) -> String {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for round in self.0.values() {
            let pair = round.faults.contains('+');
            for name in round.faults.split('+') {
                let name = if pair { format!("{name} + another") } else { name.to_owned() };
                rows.entry(name).or_default().add(round);
            }
        }
        let mut text = String::from(
            "| Fault | Rounds | Sends | Longest silence, ms | Whole after, ms | With findings |\n\
             |---|--:|--:|--:|--:|--:|\n",
        );
        for (name, Row { rounds, sends, silence_ms, whole_ms, found }) in rows {
            // Writing into a string does not fail.
            let _ = writeln!(
                text,
                "| `{name}` | {rounds} | {sends} | {silence_ms} | {whole_ms} | {found} |"
            );
        }
        for Round { faults, seed, findings, first, .. } in self.0.values() {
            if *findings > 0 {
                let _ = writeln!(
                    text,
                    "\n{findings} findings by `cargo xtask chaos --seeds 1 --seed {seed} --fault \
                     {faults}`, the first:\n{first}"
                );
            }
        }
        text
    }
}

/// A row of the table.
#[derive(Default)]
struct Row {
    rounds: usize,
    sends: usize,
    silence_ms: u64,
    whole_ms: u64,
    found: usize,
}

impl Row {
    fn add(&mut self, round: &Round) {
        self.rounds += 1;
        self.sends += round.sends;
        self.silence_ms = self.silence_ms.max(round.silence_ms);
        self.whole_ms = self.whole_ms.max(round.whole_ms);
        self.found += usize::from(round.findings > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(faults: &str, seed: u64, findings: usize) -> Round {
        Round {
            faults: faults.into(),
            seed,
            ms: 9_000,
            sends: 200,
            acked: 190,
            silence_ms: 700,
            whole_ms: 1_200,
            findings,
            first: if findings > 0 { "a\tgap".into() } else { String::new() },
        }
    }

    #[test]
    fn a_sweep_goes_on_where_another_one_ended_and_plays_what_found_something_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rounds.tsv");
        assert!(Tally::read(&file).unwrap().all_clean());
        let rounds = [round("kill-sm", 1, 0), round("kill-sm", 2, 3), round("a+b", 1, 0)];
        let mut text: String = rounds.iter().map(Round::line).collect();
        text.push_str("kill-sm\t3\t12");
        std::fs::write(&file, text).unwrap();

        let mut tally = Tally::read(&file).unwrap();
        assert!(tally.is_clean("kill-sm", 1) && tally.is_clean("a+b", 1));
        assert!(!tally.is_clean("kill-sm", 2) && !tally.is_clean("kill-sm", 3));
        let table = tally.table();
        assert!(table.contains("| `kill-sm` | 2 | 400 | 700 | 1200 | 1 |"), "{table}");
        assert!(table.contains("| `a + another` | 1 |"), "{table}");
        assert!(
            table.contains("--seeds 1 --seed 2 --fault kill-sm`, the first:\na gap"),
            "{table}"
        );

        tally.add(round("kill-sm", 2, 0));
        assert!(tally.all_clean());
    }
}
