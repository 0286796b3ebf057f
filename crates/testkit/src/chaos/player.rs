//! Who takes part in a run, over whichever protocol.

use std::collections::BTreeMap;

use anser_domain::ClientId;
use anser_wire::frame::{
    Call, Edit, EditCall, PutMembersCall, RecallCall, RemoveMembersCall, Source,
};

use crate::{
    checker::{self, Conv, Device, History, User},
    real::Phone,
};

/// What somebody does in a conversation.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Says something.
    Text(String),
    /// Says something, whether or not what it said before was taken yet.
    Rush(String),
    /// Says something in answer to the newest entry it has.
    Answer(String),
    /// Has read what it has, but for so many places at the end. Whoever has read more on another
    /// device stays where they are.
    Read(u64),
    /// Takes back its own newest message.
    Recall,
    /// Puts other words into its own newest message.
    Edit(String),
    /// Lets someone into the group.
    Let(User),
    /// Takes someone out of the group.
    Remove(User),
}

/// A device.
pub trait Player: Send + Sync {
    /// Which.
    fn device(&self) -> &Device;

    /// Does something, and keeps at it until there is an answer; answers whether it could. A
    /// protocol that has no such thing does nothing.
    fn act(&self, at: &str, client_id: ClientId, deed: &Deed) -> bool;

    /// Whether it keeps itself linked; asleep, it misses everything.
    fn stay_awake(&self, awake: bool);

    /// How much of what it did has no final answer.
    fn unanswered(&self) -> usize;

    /// Whether it keeps itself linked now.
    fn links(&self) -> bool;

    /// How far it was answered to have read, by conversation.
    fn asked_read(&self) -> BTreeMap<Conv, u64>;

    /// Whether it has all that it may see of `history`.
    fn is_whole(&self, history: &History) -> bool;

    /// Adds what it wanted, and what it learned; `complete`: it had the time to learn everything.
    fn record(&self, history: &mut History, complete: bool);
}

/// A device of the native protocol.
pub(super) struct Native {
    pub(super) device: Device,
    pub(super) phone: Phone,
}

impl Player for Native {
    fn device(&self) -> &Device {
        &self.device
    }

    fn act(&self, at: &str, client_id: ClientId, deed: &Deed) -> bool {
        let conv = checker::conv(&self.device.user, at);
        let group = || at.trim_start_matches("g:").to_owned();
        let id = client_id.0.to_vec();
        self.phone.with(|probe| {
            let call = match deed {
                Deed::Text(body) => {
                    probe.send(at, client_id, body);
                    return true;
                }
                Deed::Rush(body) => {
                    probe.rush(at, client_id, body);
                    return true;
                }
                Deed::Answer(body) => {
                    probe.answer(at, client_id, body, probe.has(&conv));
                    return true;
                }
                Deed::Read(but) => {
                    let seq = probe.has(&conv).saturating_sub(*but);
                    if seq > 0 {
                        probe.want_read(at, seq);
                    }
                    return false;
                }
                Deed::Recall => {
                    let Some(seq) = probe.own(&conv) else { return false };
                    Call::Recall(RecallCall {
                        client_id: id,
                        of: Some(Source { at: at.into(), seq }),
                    })
                }
                Deed::Edit(body) => {
                    let Some(seq) = probe.own(&conv) else { return false };
                    let edit = Edit { seq, body: body.clone(), ..Edit::default() };
                    Call::Edit(EditCall { client_id: id, at: at.into(), edit: Some(edit) })
                }
                Deed::Let(user) => Call::PutMembers(PutMembersCall {
                    client_id: id,
                    group: group(),
                    users: vec![user.to_string()],
                    role: 0,
                }),
                Deed::Remove(user) => Call::RemoveMembers(RemoveMembersCall {
                    client_id: id,
                    group: group(),
                    users: vec![user.to_string()],
                }),
            };
            probe.change(at, call);
            true
        })
    }

    fn stay_awake(&self, awake: bool) {
        self.phone.stay_awake(awake);
    }

    fn unanswered(&self) -> usize {
        self.phone.with(|probe| probe.unanswered())
    }

    fn links(&self) -> bool {
        self.phone.is_awake()
    }

    fn asked_read(&self) -> BTreeMap<Conv, u64> {
        self.phone.with(|probe| probe.asked_read().clone())
    }

    fn is_whole(&self, history: &History) -> bool {
        self.phone.with(|probe| {
            checker::is_whole(history, &self.device.user, |conv, seq| probe.knows(conv, seq))
        })
    }

    fn record(&self, history: &mut History, complete: bool) {
        self.phone.with(|probe| {
            let (sends, log) = probe.record(complete);
            history.sends.extend(sends);
            history.alterations.extend(probe.alterations());
            history.devices.insert(self.device.clone(), log);
        });
    }
}
