//! The database: it opens, in a layout that this program knows, and its journal is folded.

use anser_store::backend::sqlite::{Inspection, inspect};

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check =
    Check { name: "database", reads: "[store] url; with --deep every page of it", look };

/// The writer folds the journal at 64 MiB; more means that it does not come to it.
const LONG_JOURNAL: u64 = 512 << 20;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(database) = patient.config.database() else {
        return vec![Finding::ok("a server elsewhere, looked at by each start of an SM")];
    };
    match inspect(&database, patient.deep) {
        Ok(None) => vec![Finding::ok("the first start makes it")],
        Ok(Some(seen)) => verdict(&seen),
        Err(error) => vec![Finding::bad(error.to_string(), "see there")],
    }
}

fn verdict(seen: &Inspection) -> Vec<Finding> {
    let Inspection { layout, known, journal, size, damage } = seen;
    let mib = |bytes: u64| bytes >> 20;
    let mut findings = vec![match layout.cmp(known) {
        std::cmp::Ordering::Greater => Finding::bad(
            format!("a newer anser wrote it (layout {layout}, this one knows {known})"),
            "run that version or a newer one",
        ),
        std::cmp::Ordering::Less => Finding::ok(format!(
            "{} MiB in layout {layout}; the next start brings it to {known}",
            mib(*size)
        )),
        std::cmp::Ordering::Equal => Finding::ok(format!("{} MiB in layout {layout}", mib(*size))),
    }];
    if *journal > LONG_JOURNAL {
        findings.push(Finding::warn(
            format!(
                "its journal holds {} MiB: something keeps it from being folded",
                mib(*journal)
            ),
            "end whoever reads the database for long, or restart the server",
        ));
    }
    match damage.as_deref() {
        None => {}
        Some([]) => findings.push(Finding::ok("every page of it is in order")),
        Some(damage) => findings.push(Finding::bad(
            format!("it is damaged: {}", damage.join("; ")),
            "stop the server and restore a backup",
        )),
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn newer_layouts_long_journals_and_damage_are_told() {
        let told = |layout, journal, damage: Option<&[&str]>| {
            let damage = damage.map(|it| it.iter().map(|line| (*line).to_owned()).collect());
            let seen = Inspection { layout, known: 4, journal, size: 0, damage };
            verdict(&seen).into_iter().map(|it| it.verdict).collect::<Vec<_>>()
        };
        assert_eq!(told(4, 0, None), [Verdict::Ok]);
        assert_eq!(told(3, 0, Some(&[])), [Verdict::Ok, Verdict::Ok]);
        assert_eq!(told(5, 1 << 30, None), [Verdict::Bad, Verdict::Warn]);
        assert_eq!(told(4, 0, Some(&["row 1 missing"])), [Verdict::Ok, Verdict::Bad]);
    }
}
