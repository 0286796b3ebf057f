//! A million filters, and how long a name takes to find its own among them.
//!
//! `cargo run -p anser-topics --example million --config profile.dev.opt-level=3`

#![expect(clippy::print_stdout, reason = "it is a program")]
#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::time::Instant;

use anser_topics::{Filter, Index};

const FILTERS: u32 = 1_000_000;
const NAMES: u32 = 1_000_000;

fn main() {
    // A tenth with `+`, a tenth with `#`, as fleets of devices subscribe.
    let filter = |n: u32| match n % 10 {
        0 => format!("fleet/{}/+/{}/state", n % 1000, n),
        1 => format!("fleet/{}/device{}/#", n % 1000, n),
        _ => format!("fleet/{}/device{}/command", n % 1000, n),
    };
    let filters: Vec<String> = (0..FILTERS).map(filter).collect();
    let before = resident();
    let start = Instant::now();
    let mut index = Index::new();
    for (n, filter) in filters.iter().enumerate() {
        if let Ok(filter) = Filter::new(filter) {
            index.insert(filter, n as u32);
        }
    }
    let built = start.elapsed();
    println!(
        "{} filters in {built:.2?}, {} B each",
        index.len(),
        resident().saturating_sub(before) / u64::from(FILTERS)
    );
    for (what, name) in [
        ("exact", (|n| format!("fleet/{}/device{}/command", n % 1000, n)) as fn(u32) -> String),
        ("+", |n| format!("fleet/{}/device{}/{}/state", n % 1000, n, n / 10 * 10)),
        ("none", |n| format!("other/{}/device{}", n % 1000, n)),
    ] {
        let names: Vec<String> =
            (0..NAMES).map(|n| name(n.wrapping_mul(2_654_435_761) % FILTERS)).collect();
        let start = Instant::now();
        let mut found = 0_u64;
        for name in &names {
            index.matches(name, |_| found += 1);
        }
        println!("{what}: {:.2?} a match, {found} found", start.elapsed() / NAMES);
    }
}

/// Bytes of memory that this process holds.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}
