//! Every number that `/metrics` shows, by name. The REST tier counts its own requests and is
//! asked to add them here.

use std::{fs, os::unix::fs::MetadataExt as _, sync::Arc};

use anser_cm::Cm;
use anser_rpc::{Mesh, Served};
use anser_sm::{BUCKETS_MS, Sm};
use anser_store::Store;
use anser_web::Readiness;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

use self::Goes::{Up, UpAndDown};
use crate::tls::Certificate;

/// A number of one part of the server: its name, its help, whether it only goes up, and how it is
/// read. What only goes up gets `_total` added to its name.
struct Number<T>(&'static str, &'static str, Goes, fn(&T) -> u64);

/// Which way a number goes.
#[derive(Clone, Copy)]
enum Goes {
    Up,
    UpAndDown,
}

/// What the connection manager counts.
const LINKS: &[Number<Cm>] = &[
    Number("anser_links", "Links open now", UpAndDown, |cm| cm.stats().links.read()),
    Number("anser_links_accepted", "Links opened", Up, |cm| cm.stats().accepted.read()),
    Number("anser_links_refused", "Sockets turned away", Up, |cm| cm.stats().refused.read()),
    Number("anser_link_bytes_in", "Bytes read from links", Up, |cm| cm.stats().bytes_in.read()),
    Number("anser_link_bytes_out", "Bytes written to links", Up, |cm| cm.stats().bytes_out.read()),
    Number("anser_events_shed", "Events dropped because a link could not keep up", Up, |cm| {
        cm.stats().shed.read()
    }),
    Number("anser_pulls", "Pages of logs asked for on behalf of links", Up, |cm| {
        cm.stats().pulls.read()
    }),
    Number("anser_hint_gaps", "Streams of hints found broken", Up, |cm| cm.stats().gaps.read()),
    Number("anser_link_resyncs", "Links told to compare heads", Up, |cm| cm.stats().resyncs.read()),
    Number("anser_session_panics", "Sessions that panicked; each one is a bug", Up, |cm| {
        cm.stats().panics.read()
    }),
];

/// What the store counts.
const STORE: &[Number<Arc<dyn Store>>] = &[
    Number("anser_store_queued", "Entries that wait to be stored", UpAndDown, |store| {
        store.stats().queued
    }),
    Number("anser_store_commits", "Transactions committed", Up, |store| store.stats().commits),
    Number("anser_store_failures", "Transactions that failed as a whole", Up, |store| {
        store.stats().failures
    }),
];

/// What the session manager counts.
const SM: &[Number<Sm>] = &[
    Number(
        "anser_password_iterations",
        "PBKDF2 iterations spent on checking passwords",
        Up,
        |sm| sm.stats().hashed,
    ),
    Number("anser_entries_stored", "Log entries stored", Up, |sm| sm.stats().stored),
    Number("anser_entries_duplicate", "Retries answered as the first time", Up, |sm| {
        sm.stats().duplicates
    }),
    Number("anser_entries_refused", "Appends refused", Up, |sm| sm.stats().refused),
    Number("anser_pushes_taken", "Notifications that a push service took", Up, |sm| {
        sm.stats().pushes_taken
    }),
    Number("anser_pushes_later", "Notifications put off: the push service had no time", Up, |sm| {
        sm.stats().pushes_later
    }),
    Number("anser_pushes_refused", "Notifications that a push service will never take", Up, |sm| {
        sm.stats().pushes_refused
    }),
    Number("anser_pushes_gone", "Registrations that a push service ended", Up, |sm| {
        sm.stats().pushes_gone
    }),
];

/// What is known of the certificate.
const CERTIFICATE: &[Number<Certificate>] = &[
    Number(
        "anser_tls_certificate_ends_seconds",
        "When the certificate that is shown ends, in seconds since 1970",
        UpAndDown,
        |it| u64::try_from(it.ends()).unwrap_or_default(),
    ),
    Number("anser_tls_reloads", "New certificates taken while running", Up, Certificate::reloads),
    Number(
        "anser_tls_reload_failures",
        "New certificates that were not usable",
        Up,
        Certificate::failures,
    ),
];

/// What a CM or a Web counts of its streams to the SMs.
const MESH: &[Number<Mesh>] = &[
    Number("anser_rpc_streams", "SMs that can be reached", UpAndDown, |it| it.stats().streams),
    Number("anser_rpc_open", "Questions that wait for their answer", UpAndDown, |it| {
        it.stats().open
    }),
    Number("anser_rpc_parked", "Questions that wait for an SM to be there", UpAndDown, |it| {
        it.stats().parked
    }),
    Number("anser_rpc_asked", "Questions asked of SMs", Up, |it| it.stats().asked),
    Number("anser_rpc_asked_again", "Questions asked again, as their SM went", Up, |it| {
        it.stats().again
    }),
    Number("anser_rpc_refused", "Questions refused for want of an SM", Up, |it| it.stats().refused),
    Number("anser_rpc_broken", "Streams to SMs that broke", Up, |it| it.stats().broken),
    Number("anser_rpc_deliveries", "Batches of hints from SMs", Up, |it| it.stats().deliveries),
    Number("anser_rpc_unread", "Parts of packets of another release, left out", Up, |it| {
        it.stats().unread
    }),
];

/// What an SM counts of the streams of CMs and Webs.
const SERVED: &[Number<Served>] = &[
    Number("anser_rpc_peers", "CMs and Webs that are attached", UpAndDown, Served::streams),
    Number("anser_rpc_questions", "Questions of CMs and Webs", Up, Served::asked),
    Number("anser_rpc_replies", "Packets of answers sent", Up, Served::replies),
    Number("anser_rpc_delivered", "Batches of hints sent to CMs", Up, Served::deliveries),
    Number("anser_rpc_stuck", "Streams ended as their peer did not read", Up, Served::stuck),
    Number(
        "anser_rpc_questions_unread",
        "Questions of another release, refused",
        Up,
        Served::unread,
    ),
];

/// A registry with everything about this process and its certificate; roles add themselves. `role`
/// is what the process is.
pub(crate) fn registry(
    role: &'static str,
    certificate: Arc<Certificate>,
    readiness: Readiness,
) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Build { role, readiness }));
    registry.register_collector(Box::new(Numbers { of: certificate, are: CERTIFICATE }));
    registry.register_collector(Box::new(Process));
    registry
}

/// Adds the numbers of a connection manager.
pub(crate) fn add_cm(registry: &mut Registry, cm: Arc<Cm>) {
    registry.register_collector(Box::new(Numbers { of: cm, are: LINKS }));
}

/// Adds the numbers of the streams to SMs.
pub(crate) fn add_mesh(registry: &mut Registry, mesh: Arc<Mesh>) {
    registry.register_collector(Box::new(Numbers { of: mesh, are: MESH }));
}

/// Adds the numbers of the streams of an SM's peers.
pub(crate) fn add_served(registry: &mut Registry, served: Arc<Served>) {
    registry.register_collector(Box::new(Numbers { of: served, are: SERVED }));
}

/// Adds the numbers of a session manager and its store.
pub(crate) fn add_sm(registry: &mut Registry, sm: Arc<Sm>, store: Arc<dyn Store>) {
    registry.register_collector(Box::new(BeforeSend(sm.clone())));
    registry.register_collector(Box::new(Numbers { of: sm, are: SM }));
    registry.register_collector(Box::new(Numbers { of: Arc::new(store), are: STORE }));
}

/// What the app said that is asked before sends, and how long it took.
struct BeforeSend(Arc<Sm>);

impl std::fmt::Debug for BeforeSend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BeforeSend")
    }
}

impl Collector for BeforeSend {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(stats) = self.0.stats().before_send else { return Ok(()) };
        let (name, help) = ("anser_before_send", "Messages by what the app said about them");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (outcome, count) in [
            ("allow", stats.allowed),
            ("deny", stats.denied),
            ("rewrite", stats.rewritten),
            ("unfit", stats.unfit),
            ("none", stats.unanswered),
            ("skipped", stats.skipped),
        ] {
            let labels = [("outcome", outcome)];
            let metric = family.encode_family(&labels)?;
            ConstCounter::new(count).encode(metric)?;
        }
        let (name, help) = ("anser_before_send_seconds", "How long the app took for a verdict");
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let ends = BUCKETS_MS.iter().map(|&end| seconds(end, 1_000)).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = ends.zip(stats.within).collect();
        let count = stats.within.iter().sum();
        metric.encode_histogram::<NoLabelSet>(
            seconds(stats.micros, 1_000_000),
            count,
            &buckets,
            None,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "times stay far below 2^52")]
fn seconds(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

/// The numbers of one part.
struct Numbers<T: 'static> {
    of: Arc<T>,
    are: &'static [Number<T>],
}

impl<T> std::fmt::Debug for Numbers<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Numbers")
    }
}

impl<T: Send + Sync> Collector for Numbers<T> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for Number(name, help, goes, read) in self.are {
            let value = read(&self.of);
            match goes {
                UpAndDown => gauge(&mut encoder, name, help, value)?,
                Up => {
                    let metric =
                        encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
                    ConstCounter::new(value).encode(metric)?;
                }
            }
        }
        Ok(())
    }
}

/// What runs here, and whether it wants traffic.
#[derive(Debug)]
struct Build {
    role: &'static str,
    readiness: Readiness,
}

impl Collector for Build {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (name, help) = ("anser_build", "What runs here; always 1");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("role", self.role)];
        ConstGauge::new(1_i64).encode(family.encode_family(&labels)?)?;
        let ready = u64::from(self.readiness.check().is_ok());
        gauge(&mut encoder, "anser_ready", "Whether it wants traffic, as /readyz says", ready)
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
