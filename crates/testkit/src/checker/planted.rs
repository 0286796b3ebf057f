//! Planted histories: the checker finds each fault, and nothing in a run without one.

use super::*;

fn device(user: &str) -> Device {
    Device { user: user.into(), name: "phone".into() }
}

fn text(seq: u64, sender: &str, body: &str) -> Entry {
    Entry { seq, id: seq * 10, sender: sender.into(), body: Body::Text(body.into()), quotes: None }
}

fn delivered(conv: &Conv, entry: &Entry) -> Learned {
    Learned::Delivered { conv: conv.clone(), seq: entry.seq, body: entry.body.clone() }
}

fn send(user: &str, conv: &Conv, body: &str, result: SendResult) -> Send {
    Send { device: device(user), conv: conv.clone(), body: body.into(), result, due: Due::Either }
}

fn acked(seq: u64) -> SendResult {
    SendResult::Acked(vec![Ack { seq, id: seq * 10 }])
}

fn direct() -> Conv {
    conv("bob", "u:alice")
}

/// Alice sends one and two, bob three; everything arrives, bob reads two.
fn good() -> History {
    let conv = direct();
    let log = vec![text(1, "alice", "one"), text(2, "alice", "two"), text(3, "bob", "three")];
    let own = |seq, body: &str| Learned::Own { conv: conv.clone(), seq, body: body.into() };
    let cursor = |of, seq| Learned::Cursor { conv: conv.clone(), of, seq };
    let acknowledged = |seq| Learned::Acknowledged { conv: conv.clone(), seq };
    let alice = vec![
        own(1, "one"),
        own(2, "two"),
        cursor(Cursor::Receipt("bob".into()), 1),
        cursor(Cursor::Receipt("bob".into()), 2),
        delivered(&conv, &log[2]),
        acknowledged(3),
        cursor(Cursor::Delivered, 3),
    ];
    let bob = vec![
        delivered(&conv, &log[0]),
        delivered(&conv, &log[1]),
        acknowledged(2),
        own(3, "three"),
        cursor(Cursor::Delivered, 2),
    ];
    let log_of =
        |learned| DeviceLog { from: BTreeMap::new(), learned, complete: true, broken: None };
    History {
        sends: vec![
            send("alice", &conv, "one", acked(1)),
            send("alice", &conv, "two", acked(2)),
            send("bob", &conv, "three", acked(3)),
            send("bob", &conv, "refused", SendResult::Failed),
            send("bob", &conv, "who knows", SendResult::Unknown),
        ],
        devices: [(device("alice"), log_of(alice)), (device("bob"), log_of(bob))].into(),
        rows: vec![
            Row { user: "alice".into(), conv: conv.clone(), read: 2, unread: 1, asked: 0 },
            Row { user: "bob".into(), conv: conv.clone(), read: 3, unread: 0, asked: 2 },
        ],
        logs: [(conv, log)].into(),
        alterations: Vec::new(),
        hints_overtake: false,
    }
}

fn learned<'a>(history: &'a mut History, user: &str) -> &'a mut Vec<Learned> {
    &mut history.devices.get_mut(&device(user)).unwrap().learned
}

fn log(history: &mut History) -> &mut Vec<Entry> {
    history.logs.get_mut(&direct()).unwrap()
}

macro_rules! finds {
    ($history:expr, $pattern:pat) => {
        let found = check(&$history);
        assert!(found.iter().any(|it| matches!(it, $pattern)), "found only {found:#?}");
    };
}

#[test]
fn a_run_without_a_fault_is_clean() {
    assert_eq!(check(&good()), []);
}

#[test]
fn both_sides_of_a_direct_conversation_name_it_alike() {
    assert_eq!(conv("bob", "u:alice"), conv("alice", "u:bob"));
    assert_eq!(&*conv("bob", "u:bob"), "u:bob+bob");
    assert_eq!(&*conv("bob", "g:geese"), "g:geese");
}

#[test]
fn an_acknowledged_message_that_is_gone_is_found() {
    let mut history = good();
    log(&mut history).pop();
    finds!(history, Violation::Lost { seq: 3, .. });
}

#[test]
fn an_acknowledged_message_that_stands_elsewhere_is_found() {
    let mut history = good();
    history.sends[2].result = acked(4);
    finds!(history, Violation::Lost { seq: 4, .. });
}

#[test]
fn a_message_that_stands_twice_is_found_however_it_was_answered() {
    for result in [acked(3), SendResult::Unknown] {
        let mut history = good();
        history.sends[2].result = result;
        log(&mut history).push(text(4, "bob", "three"));
        finds!(history, Violation::Doubled { times: 2, .. });
    }
}

#[test]
fn a_retry_that_was_answered_differently_is_found() {
    let mut history = good();
    history.sends[2].result =
        SendResult::Acked(vec![Ack { seq: 3, id: 30 }, Ack { seq: 2, id: 20 }]);
    finds!(history, Violation::AnsweredTwice { .. });
}

#[test]
fn what_was_refused_and_stands_is_found() {
    let mut history = good();
    log(&mut history).push(text(4, "bob", "refused"));
    finds!(history, Violation::Resurrected { .. });
}

#[test]
fn what_nobody_sent_is_found() {
    let mut history = good();
    log(&mut history)[2].sender = "alice".into();
    finds!(history, Violation::Foreign { seq: 3, .. });
}

#[test]
fn a_hole_in_a_log_is_found() {
    let mut history = good();
    log(&mut history)[2].seq = 5;
    finds!(history, Violation::Gap { expected: 3, found: 5, .. });
}

#[test]
fn an_id_given_twice_is_found() {
    let mut history = good();
    log(&mut history)[2].id = 10;
    finds!(history, Violation::SameId { id: 10, .. });
}

#[test]
fn a_devices_own_sends_out_of_order_are_found() {
    let mut history = good();
    history.sends.swap(0, 1);
    finds!(history, Violation::Overtaken { seq: 1, .. });
}

#[test]
fn an_entry_given_too_early_too_late_twice_or_never_is_found() {
    let mut history = good();
    learned(&mut history, "bob").swap(0, 1);
    finds!(history, Violation::Skipped { seq: 2, missing: 1, .. });
    finds!(history, Violation::Reordered { seq: 1, after: 2, .. });

    let mut history = good();
    let again = learned(&mut history, "bob")[1].clone();
    learned(&mut history, "bob").insert(2, again);
    finds!(history, Violation::AppliedTwice { seq: 2, .. });

    let mut history = good();
    learned(&mut history, "bob").remove(1);
    finds!(history, Violation::Missing { seq: 2, .. });
    history.devices.get_mut(&device("bob")).unwrap().complete = false;
    assert_eq!(check(&history), [], "a device that is still catching up may lack the rest");
}

#[test]
fn bytes_that_are_not_the_protocol_are_reported() {
    let mut history = good();
    history.devices.get_mut(&device("bob")).unwrap().broken = Some("type 0".into());
    finds!(history, Violation::NotTheProtocol { .. });
}

#[test]
fn an_entry_with_another_text_is_found() {
    let mut history = good();
    let Learned::Delivered { body, .. } = &mut learned(&mut history, "bob")[0] else { panic!() };
    *body = Body::Text("forged".into());
    finds!(history, Violation::Differs { seq: 1, .. });
}

#[test]
fn a_cursor_that_moves_back_or_stands_ahead_is_found() {
    let mut history = good();
    learned(&mut history, "alice").swap(2, 3);
    finds!(history, Violation::CursorBack { from: 2, to: 1, .. });
    history.hints_overtake = true;
    assert_eq!(check(&history), [], "a late receipt of another SM");

    let mut history = good();
    let Learned::Acknowledged { seq, .. } = &mut learned(&mut history, "alice")[5] else {
        panic!()
    };
    *seq = 2;
    finds!(history, Violation::CursorAhead { cursor: Cursor::Delivered, at: 3, allowed: 2, .. });

    let mut history = good();
    let Learned::Cursor { seq, .. } = &mut learned(&mut history, "alice")[3] else { panic!() };
    *seq = 4;
    finds!(history, Violation::CursorAhead { cursor: Cursor::Receipt(_), at: 4, .. });
}

#[test]
fn a_wrong_unread_count_or_a_lost_read_is_found() {
    let mut history = good();
    history.rows[0].unread = 2;
    finds!(history, Violation::Unread { unread: 2, expected: 1, .. });

    let mut history = good();
    history.rows[1].read = 1;
    finds!(history, Violation::ReadLost { asked: 3, read: 1, .. });
}

#[test]
fn membership_decides_what_a_device_is_owed_and_what_it_may_not_see() {
    let geese: Conv = "g:geese".into();
    let event =
        |seq, body| Entry { seq, id: 100 + seq, sender: "alice".into(), body, quotes: None };
    let log = vec![
        event(1, Body::In(vec!["alice".into()])),
        text(2, "alice", "before bob"),
        event(3, Body::In(vec!["bob".into()])),
        text(4, "alice", "with bob"),
        event(5, Body::Out(vec!["bob".into()])),
        text(6, "alice", "without bob"),
    ];
    let mut history = History::default();
    for (seq, body) in [(2, "before bob"), (4, "with bob"), (6, "without bob")] {
        history.sends.push(send("alice", &geese, body, acked(seq)));
    }
    let all = log[2..5].iter().map(|entry| delivered(&geese, entry)).collect();
    let phone = DeviceLog { from: BTreeMap::new(), learned: all, complete: true, broken: None };
    history.devices.insert(device("bob"), phone);
    history.logs.insert(geese.clone(), log.clone());
    assert_eq!(check(&history), []);

    for outside in [1, 5] {
        let mut history = history.clone();
        learned(&mut history, "bob").push(delivered(&geese, &log[outside]));
        finds!(history, Violation::Leaked { .. });
    }

    // Unread counts messages of the membership only, and no events.
    let row =
        |read, unread| Row { user: "bob".into(), conv: geese.clone(), read, unread, asked: 0 };
    history.rows = vec![row(3, 1)];
    assert_eq!(check(&history), []);
    history.rows = vec![row(3, 2)];
    finds!(history, Violation::Unread { expected: 1, .. });
}
