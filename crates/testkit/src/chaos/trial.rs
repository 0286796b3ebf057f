//! The same players and the same checker on one server without faults from outside: what is wrong
//! then is planted.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{sync::watch, time::sleep};

use super::{
    cast::{BLOCKS, Cast},
    pulse::{self, Pulse},
    verdict,
};
use crate::{
    checker::Violation,
    real::{Rest, Server},
};

/// The faults that this finds, each with words of a finding that it has to bring. Those of the
/// [kill test](crate::crash) are others.
pub const PLANTS: [(&str, &str); 9] = [
    ("read-back", "the cursor stands at"),
    ("half-batch", "should be"),
    ("recall-kept", "was told that it says None"),
    ("history-past-removal", "outside of its membership"),
    ("block-ignored", "after a block was acknowledged"),
    ("ex-member-told", "outside of its membership"),
    ("takeover-ignored", "the older link of"),
    ("order-not-held", "after something that stands later"),
    ("hint-lost-at-tail", "never got"),
];

/// Those that only a cluster has, in the same way, each with what is done to the cluster for it to
/// matter.
pub const CLUSTER_PLANTS: [(&str, &str, &str); 4] = [
    ("route-believed", "kill-cm", "never got"),
    ("generation-kept", "redis-flush", "is shown as online: false"),
    ("unlink-forgotten", "redis-flush", "is shown as online: true"),
    ("lanes-ignored", "slow-store", "after something that stands later"),
];

/// Enough for every kind of conversation.
const USERS: usize = 5;
/// How long they chat.
const LASTS: Duration = Duration::from_secs(5);
/// Sends that one user has a second, ten times that at once: so few that a burst meets a refusal
/// for now.
const PACE: &str = "20/s";

/// Lets some users chat on one server; what is wrong.
///
/// # Errors
/// The trial could not be carried out.
pub async fn trial(
    binary: &Path,
    dir: &Path,
    plant: Option<&str>,
    seed: u64,
) -> Result<Vec<Violation>> {
    let mut env = vec![("ANSER_LIMITS__SENDS", PACE)];
    env.extend(plant.map(|it| ("ANSER_PLANT", it)));
    let server = Server::start(binary, dir, &env).await?;
    let at = watch::Sender::new(Some(server.native()));
    let rest = Arc::new(Rest::new(server.http()));
    let cast = Arc::new(Cast::gather(rest, "", USERS, &[at.subscribe()]).await?);
    (0..BLOCKS).for_each(|nth| cast.block(nth));
    let load = tokio::spawn(pulse::load(cast.clone(), Arc::new(Pulse::default()), seed));
    sleep(LASTS).await;
    load.abort();
    // Much work for everybody, so only where it shows something.
    if plant == Some("order-not-held") {
        cast.burst().await;
    }
    cast.read();
    let verdict = verdict::reach(&cast, [server.native(); 2]).await?;
    Ok(verdict.violations)
}
