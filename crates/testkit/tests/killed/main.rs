//! Kills under everything that is no plain message: groups, edits and recalls, files, friends,
//! items and webhooks. Whatever was acknowledged is so in the end, and nothing is half done.
//!
//! Workers call REST until they are answered, with one `Idempotency-Key` for all tries, and keep a
//! model of what they were told. In the end each compares its model with what the server shows.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod files;
mod groups;
mod hooks;
mod people;
mod talk;
mod world;

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::sleep;

use self::world::World;

/// Kills of one run.
const KILLS: u32 = 6;
/// The longest time between two.
const ROUND: Duration = Duration::from_millis(600);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_so_after_kills() {
    let receiver = hooks::Receiver::start().await;
    let mut world = World::start().await;
    hooks::register(&world, &receiver).await;

    let groups = tokio::spawn(groups::work(world.hand("gina").await));
    let talk = tokio::spawn(talk::work(world.hand("tom").await));
    let files = tokio::spawn(files::work(world.hand("fay").await));
    let (pia, fred) = (world.hand("pia").await, world.hand("fred").await);
    let people = tokio::spawn(people::work(pia, fred));

    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..KILLS {
        let most = u64::try_from(ROUND.as_millis()).unwrap();
        sleep(Duration::from_millis(rng.random_range(50..most))).await;
        world.kill().await;
    }
    sleep(ROUND).await;
    world.call_it_a_day();

    // Each worker ends with a model that the server has answered for.
    let groups = groups.await.unwrap();
    let talk = talk.await.unwrap();
    let files = files.await.unwrap();
    let people = people.await.unwrap();
    // Once more, with nothing under way: a server sweeps when it starts.
    world.kill().await;
    groups.compare(&world).await;
    talk.compare(&world).await;
    files.compare(&world).await;
    people.compare(&world).await;
    hooks::compare(&world, &receiver, &files.facts(), people.are_friends()).await;
}
