//! What a device wants stored: sent in order, held after a refusal for now, sent again on the
//! next link, until each has its answer.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use anser_domain::ClientId;
use anser_wire::{
    codec,
    frame::{Call, Request, Send as SendFrame},
};

use crate::checker::{self, Ack, Alteration, Conv, Device, Due, Send, SendResult};

/// One wish.
struct Wish {
    conv: Conv,
    at: Arc<str>,
    what: What,
    acks: Vec<Ack>,
    failed: bool,
    ever_written: bool,
    rushes: bool,
}

enum What {
    Text { client_id: ClientId, body: Arc<str>, quoted: u64 },
    Change(Call),
}

/// Wishes for one conversation that have no final answer, in order.
#[derive(Default)]
struct Lane {
    /// Index of the wish and the number under which it waits for its answer.
    waiting: VecDeque<(usize, Option<u32>)>,
    /// After a refusal for now: nothing is written until all answers are in and this time is.
    held_until_ms: Option<u64>,
}

impl Lane {
    fn in_flight(&self) -> usize {
        self.waiting.iter().filter(|(_, id)| id.is_some()).count()
    }
}

/// All wishes of a device.
#[derive(Default)]
pub(super) struct Outgoing {
    wishes: Vec<Wish>,
    lanes: BTreeMap<Conv, Lane>,
    ids: BTreeMap<u32, Conv>,
    /// How many wishes have no final answer.
    open: usize,
}

impl Outgoing {
    pub(super) fn push_text(
        &mut self,
        at: &str,
        conv: Conv,
        client_id: ClientId,
        body: Arc<str>,
        quoted: u64,
    ) {
        self.push(at, conv, What::Text { client_id, body, quoted });
    }

    pub(super) fn push_change(&mut self, at: &str, conv: Conv, call: Call) {
        self.push(at, conv, What::Change(call));
    }

    fn push(&mut self, at: &str, conv: Conv, what: What) {
        self.lanes.entry(conv.clone()).or_default().waiting.push_back((self.wishes.len(), None));
        self.open += 1;
        self.wishes.push(Wish {
            conv,
            at: at.into(),
            what,
            acks: Vec::new(),
            failed: false,
            ever_written: false,
            rushes: false,
        });
    }

    /// What was wanted last does not wait for what was refused before it: that its order is kept is
    /// left to the server.
    pub(super) fn rush(&mut self) {
        if let Some(wish) = self.wishes.last_mut() {
            wish.rushes = true;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open == 0
    }

    pub(super) fn len(&self) -> usize {
        self.open
    }

    pub(super) fn lost_link(&mut self) {
        self.ids.clear();
        for lane in self.lanes.values_mut() {
            lane.held_until_ms = None;
            lane.waiting.iter_mut().for_each(|(_, id)| *id = None);
        }
    }

    pub(super) fn pump(
        &mut self,
        now_ms: u64,
        window: usize,
        next_id: &mut u32,
        out: &mut Vec<u8>,
    ) {
        for lane in self.lanes.values_mut() {
            let in_flight = lane.in_flight() > 0;
            let held = lane.held_until_ms.is_some_and(|until| now_ms < until || in_flight);
            if !held {
                lane.held_until_ms = None;
            }
            for (index, id) in &mut lane.waiting {
                if self.ids.len() >= window {
                    return;
                }
                let may_go = |wish: &&mut Wish| !held || (wish.rushes && !wish.ever_written);
                let wish = self.wishes.get_mut(*index).filter(may_go);
                let Some(wish) = wish.filter(|_| id.is_none()) else { continue };
                let number = *next_id;
                *next_id += 1;
                *id = Some(number);
                wish.ever_written = true;
                self.ids.insert(number, wish.conv.clone());
                write(wish, number, out);
            }
        }
    }

    /// An answer: what was stored, if it was waited for.
    pub(super) fn stored(&mut self, id: u32, ack: Ack) -> Option<(Conv, Arc<str>)> {
        let wish = self.settle(id)?;
        wish.acks.push(ack);
        let body = match &wish.what {
            What::Text { body, .. } => checker::digest(body),
            What::Change(_) => "".into(),
        };
        Some((wish.conv.clone(), body))
    }

    /// A refusal: for good, or until a time.
    pub(super) fn refused(&mut self, id: u32, again_ms: Option<u64>) {
        let Some(again_ms) = again_ms else {
            if let Some(wish) = self.settle(id) {
                wish.failed = true;
            }
            return;
        };
        let Some(lane) = self.ids.remove(&id).and_then(|conv| self.lanes.get_mut(&conv)) else {
            return;
        };
        lane.held_until_ms = Some(lane.held_until_ms.unwrap_or(0).max(again_ms));
        if let Some(waiting) = lane.waiting.iter_mut().find(|(_, it)| *it == Some(id)) {
            waiting.1 = None;
        }
    }

    fn settle(&mut self, id: u32) -> Option<&mut Wish> {
        let lane = self.lanes.get_mut(&self.ids.remove(&id)?)?;
        let place = lane.waiting.iter().position(|(_, it)| *it == Some(id))?;
        let (index, _) = lane.waiting.remove(place)?;
        self.open -= 1;
        self.wishes.get_mut(index)
    }

    /// Every text, in order, with what came of it.
    pub(super) fn sends(&self, device: &Device) -> Vec<Send> {
        let texts = self.wishes.iter().filter_map(|wish| match &wish.what {
            What::Text { body, .. } => Some((wish, body)),
            What::Change(_) => None,
        });
        texts
            .map(|(wish, body)| Send {
                device: device.clone(),
                conv: wish.conv.clone(),
                body: checker::digest(body),
                result: match (wish.acks.is_empty(), wish.failed || !wish.ever_written) {
                    (false, _) => SendResult::Acked(wish.acks.clone()),
                    (true, true) => SendResult::Failed,
                    (true, false) => SendResult::Unknown,
                },
                due: Due::Either,
            })
            .collect()
    }

    /// Every recall and edit that may have been heard, and was not refused.
    pub(super) fn alterations(&self, device: &Device) -> Vec<Alteration> {
        let of = |wish: &Wish| {
            let (of, to) = match &wish.what {
                What::Change(Call::Recall(it)) => (it.of.as_ref()?.seq, None),
                What::Change(Call::Edit(it)) => {
                    let edit = it.edit.as_ref()?;
                    (edit.seq, Some(checker::digest(&edit.body)))
                }
                What::Change(_) | What::Text { .. } => return None,
            };
            Some(Alteration {
                device: device.clone(),
                conv: wish.conv.clone(),
                of,
                to,
                at: wish.acks.first().map(|ack| ack.seq),
            })
        };
        let heard = self.wishes.iter().filter(|wish| wish.ever_written && !wish.failed);
        heard.filter_map(of).collect()
    }
}

fn write(wish: &Wish, id: u32, out: &mut Vec<u8>) {
    match &wish.what {
        What::Text { client_id, body, quoted } => codec::write(
            &SendFrame {
                id,
                to: wish.at.to_string(),
                client_id: client_id.0.to_vec(),
                body: body.to_string(),
                reply_to: *quoted,
                ..SendFrame::default()
            }
            .into(),
            out,
        ),
        What::Change(call) => {
            codec::write(&Request { id, call: Some(call.clone()) }.into(), out);
        }
    }
}
