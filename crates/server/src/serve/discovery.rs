//! How the roles of a cluster find each other in Redis: each keeps a record of itself there, and
//! who asks SMs follows theirs.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anser_domain::Clock as _;
use anser_store::backend::redis::{Directory, LEASE, Part, Record};
use anyhow::{Context as _, bail};
use tokio::sync::watch;

use crate::config::Config;

/// A record is renewed so often that one renewal, or two, may be lost.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE.as_secs() / 3);
/// How often it is looked who is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an SM whose record is missing is kept: an emptied Redis has all records back by then.
/// One that has died costs nothing meanwhile, for its stream is broken.
const MISSED_FOR: Duration = LEASE;

/// The record of a process that listens at `listens`.
pub(super) fn record(config: &Config, part: Part, listens: SocketAddr) -> anyhow::Result<Record> {
    let address = match config.cluster.advertise.as_str() {
        "" if listens.ip().is_unspecified() => bail!(
            "this {part} listens on all addresses of the machine; say in [cluster] advertise under \
             which one the other roles reach it, as \"HOST:PORT\""
        ),
        "" => listens.to_string(),
        address => address.to_owned(),
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Record { part, boot: rand::random(), address, version, load: 0, gone: false })
}

/// How busy this machine is: processes that want to run, in hundredths, as the kernel counts them
/// over a minute. 0 where it does not.
pub(super) fn busy() -> u64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = text.split(' ').next().unwrap_or_default().replace('.', "");
    minute.parse().unwrap_or(0)
}

/// Keeps `record` in Redis until `stop` changes, and takes it out then. `load` says how busy this
/// process is.
pub(super) async fn announce(
    directory: Directory,
    mut record: Record,
    load: impl Fn() -> u64 + Send + 'static,
    mut stop: watch::Receiver<bool>,
) {
    let mut interval = tokio::time::interval(RENEW_EVERY);
    let mut failing = false;
    loop {
        // Both are cancel-safe: a tick that is missed comes again, a change stays seen.
        tokio::select! {
            _ = interval.tick() => {}
            _ = stop.changed() => break,
        }
        record.load = load();
        let put = directory.put(&record).await;
        match (&put, failing) {
            (Err(error), false) => {
                tracing::warn!(%error, "others may not find this process");
            }
            (Ok(()), true) => tracing::info!("others find this process again"),
            _ => {}
        }
        failing = put.is_err();
    }
    record.gone = true;
    if let Err(error) = directory.put(&record).await {
        tracing::warn!(%error, "others will notice by themselves that this process has gone");
    }
}

/// Keeps `list` at the SMs that there are, until it is aborted.
pub(super) async fn follow(directory: Directory, list: watch::Sender<Vec<String>>) {
    let clock = anser_domain::SystemClock;
    let mut known = Known::default();
    let mut interval = tokio::time::interval(LOOK_EVERY);
    loop {
        interval.tick().await;
        match directory.all(Part::Sm).await {
            Ok(records) => {
                let there = known.look(&records, clock.now());
                list.send_if_modified(|list| {
                    let changed = *list != there;
                    *list = there;
                    changed
                });
            }
            // Those who were there are asked on.
            Err(error) => tracing::debug!(%error, "it cannot be seen which sms there are"),
        }
    }
}

/// Reaches the Redis in which roles find each other.
pub(super) async fn directory(config: &Config) -> anyhow::Result<Directory> {
    Directory::open(&config.routes.url).await.context("[cluster] discovery")
}

/// The SMs that are there, with the time at which each was last seen.
#[derive(Default)]
struct Known(BTreeMap<String, Instant>);

impl Known {
    /// Takes a look at the records; who is there now.
    fn look(&mut self, records: &[Record], now: Instant) -> Vec<String> {
        // A new life at an old address is there, whatever its last life has said.
        for record in records.iter().filter(|it| it.gone) {
            self.0.remove(&record.address);
        }
        for record in records.iter().filter(|it| !it.gone) {
            self.0.insert(record.address.clone(), now);
        }
        self.0.retain(|_, seen| now.saturating_duration_since(*seen) < MISSED_FOR);
        self.0.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sm(boot: u64, address: &str, gone: bool) -> Record {
        let (address, version) = (address.to_owned(), String::new());
        Record { part: Part::Sm, boot, address, version, load: 0, gone }
    }

    #[test]
    fn who_takes_leave_goes_at_once_and_who_is_missing_after_a_while() {
        let (mut known, now) = (Known::default(), anser_domain::SystemClock.now());
        let both = [sm(1, "a:1", false), sm(2, "b:1", false)];
        assert_eq!(known.look(&both, now), ["a:1", "b:1"]);
        assert_eq!(known.look(&[], now + MISSED_FOR / 2), ["a:1", "b:1"], "emptied");
        assert_eq!(known.look(&both[..1], now + MISSED_FOR), ["a:1"], "one has died");
        let left = [sm(1, "a:1", true)];
        assert!(known.look(&left, now + MISSED_FOR).is_empty(), "drained");
        let back = [sm(1, "a:1", true), sm(3, "a:1", false)];
        assert_eq!(known.look(&back, now + MISSED_FOR), ["a:1"], "another life");
    }
}
