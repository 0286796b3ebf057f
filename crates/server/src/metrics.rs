//! Every number that `/metrics` shows, by name. The REST tier counts its own requests and is
//! asked to add them here.

use std::{fs, os::unix::fs::MetadataExt as _, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

/// Reads one number of the roles.
type Read = fn(&Roles) -> u64;

/// The roles whose numbers are shown.
#[derive(Clone)]
pub(crate) struct Roles {
    pub(crate) store: Arc<dyn anser_store::Store>,
    pub(crate) sm: Arc<anser_sm::Sm>,
    pub(crate) cm: Arc<anser_cm::Cm>,
    pub(crate) certificate: Arc<crate::tls::Certificate>,
}

impl std::fmt::Debug for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Roles")
    }
}

/// Numbers that go up and down.
const GAUGES: &[(&str, &str, Read)] = &[
    ("anser_links", "Links open now", |roles| roles.cm.stats().links.read()),
    ("anser_store_queued", "Entries that wait to be stored", |roles| roles.store.stats().queued),
    (
        "anser_tls_certificate_ends_seconds",
        "When the certificate that is shown ends, in seconds since 1970",
        |roles| u64::try_from(roles.certificate.ends()).unwrap_or_default(),
    ),
];

/// Numbers that only go up; `_total` is added to the name.
const COUNTERS: &[(&str, &str, Read)] = &[
    ("anser_links_accepted", "Links opened", |roles| roles.cm.stats().accepted.read()),
    ("anser_links_refused", "Sockets turned away", |roles| roles.cm.stats().refused.read()),
    ("anser_link_bytes_in", "Bytes read from links", |roles| roles.cm.stats().bytes_in.read()),
    ("anser_link_bytes_out", "Bytes written to links", |roles| roles.cm.stats().bytes_out.read()),
    ("anser_events_shed", "Events dropped because a link could not keep up", |roles| {
        roles.cm.stats().shed.read()
    }),
    ("anser_pulls", "Pages of logs asked for on behalf of links", |roles| {
        roles.cm.stats().pulls.read()
    }),
    ("anser_hint_gaps", "Streams of hints found broken", |roles| roles.cm.stats().gaps.read()),
    ("anser_link_resyncs", "Links told to compare heads", |roles| roles.cm.stats().resyncs.read()),
    ("anser_session_panics", "Sessions that panicked; each one is a bug", |roles| {
        roles.cm.stats().panics.read()
    }),
    ("anser_store_commits", "Transactions committed", |roles| roles.store.stats().commits),
    ("anser_store_failures", "Transactions that failed as a whole", |roles| {
        roles.store.stats().failures
    }),
    ("anser_password_iterations", "PBKDF2 iterations spent on checking passwords", |roles| {
        roles.sm.stats().hashed
    }),
    ("anser_tls_reloads", "New certificates taken while running", |roles| {
        roles.certificate.reloads()
    }),
    ("anser_tls_reload_failures", "New certificates that were not usable", |roles| {
        roles.certificate.failures()
    }),
    ("anser_entries_stored", "Log entries stored", |roles| roles.sm.stats().stored),
    ("anser_entries_duplicate", "Retries answered as the first time", |roles| {
        roles.sm.stats().duplicates
    }),
    ("anser_entries_refused", "Appends refused", |roles| roles.sm.stats().refused),
    ("anser_pushes_taken", "Notifications that a push service took", |roles| {
        roles.sm.stats().pushes_taken
    }),
    ("anser_pushes_later", "Notifications put off: the push service had no time", |roles| {
        roles.sm.stats().pushes_later
    }),
    ("anser_pushes_refused", "Notifications that a push service will never take", |roles| {
        roles.sm.stats().pushes_refused
    }),
    ("anser_pushes_gone", "Registrations that a push service ended", |roles| {
        roles.sm.stats().pushes_gone
    }),
];

/// A registry with everything about `roles` and this process.
pub(crate) fn registry(roles: Roles) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(roles));
    registry.register_collector(Box::new(Process));
    registry
}

impl Collector for Roles {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, help, read) in GAUGES {
            gauge(&mut encoder, name, help, read(self))?;
        }
        for (name, help, read) in COUNTERS {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(read(self)).encode(metric)?;
        }
        Ok(())
    }
}

/// This process, under the names that all Prometheus clients use. What the system does not tell
/// is left out.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        if let Some(seconds) = cpu_seconds() {
            let metric = encoder.encode_descriptor(
                "process_cpu_seconds",
                "Processor time spent, user and system",
                None,
                MetricType::Counter,
            )?;
            ConstCounter::new(seconds).encode(metric)?;
        }
        if let Some(bytes) = resident_bytes() {
            gauge(&mut encoder, "process_resident_memory_bytes", "Memory in use", bytes)?;
        }
        if let Some(files) = open_files() {
            gauge(&mut encoder, "process_open_fds", "File descriptors in use", files)?;
        }
        if let Some(files) = getrlimit(Resource::Nofile).current {
            gauge(&mut encoder, "process_max_fds", "File descriptors that may be used", files)?;
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), std::fmt::Error> {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(metric)
}

/// proc(5): `utime` and `stime` are the 14th and 15th field of stat; the 2nd is the program's
/// name in parentheses and may hold anything.
#[expect(clippy::cast_precision_loss, reason = "ticks stay far below 2^52")]
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / clock_ticks_per_second() as f64)
}

/// proc(5): the 2nd field of statm is the resident set, in pages.
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(page_size()).ok()?)
}

/// proc(5): since Linux 6.2 the size of this directory is the number of open files. Counting
/// its entries, with a link behind most of them, would be too dear for a scrape.
fn open_files() -> Option<u64> {
    fs::metadata("/proc/self/fd").ok().map(|directory| directory.size()).filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_described() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for name in ["process_cpu_seconds_total ", "process_resident_memory_bytes "] {
            assert!(text.contains(&format!("\n{name}")), "{name} in {text}");
        }
    }
}
