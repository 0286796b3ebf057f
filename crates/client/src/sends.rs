//! Sends without a final answer: each is said again, under the same client id, until the server
//! answers for good. Per conversation they go out in the order in which they were made.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use anser_domain::{Address, ClientId, Outgoing};

use crate::{error::Refused, model::Stored};

/// Names one send on the wire, so that its answer finds it.
pub(crate) type SendTag = u32;

/// What became of an answered send.
#[derive(Debug)]
pub(crate) enum Settled<W> {
    /// Nobody waits under this tag: an answer to an earlier attempt.
    Unknown,
    /// It will be said again.
    Again,
    /// It has its final answer.
    Final {
        /// Who waits for it.
        waiter: W,
        /// The answer.
        result: Result<Stored, Refused>,
    },
}

/// Sends that wait, by conversation. `W` is whoever waits for the answer.
#[derive(Debug)]
pub(crate) struct Sends<W> {
    lanes: HashMap<Address, Lane<W>>,
    /// Where the answer under a tag belongs.
    tags: HashMap<SendTag, Address>,
    /// Lanes with something that could be written.
    ready: VecDeque<Address>,
    in_flight: usize,
}

#[derive(Debug)]
struct Lane<W> {
    entries: VecDeque<Entry<W>>,
    in_flight: usize,
    /// A refusal for now came in: nothing is written until all that was written is answered and
    /// this time has passed. So what was refused goes first again.
    held_until: Option<Instant>,
    listed: bool,
}

impl<W> Default for Lane<W> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), in_flight: 0, held_until: None, listed: false }
    }
}

#[derive(Debug)]
struct Entry<W> {
    tag: SendTag,
    outgoing: Box<Outgoing>,
    waiter: W,
    written: bool,
}

impl<W> Default for Sends<W> {
    fn default() -> Self {
        Self { lanes: HashMap::new(), tags: HashMap::new(), ready: VecDeque::new(), in_flight: 0 }
    }
}

impl<W> Sends<W> {
    /// Takes one more send, to be known on the wire by `tag`.
    pub(crate) fn push(&mut self, tag: SendTag, outgoing: Box<Outgoing>, waiter: W) {
        self.tags.insert(tag, outgoing.to.clone());
        let at = outgoing.to.clone();
        let lane = self.lanes.entry(at.clone()).or_default();
        lane.entries.push_back(Entry { tag, outgoing, waiter, written: false });
        if !lane.listed {
            lane.listed = true;
            self.ready.push_back(at);
        }
    }

    /// How many have no final answer yet.
    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether a send with this id waits for its answer.
    pub(crate) fn contains(&self, at: &Address, id: ClientId) -> bool {
        self.lanes
            .get(at)
            .is_some_and(|lane| lane.entries.iter().any(|it| it.outgoing.client_id == id))
    }

    /// Hands over what may be written now, up to `window` unanswered ones in all.
    pub(crate) fn write(
        &mut self,
        now: Instant,
        window: usize,
        mut write: impl FnMut(SendTag, &Outgoing),
    ) {
        for _ in 0..self.ready.len() {
            let Some(at) = self.ready.pop_front() else { break };
            let Some(lane) = self.lanes.get_mut(&at) else { continue };
            lane.listed = false;
            if let Some(until) = lane.held_until {
                if lane.in_flight > 0 || now < until {
                    lane.listed = true;
                    self.ready.push_back(at);
                    continue;
                }
                lane.held_until = None;
            }
            for entry in lane.entries.iter_mut().filter(|entry| !entry.written) {
                if self.in_flight >= window {
                    lane.listed = true;
                    break;
                }
                entry.written = true;
                lane.in_flight += 1;
                self.in_flight += 1;
                write(entry.tag, &entry.outgoing);
            }
            if lane.listed {
                self.ready.push_back(at);
            }
        }
    }

    /// When [`write`](Self::write) will have something that it does not have now; `None` when
    /// only an answer or a new send can change that.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.ready
            .iter()
            .filter_map(|at| self.lanes.get(at))
            .filter(|lane| lane.in_flight == 0)
            .filter_map(|lane| lane.held_until)
            .min()
    }

    /// An answer has come.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        tag: SendTag,
        result: Result<Stored, Refused>,
    ) -> Settled<W> {
        let Some(at) = self.tags.get(&tag) else { return Settled::Unknown };
        let Some(lane) = self.lanes.get_mut(at) else { return Settled::Unknown };
        let Some(place) = lane.entries.iter().position(|entry| entry.tag == tag) else {
            return Settled::Unknown;
        };
        let Some(entry) = lane.entries.get_mut(place) else { return Settled::Unknown };
        if !entry.written {
            return Settled::Unknown;
        }
        lane.in_flight = lane.in_flight.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(wait) = result.as_ref().err().and_then(Refused::retry_after) {
            entry.written = false;
            let until = now + wait.min(LONGEST_HOLD);
            lane.held_until = Some(lane.held_until.map_or(until, |held| held.max(until)));
            if !lane.listed {
                lane.listed = true;
                self.ready.push_back(at.clone());
            }
            return Settled::Again;
        }
        let Some(Entry { waiter, .. }) = lane.entries.remove(place) else {
            return Settled::Unknown;
        };
        if lane.entries.is_empty() {
            self.lanes.remove(at);
        }
        self.tags.remove(&tag);
        Settled::Final { waiter, result }
    }

    /// The link is gone: all that was written and not answered is written again on the next.
    pub(crate) fn relink(&mut self) {
        self.in_flight = 0;
        self.ready.clear();
        for (at, lane) in &mut self.lanes {
            lane.in_flight = 0;
            lane.held_until = None;
            lane.listed = true;
            lane.entries.iter_mut().for_each(|entry| entry.written = false);
            self.ready.push_back(at.clone());
        }
    }

    /// Gives every waiter back; nothing will be answered any more.
    pub(crate) fn abandon(&mut self) -> impl Iterator<Item = W> + use<W> {
        self.tags.clear();
        self.ready.clear();
        self.in_flight = 0;
        std::mem::take(&mut self.lanes)
            .into_values()
            .flat_map(|lane| lane.entries)
            .map(|entry| entry.waiter)
    }
}

/// Never hold a lane longer than this, whatever a server says.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use anser_domain::{Clock, Content, ConvId, MessageId, Millis, Seq, SystemClock};
    use anser_wire::ErrorCode;

    use super::*;

    fn refused(code: ErrorCode, retry_after_ms: u32) -> Refused {
        Refused::new(code.number().into(), String::new(), retry_after_ms)
    }

    fn text(to: &str, body: &str) -> Box<Outgoing> {
        Box::new(Outgoing {
            to: to.parse().unwrap(),
            client_id: ClientId::from_text(body),
            content: Content::Text(body.into()),
            reply_to: None,
            mentions: Vec::new(),
            payload: None,
            mentions_all: false,
            forward: None,
        })
    }

    fn written(sends: &mut Sends<u32>, now: Instant) -> Vec<(SendTag, String)> {
        let mut all = Vec::new();
        sends.write(now, 8, |tag, out| all.push((tag, out.content.body().unwrap().to_owned())));
        all
    }

    fn bodies(sends: &mut Sends<u32>, now: Instant) -> Vec<String> {
        written(sends, now).into_iter().map(|it| it.1).collect()
    }

    fn stored(seq: u64) -> Result<Stored, Refused> {
        let (conv, id) = (ConvId(1), MessageId(seq));
        Ok(Stored { conv, seq: Seq(seq), id, ts: Millis(0), duplicate: false })
    }

    #[test]
    fn a_refusal_for_now_holds_its_lane_until_all_is_answered_and_keeps_the_order() {
        let (mut sends, now) = (Sends::default(), SystemClock.now());
        for (tag, body) in [(1, "a"), (2, "b"), (3, "c")] {
            sends.push(tag, text("u:bob", body), 0);
        }
        assert_eq!(bodies(&mut sends, now), ["a", "b", "c"]);
        let busy = refused(ErrorCode::Busy, 100);
        assert!(matches!(sends.settle(now, 1, Err(busy)), Settled::Again));
        sends.push(4, text("u:bob", "d"), 0);
        sends.push(5, text("u:carol", "x"), 0);
        assert_eq!(bodies(&mut sends, now), ["x"], "only bob's lane is held");
        let later = now + Duration::from_millis(100);
        assert!(bodies(&mut sends, later).is_empty(), "b and c are not answered yet");
        assert_eq!(sends.wake_at(), None);
        for tag in [2, 3] {
            assert!(matches!(
                sends.settle(now, tag, Err(refused(ErrorCode::OutOfOrder, 0))),
                Settled::Again
            ));
        }
        assert_eq!(sends.wake_at(), Some(later));
        assert!(bodies(&mut sends, now).is_empty());
        assert_eq!(bodies(&mut sends, later), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_new_link_gets_everything_unanswered_in_order_under_the_same_tags() {
        let (mut sends, now) = (Sends::default(), SystemClock.now());
        for (tag, body) in [(1, "a"), (2, "b"), (3, "c")] {
            sends.push(tag, text("u:bob", body), 0);
        }
        let first = written(&mut sends, now);
        assert!(matches!(sends.settle(now, 1, stored(1)), Settled::Final { .. }));
        sends.relink();
        assert_eq!(written(&mut sends, now), first[1..]);
        assert_eq!(sends.len(), 2);
        assert!(matches!(sends.settle(now, 1, stored(1)), Settled::Unknown));
    }

    #[test]
    fn the_window_bounds_what_is_unanswered() {
        let (mut sends, now) = (Sends::default(), SystemClock.now());
        for i in 0..10 {
            sends.push(i + 1, text("u:bob", &i.to_string()), 0);
        }
        assert_eq!(bodies(&mut sends, now).len(), 8);
        assert!(bodies(&mut sends, now).is_empty());
        sends.settle(now, 1, stored(1));
        assert_eq!(bodies(&mut sends, now), ["8"]);
    }

    #[test]
    fn a_final_refusal_goes_to_its_waiter_and_lets_the_rest_pass() {
        let (mut sends, now) = (Sends::default(), SystemClock.now());
        sends.push(1, text("u:bob", "a"), 41);
        sends.push(2, text("u:bob", "b"), 42);
        bodies(&mut sends, now);
        let settled = sends.settle(now, 1, Err(refused(ErrorCode::Forbidden, 0)));
        assert!(matches!(settled, Settled::Final { waiter: 41, result: Err(_), .. }));
        assert_eq!(sends.len(), 1);
        assert_eq!(sends.abandon().collect::<Vec<_>>(), [42]);
    }
}
