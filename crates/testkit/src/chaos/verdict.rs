//! The end of a run: the cluster is left alone, and has to be whole within the times that the
//! promises give.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::{cast::Cast, evidence};
use crate::checker::{History, Violation, check};

/// How long answers and entries may be missing after the last fault (invariant 8).
const WHOLE_WITHIN: Duration = Duration::from_secs(30);
/// What is not answered by then never will be.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(120);
/// How long the link map may be wrong after the last fault (invariant 13).
const PRESENT_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// What a run has come to.
pub(super) struct Verdict {
    pub(super) history: History,
    pub(super) violations: Vec<Violation>,
    /// How long after the last fault nothing waited for an answer any more.
    pub(super) answered_in: Duration,
    /// How long after it every device had everything.
    pub(super) healed_in: Duration,
}

/// Wakes everybody, waits, and compares; from now on there are no faults.
pub(super) async fn reach(cast: &Cast, gateways: [SocketAddr; 2]) -> Result<Verdict> {
    let healed = Instant::now();
    cast.wake();
    cast.farewells();
    let mut violations = Vec::new();
    while cast.pulse().1 > 0 && healed.elapsed() < GIVEN_UP_AFTER {
        if violations.is_empty() && healed.elapsed() > WHOLE_WITHIN {
            let ms = u64::try_from(WHOLE_WITHIN.as_millis())?;
            let what = format!("answers to {}", cast.waiting());
            violations.push(Violation::NotHealed { what, ms });
        }
        sleep(POLL).await;
    }
    let answered_in = healed.elapsed();
    let mut history = evidence::gather(cast).await?;
    // What is wrong already will not mend by waiting.
    evidence::record(cast, &mut history, false);
    let broken = !check(&history).is_empty();
    let looked = Instant::now();
    while !broken && !evidence::whole(cast, &history) && looked.elapsed() < WHOLE_WITHIN {
        sleep(POLL).await;
    }
    let healed_in = healed.elapsed();
    evidence::record(cast, &mut history, true);
    violations.extend(check(&history));
    cast.leave();
    let mut wrong = evidence::presence(cast).await?;
    while !wrong.is_empty() && healed.elapsed() < PRESENT_WITHIN {
        sleep(POLL).await;
        wrong = evidence::presence(cast).await?;
    }
    violations.extend(wrong);
    violations.extend(evidence::twins(cast, gateways).await?);
    Ok(Verdict { history, violations, answered_in, healed_in })
}
