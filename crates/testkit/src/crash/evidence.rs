//! What is compared: the logs and lists that REST shows, and what devices wrote down.

use std::collections::BTreeMap;

use anyhow::Result;

use super::cast::Cast;
use crate::{
    checker::{self, Conv, History},
    real::{Rest, shown},
};

/// Everything that the server shows, and how far it answered that somebody has read.
pub(super) async fn gather(cast: &Cast, rest: &Rest) -> Result<History> {
    let mut history = shown(rest, &cast.readers, cast.owner()).await?;
    let mut asked: BTreeMap<(checker::User, Conv), u64> = BTreeMap::new();
    for (user, phone) in &cast.phones {
        for (conv, seq) in phone.with(|probe| probe.asked_read().clone()) {
            let asked = asked.entry((user.clone(), conv)).or_default();
            *asked = seq.max(*asked);
        }
    }
    for row in &mut history.rows {
        row.asked = asked.get(&(row.user.clone(), row.conv.clone())).copied().unwrap_or(0);
    }
    Ok(history)
}

/// Whether every device has every entry that it may see.
pub(super) fn whole(cast: &Cast, history: &History) -> bool {
    cast.phones.iter().all(|(user, phone)| {
        phone.with(|probe| checker::is_whole(history, user, |conv, seq| probe.knows(conv, seq)))
    })
}

/// Puts in what the devices have written down, and whether that should be everything.
pub(super) fn devices(cast: &Cast, history: &mut History, complete: bool) {
    history.sends.clear();
    for (_, phone) in &cast.phones {
        phone.with(|probe| {
            let (sends, log) = probe.record(complete);
            history.sends.extend(sends);
            history.devices.insert(probe.device.clone(), log);
        });
    }
}
