//! Sends against logs: acknowledged exactly once, failed never, unknown at most once, each
//! device's in its own order (promises 1 to 3).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Body, Conv, Due, Entry, History, Send, SendResult, Violation, changes::Altered};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let mut standing: HashMap<(&str, &str), Vec<&Entry>> = HashMap::new();
    for (conv, log) in &history.logs {
        for entry in log {
            if let Body::Text(text) = &entry.body {
                standing.entry((&**conv, &**text)).or_default().push(entry);
            }
        }
    }
    let altered = Altered::of(history);
    for send in &history.sends {
        let places = standing.get(&(&*send.conv, &*send.body)).map_or(&[][..], Vec::as_slice);
        one(send, places, &altered, found);
    }
    foreign(history, found);
    own_order(history, &standing, found);
}

fn one(send: &Send, places: &[&Entry], altered: &Altered<'_>, found: &mut Vec<Violation>) {
    let (device, conv) = (send.device.clone(), send.conv.clone());
    let body = send.body.to_string();
    if places.len() > 1 {
        let (device, conv, body) = (device.clone(), conv.clone(), body.clone());
        found.push(Violation::Doubled { device, conv, body, times: places.len() });
    }
    let stored = !places.is_empty() || matches!(send.result, SendResult::Acked(_));
    if send.due == Due::Refused && stored {
        let (device, conv, body) = (device.clone(), conv.clone(), body.clone());
        found.push(Violation::NotBarred { device, conv, body });
    }
    if send.due == Due::Stored && send.result == SendResult::Failed {
        let (device, conv, body) = (device.clone(), conv.clone(), body.clone());
        found.push(Violation::RefusedWithoutCause { device, conv, body });
    }
    match &send.result {
        SendResult::Unknown => {}
        SendResult::Failed if places.is_empty() => {}
        SendResult::Failed => found.push(Violation::Resurrected { device, conv, body }),
        SendResult::Acked(acks) => {
            let seqs: BTreeSet<u64> = acks.iter().map(|ack| ack.seq).collect();
            if seqs.len() > 1 {
                let seqs = seqs.into_iter().collect();
                let (device, conv, body) = (device.clone(), conv.clone(), body.clone());
                found.push(Violation::AnsweredTwice { device, conv, body, seqs });
            }
            for ack in acks {
                let stands = places.iter().any(|it| it.seq == ack.seq && it.id == ack.id);
                if !stands && !altered.has(&conv, ack.seq, ack.id) {
                    let (device, conv, body) = (device.clone(), conv.clone(), body.clone());
                    found.push(Violation::Lost { device, conv, seq: ack.seq, body });
                }
            }
        }
    }
}

/// Every message in a log was sent there, by whom the log says.
fn foreign(history: &History, found: &mut Vec<Violation>) {
    let sent: BTreeSet<(&str, &str, &str)> =
        history.sends.iter().map(|it| (&*it.conv, &*it.body, &*it.device.user)).collect();
    let altered = Altered::of(history);
    for (conv, log) in &history.logs {
        for entry in log {
            if let Body::Text(text) = &entry.body
                && !sent.contains(&(conv, text, &entry.sender))
                && !altered.has(conv, entry.seq, entry.id)
            {
                found.push(Violation::Foreign {
                    conv: conv.clone(),
                    seq: entry.seq,
                    sender: entry.sender.clone(),
                    body: text.to_string(),
                });
            }
        }
    }
}

fn own_order(
    history: &History,
    standing: &HashMap<(&str, &str), Vec<&Entry>>,
    found: &mut Vec<Violation>,
) {
    let mut last: BTreeMap<(&super::Device, &Conv), u64> = BTreeMap::new();
    for send in &history.sends {
        let first = standing.get(&(&*send.conv, &*send.body)).and_then(|it| it.first());
        let Some(entry) = first else { continue };
        let last = last.entry((&send.device, &send.conv)).or_default();
        if entry.seq < *last {
            found.push(Violation::Overtaken {
                device: send.device.clone(),
                conv: send.conv.clone(),
                body: send.body.to_string(),
                seq: entry.seq,
            });
        }
        *last = entry.seq.max(*last);
    }
}
