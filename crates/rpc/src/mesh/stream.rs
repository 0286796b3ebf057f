//! One SM: a stream to it, as long as the SM is on the list.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use anser_domain::PeerId;
use futures_util::Stream;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::sleep,
};

use super::{Mesh, Outgoing, lanes::Way};
use crate::{
    FromSm, ToSm,
    packet::{self, Known},
    proto::{self, sm_client::SmClient},
};

/// Pauses between two tries to reach an SM: a restarted one is found within the first few.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
];
/// So many batches of questions become one packet at most.
const TOGETHER: usize = 64;

/// Keeps a stream open to `sm` until the mesh is dropped or the task is ended.
pub(super) async fn keep(mesh: Weak<Mesh>, sm: Arc<str>) {
    let mut failures = 0;
    loop {
        let Some(alive) = mesh.upgrade() else { return };
        match run(&alive, &sm).await {
            Ok(()) => failures = 0,
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%sm, %error, "an sm cannot be reached");
                }
                failures += 1;
            }
        }
        drop(alive);
        let pause = PAUSES.get(failures.min(PAUSES.len() - 1)).copied().unwrap_or_default();
        sleep(pause).await;
    }
}

/// Tells the mesh that a way is gone, however its task ends.
struct Gone<'a>(&'a Mesh, Way);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.went(&self.1);
    }
}

/// One stream, from the dialling to its end.
async fn run(mesh: &Mesh, sm: &str) -> Result<(), tonic::Status> {
    let channel = mesh.dial.connect(sm).await.map_err(|it| tonic::Status::unavailable(it.0))?;
    let Some(peer) = mesh.peer.get() else {
        return Err(tonic::Status::failed_precondition("nobody is attached yet"));
    };
    let (to, outgoing) = unbounded_channel();
    let attach = ToSm::Attach { peer: peer.id, links: peer.links.is_some(), pongs: true };
    let packets = packets(peer.id, attach, outgoing);
    let limit = crate::limits::MAX_PACKET;
    let mut client =
        SmClient::new(channel).max_decoding_message_size(limit).max_encoding_message_size(limit);
    let mut inbound = client.exchange(packets).await?.into_inner();
    let gone = Gone(mesh, mesh.came(sm, to));
    tracing::info!(%sm, "an sm can be reached");
    while let Some(packet) = inbound.message().await? {
        let Known { packet, unread } = FromSm::known(packet)
            .map_err(|error| tonic::Status::invalid_argument(error.to_string()))?;
        mesh.counters.unread.add(unread);
        if let Some(packet) = packet {
            mesh.arrive(&gone.1, packet);
        }
    }
    Ok(())
}

/// What is sent: who this is, then whatever is asked, as much as there is at a time.
fn packets(
    me: PeerId,
    attach: ToSm,
    outgoing: UnboundedReceiver<Outgoing>,
) -> impl Stream<Item = proto::ToSm> + Send + 'static {
    let first = futures_util::stream::iter([attach.form()]);
    let rest = futures_util::stream::unfold(
        (outgoing, Vec::new()),
        move |(mut outgoing, mut taken)| async move {
            if taken.is_empty() && outgoing.recv_many(&mut taken, TOGETHER).await == 0 {
                return None;
            }
            let packet = next(me, &mut taken);
            Some((packet, (outgoing, taken)))
        },
    );
    futures_util::StreamExt::chain(first, rest)
}

/// The next packet of what was taken: all questions up to something else.
fn next(me: PeerId, taken: &mut Vec<Outgoing>) -> proto::ToSm {
    let questions = taken.iter().take_while(|it| matches!(it, Outgoing::Asks(_))).count();
    if questions == 0 {
        let packet = match taken.remove(0) {
            Outgoing::Pong(ping) => ToSm::Pong(ping),
            Outgoing::Detach | Outgoing::Asks(_) => ToSm::Detach(me),
        };
        return packet.form();
    }
    let batches = taken.drain(..questions);
    let asks = batches.flat_map(|it| match it {
        Outgoing::Asks(asks) => asks,
        Outgoing::Pong(_) | Outgoing::Detach => Vec::new(),
    });
    packet::asks(asks.collect::<Vec<_>>().iter().map(|ask| &**ask))
}
