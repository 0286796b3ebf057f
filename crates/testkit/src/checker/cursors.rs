//! Cursors only move forward, and never further than somebody moved them (promise 5).

use std::collections::BTreeMap;

use super::{Conv, Cursor, Device, History, Learned, Violation};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let acknowledged = acknowledged(history);
    for (device, log) in &history.devices {
        let mut last: BTreeMap<(&Conv, &Cursor), u64> = BTreeMap::new();
        // What it has acknowledged so far, or has by its own sends.
        let mut has: BTreeMap<&Conv, u64> = BTreeMap::new();
        for learned in &log.learned {
            if let Learned::Acknowledged { conv, seq } | Learned::Own { conv, seq, .. } = learned {
                let has = has.entry(conv).or_default();
                *has = (*has).max(*seq);
            }
            let Learned::Cursor { conv, of, seq } = learned else { continue };
            if *of == Cursor::Delivered {
                let from = log.from.get(conv).copied().unwrap_or(0);
                let allowed = has.get(conv).copied().unwrap_or(0).max(from);
                if *seq > allowed {
                    found.push(Violation::CursorAhead {
                        device: device.clone(),
                        conv: conv.clone(),
                        cursor: of.clone(),
                        at: *seq,
                        allowed,
                    });
                }
            }
            let last = last.entry((conv, of)).or_default();
            if *seq < *last {
                found.push(Violation::CursorBack {
                    device: device.clone(),
                    conv: conv.clone(),
                    cursor: of.clone(),
                    from: *last,
                    to: *seq,
                });
            }
            *last = (*last).max(*seq);
        }
        for ((conv, of), at) in last {
            let head = history.logs.get(conv).map_or(0, |log| log.last().map_or(0, |it| it.seq));
            let allowed = match of {
                Cursor::Delivered => continue,
                Cursor::Receipt(user) => acknowledged
                    .iter()
                    .filter(|((by, at), _)| by.user == *user && *at == conv)
                    .map(|(_, seq)| *seq)
                    .chain(
                        history
                            .devices
                            .iter()
                            .filter(|(by, _)| by.user == *user)
                            .map(|(_, log)| log.from.get(conv).copied().unwrap_or(0)),
                    )
                    .max()
                    .unwrap_or(0),
                Cursor::Read(_) => head,
            };
            if at > allowed {
                found.push(Violation::CursorAhead {
                    device: device.clone(),
                    conv: conv.clone(),
                    cursor: of.clone(),
                    at,
                    allowed,
                });
            }
        }
    }
}

/// The highest place that each device has acknowledged, or may be taken to have by sending.
fn acknowledged(history: &History) -> BTreeMap<(&Device, &Conv), u64> {
    let mut highest: BTreeMap<(&Device, &Conv), u64> = BTreeMap::new();
    for (device, log) in &history.devices {
        for learned in &log.learned {
            if let Learned::Acknowledged { conv, seq } | Learned::Own { conv, seq, .. } = learned {
                let highest = highest.entry((device, conv)).or_default();
                *highest = (*highest).max(*seq);
            }
        }
    }
    highest
}
