//! What one user sends and receives: every send waits for its answer, and what arrives is
//! checked. Frames go in and out; the link is somebody else's.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anser_wire::{
    ErrorCode, codec,
    frame::{self, Frame, FrameType},
};
use rand::{SeedableRng, rngs::SmallRng};
use tokio::time::Instant;

use super::{
    body::Label,
    check::{Arrival, Check},
    cursor::Cursors,
    link::{self, MAX_BODY, invalid},
    load::{Run, Seen, Stream},
    peek::Peek,
    zipf::Zipf,
};

/// Everything of a user but the link, so that frames can be handled while it is read.
pub(super) struct Traffic {
    pub(super) streams: Vec<Stream>,
    /// The numbers of `streams`: catching up brings own messages, too.
    own: HashSet<u32>,
    zipf: Zipf,
    rng: SmallRng,
    slots: Vec<Slot>,
    /// Slots without a send.
    pub(super) free: Vec<usize>,
    order: u64,
    turn: usize,
    /// Nothing new is sent before this, nor before all that was written is answered.
    pub(super) held_until: Option<Instant>,
    send: Frame,
    checks: HashMap<u32, Check>,
    pub(super) cursors: Cursors,
    /// Entries that came since the last acknowledgement.
    pub(super) unacked: usize,
    latencies: (Vec<u64>, Vec<u64>),
    sent: u64,
    acked: u64,
    delivered: u64,
    duplicated: u64,
    reordered: u64,
    refused: u64,
}

/// A send that waits for its answer. Its place in the window, plus one, is its id on the wire.
#[derive(Clone, Default)]
struct Slot {
    state: SlotState,
    stream: usize,
    counter: u64,
    intended: u64,
    client_id: [u8; 16],
    /// The user's sends in order: what is sent again keeps its place.
    order: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum SlotState {
    #[default]
    Free,
    Written,
    /// Refused for now.
    Refused,
}

impl Traffic {
    /// A user who sends on `streams`, and to whom all up to `delivered` was delivered before.
    pub(super) fn new(
        run: &Run,
        index: usize,
        streams: Vec<Stream>,
        delivered: Vec<(u64, u64)>,
    ) -> Self {
        let mut cursors = Cursors::default();
        for (conv, seq) in delivered {
            cursors.begin(conv, seq);
        }
        let slots = if streams.is_empty() { 0 } else { run.window };
        Self {
            own: streams.iter().map(|stream| stream.id).collect(),
            zipf: Zipf::new(streams.len()),
            streams,
            rng: SmallRng::seed_from_u64(u64::from(run.id) << 32 | index as u64),
            slots: vec![Slot::default(); slots],
            free: (0..slots).rev().collect(),
            order: 0,
            turn: 0,
            held_until: None,
            send: Frame::Send(frame::Send { kind: 1, ..Default::default() }),
            checks: HashMap::new(),
            cursors,
            unacked: 0,
            latencies: Default::default(),
            sent: 0,
            acked: 0,
            delivered: 0,
            duplicated: 0,
            reordered: 0,
            refused: 0,
        }
    }

    /// After a refusal for now: once all is answered and the time has come, what was refused is
    /// written again, oldest first. Whether new sends may follow.
    pub(super) fn try_again(&mut self, run: &Run, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(until) = self.held_until else { return true };
        if until > now || self.slots.iter().any(|slot| slot.state == SlotState::Written) {
            return false;
        }
        self.held_until = None;
        let mut again: Vec<_> = self.slots.iter().enumerate().collect();
        again.retain(|(_, slot)| slot.state == SlotState::Refused);
        again.sort_by_key(|(_, slot)| slot.order);
        let again: Vec<_> = again.into_iter().map(|(index, _)| index).collect();
        for index in again {
            self.write_slot(run, index, out);
        }
        true
    }

    /// Writes a new send in a free slot.
    pub(super) fn write_new(
        &mut self,
        run: &Run,
        index: usize,
        in_turn: bool,
        due: Instant,
        out: &mut Vec<u8>,
    ) {
        let stream = if in_turn {
            self.turn = (self.turn + 1) % self.streams.len();
            self.turn
        } else {
            self.zipf.pick(&mut self.rng)
        };
        let Some(place) = self.streams.get_mut(stream) else { return };
        let counter = place.next;
        place.next += 1;
        self.order += 1;
        let intended = due.saturating_duration_since(run.begun).as_micros();
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Slot {
                state: SlotState::Free,
                stream,
                counter,
                intended: u64::try_from(intended).unwrap_or(u64::MAX),
                client_id: uuid::Uuid::now_v7().into_bytes(),
                order: self.order,
            };
        }
        self.sent += 1;
        self.write_slot(run, index, out);
    }

    fn write_slot(&mut self, run: &Run, index: usize, out: &mut Vec<u8>) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let Some(stream) = self.streams.get(slot.stream) else { return };
        let Frame::Send(send) = &mut self.send else { return };
        slot.state = SlotState::Written;
        send.id = u32::try_from(index + 1).unwrap_or(0);
        send.to.clear();
        send.to.push_str(&stream.to);
        send.client_id.clear();
        send.client_id.extend_from_slice(&slot.client_id);
        Label { run: run.id, stream: stream.id, counter: slot.counter, intended: slot.intended }
            .write(run.size, &mut send.body);
        codec::write(&self.send, out);
    }

    /// One frame has arrived.
    pub(super) fn take(&mut self, run: &Run, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        let Some(raw) = codec::split(bytes, MAX_BODY).map_err(invalid)? else { return Ok(0) };
        match raw.frame_type() {
            Some(FrameType::Deliver) => self.delivered(run, raw.body)?,
            Some(FrameType::SendAck) => {
                let frame = codec::decode(FrameType::SendAck, raw.body).map_err(invalid)?;
                if let Frame::SendAck(ack) = frame {
                    self.cursors.sent(ack.conv, ack.seq);
                    self.answered(run, ack.id);
                }
            }
            Some(FrameType::Error) => {
                let frame = codec::decode(FrameType::Error, raw.body).map_err(invalid)?;
                if let Frame::Error(error) = frame {
                    self.refuse(&error)?;
                }
            }
            Some(FrameType::Ping) => link::answer_ping(raw.body, out)?,
            Some(FrameType::GoAway) => return Err(link::went_away(&raw)),
            _ => {}
        }
        Ok(raw.len)
    }

    fn delivered(&mut self, run: &Run, body: &[u8]) -> io::Result<()> {
        let odd = || io::Error::new(io::ErrorKind::InvalidData, "a DELIVER that is no protobuf");
        let peek = Peek::read(body).ok_or_else(odd)?;
        self.cursors.delivered(peek.conv, peek.seq);
        self.unacked += 1;
        // Group events, own messages and what earlier runs left count for nothing.
        let label = Label::read(peek.body);
        let counts = |label: &Label| label.run == run.id && !self.own.contains(&label.stream);
        let Some(label) = label.filter(counts) else { return Ok(()) };
        match self.checks.entry(label.stream).or_default().arrive(label.counter) {
            Arrival::InOrder => self.delivered += 1,
            Arrival::Late => {
                self.delivered += 1;
                self.reordered += 1;
            }
            Arrival::Again => {
                self.duplicated += 1;
                return Ok(());
            }
        }
        let now = run.begun.elapsed().as_micros();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.latencies.1.push(now.saturating_sub(label.intended));
        Ok(())
    }

    fn answered(&mut self, run: &Run, id: u32) {
        let Some(index) = index_of(id) else { return };
        let Some(slot) = self.slots.get_mut(index) else { return };
        if slot.state != SlotState::Written {
            return;
        }
        slot.state = SlotState::Free;
        self.free.push(index);
        let now = u64::try_from(run.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.latencies.0.push(now.saturating_sub(slot.intended));
        if let Some(stream) = self.streams.get_mut(slot.stream) {
            stream.acked += 1;
        }
        self.acked += 1;
    }

    fn refuse(&mut self, error: &frame::Error) -> io::Result<()> {
        let slot = index_of(error.id).and_then(|index| self.slots.get_mut(index));
        match slot {
            Some(slot) if ErrorCode::is_retriable(error.code) => {
                slot.state = SlotState::Refused;
                self.refused += 1;
                let wait = Duration::from_millis(error.retry_after_ms.into());
                let until = Instant::now() + wait;
                self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
                Ok(())
            }
            Some(_) => {
                Err(io::Error::other(format!("the server refused a send: {}", error.reason)))
            }
            None => Err(io::Error::other(format!("the server ended a link: {}", error.reason))),
        }
    }

    /// Acknowledges all that came.
    pub(super) fn write_acks(&mut self, out: &mut Vec<u8>) {
        self.cursors.take(|conv, seq| {
            codec::write(&frame::DeliverAck { conv, seq }.into(), out);
        });
        self.unacked = 0;
    }

    /// Adds what happened in this turn to what all users count.
    pub(super) fn publish(&mut self, run: &Run, shard: usize) {
        let add = |to: &AtomicU64, from: &mut u64| {
            if *from > 0 {
                to.fetch_add(std::mem::take(from), Ordering::Relaxed);
            }
        };
        add(&run.counts.sent, &mut self.sent);
        add(&run.counts.acked, &mut self.acked);
        add(&run.counts.delivered, &mut self.delivered);
        add(&run.counts.duplicated, &mut self.duplicated);
        add(&run.counts.reordered, &mut self.reordered);
        add(&run.counts.refused, &mut self.refused);
        if self.latencies.0.is_empty() && self.latencies.1.is_empty() {
            return;
        }
        if let Some(shard) = run.latencies.get(shard) {
            let mut shard = shard.lock();
            for us in self.latencies.0.drain(..) {
                shard.ack.record(Duration::from_micros(us));
            }
            for us in self.latencies.1.drain(..) {
                shard.delivery.record(Duration::from_micros(us));
            }
        }
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            acked: self.streams.iter().map(|stream| (stream.id, stream.acked)).collect(),
            arrived: self.checks.iter().map(|(id, check)| (*id, check.distinct())).collect(),
        }
    }
}

fn index_of(id: u32) -> Option<usize> {
    usize::try_from(id.checked_sub(1)?).ok()
}
