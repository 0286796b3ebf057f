//! Who plays: users, their devices, the groups they are in, and what they may do next.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use anser_domain::ClientId;
use anser_wire::frame::{Call, PutMembersCall, RemoveMembersCall};
use anyhow::{Context as _, Result};
use rand::{RngExt as _, rngs::StdRng};
use tokio::sync::watch;

use super::Plan;
use crate::{
    checker::{Device, User},
    probe::Probe,
    real::{Login, Phone, Rest},
};

/// Sends of one device that wait for their answers.
const WINDOW: usize = 16;
/// The group that everyone is in.
const ALL: &str = "all";
/// The group whose members come and go.
const MOVING: &str = "moving";

/// Everybody.
pub(super) struct Cast {
    pub(super) users: Vec<User>,
    pub(super) phones: Vec<(User, Phone)>,
    /// One device per user that only asks over REST.
    pub(super) readers: Vec<Login>,
    groups: Vec<String>,
    next: AtomicU64,
}

/// What somebody does.
pub(super) struct Wish {
    phone: usize,
    at: String,
    what: What,
}

enum What {
    Text,
    Read,
    Let(User),
    Remove(User),
}

impl Cast {
    /// Makes users, devices and groups, and links the devices.
    pub(super) async fn gather(
        rest: &Rest,
        plan: &Plan,
        at: &watch::Receiver<Option<SocketAddr>>,
    ) -> Result<Self> {
        let users: Vec<User> = (0..plan.users).map(|n| format!("user{n}").into()).collect();
        let mut phones = Vec::new();
        let mut readers = Vec::new();
        for user in &users {
            rest.create_user(user).await?;
            readers.push(rest.login(user, "rest").await?);
            for n in 0..plan.devices {
                let device = Device { user: user.clone(), name: format!("phone{n}").into() };
                let login = rest.login(user, &device.name).await?;
                let probe = Probe::new(device, login.token);
                phones.push((user.clone(), Phone::start(probe, WINDOW, at.clone())));
            }
        }
        let owner = readers.first().context("a plan without users")?;
        let others = users.get(1..).unwrap_or_default();
        rest.create_group(owner, ALL, others).await?;
        rest.create_group(owner, MOVING, others.get(..1).unwrap_or_default()).await?;
        let mut groups = vec![format!("g:{ALL}"), format!("g:{MOVING}")];
        // Small groups, so that many conversations are busy at once.
        for n in 0..plan.users / 2 {
            let id = format!("few{n}");
            let some: Vec<User> = others.iter().skip(n).take(2).cloned().collect();
            rest.create_group(owner, &id, &some).await?;
            groups.push(format!("g:{id}"));
        }
        Ok(Self { users, phones, readers, groups, next: AtomicU64::new(0) })
    }

    /// Lets some devices sleep, chosen anew, and wakes the others.
    pub(super) fn let_sleep(&self, rng: &mut StdRng) {
        for (_, phone) in &self.phones {
            phone.stay_awake(rng.random_range(0..4) != 0);
        }
    }

    /// Wakes everybody.
    pub(super) fn wake(&self) {
        self.phones.iter().for_each(|(_, phone)| phone.stay_awake(true));
    }

    /// Something that somebody could do.
    pub(super) fn wish(&self, rng: &mut StdRng) -> Wish {
        let phone = rng.random_range(0..self.phones.len());
        let any_user = |rng: &mut StdRng| {
            self.users.get(rng.random_range(0..self.users.len())).cloned().unwrap_or_default()
        };
        // The owner's first phone alone moves members, so that removals and joinings of one
        // user have one order.
        if rng.random_range(0..40) == 0 && self.users.len() > 1 {
            let user = self.users.get(rng.random_range(1..self.users.len())).cloned();
            let user = user.unwrap_or_default();
            let what = if rng.random() { What::Let(user) } else { What::Remove(user) };
            return Wish { phone: 0, at: format!("g:{MOVING}"), what };
        }
        let at = if rng.random_range(0..3) == 0 {
            self.groups.get(rng.random_range(0..self.groups.len())).cloned().unwrap_or_default()
        } else {
            format!("u:{}", any_user(rng))
        };
        let what = if rng.random_range(0..8) == 0 { What::Read } else { What::Text };
        Wish { phone, at, what }
    }

    /// One last text for every conversation there can be.
    pub(super) fn farewells(&self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let devices = self.phones.len() / self.users.len().max(1);
        for (n, user) in self.users.iter().enumerate() {
            for other in self.users.iter().skip(n) {
                let phone = n * devices;
                wishes.push(Wish { phone, at: format!("u:{other}"), what: What::Text });
            }
            debug_assert!(self.phones.get(n * devices).is_some_and(|(owner, _)| owner == user));
        }
        for at in &self.groups {
            wishes.push(Wish { phone: 0, at: at.clone(), what: What::Text });
        }
        wishes
    }

    /// Does it.
    pub(super) fn act(&self, wish: Wish) {
        let Some((user, phone)) = self.phones.get(wish.phone) else { return };
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let client_id = ClientId(*uuid::Uuid::now_v7().as_bytes());
        let at = wish.at.as_str();
        phone.with(|probe| match wish.what {
            What::Text => probe.send(at, client_id, &format!("{n} from {user}")),
            What::Read => {
                let conv = crate::checker::conv(user, at);
                let seq = probe.has(&conv);
                if seq > 0 {
                    probe.want_read(at, seq);
                }
            }
            What::Let(who) => probe.change(
                at,
                Call::PutMembers(PutMembersCall {
                    client_id: client_id.0.to_vec(),
                    group: MOVING.into(),
                    users: vec![who.to_string()],
                    role: 0,
                }),
            ),
            What::Remove(who) => probe.change(
                at,
                Call::RemoveMembers(RemoveMembersCall {
                    client_id: client_id.0.to_vec(),
                    group: MOVING.into(),
                    users: vec![who.to_string()],
                }),
            ),
        });
    }

    /// How many sends wait for an answer.
    pub(super) fn unanswered(&self) -> usize {
        self.phones.iter().map(|(_, phone)| phone.with(|probe| probe.unanswered())).sum()
    }

    /// Who owns every group.
    pub(super) fn owner(&self) -> Option<&User> {
        self.users.first()
    }
}
