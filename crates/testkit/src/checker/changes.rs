//! Recalls and edits: once acknowledged they stand for good, and nothing else scrubs a message.

use std::collections::BTreeMap;

use super::{Alteration, Body, Conv, Entry, History, Violation};

/// The entries that some event in their log takes back or changes.
pub(super) struct Altered<'a>(BTreeMap<(&'a str, u64), u64>);

impl<'a> Altered<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let mut ids = BTreeMap::new();
        for (conv, log) in &history.logs {
            for entry in log {
                if let Body::Recalled(of) | Body::Edited(of) = entry.body
                    && let Some(altered) = at(log, of)
                {
                    ids.insert((&**conv, of), altered.id);
                }
            }
        }
        Self(ids)
    }

    /// Whether the entry with this id at this place is one of them.
    pub(super) fn has(&self, conv: &str, seq: u64, id: u64) -> bool {
        self.0.get(&(conv, seq)) == Some(&id)
    }
}

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let mut by_entry: BTreeMap<(&Conv, u64), Vec<&Alteration>> = BTreeMap::new();
    for alteration in &history.alterations {
        by_entry.entry((&alteration.conv, alteration.of)).or_default().push(alteration);
        missing(history, alteration, found);
    }
    for ((conv, seq), mut all) in by_entry {
        all.sort_by_key(|it| it.at);
        let Some(log) = history.logs.get(conv) else { continue };
        let shows = at(log, seq).map(|entry| &entry.body);
        let recalled = all.iter().rfind(|it| it.to.is_none() && it.at.is_some());
        let unanswered = all.iter().any(|it| it.at.is_none());
        // A recall is the end of it; of edits the last counts, and one without an answer may
        // have been that.
        let Some(last) = recalled.or(all.last().filter(|_| !unanswered)) else { continue };
        let right = match (&last.to, shows) {
            (None, Some(Body::Gone)) => true,
            (Some(to), Some(Body::Text(text))) => to == text,
            _ => false,
        };
        if !right {
            found.push(undone(last, shows));
        }
    }
    for (conv, log) in &history.logs {
        let recalls: Vec<u64> = log
            .iter()
            .filter_map(|it| match it.body {
                Body::Recalled(of) => Some(of),
                _ => None,
            })
            .collect();
        for entry in log.iter().filter(|it| it.body == Body::Gone) {
            if !recalls.contains(&entry.seq) {
                found.push(Violation::GoneUnasked { conv: conv.clone(), seq: entry.seq });
            }
        }
    }
}

/// The event of an acknowledged alteration stands where its asker was told.
fn missing(history: &History, alteration: &Alteration, found: &mut Vec<Violation>) {
    let (Some(seq), Some(log)) = (alteration.at, history.logs.get(&alteration.conv)) else {
        return;
    };
    let event = match alteration.to {
        None => Body::Recalled(alteration.of),
        Some(_) => Body::Edited(alteration.of),
    };
    let stands = at(log, seq).map(|entry| &entry.body);
    if stands != Some(&event) {
        found.push(undone(alteration, stands));
    }
}

fn undone(alteration: &Alteration, shows: Option<&Body>) -> Violation {
    Violation::Undone {
        device: alteration.device.clone(),
        conv: alteration.conv.clone(),
        seq: alteration.of,
        to: alteration.to.as_ref().map(ToString::to_string),
        shows: shows.cloned(),
    }
}

fn at(log: &[Entry], seq: u64) -> Option<&Entry> {
    log.binary_search_by_key(&seq, |entry| entry.seq).ok().and_then(|place| log.get(place))
}
