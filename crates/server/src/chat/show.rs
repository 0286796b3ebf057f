//! How things look: one line each, times in front. Text of others is made harmless first.

use anser_client::{Conversation, Message};
use anser_domain::{Address, Content, Gone, GroupRole, LogEvent, Millis, UserName};
use jiff::{Timestamp, tz::TimeZone};

/// Whether and how to colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What can be overlooked.
    pub(super) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// What should not be.
    pub(super) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// What has gone wrong.
    pub(super) fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// Own things.
    pub(super) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }
}

/// Text that cannot move the cursor, ring or recolour: control characters become visible marks,
/// lines after the first are indented.
pub(super) fn harmless(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => all.push_str("\n      "),
            '\t' => all.push(' '),
            // Bidirectional overrides can make text read as something else.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => all.push('\u{fffd}'),
            other if other.is_control() => all.push('\u{fffd}'),
            other => all.push(other),
        }
    }
    all
}

/// A time of today as hours and minutes, an earlier one with its date.
pub(super) fn time(ts: Millis, now: Millis) -> String {
    let zoned = |at: Millis| {
        let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
        at.to_zoned(TimeZone::system())
    };
    let (at, today) = (zoned(ts), zoned(now));
    let form = if at.date() == today.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.strftime(form).to_string()
}

/// A log entry. `tagged`: with the conversation, because another one is being looked at.
pub(super) fn entry(
    message: &Message,
    me: &UserName,
    now: Millis,
    tagged: bool,
    paint: Paint,
) -> String {
    let mut line = paint.dim(&format!("{} #{}", time(message.ts, now), message.seq));
    line.push(' ');
    if tagged {
        line.push_str(&paint.dim(&format!("[{}] ", message.at)));
    }
    match &message.content {
        Content::Event(event) => {
            let text = format!("— {}", happening(event, &message.sender));
            line.push_str(&paint.dim(&text));
        }
        content => {
            let name = message.sender.as_str();
            line.push_str(&match message.sender == *me {
                true => paint.green(name),
                false => paint.bold(name),
            });
            if let Some(seq) = message.reply_to {
                line.push_str(&paint.dim(&format!(" → #{seq}")));
            }
            line.push_str(": ");
            line.push_str(&words(content));
            line.push_str(&paint.dim(&beside(message)));
        }
    }
    line
}

/// What else there is to a message.
fn beside(message: &Message) -> String {
    let Some(marks) = &message.marks else { return String::new() };
    let mut text = String::new();
    if marks.edited.is_some() {
        text.push_str(" (edited)");
    }
    for it in &marks.reactions {
        text.push_str(&format!(" {}", harmless(&it.reaction)));
        if it.count > 1 {
            text.push_str(&format!("×{}", it.count));
        }
    }
    text
}

/// What a message says, in a line.
fn words(content: &Content) -> String {
    match content {
        Content::Text(text) => harmless(text),
        Content::Image(json) => format!("[image] {}", harmless(json)),
        Content::File(json) => format!("[file] {}", harmless(json)),
        Content::Custom(json) => format!("[data] {}", harmless(json)),
        Content::Gone(Gone::Recalled) => "(recalled)".to_owned(),
        Content::Gone(Gone::Deleted) => "(deleted)".to_owned(),
        Content::Event(_) => String::new(),
    }
}

fn happening(event: &LogEvent, by: &UserName) -> String {
    let list = |members: &[(UserName, GroupRole)]| {
        let names = members.iter().map(|(name, role)| match role {
            GroupRole::Member => name.to_string(),
            GroupRole::Admin => format!("{name} (admin)"),
            GroupRole::Owner => format!("{name} (owner)"),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    match event {
        LogEvent::Created { members } => format!("{by} made the group: {}", list(members)),
        LogEvent::Joined { members } if members.is_empty() => format!("{by} changed something"),
        LogEvent::Joined { members } => format!("{by} brought in {}", list(members)),
        LogEvent::Recalled { seq } => format!("{by} recalled #{seq}"),
        LogEvent::Edited { seq, content: Some(content), .. } => {
            format!("{by} edited #{seq}: {}", words(content))
        }
        LogEvent::Edited { seq, content: None, .. } => format!("{by} edited #{seq}"),
        LogEvent::Reacted { seq, reaction, on: true } => {
            format!("{by} reacted to #{seq}: {}", harmless(reaction))
        }
        LogEvent::Reacted { seq, reaction, on: false } => {
            format!("{by} took back {} from #{seq}", harmless(reaction))
        }
        LogEvent::Pinned { seq, on: true } => format!("{by} pinned #{seq}"),
        LogEvent::Pinned { seq, on: false } => format!("{by} unpinned #{seq}"),
        LogEvent::Removed { members } if members.as_slice() == [by.clone()] => {
            format!("{by} left")
        }
        LogEvent::Removed { members } => {
            let names: Vec<_> = members.iter().map(ToString::to_string).collect();
            format!("{by} took out {}", names.join(", "))
        }
        LogEvent::Profile(patch) => match &patch.title {
            Some(title) => format!("{by} named the group {}", harmless(title)),
            None => format!("{by} changed what the group says of itself"),
        },
        LogEvent::Policy(_) => format!("{by} changed who may do what"),
        LogEvent::Muted { user, .. } => format!("{by} changed until when {user} is muted"),
        LogEvent::Dissolved => format!("{by} dissolved the group"),
    }
}

/// The conversation list.
pub(super) fn conversations(
    rows: &[Conversation],
    me: &UserName,
    now: Millis,
    paint: Paint,
) -> String {
    if rows.is_empty() {
        return paint.dim("No conversations yet. /to u:NAME begins one.");
    }
    let width = rows.iter().map(|row| row.at.to_string().chars().count()).max().unwrap_or(0);
    let lines = rows.iter().map(|row| {
        let at = format!("{:width$}", row.at.to_string());
        let unread = match row.unread {
            0 => " ".repeat(10),
            many => paint.bold(&format!("{many:>3} unread")),
        };
        let last = row.last.as_ref().map(|last| entry(last, me, now, false, paint));
        let last = last.unwrap_or_default();
        let last = last.lines().next().unwrap_or_default();
        let left = if row.member { "" } else { " (left)" };
        format!("  {}  {unread}  {last}{left}", paint.bold(&at))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The name of a conversation's other side, for prompts.
pub(super) fn short(at: &Address) -> String {
    harmless(&at.to_string())
}

#[cfg(test)]
mod tests {
    use anser_domain::{ClientId, ConvId, MessageId, Ord64, Seq};

    use super::*;

    fn message(content: Content) -> Message {
        Message {
            conv: ConvId(1),
            at: "u:bob".parse().unwrap(),
            seq: Seq(1),
            ord: Ord64(1),
            id: MessageId(1),
            sender: UserName::new("bob").unwrap(),
            client_id: ClientId([0; 16]),
            ts: Millis(0),
            content,
            reply_to: None,
            mentions: Vec::new(),
            payload: Default::default(),
            marks: None,
        }
    }

    #[test]
    fn text_of_others_cannot_command_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\x07"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(harmless("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(harmless("one\ntwo\r"), "one\n      two\u{fffd}");
    }

    #[test]
    fn entries_say_when_who_and_what() {
        let me = UserName::new("alice").unwrap();
        let now = Millis(1000);
        let line = entry(&message(Content::Text("hi".into())), &me, now, true, Paint(false));
        assert!(line.ends_with(" #1 [u:bob] bob: hi"), "{line}");
        let mut reply = message(Content::Text("hi".into()));
        reply.seq = Seq(4);
        reply.reply_to = Some(Seq(1));
        reply.marks = Some(Box::new(anser_domain::Marks {
            edited: Some(Millis(7)),
            reactions: vec![anser_domain::Reaction {
                reaction: "👍".into(),
                count: 2,
                mine: false,
            }],
            ..Default::default()
        }));
        let line = entry(&reply, &me, now, false, Paint(false));
        assert!(line.ends_with(" #4 bob → #1: hi (edited) 👍×2"), "{line}");
        let left = LogEvent::Removed { members: vec![UserName::new("bob").unwrap()] };
        let line = entry(&message(Content::Event(left)), &me, now, false, Paint(false));
        assert!(line.ends_with(" — bob left"), "{line}");
    }

    #[test]
    fn earlier_days_are_named() {
        assert!(time(Millis(0), Millis(1_000)).len() == 5);
        assert!(time(Millis(0), Millis(1_800_000_000_000)).starts_with("19"));
    }
}
