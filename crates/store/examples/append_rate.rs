//! What a stored message costs: `cargo run --release -p anser-store --example append_rate
//! [MESSAGES [PRELOADED]]`.
//!
//! Two loads, both in batches of 100 with two batches under way: 100 busy direct conversations,
//! and 100,000 of them chosen by Zipf's law with PRELOADED messages stored before (0 leaves that
//! out). CPU time is what the kernel counted for each of the store's threads.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement is a program of its own, and ends where it cannot go on"
)]

use std::fs;

use self::load::{BATCH, Load, spread};

#[path = "load/mod.rs"]
mod load;

/// Picks from `0..n` by Zipf's law with exponent 1, by inverting its distribution roughly.
fn zipf(random: u64, n: usize) -> usize {
    let uniform = (random >> 11) as f64 / (1_u64 << 53) as f64;
    ((n as f64).powf(uniform) as usize - 1).min(n - 1)
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().unwrap());
    let messages = args.next().unwrap_or(500_000);
    let preloaded = args.next().unwrap_or(500_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = std::env::current_dir().unwrap().join("target/append_rate");

    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let mut load = runtime.block_on(Load::new(&dir, 200, spread(200, 100)));
    load.run(10_000, BATCH, |load| load.random() as usize % 100);
    load.measure("100 conversations", messages, |load| load.random() as usize % 100);
    runtime.block_on(load.store.close());
    let _ = fs::remove_dir_all(&dir);
    if preloaded == 0 {
        return;
    }

    fs::create_dir_all(&dir).unwrap();
    let mut load = runtime.block_on(Load::new(&dir, 20_000, spread(20_000, 100_000)));
    let mut next = 0;
    load.run(100_000.max(preloaded), 2_000, |load| {
        next += 1;
        if next <= 100_000 { next - 1 } else { zipf(load.random(), 100_000) }
    });
    let name = format!("100,000 conversations, {} stored", 100_000.max(preloaded));
    load.measure(&name, messages, |load| zipf(load.random(), 100_000));
    runtime.block_on(load.store.close());
    let _ = fs::remove_dir_all(&dir);
}
