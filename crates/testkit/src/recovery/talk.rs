//! Pairs who chat over two CMs, a message each at a time, and how long each takes to be answered
//! and to be there.

use std::{net::SocketAddr, time::Duration};

use anser_domain::ClientId;
use anyhow::{Context as _, Result, ensure};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::world::World;
use crate::{checker::Device, probe::Probe, real::Phone};

/// How exact times are.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Pause between two rounds: people who chat, not a load.
const PAUSE: Duration = Duration::from_millis(50);
/// Whatever takes longer is lost.
const LOST_AFTER: Duration = Duration::from_secs(90);
const WINDOW: usize = 16;

/// All pairs. The first of each is linked to the first CM, the other to the second.
pub(super) struct Talk {
    pairs: Vec<[Phone; 2]>,
    names: Vec<[String; 2]>,
    gateways: [watch::Sender<Option<SocketAddr>>; 2],
    said: usize,
}

/// How long after it was said.
#[derive(Default)]
pub(super) struct Times {
    /// Each sender had its answer.
    pub(super) answered: Vec<Duration>,
    /// Each receiver had the message.
    pub(super) there: Vec<Duration>,
    /// The same of those who are linked to the first CM.
    pub(super) came_to_first: Vec<Duration>,
}

impl Times {
    fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.there.extend(other.there);
        self.came_to_first.extend(other.came_to_first);
    }
}

impl Talk {
    /// Makes the users and links them.
    pub(super) async fn begin(world: &World, pairs: usize) -> Result<Self> {
        let rest = world.rest();
        let gateways = [watch::Sender::new(None), watch::Sender::new(None)];
        let mut talk = Self { pairs: Vec::new(), names: Vec::new(), gateways, said: 0 };
        talk.link(world)?;
        for n in 0..pairs {
            let names = ["a", "b"].map(|side| format!("pair{n}{side}"));
            let mut phones = Vec::new();
            for (name, gateway) in names.iter().zip(&talk.gateways) {
                rest.create_user(name).await?;
                let login = rest.login(name, "phone").await?;
                let device = Device { user: name.as_str().into(), name: "phone".into() };
                phones.push(Phone::start(
                    Probe::new(device, login.token),
                    WINDOW,
                    gateway.subscribe(),
                ));
            }
            let phones: Result<[Phone; 2], _> = phones.try_into();
            talk.pairs.push(phones.ok().context("two of each pair")?);
            talk.names.push(names);
        }
        Ok(talk)
    }

    /// Links each side to its CM.
    pub(super) fn link(&self, world: &World) -> Result<()> {
        for (gateway, at) in self.gateways.iter().zip(world.gateways()) {
            gateway.send_replace(Some(at));
        }
        Ok(())
    }

    /// From their next link on, all go to one CM.
    pub(super) fn move_all(&self, to: SocketAddr) {
        self.gateways.iter().for_each(|gateway| {
            gateway.send_replace(Some(to));
        });
    }

    /// Everybody says something.
    pub(super) fn say(&mut self) {
        self.said += 1;
        for (pair, names) in self.pairs.iter().zip(&self.names) {
            for (phone, to) in pair.iter().zip(names.iter().rev()) {
                let id = ClientId(*uuid::Uuid::now_v7().as_bytes());
                phone.with(|probe| probe.send(&format!("u:{to}"), id, &self.said.to_string()));
            }
        }
    }

    /// Waits until all of it is answered and there, and times it from `from` on.
    pub(super) async fn settle(&self, from: Instant) -> Result<Times> {
        let mut times = Times::default();
        // A pair has what both said.
        let all = 2 * self.said;
        let mut waiting: Vec<(usize, usize, bool, bool)> = (0..self.pairs.len())
            .flat_map(|n| [(n, 0, false, false), (n, 1, false, false)])
            .collect();
        while !waiting.is_empty() {
            let now = from.elapsed();
            for (pair, side, answered, there) in &mut waiting {
                let Some(phone) = self.pairs.get(*pair).and_then(|it| it.get(*side)) else {
                    continue;
                };
                let (open, has) = phone.with(|it| (it.unanswered(), it.entries()));
                if !*answered && open == 0 {
                    *answered = true;
                    times.answered.push(now);
                }
                if !*there && has >= all {
                    *there = true;
                    times.there.push(now);
                    if *side == 0 {
                        times.came_to_first.push(now);
                    }
                }
            }
            waiting.retain(|(.., answered, there)| !(*answered && *there));
            let left = waiting.len();
            ensure!(now < LOST_AFTER, "{left} devices have no answer, or lack a message");
            sleep(LOOK_EVERY).await;
        }
        Ok(times)
    }

    /// One message each.
    pub(super) async fn round(&mut self) -> Result<Times> {
        let from = Instant::now();
        self.say();
        self.settle(from).await
    }

    /// One round after another, for as long as that.
    pub(super) async fn rounds(&mut self, lasts: Duration) -> Result<Times> {
        let began = Instant::now();
        self.rounds_while(|| began.elapsed() < lasts).await
    }

    /// The same, at least one, for as long as `goes_on` says so.
    pub(super) async fn rounds_while(&mut self, goes_on: impl Fn() -> bool) -> Result<Times> {
        let mut times = self.round().await?;
        while goes_on() {
            sleep(PAUSE).await;
            times.add(self.round().await?);
        }
        Ok(times)
    }

    /// Whether everybody has everything, once.
    pub(super) fn check(&self) -> Result<()> {
        let all = 2 * self.said;
        for phone in self.pairs.iter().flatten() {
            let has = phone.with(|it| it.entries());
            ensure!(has == all, "a device has {has} entries of {all}");
        }
        Ok(())
    }
}
