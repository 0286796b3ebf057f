//! What a log's size costs, and a list's: `cargo run --release -p anser-store --example log_size
//! [STORED]`.
//!
//! Sends and pages 100 direct conversations that hold 10,000 messages, then 100 that hold STORED
//! (10,000,000 unless said), and prints the ratios. Then lists 5,000 conversations of one user:
//! all of them, and the 20 that changed since a token.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement is a program of its own, and ends where it cannot go on"
)]

use std::{fs, path::Path};

use anser_domain::{Actor, DeviceId, Epoch, HistoryRange, Seq, SyncToken};
use anser_store::ListPage;
use tokio::runtime::Runtime;

use self::load::{BATCH, Load, now, spread};

#[path = "load/mod.rs"]
mod load;

const TALKS: usize = 100;
const FEW: usize = 10_000;
const SENDS: usize = 200_000;
/// Few enough that the messages sent between them leave a small log small.
const PAGES: u64 = 1_000;
const PAGE: u16 = 50;
const LISTED: usize = 5_000;
const CHANGED: usize = 20;

/// What one size costs.
struct Costs {
    /// CPU µs a message.
    send: f64,
    /// CPU µs a page of the newest messages.
    newest: f64,
    /// CPU µs a page from anywhere in the log.
    anywhere: f64,
}

fn main() {
    let stored = std::env::args().nth(1).map_or(10_000_000, |arg| arg.parse().unwrap());
    let runtime = Runtime::new().unwrap();
    let dir = std::env::current_dir().unwrap().join("target/log_size");
    let few = in_empty(&dir, |dir| sized(&runtime, dir, FEW));
    let many = in_empty(&dir, |dir| sized(&runtime, dir, stored));
    println!("with {stored} messages against {FEW}:");
    for (what, few, many) in [
        ("send", few.send, many.send),
        ("newest page", few.newest, many.newest),
        ("any page", few.anywhere, many.anywhere),
    ] {
        println!("  {what:12} {many:8.2} against {few:8.2} CPU µs: {:.2}", many / few);
    }
    in_empty(&dir, |dir| lists(&runtime, dir));
}

fn in_empty<T>(dir: &Path, measure: impl FnOnce(&Path) -> T) -> T {
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).unwrap();
    let result = measure(dir);
    fs::remove_dir_all(dir).unwrap();
    result
}

/// Costs in conversations that hold `stored` messages together.
fn sized(runtime: &Runtime, dir: &Path, stored: usize) -> Costs {
    let mut load = runtime.block_on(Load::new(dir, 2 * TALKS, spread(2 * TALKS, TALKS)));
    load.run(stored, 2_000, |load| load.random() as usize % TALKS);
    let mut ends = Vec::new();
    for talk in &load.talks {
        let newest = HistoryRange::Latest { limit: 1 };
        let page = load.store.history(talk.users[0], &talk.addresses[0], newest);
        ends.push(runtime.block_on(page).unwrap().messages[0].seq.0);
    }
    let name = format!("{stored} stored");
    // Pages first: at the small size, the sends that are measured make it much larger.
    let newest = page(runtime, &mut load, |_, _| HistoryRange::Latest { limit: PAGE });
    // Full pages at both sizes: a shorter one says nothing about the log's.
    let anywhere = page(runtime, &mut load, |random, talk| HistoryRange::Before {
        seq: Seq(u64::from(PAGE) + 1 + random % (ends[talk] - u64::from(PAGE))),
        limit: PAGE,
    });
    let send = load.measure(&name, SENDS, |load| load.random() as usize % TALKS);
    runtime.block_on(load.store.close());
    Costs { send, newest, anywhere }
}

/// CPU µs a page, over many of random conversations. Each is read after a commit, as in a server
/// that is in use: a reader's cache is void then, and a small log is not read from it.
fn page(runtime: &Runtime, load: &mut Load, range: impl Fn(u64, usize) -> HistoryRange) -> f64 {
    let before = reading();
    for _ in 0..PAGES {
        load.run(1, 1, |load| load.random() as usize % TALKS);
        let number = load.random() as usize % TALKS;
        let range = range(load.random(), number);
        let talk = &load.talks[number];
        let page = load.store.history(talk.users[0], &talk.addresses[0], range);
        let page = runtime.block_on(page).unwrap();
        assert_eq!(page.messages.len(), usize::from(PAGE));
    }
    (reading() - before) as f64 / 1e3 / PAGES as f64
}

/// Nanoseconds that readers have run.
fn reading() -> u64 {
    load::cpu().get("store-reader").copied().unwrap_or_default()
}

/// How long one user's list takes.
fn lists(runtime: &Runtime, dir: &Path) {
    let pairs = (1..=LISTED).map(|peer| (0, peer));
    let mut load = runtime.block_on(Load::new(dir, LISTED + 1, pairs));
    let mut next = 0;
    load.run(4 * LISTED, BATCH, |_| {
        next += 1;
        next % LISTED
    });
    let user = load.talks[0].users[0];
    let actor = Actor { user, device: DeviceId(user.0), epoch: Epoch(1) };
    let store = load.store.clone();
    let list = |since: SyncToken, limit: u16| {
        let (mut at, mut listed, start) = (since, 0, now());
        loop {
            let page = store.conversations(actor, ListPage::Since(at), limit);
            let page = runtime.block_on(page).unwrap();
            (at, listed) = (page.token, listed + page.conversations.len());
            if !page.more {
                return (at, listed, start.elapsed().as_secs_f64() * 1e3);
            }
        }
    };
    let (token, listed, _) = list(SyncToken(0), 1_000);
    assert_eq!(listed, LISTED);
    let all = median(|| list(SyncToken(0), 1_000).2);
    let none = median(|| list(token, 200).2);
    println!(
        "{LISTED} conversations: {all:.2} ms to list them all, {none:.2} ms when none changed"
    );
    let mut next = 0;
    load.run(CHANGED, BATCH, |_| {
        next += 1;
        next * (LISTED / CHANGED) - 1
    });
    let some = median(|| {
        let (_, listed, took) = list(token, 200);
        assert_eq!(listed, CHANGED);
        took
    });
    println!("  {some:.2} ms when {CHANGED} of them changed");
    runtime.block_on(load.store.close());
}

fn median(once: impl Fn() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..51).map(|_| once()).collect();
    times.sort_by(f64::total_cmp);
    times[25]
}
