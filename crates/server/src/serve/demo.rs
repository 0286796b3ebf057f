//! `--demo`: three users and a group to play with.

use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc, time::Duration};

use anser_domain::{
    Ask, Caller, ClientId, Command, DeviceName, GroupKind, GroupName, LinkId, Millis, NewGroup,
    NewUser, Peer, PeerId, Refusal, Replies, Reply, ReplyTo, Role, Secret, SessionManager, SignIn,
    Tag, UserName, Via,
};
use anser_store::Store;
use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::running::Brain;
use crate::data_dir::{DataDir, write_private};

const FILE: &str = "demo.json";
const USERS: [(&str, &str); 3] = [("alice", "Alice"), ("bob", "Bob"), ("carol", "Carol")];
const GROUP: &str = "geese";
/// The device that makes the group, and is gone afterwards.
const DEVICE: &str = "demo";
/// The SM answers within milliseconds; a start that waits longer has something else wrong.
const DEADLINE: Duration = Duration::from_secs(10);

/// What there is to play with.
pub(super) struct Demo {
    /// Passwords by user, in order of name.
    pub(super) passwords: BTreeMap<String, String>,
    /// Where they are kept.
    pub(super) file: PathBuf,
}

/// Makes what is missing. The second start finds everything made and the same passwords.
pub(super) async fn prepare(
    data_dir: &DataDir,
    brain: &Brain,
    config: &anser_sm::Config,
) -> anyhow::Result<Demo> {
    let (store, sm) = (&brain.store, &(brain.sm.clone() as Arc<dyn SessionManager>));
    let file = data_dir.path().join(FILE);
    let mut passwords: BTreeMap<String, String> = match fs::read(&file) {
        Ok(json) => serde_json::from_slice(&json).with_context(|| {
            format!("{} is not what --demo has written; remove it", file.display())
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };

    let mut missing = Vec::new();
    for (name, display_name) in USERS {
        let name = UserName::new(name)?;
        let known = passwords.contains_key(name.as_str());
        match store.user(&name).await? {
            Some(_) if known => {}
            Some(_) => bail!(
                "--demo would make a user {name}, but there is one already; use another \
                 --data-dir for playing"
            ),
            None => {
                passwords.entry(name.as_str().to_owned()).or_insert_with(password);
                missing.push((name, display_name));
            }
        }
    }
    if !missing.is_empty() {
        // Before the users: a start that is cut off here is taken up by the next.
        write_private(&file, &serde_json::to_vec_pretty(&passwords)?)?;
    }
    let is_new = !missing.is_empty();
    for (name, display_name) in missing {
        let password = passwords.get(name.as_str()).cloned().unwrap_or_default();
        let new = NewUser {
            name,
            password: Secret::new(password),
            display_name: display_name.into(),
            role: Role::User,
        };
        anser_sm::create_user(store, config, new).await?;
    }
    if is_new {
        befriend(store).await.context("cannot make the demo users friends")?;
    }
    group(store, sm, config, &passwords).await.context("cannot make the demo group")?;
    Ok(Demo { passwords, file })
}

/// Makes the users friends of each other. Only when some were missing: whoever has ended a
/// friendship since does not get it back.
async fn befriend(store: &Arc<dyn Store>) -> anyhow::Result<()> {
    let mut before = Vec::new();
    for (name, _) in USERS {
        let Some(row) = store.user(&UserName::new(name)?).await? else { continue };
        for other in &before {
            store.befriend(row.id, *other).await?;
        }
        before.push(row.id);
    }
    Ok(())
}

/// Three words' worth of luck that can be typed from one screen into another: 12 of 32 letters
/// and digits, none of which looks like another.
fn password() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 12] = rand::random();
    let letters = bytes
        .iter()
        .map(|byte| char::from(LETTERS.get(usize::from(byte & 31)).copied().unwrap_or(b'a')));
    let mut text = String::new();
    for (at, letter) in letters.enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

/// Makes the group, as alice would.
async fn group(
    store: &Arc<dyn Store>,
    sm: &Arc<dyn SessionManager>,
    config: &anser_sm::Config,
    passwords: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let names = USERS.iter().map(|(name, _)| UserName::new(name)).collect::<Result<Vec<_>, _>>()?;
    let Some((alice, others)) = names.split_first() else { return Ok(()) };
    let group = GroupName::new(GROUP)?;
    let Some(row) = store.user(alice).await? else { return Ok(()) };
    if store.group(row.id, &group, Millis(i64::MAX)).await.is_ok() {
        return Ok(());
    }
    let sign_in = SignIn {
        user: alice.clone(),
        password: Secret::new(passwords.get(alice.as_str()).cloned().unwrap_or_default()),
        device: DeviceName::new(DEVICE)?,
    };
    let access = match ask(sm, Caller::Nobody, Command::SignIn(Box::new(sign_in))).await? {
        Reply::Tokens(tokens) => tokens.access,
        // The user has changed the password, and may have left the group: theirs to decide.
        Reply::Refused(Refusal::BadCredentials | Refusal::Disabled) => return Ok(()),
        other => return Err(unexpected(other)),
    };
    let caller = Caller::Bearer(access);
    let new = NewGroup {
        client_id: ClientId::from_text("anser serve --demo"),
        name: group,
        kind: GroupKind::Group,
        title: "Geese".into(),
        // By their own consent only: then alice is alone for now.
        members: if config.consent { Vec::new() } else { others.to_vec() },
    };
    let made = ask(sm, caller.clone(), Command::CreateGroup(Box::new(new))).await?;
    ask(sm, caller, Command::RemoveDevice(DeviceName::new(DEVICE)?)).await?;
    match made {
        // Taken: it was made by an earlier start, and alice has left it. In conflict: it has
        // another title by now.
        Reply::Sent(_) | Reply::Refused(Refusal::NameTaken | Refusal::Conflict) => Ok(()),
        other => Err(unexpected(other)),
    }
}

fn unexpected(reply: Reply) -> anyhow::Error {
    match reply {
        Reply::Refused(refusal) => refusal.into(),
        _ => anyhow::anyhow!("the session manager gave another answer than was asked for"),
    }
}

/// Asks the SM one thing, as a peer that lives as long as the question.
async fn ask(
    sm: &Arc<dyn SessionManager>,
    caller: Caller,
    command: Command,
) -> anyhow::Result<Reply> {
    let (answer, reply) = oneshot::channel();
    let id = PeerId(rand::random());
    let replies = Arc::new(One(Mutex::new(Some(answer))));
    sm.attach(Peer { id, via: Via::default(), replies, links: None });
    let from = ReplyTo { peer: id, link: LinkId(1), tag: Tag(1), via: Via::default() };
    sm.submit(vec![Ask { from, caller, command }]);
    let reply = tokio::time::timeout(DEADLINE, reply).await;
    sm.detach(id);
    Ok(reply.context("the session manager did not answer")??)
}

/// Takes one answer.
struct One(Mutex<Option<oneshot::Sender<Reply>>>);

impl Replies for One {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        for (_, _, reply) in batch {
            if let Some(answer) = self.0.lock().take() {
                // Whoever asked may have given up waiting.
                let _ = answer.send(reply);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn passwords_are_long_enough_to_be_taken_and_differ() {
        let one = password();
        assert_eq!(one.len(), 14);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        assert_ne!(one, password());
    }
}
