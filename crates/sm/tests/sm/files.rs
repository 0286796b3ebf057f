//! Files: the policy, what members may see, and the sweep that nobody is asked for.

use std::time::Duration;

use anser_domain::{
    Caller, Command, FileCommand, FileId, FileName, FileRecord, FileReply, FileState, Found,
    MediaType, NewFile, Piece, Refusal, Reply, Tokens,
};

use crate::support::{World, world};

fn new(size: u64) -> NewFile {
    let name = FileName::harmless("goose.png");
    NewFile { name, media: None, size, sha256: None, public: false }
}

fn bearer(tokens: &Tokens) -> Caller {
    Caller::Bearer(tokens.access.clone())
}

async fn ask(w: &World, tokens: &Tokens, command: FileCommand) -> Reply {
    w.call(bearer(tokens), Command::Files(command)).await
}

async fn file(w: &World, tokens: &Tokens, command: FileCommand) -> FileRecord {
    match ask(w, tokens, command).await {
        Reply::Files(FileReply::File(record)) => *record,
        other => panic!("{other:?}"),
    }
}

async fn stored(w: &World, tokens: &Tokens) -> FileRecord {
    let begun = file(w, tokens, FileCommand::Begin(Box::new(new(10)))).await;
    let piece = Piece { at: 0, length: 10, nonce: 1 };
    file(w, tokens, FileCommand::Wrote { file: begun.id, piece }).await;
    let found = Box::new(Found { sha256: [1; 32], media: MediaType::unknown(), picture: None });
    file(w, tokens, FileCommand::Finish { file: begun.id, found }).await
}

async fn sweep(w: &World) -> Vec<FileId> {
    let command = Command::Files(FileCommand::Sweep { limit: 10 });
    match w.call(Caller::Nobody, command).await {
        Reply::Files(FileReply::Doomed(files)) => files,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_stored_shown_and_deleted() {
    let w = world(&["alice", "bob"]).await;
    let (alice, bob) = (w.sign_in("alice", "phone").await, w.sign_in("bob", "phone").await);
    let refused = |why| Reply::Refused(why);
    let too_large = ask(&w, &alice, FileCommand::Begin(Box::new(new(u64::MAX)))).await;
    assert!(matches!(too_large, Reply::Refused(Refusal::TooLarge(_))), "{too_large:?}");
    let empty = ask(&w, &alice, FileCommand::Begin(Box::new(new(0)))).await;
    assert!(matches!(empty, Reply::Refused(Refusal::Invalid(_))), "{empty:?}");

    let ready = stored(&w, &alice).await;
    assert_eq!((ready.state, ready.received), (FileState::Ready, 10));
    for command in
        [FileCommand::Info(ready.id), FileCommand::Open(ready.id), FileCommand::Delete(ready.id)]
    {
        assert_eq!(ask(&w, &bob, command).await, refused(Refusal::NoSuchFile));
    }
    let list = FileCommand::List { before: None, limit: 10 };
    let Reply::Files(FileReply::List(page)) = ask(&w, &alice, list).await else { panic!() };
    assert_eq!((page.files, page.used, page.quota), (vec![ready.clone()], 10, 2 << 30));

    assert_eq!(sweep(&w).await, []);
    assert_eq!(ask(&w, &alice, FileCommand::Delete(ready.id)).await, Reply::Done);
    assert_eq!(sweep(&w).await, [ready.id]);
    let swept = Command::Files(FileCommand::Swept(vec![ready.id]));
    assert_eq!(w.call(Caller::Nobody, swept).await, Reply::Done);
    assert_eq!(sweep(&w).await, []);
    assert_eq!(ask(&w, &alice, FileCommand::Info(ready.id)).await, refused(Refusal::NoSuchFile));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_is_no_users_to_ask_and_nobody_asks_for_a_user() {
    let w = world(&["alice"]).await;
    let alice = w.sign_in("alice", "phone").await;
    let ready = stored(&w, &alice).await.id;
    for command in [FileCommand::Sweep { limit: 1 }, FileCommand::Swept(vec![ready])] {
        assert_eq!(ask(&w, &alice, command).await, Reply::Refused(Refusal::Forbidden));
    }
    for command in [FileCommand::Info(ready), FileCommand::Delete(ready)] {
        let said = w.call(Caller::Nobody, Command::Files(command)).await;
        assert_eq!(said, Reply::Refused(Refusal::BadCredentials));
    }
    // What is not gone is not forgotten, whoever says that its bytes are.
    let swept = Command::Files(FileCommand::Swept(vec![ready]));
    assert_eq!(w.call(Caller::Nobody, swept).await, Reply::Done);
    assert_eq!(file(&w, &alice, FileCommand::Info(ready)).await.state, FileState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_lies_for_a_day_is_given_up() {
    let w = world(&["alice"]).await;
    let alice = w.sign_in("alice", "phone").await;
    let begun = file(&w, &alice, FileCommand::Begin(Box::new(new(10)))).await.id;
    w.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(sweep(&w).await, []);
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(sweep(&w).await, [begun]);
}
