//! What is compared: the logs and lists that REST shows, and what devices wrote down.

use std::collections::BTreeMap;

use anyhow::Result;

use super::cast::Cast;
use crate::{
    checker::{self, Conv, Device, DeviceLog, History, Learned},
    real::Rest,
};

/// Everything that the server shows. Each user's REST history becomes a device of theirs, which
/// is owed what every device is owed.
pub(super) async fn gather(cast: &Cast, rest: &Rest) -> Result<History> {
    let mut history = History::default();
    let mut asked: BTreeMap<(checker::User, Conv), u64> = BTreeMap::new();
    for (user, phone) in &cast.phones {
        for (conv, seq) in phone.with(|probe| probe.asked_read().clone()) {
            let asked = asked.entry((user.clone(), conv)).or_default();
            *asked = seq.max(*asked);
        }
    }
    for login in &cast.readers {
        let mut learned = Vec::new();
        for (at, mut row) in rest.rows(login).await? {
            row.asked = asked.get(&(row.user.clone(), row.conv.clone())).copied().unwrap_or(0);
            let log = rest.log(login, &at).await?;
            learned.extend(log.iter().map(|entry| Learned::Delivered {
                conv: row.conv.clone(),
                seq: entry.seq,
                body: entry.body.clone(),
            }));
            // The whole log is the one that a founding member sees: the owner of every group,
            // either side of a direct conversation.
            if at.starts_with("u:") || Some(&login.user) == cast.owner() {
                history.logs.entry(row.conv.clone()).or_insert(log);
            }
            history.rows.push(row);
        }
        let device = Device { user: login.user.clone(), name: "rest".into() };
        let log = DeviceLog { learned, complete: true, ..DeviceLog::default() };
        history.devices.insert(device, log);
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
