//! Cursors only move forward, and never further than somebody moved them (promise 5).

use std::collections::BTreeMap;

use super::{Conv, Cursor, Device, DeviceLog, History, Learned, Membership, User, Violation};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let bounds = Bounds::of(history);
    for (device, log) in &history.devices {
        let last = follow(device, log, &bounds, found);
        for ((conv, cursor), at) in last {
            let allowed = match cursor {
                // Checked each time it was seen.
                Cursor::Delivered => continue,
                Cursor::Receipt(user) => bounds.receipt(user, conv),
                Cursor::Read(_) => bounds.head(conv),
            };
            if at > allowed {
                found.push(ahead(device, conv, cursor, at, allowed));
            }
        }
    }
}

/// Follows what a device saw of cursors; answers where it saw each last.
fn follow<'a>(
    device: &Device,
    log: &'a DeviceLog,
    bounds: &Bounds<'_>,
    found: &mut Vec<Violation>,
) -> BTreeMap<(&'a Conv, &'a Cursor), u64> {
    let mut last: BTreeMap<(&Conv, &Cursor), u64> = BTreeMap::new();
    let mut has: BTreeMap<&Conv, u64> = BTreeMap::new();
    for learned in &log.learned {
        if let Some((conv, seq)) = acknowledged(learned) {
            let has = has.entry(conv).or_default();
            *has = seq.max(*has);
        }
        let Learned::Cursor { conv, of, seq } = learned else { continue };
        let before = last.entry((conv, of)).or_default();
        let may_be_late = bounds.history.hints_overtake && *of != Cursor::Delivered;
        if *seq < *before && !may_be_late {
            found.push(Violation::CursorBack {
                device: device.clone(),
                conv: conv.clone(),
                cursor: of.clone(),
                from: *before,
                to: *seq,
            });
        }
        *before = (*before).max(*seq);
        let allowed = has.get(conv).copied().unwrap_or(0).max(bounds.begins(device, conv));
        if *of == Cursor::Delivered && *seq > allowed {
            found.push(ahead(device, conv, of, *seq, allowed));
        }
    }
    last
}

fn ahead(device: &Device, conv: &Conv, cursor: &Cursor, at: u64, allowed: u64) -> Violation {
    Violation::CursorAhead {
        device: device.clone(),
        conv: conv.clone(),
        cursor: cursor.clone(),
        at,
        allowed,
    }
}

/// What a device says to have: what it acknowledges, and what it sent itself.
fn acknowledged(learned: &Learned) -> Option<(&Conv, u64)> {
    match learned {
        Learned::Acknowledged { conv, seq } | Learned::Own { conv, seq, .. } => Some((conv, *seq)),
        Learned::Delivered { .. } | Learned::Cursor { .. } => None,
    }
}

/// How far cursors may be.
struct Bounds<'a> {
    history: &'a History,
    memberships: BTreeMap<&'a Conv, Membership>,
    /// The highest place that any device of a user has said to have.
    highest: BTreeMap<(&'a User, &'a Conv), u64>,
}

impl<'a> Bounds<'a> {
    fn of(history: &'a History) -> Self {
        let memberships =
            history.logs.iter().map(|(conv, log)| (conv, Membership::of(conv, log))).collect();
        let mut highest: BTreeMap<(&User, &Conv), u64> = BTreeMap::new();
        for (device, log) in &history.devices {
            let before = log.from.iter().map(|(conv, seq)| (conv, *seq));
            for (conv, seq) in log.learned.iter().filter_map(acknowledged).chain(before) {
                let highest = highest.entry((&device.user, conv)).or_default();
                *highest = seq.max(*highest);
            }
        }
        Self { history, memberships, highest }
    }

    /// Where a device's cursor may begin.
    fn begins(&self, device: &Device, conv: &Conv) -> u64 {
        let from = self.history.devices.get(device).and_then(|log| log.from.get(conv)).copied();
        from.unwrap_or(0).max(self.joined(&device.user, conv))
    }

    fn joined(&self, user: &User, conv: &Conv) -> u64 {
        self.memberships.get(conv).map_or(0, |membership| membership.begins(user))
    }

    fn receipt(&self, user: &User, conv: &Conv) -> u64 {
        let highest = self.highest.get(&(user, conv)).copied().unwrap_or(0);
        highest.max(self.joined(user, conv))
    }

    fn head(&self, conv: &Conv) -> u64 {
        let last = self.history.logs.get(conv).and_then(|log| log.last());
        last.map_or(0, |entry| entry.seq)
    }
}
