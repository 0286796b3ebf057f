//! How the roles of a cluster find each other in Redis: each keeps a record of itself there; who
//! asks SMs follows theirs, and a Web those of the CMs, to which it sends clients.

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
/// How long one whose record is missing is kept: an emptied Redis has all records back by then. An
/// SM that has died costs nothing meanwhile, for its stream is broken; a client that is sent to a
/// dead CM tries the next.
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
    let (boot, gateways) = (rand::random(), Vec::new());
    Ok(Record { part, boot, address, version, load: 0, gone: false, gateways })
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

/// Tells `hear` of all of `part` who are there, at every look, until it is aborted.
pub(super) async fn follow(directory: Directory, part: Part, hear: impl Fn(Vec<&Record>) + Send) {
    let clock = anser_domain::SystemClock;
    let mut known = Known::default();
    let mut interval = tokio::time::interval(LOOK_EVERY);
    loop {
        interval.tick().await;
        match directory.all(part).await {
            Ok(records) => hear(known.look(records, clock.now())),
            // Those who were there count on.
            Err(error) => tracing::debug!(%error, %part, "it cannot be seen who is there"),
        }
    }
}

/// Reaches the Redis in which roles find each other.
pub(super) async fn directory(config: &Config) -> anyhow::Result<Directory> {
    Directory::open(&config.routes.url).await.context("[cluster] discovery")
}

/// Those who are there by address, with the time at which each was last seen.
#[derive(Default)]
struct Known(BTreeMap<String, (Record, Instant)>);

impl Known {
    /// Takes a look at the records; who is there now, in order of their addresses.
    fn look(&mut self, records: Vec<Record>, now: Instant) -> Vec<&Record> {
        // A new life at an old address is there, whatever its last life has said.
        let (gone, there): (Vec<_>, Vec<_>) = records.into_iter().partition(|it| it.gone);
        for record in gone {
            self.0.remove(&record.address);
        }
        for record in there {
            self.0.insert(record.address.clone(), (record, now));
        }
        self.0.retain(|_, (_, seen)| now.saturating_duration_since(*seen) < MISSED_FOR);
        self.0.values().map(|(record, _)| record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sm(boot: u64, address: &str, gone: bool) -> Record {
        let (address, version, gateways) = (address.to_owned(), String::new(), Vec::new());
        Record { part: Part::Sm, boot, address, version, load: 0, gone, gateways }
    }

    fn look(known: &mut Known, records: &[Record], now: Instant) -> Vec<String> {
        known.look(records.to_vec(), now).iter().map(|it| it.address.clone()).collect()
    }

    #[test]
    fn who_takes_leave_goes_at_once_and_who_is_missing_after_a_while() {
        let (mut known, now) = (Known::default(), anser_domain::SystemClock.now());
        let both = [sm(1, "a:1", false), sm(2, "b:1", false)];
        assert_eq!(look(&mut known, &both, now), ["a:1", "b:1"]);
        assert_eq!(look(&mut known, &[], now + MISSED_FOR / 2), ["a:1", "b:1"], "emptied");
        assert_eq!(look(&mut known, &both[..1], now + MISSED_FOR), ["a:1"], "one has died");
        let left = [sm(1, "a:1", true)];
        assert!(look(&mut known, &left, now + MISSED_FOR).is_empty(), "drained");
        let back = [sm(1, "a:1", true), sm(3, "a:1", false)];
        assert_eq!(look(&mut known, &back, now + MISSED_FOR), ["a:1"], "another life");
    }
}
