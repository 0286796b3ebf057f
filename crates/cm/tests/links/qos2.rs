//! A foreign protocol with state in flight: both halves of MQTT's QoS 2, and its receive
//! maximum as the credit that holds the log back.
//!
//! Packets are four bytes: type, packet id, conversation, argument.

use std::collections::BTreeMap;

use anser_domain::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Client, Rig, soon, until};

const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBREC: u8 = 5;
const PUBREL: u8 = 6;
const PUBCOMP: u8 = 7;

type Packet = [u8; 4];

#[derive(Default)]
struct Qos2 {
    receive_maximum: usize,
    next_id: u8,
    /// Sent, by packet id: what, and whether it was released.
    out: BTreeMap<u8, (ConvId, Seq, bool)>,
    /// The highest that was completed.
    done: BTreeMap<ConvId, Seq>,
    /// Received and not released: whether it is stored.
    into: BTreeMap<u8, bool>,
}

impl Qos2 {
    fn packet(&mut self, [kind, id, conv, arg]: Packet, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match kind {
            CONNECT => {
                self.receive_maximum = usize::from(arg);
                let name = format!("device-{conv}");
                turn.ask(
                    Tag(0),
                    Command::Login(Box::new(Login {
                        credential: Credential::Password {
                            user: UserName::trusted(&name),
                            password: Secret::new("secret"),
                            device: DeviceName::trusted(&name),
                        },
                        since: None,
                    })),
                );
            }
            PUBLISH => match self.into.get(&id) {
                // A retry: answered when the first is, and stored once.
                Some(true) => turn.out.put(&[PUBREC, id, 0, 0]),
                Some(false) => {}
                None => {
                    self.into.insert(id, false);
                    let text = format!("{arg}");
                    turn.ask(
                        Tag(u64::from(id)),
                        Command::Send(Box::new(Outgoing {
                            to: Address::Group(GroupName::trusted(&conv.to_string())),
                            client_id: ClientId::from_text(&text),
                            content: Content::Text(text.into()),
                            reply_to: None,
                            mentions: Vec::new(),
                            payload: None,
                            mentions_all: false,
                            forward: None,
                        })),
                    );
                }
            },
            PUBREL => {
                self.into.remove(&id);
                turn.out.put(&[PUBCOMP, id, 0, 0]);
            }
            PUBREC => {
                let sent = self.out.get_mut(&id).ok_or(Fault::Misbehaved("unknown packet id"))?;
                sent.2 = true;
                turn.out.put(&[PUBREL, id, 0, 0]);
            }
            PUBCOMP => {
                let done = self.out.remove(&id).filter(|it| it.2);
                let (conv, seq, _) = done.ok_or(Fault::Misbehaved("not released"))?;
                let highest = self.done.entry(conv).or_default();
                *highest = seq.max(*highest);
                // Cumulative: up to the first one that is still in flight.
                let first = self.out.values().filter(|it| it.0 == conv).map(|it| it.1).min();
                let seq = first.map_or(*highest, |first| Seq(first.0 - 1));
                turn.ask(Tag(0), Command::Delivered { conv, seq });
            }
            _ => return Err(Fault::Malformed("packet type")),
        }
        Ok(())
    }
}

impl Session for Qos2 {
    fn open(&mut self, _: &LinkInfo, _: &mut Turn<'_>) {}

    fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Result<usize, Fault> {
        let (packets, _) = bytes.as_chunks::<4>();
        for packet in packets {
            self.packet(*packet, turn)?;
        }
        Ok(packets.len() * 4)
    }

    fn handle(&mut self, input: Input<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match input {
            Input::Reply(_, Reply::Welcome(_)) => turn.out.put(&[CONNACK, 0, 0, 0]),
            Input::Reply(Tag(id), Reply::Sent(_)) => {
                let id = u8::try_from(id).unwrap();
                self.into.insert(id, true);
                turn.out.put(&[PUBREC, id, 0, 0]);
            }
            Input::Event(Event::Message(it)) => {
                assert!(self.credit() > 0, "more than the receive maximum");
                self.next_id = self.next_id % 250 + 1;
                let (conv, seq) = (it.message.conv, it.message.seq);
                assert!(self.out.insert(self.next_id, (conv, seq, false)).is_none());
                let small = |n: u64| u8::try_from(n).unwrap();
                turn.out.put(&[PUBLISH, self.next_id, small(conv.0), small(seq.0)]);
            }
            _ => {}
        }
        Ok(())
    }

    fn credit(&self) -> u32 {
        u32::try_from(self.receive_maximum - self.out.len()).unwrap()
    }
}

async fn read(client: &mut Client<tokio::io::DuplexStream>) -> Packet {
    let mut packet = [0; 4];
    soon(client.io.read_exact(&mut packet)).await.unwrap();
    packet
}

async fn write(client: &mut Client<tokio::io::DuplexStream>, packet: Packet) {
    client.io.write_all(&packet).await.unwrap();
}

async fn connected(rig: &Rig, device: u8, receive_maximum: u8) -> Client<tokio::io::DuplexStream> {
    let mut client = rig.pipe_with(1024, Box::new(Qos2::default()));
    write(&mut client, [CONNECT, 0, device, receive_maximum]).await;
    assert_eq!(read(&mut client).await[0], CONNACK);
    client
}

#[tokio::test]
async fn no_more_than_the_receive_maximum_is_in_flight_and_all_of_it_comes() {
    let rig = Rig::new();
    let mut client = connected(&rig, 1, 3).await;
    for _ in 0..60 {
        rig.sm.publish(1, "a");
        rig.sm.publish(2, "b");
    }
    let mut next = [1_u8; 3];
    let mut in_flight = Vec::new();
    for n in 0..120_u8 {
        let [kind, id, conv, seq] = read(&mut client).await;
        assert_eq!(kind, PUBLISH);
        assert_eq!(seq, next[usize::from(conv)], "gapless, in order and once");
        next[usize::from(conv)] += 1;
        in_flight.push(id);
        // Acknowledged when the credit is used up, and out of order.
        if in_flight.len() == 3 || n == 119 {
            for id in in_flight.iter().rev() {
                write(&mut client, [PUBREC, *id, 0, 0]).await;
                assert_eq!(read(&mut client).await, [PUBREL, *id, 0, 0]);
            }
            for id in in_flight.drain(..).rev() {
                write(&mut client, [PUBCOMP, id, 0, 0]).await;
            }
        }
    }
    assert_eq!(next, [1, 61, 61]);
    drop(client);
    until(|| rig.links() == 0).await;
    // The cursors went with the acknowledgements: another life has nothing to catch up with.
    let mut again = connected(&rig, 1, 10).await;
    rig.sm.publish(1, "new");
    let [kind, _, conv, seq] = read(&mut again).await;
    assert_eq!((kind, conv, seq), (PUBLISH, 1, 61));
}

#[tokio::test]
async fn a_publish_that_is_sent_again_is_stored_once() {
    let rig = Rig::new();
    let mut client = connected(&rig, 1, 3).await;
    let mut other = connected(&rig, 2, 9).await;
    rig.sm.hold();
    write(&mut client, [PUBLISH, 5, 1, 42]).await;
    write(&mut client, [PUBLISH, 5, 1, 42]).await;
    until(|| rig.sm.sends().len() == 1).await;
    rig.sm.release();
    assert_eq!(read(&mut client).await, [PUBREC, 5, 0, 0]);
    write(&mut client, [PUBLISH, 5, 1, 42]).await;
    assert_eq!(read(&mut client).await, [PUBREC, 5, 0, 0]);
    write(&mut client, [PUBREL, 5, 0, 0]).await;
    assert_eq!(read(&mut client).await, [PUBCOMP, 5, 0, 0]);
    assert_eq!(rig.sm.sends(), ["42"]);
    // The other device got it live; the sender has its PUBREC and nothing more.
    assert_eq!(read(&mut other).await[2..], [1, 1]);
    write(&mut client, [PUBLISH, 5, 1, 43]).await;
    assert_eq!(read(&mut client).await, [PUBREC, 5, 0, 0]);
    assert_eq!(rig.sm.sends(), ["42", "43"]);
}
