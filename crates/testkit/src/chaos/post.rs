//! A device that only sends, over REST: one call after another, each made again until there is an
//! answer.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use anser_domain::ClientId;
use parking_lot::Mutex;
use tokio::{sync::Notify, task::JoinHandle};

use super::player::{Deed, Player};
use crate::{
    checker::{self, Ack, Conv, Device, Due, History, Send, SendResult},
    real::{Login, Rest, Sending},
};

/// How long it waits before it makes a call again.
const AGAIN: Duration = Duration::from_millis(200);

/// The device.
pub(super) struct Post {
    device: Device,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Desk {
    waiting: Mutex<VecDeque<Letter>>,
    done: Mutex<Vec<Letter>>,
    more: Notify,
}

#[derive(Clone)]
struct Letter {
    at: String,
    client_id: ClientId,
    body: String,
    acks: Vec<Ack>,
    tried: bool,
    refused: bool,
}

impl Post {
    pub(super) fn start(device: Device, login: Login, rest: Arc<Rest>) -> Self {
        let desk = Arc::new(Desk::default());
        let task = tokio::spawn(desk.clone().run(login, rest));
        Self { device, desk, task }
    }
}

impl Desk {
    async fn run(self: Arc<Self>, login: Login, rest: Arc<Rest>) {
        loop {
            let first = self.waiting.lock().front_mut().map(|it| {
                it.tried = true;
                it.clone()
            });
            let Some(mut letter) = first else {
                self.more.notified().await;
                continue;
            };
            let key = uuid::Uuid::from_bytes(letter.client_id.0).to_string();
            match rest.send(&login, &letter.at, &key, &letter.body).await {
                Ok(Sending::Stored(ack)) => letter.acks.push(ack),
                Ok(Sending::Refused) => letter.refused = true,
                Ok(Sending::Later) | Err(_) => {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            }
            let mut waiting = self.waiting.lock();
            waiting.pop_front();
            self.done.lock().push(letter);
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Player for Post {
    fn device(&self) -> &Device {
        &self.device
    }

    fn act(&self, at: &str, client_id: ClientId, deed: &Deed) -> bool {
        let (Deed::Text(body) | Deed::Rush(body) | Deed::Answer(body)) = deed else { return false };
        self.desk.waiting.lock().push_back(Letter {
            at: at.into(),
            client_id,
            body: body.clone(),
            acks: Vec::new(),
            tried: false,
            refused: false,
        });
        self.desk.more.notify_one();
        true
    }

    fn stay_awake(&self, _: bool) {}

    fn unanswered(&self) -> usize {
        self.desk.waiting.lock().len()
    }

    fn links(&self) -> bool {
        false
    }

    fn asked_read(&self) -> BTreeMap<Conv, u64> {
        BTreeMap::new()
    }

    fn is_whole(&self, _: &History) -> bool {
        true
    }

    fn record(&self, history: &mut History, _: bool) {
        let waiting = self.desk.waiting.lock();
        let done = self.desk.done.lock();
        history.sends.extend(done.iter().chain(waiting.iter()).map(|letter| Send {
            device: self.device.clone(),
            conv: checker::conv(&self.device.user, &letter.at),
            body: checker::digest(&letter.body),
            result: match (letter.acks.is_empty(), letter.refused || !letter.tried) {
                (false, _) => SendResult::Acked(letter.acks.clone()),
                (true, true) => SendResult::Failed,
                (true, false) => SendResult::Unknown,
            },
            due: Due::Either,
        }));
    }
}
