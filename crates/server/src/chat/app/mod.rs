//! The chat itself: what a line, an answer or an event does, and what the prompt says.

mod ask;
mod people;
mod words;

use std::{collections::BTreeMap, io, time::Duration};

use anser_client::{
    Client, Conversation, Event, Failed, Message, Receipt, Sending, Stop, Stored, message,
};
use anser_domain::{
    Address, Clock, Content, Millis, Outgoing, Seq, Subject, SystemClock, UserName,
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    command::{COMMANDS, Line},
    screen::Screen,
    show::{self, Paint},
    talk::{Mark, Talk},
};

/// How long somebody counts as typing without saying so again.
const TYPING: Duration = Duration::from_secs(6);
/// How often typing is said again.
const SAY_TYPING: Duration = Duration::from_secs(4);
/// Entries shown when a conversation is entered.
const GLANCE: u32 = 10;

/// What an answer that was asked for in the background brings.
pub(super) enum Answer {
    /// Entries to show, of the conversation that was being looked at then.
    History(Address, Vec<Message>),
    /// The conversation list.
    List(Vec<Conversation>),
    /// A line to show.
    Say(String),
    /// A line to show that nobody asked for; nothing when there is none.
    Note(Option<String>),
    /// A line to show, and a conversation to go to.
    Enter(String, Address),
    /// What has gone wrong.
    Wrong(String),
}

/// Whether there is a link.
enum Link {
    Up,
    Down { until: Instant },
}

/// A chat.
pub(super) struct App {
    client: Client,
    me: UserName,
    paint: Paint,
    at: Option<Address>,
    talks: BTreeMap<Address, Talk>,
    online: BTreeMap<UserName, bool>,
    typing: BTreeMap<UserName, (Address, Instant)>,
    said_typing: Option<Instant>,
    link: Link,
    /// The conversation to begin in, once the list has been shown.
    first: Option<Address>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl App {
    pub(super) fn new(
        client: Client,
        paint: Paint,
        answers: mpsc::UnboundedSender<Answer>,
    ) -> Self {
        Self {
            me: client.identity().user.clone(),
            client,
            paint,
            at: None,
            talks: BTreeMap::new(),
            online: BTreeMap::new(),
            typing: BTreeMap::new(),
            said_typing: None,
            link: Link::Up,
            first: None,
            answers,
        }
    }

    /// Shows what there is, and enters a conversation if one was asked for.
    pub(super) fn begin(&mut self, to: Option<Address>) {
        self.first = to;
        self.list();
    }

    /// The end of the chat.
    pub(super) fn client(self) -> Client {
        self.client
    }

    // — what is typed —

    /// A line was typed. A send that came of it is handed back; `Err(())`: enough.
    pub(super) fn line(
        &mut self,
        line: &str,
        screen: &mut Screen,
    ) -> io::Result<Result<Option<(Address, Sending)>, ()>> {
        self.stopped_typing();
        match Line::parse(line) {
            Line::Blank => {}
            Line::Text(text) => return self.say(&text, None, screen).map(Ok),
            Line::Reply(seq, text) => return self.reply(seq, &text, screen).map(Ok),
            Line::Edit(seq, text) => self.edit(seq, text, screen)?,
            Line::Recall(seq) => self.recall(seq, screen)?,
            Line::React(seq, reaction, on) => self.react(seq, reaction, on, screen)?,
            Line::Search(words) => self.search(words),
            Line::Find(words) => self.find(words),
            Line::Friends => self.friends(),
            Line::Friend(user) => self.befriend(user),
            Line::Unfriend(user) => self.unfriend(user),
            Line::Block(user, blocked) => self.block(user, blocked),
            Line::Invite(users) => self.invite(users, screen)?,
            Line::Join(group) => self.join(group),
            Line::Leave => self.leave(screen)?,
            Line::To(address) => self.enter(address),
            Line::List => self.list(),
            Line::History(count) => self.history(count),
            Line::Who => self.who(screen)?,
            Line::Group(name, users) => self.make_group(name, users),
            Line::Add(users) => self.members(users, true, screen)?,
            Line::Remove(users) => self.members(users, false, screen)?,
            Line::Help => {
                let row = |(typed, does): &(&str, &str)| format!("  {typed:24}{does}");
                let mut text: Vec<String> = COMMANDS.iter().map(row).collect();
                text.push("  anything else is a message; // begins one with a slash".to_owned());
                screen.print(&text.join("\n"))?;
            }
            Line::Quit => return Ok(Err(())),
            Line::Wrong(text) => screen.print(&self.paint.red(&text))?,
        }
        Ok(Ok(None))
    }

    fn say(
        &mut self,
        text: &str,
        reply_to: Option<Seq>,
        screen: &mut Screen,
    ) -> io::Result<Option<(Address, Sending)>> {
        // A script's first lines may come before the list has.
        self.at = self.at.take().or_else(|| self.first.clone());
        let Some(at) = self.at.clone() else {
            screen.print(&self.paint.red("To whom? /to u:NAME or /to g:GROUP first."))?;
            return Ok(None);
        };
        if screen.is_terminal() {
            let time = self.paint.dim(&show::time(now(), now()));
            let name = self.paint.green(self.me.as_str());
            let to = reply_to.map(|seq| self.paint.dim(&format!(" → #{seq}"))).unwrap_or_default();
            screen.print(&format!("{time} {name}{to}: {}", show::harmless(text)))?;
        }
        self.talks.entry(at.clone()).or_default().sending += 1;
        let outgoing = Outgoing { reply_to, ..message(at.clone(), Content::Text(text.into())) };
        let sending = self.client.send(outgoing);
        Ok(Some((at, sending)))
    }

    /// A send has its final answer.
    pub(super) fn sent(
        &mut self,
        at: &Address,
        result: Result<Stored, Failed>,
        screen: &mut Screen,
    ) -> io::Result<()> {
        let talk = self.talks.entry(at.clone()).or_default();
        talk.sending = talk.sending.saturating_sub(1);
        match result {
            Ok(stored) => {
                talk.saw(stored.seq, true);
                talk.sent(stored.seq);
                self.tell_mark(at, screen)
            }
            Err(error) => screen.print(&self.paint.red(&format!("not sent to {at}: {error}"))),
        }
    }

    /// Scripts are told in lines what the prompt shows.
    fn tell_mark(&mut self, at: &Address, screen: &mut Screen) -> io::Result<()> {
        let Some(talk) = self.talks.get_mut(at) else { return Ok(()) };
        let mark = talk.mark();
        if screen.is_terminal() || mark.is_none() || talk.told >= mark {
            return Ok(());
        }
        talk.told = mark;
        let Some((seq, mark)) = mark else { return Ok(()) };
        let word = match mark {
            Mark::Sent => "sent ✓",
            Mark::Delivered => "delivered ✓✓",
            Mark::Read => "read ✓✓",
        };
        screen.print(&format!("{at} {seq} {word}"))
    }

    /// The line that is being typed has changed.
    pub(super) fn editing(&mut self, message: bool) {
        let Some(at) = &self.at else { return };
        if !message {
            return self.stopped_typing();
        }
        if self.said_typing.is_none_or(|said| said.elapsed() > SAY_TYPING) {
            self.said_typing = Some(Instant::now());
            self.client.typing(at, true);
        }
    }

    fn stopped_typing(&mut self) {
        if let (Some(at), Some(_)) = (&self.at, self.said_typing.take()) {
            self.client.typing(at, false);
        }
    }

    fn enter(&mut self, at: Address) {
        self.at = Some(at);
        self.history(GLANCE);
    }

    // — what was asked in the background —

    /// An answer has come.
    pub(super) fn answer(&mut self, answer: Answer, screen: &mut Screen) -> io::Result<()> {
        match answer {
            Answer::History(at, entries) => {
                for entry in &entries {
                    self.saw(entry);
                }
                let lines: Vec<String> = entries
                    .iter()
                    .map(|it| show::entry(it, &self.me, now(), false, self.paint))
                    .collect();
                if self.at.as_ref() == Some(&at) {
                    screen.print(&self.paint.dim(&format!("— {at}")))?;
                    if let Some(last) = entries.last() {
                        self.have_read(&at, last.seq);
                    }
                }
                if !lines.is_empty() {
                    screen.print(&lines.join("\n"))?;
                }
                Ok(())
            }
            Answer::List(rows) => {
                for row in &rows {
                    self.note(row);
                }
                self.complete(screen);
                screen.print(&show::conversations(&rows, &self.me, now(), self.paint))?;
                self.enter_first();
                Ok(())
            }
            Answer::Say(text) => screen.print(&text),
            Answer::Note(text) => match text {
                Some(text) => screen.print(&self.paint.dim(&format!("— {text}"))),
                None => Ok(()),
            },
            Answer::Enter(text, at) => {
                screen.print(&text)?;
                self.enter(at);
                Ok(())
            }
            Answer::Wrong(text) => {
                screen.print(&self.paint.red(&text))?;
                self.enter_first();
                Ok(())
            }
        }
    }

    fn enter_first(&mut self) {
        if let Some(first) = self.first.take() {
            self.enter(first);
        }
    }

    fn complete(&self, screen: &mut Screen) {
        let commands = COMMANDS.iter().filter_map(|(typed, _)| typed.split(' ').next());
        let words = commands.map(str::to_owned);
        screen.words(words.chain(self.talks.keys().map(ToString::to_string)).collect());
    }

    // — what the server says —

    /// Something has happened. `Some`: it is over.
    pub(super) fn event(&mut self, event: Event, screen: &mut Screen) -> io::Result<Option<Stop>> {
        match event {
            Event::Linked(_) => {
                if matches!(self.link, Link::Down { .. }) {
                    self.link = Link::Up;
                    screen.print(&self.paint.dim("— back online"))?;
                }
            }
            Event::Unlinked { reason, retry_in } => {
                if matches!(self.link, Link::Up) {
                    screen.print(&self.paint.dim(&format!("— offline: {reason}")))?;
                }
                self.link = Link::Down { until: Instant::now() + retry_in };
                self.typing.clear();
            }
            Event::Conversation(row) => {
                self.note(&row);
                self.complete(screen);
                self.tell_mark(&row.at, screen)?;
            }
            Event::Message(message) => self.message(&message, screen)?,
            Event::Receipt(receipt) => self.receipt(receipt, screen)?,
            Event::Typing { at, user, active } => {
                if active {
                    self.typing.insert(user, (at, Instant::now()));
                } else {
                    self.typing.remove(&user);
                }
            }
            Event::Presence { user, online } => {
                let before = self.online.insert(user.clone(), online);
                let peer = self.at == Some(Address::User(user.clone()));
                if before != Some(online) && peer && screen.is_terminal() {
                    let word = if online { "online" } else { "offline" };
                    screen.print(&self.paint.dim(&format!("— {user} is {word}")))?;
                }
            }
            Event::Changed { subject: Subject::Requests, .. } => self.requests(),
            Event::Changed { subject: Subject::Invitations, .. } => self.invitations(),
            Event::Synced(_) | Event::Kept { .. } | Event::Personal(_) | Event::Changed { .. } => {}
            Event::Stopped(stop) => return Ok(Some(stop)),
        }
        Ok(None)
    }

    fn note(&mut self, row: &Conversation) {
        let talk = self.talks.entry(row.at.clone()).or_default();
        talk.peer_delivered = talk.peer_delivered.max(row.peer_delivered);
        talk.peer_read = talk.peer_read.max(row.peer_read);
    }

    fn message(&mut self, message: &Message, screen: &mut Screen) -> io::Result<()> {
        self.saw(message);
        self.typing.remove(&message.sender);
        let here = self.at.as_ref() == Some(&message.at);
        screen.print(&show::entry(message, &self.me, now(), !here, self.paint))?;
        if here && message.sender != self.me {
            self.have_read(&message.at, message.seq);
        }
        Ok(())
    }

    /// Notes what stands where.
    fn saw(&mut self, message: &Message) {
        let own = message.sender == self.me;
        let talk = self.talks.entry(message.at.clone()).or_default();
        if !matches!(message.content, Content::Event(_) | Content::Gone(_)) {
            talk.saw(message.seq, own);
        }
        if own {
            talk.sent(message.seq);
        }
    }

    fn have_read(&self, at: &Address, seq: Seq) {
        let (client, at) = (self.client.clone(), at.clone());
        // Said again with the next message if it is lost.
        tokio::spawn(async move { drop(client.read(&at, seq).await) });
    }

    fn receipt(&mut self, receipt: Receipt, screen: &mut Screen) -> io::Result<()> {
        if receipt.user == self.me {
            return Ok(());
        }
        let talk = self.talks.entry(receipt.at.clone()).or_default();
        match (&receipt.at, receipt.read) {
            (Address::User(_), true) => talk.peer_read = talk.peer_read.max(receipt.seq),
            (_, false) => talk.peer_delivered = talk.peer_delivered.max(receipt.seq),
            (Address::Group(_), true) => {
                if talk.mine.is_some_and(|mine| mine <= receipt.seq) {
                    talk.readers.insert(receipt.user);
                }
            }
        }
        self.tell_mark(&receipt.at, screen)
    }

    // — the prompt —

    /// What stands in front of the line that is being typed.
    pub(super) fn prompt(&mut self) -> String {
        self.typing.retain(|_, (_, since)| since.elapsed() < TYPING);
        let mut parts = Vec::new();
        if let Link::Down { until } = self.link {
            let left = until.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
            parts.push(match left {
                0.0 => "connecting…".to_owned(),
                left => format!("offline, next try in {left} s"),
            });
        }
        if let Some(at) = &self.at {
            parts.push(show::short(at));
            if let Some(state) = self.talks.get(at).and_then(Talk::state) {
                parts.push(state);
            }
            let typing = self.typing.iter().filter(|(_, (there, _))| there == at);
            let names: Vec<_> = typing.map(|(name, _)| name.to_string()).collect();
            match names.as_slice() {
                [] => {}
                [one] => parts.push(format!("{one} is typing…")),
                many => parts.push(format!("{} are typing…", many.join(", "))),
            }
        }
        let mut prompt = parts.join(" · ");
        prompt.push_str(if prompt.is_empty() { "› " } else { " › " });
        prompt
    }

    /// Whether the prompt changes by itself.
    pub(super) fn is_moving(&self) -> bool {
        matches!(self.link, Link::Down { .. }) || !self.typing.is_empty()
    }
}

fn now() -> Millis {
    SystemClock.wall()
}
