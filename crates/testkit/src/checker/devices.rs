//! What devices applied against logs: all of it, in order, once, and nothing that is not theirs
//! (promises 4 and 6).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Body, Conv, Device, DeviceLog, Entry, History, Learned, Membership, Violation, changes::Altered,
};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let memberships: BTreeMap<&Conv, Membership> =
        history.logs.iter().map(|(conv, log)| (conv, Membership::of(conv, log))).collect();
    let altered = Altered::of(history);
    for (device, log) in &history.devices {
        if let Some(why) = log.broken.clone() {
            found.push(Violation::NotTheProtocol { device: device.clone(), why });
        }
        let mut has: BTreeMap<&Conv, Has> = BTreeMap::new();
        for learned in &log.learned {
            let (conv, seq) = match learned {
                Learned::Delivered { conv, seq, .. } | Learned::Own { conv, seq, .. } => {
                    (conv, *seq)
                }
                Learned::Acknowledged { .. } | Learned::Cursor { .. } => continue,
            };
            let known = Known {
                device,
                conv,
                log: history.logs.get(conv).map_or(&[], Vec::as_slice),
                membership: memberships.get(conv),
                altered: &altered,
                from: log.from.get(conv).copied().unwrap_or(0),
            };
            known.learn(learned, seq, has.entry(conv).or_default(), found);
        }
        if log.complete {
            for (conv, entries) in &history.logs {
                let known = Known {
                    device,
                    conv,
                    log: entries,
                    membership: memberships.get(conv),
                    altered: &altered,
                    from: log.from.get(conv).copied().unwrap_or(0),
                };
                known.missing(has.get(conv), log, found);
            }
        }
    }
}

/// What a device has of one conversation.
#[derive(Default)]
struct Has {
    /// Everything.
    all: BTreeSet<u64>,
    /// What was delivered.
    delivered: BTreeSet<u64>,
    /// All that it may see up to here it has.
    whole: u64,
}

struct Known<'a> {
    device: &'a Device,
    conv: &'a Conv,
    log: &'a [Entry],
    membership: Option<&'a Membership>,
    altered: &'a Altered<'a>,
    from: u64,
}

impl Known<'_> {
    fn entry(&self, seq: u64) -> Option<&Entry> {
        let near = usize::try_from(seq.saturating_sub(1)).ok()?;
        // Logs without a gap are indexed by place; others, broken ones, are searched.
        let direct = self.log.get(near).filter(|entry| entry.seq == seq);
        direct.or_else(|| self.log.iter().find(|entry| entry.seq == seq))
    }

    fn sees(&self, seq: u64) -> bool {
        self.membership.is_some_and(|it| it.sees(&self.device.user, seq))
    }

    fn learn(&self, learned: &Learned, seq: u64, has: &mut Has, found: &mut Vec<Violation>) {
        let (device, conv) = (self.device.clone(), self.conv.clone());
        let stands = self.entry(seq);
        let altered = stands.is_some_and(|it| self.altered.has(&conv, seq, it.id));
        let same = match (learned, stands.map(|entry| &entry.body)) {
            // It said something else before, which it may have been given as well.
            (_, Some(_)) if altered => true,
            (Learned::Delivered { body, .. }, Some(stands)) => body == stands,
            (Learned::Own { body, .. }, Some(Body::Text(stands))) => body == stands,
            // A group's first entry and changes of members are answered like sends.
            (Learned::Own { .. }, Some(_)) => true,
            _ => false,
        };
        if !same {
            found.push(Violation::Differs { device: device.clone(), conv: conv.clone(), seq });
        }
        if !self.sees(seq) {
            found.push(Violation::Leaked { device: device.clone(), conv: conv.clone(), seq });
        }
        if let Learned::Delivered { .. } = learned {
            if !has.delivered.insert(seq) {
                found.push(Violation::AppliedTwice {
                    device: device.clone(),
                    conv: conv.clone(),
                    seq,
                });
            } else if let Some(after) = has.delivered.range(seq + 1..).next_back() {
                let after = *after;
                found.push(Violation::Reordered {
                    device: device.clone(),
                    conv: conv.clone(),
                    seq,
                    after,
                });
            }
            has.all.insert(seq);
            // Everything below that it may see, it must have by now: by delivery, or by the
            // answer to its own send, which comes first.
            let start = has.whole.max(self.from) + 1;
            if let Some(missing) = (start..seq).find(|it| self.sees(*it) && !has.all.contains(it)) {
                found.push(Violation::Skipped { device, conv, seq, missing });
            }
            has.whole = has.whole.max(seq);
        } else {
            has.all.insert(seq);
        }
    }

    fn missing(&self, has: Option<&Has>, log: &DeviceLog, found: &mut Vec<Violation>) {
        let from = log.from.get(self.conv).copied().unwrap_or(0);
        for entry in self.log.iter().filter(|entry| entry.seq > from) {
            if self.sees(entry.seq) && !has.is_some_and(|has| has.all.contains(&entry.seq)) {
                found.push(Violation::Missing {
                    device: self.device.clone(),
                    conv: self.conv.clone(),
                    seq: entry.seq,
                });
            }
        }
    }
}
