//! What can be typed beside messages: lines that begin with `/`.

use anser_domain::{Address, GroupName, Seq, UserName};

/// A line that was typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// Nothing.
    Blank,
    /// A message to the current conversation.
    Text(String),
    /// `/to u:bob`
    To(Address),
    /// `/list`
    List,
    /// `/history [n]`
    History(u32),
    /// `/who`
    Who,
    /// `/group NAME user…`
    Group(GroupName, Vec<UserName>),
    /// `/add user…`
    Add(Vec<UserName>),
    /// `/remove user…`
    Remove(Vec<UserName>),
    /// `/invite user…`
    Invite(Vec<UserName>),
    /// `/join group`
    Join(GroupName),
    /// `/leave`
    Leave,
    /// `/reply [#n] text`
    Reply(Option<Seq>, String),
    /// `/edit [#n] text`
    Edit(Option<Seq>, String),
    /// `/recall [#n]`
    Recall(Option<Seq>),
    /// `/react [#n] reaction`; with a minus in front it is taken back
    React(Option<Seq>, String, bool),
    /// `/search words`
    Search(String),
    /// `/find words`
    Find(String),
    /// `/friends`
    Friends,
    /// `/friend user`
    Friend(UserName),
    /// `/unfriend user`
    Unfriend(UserName),
    /// `/block user`, `/unblock user`
    Block(UserName, bool),
    /// `/help`
    Help,
    /// `/quit`
    Quit,
    /// None of these; what would have been.
    Wrong(String),
}

/// Entries that `/history` shows when it is not told.
const HISTORY: u32 = 20;

/// Every command: how it is typed, and what it does.
pub(super) const COMMANDS: [(&str, &str); 23] = [
    ("/to u:USER | g:GROUP", "talk to someone, or in a group"),
    ("/list", "your conversations, with unread counts"),
    ("/history [N]", "the last N entries of this conversation"),
    ("/who", "who is here, and who is online"),
    ("/reply [#N] TEXT", "answer message #N, or the last one"),
    ("/edit [#N] TEXT", "say something else in your message #N, or in your last one"),
    ("/recall [#N]", "take your message #N back, or your last one"),
    ("/react [#N] 👍", "react to message #N, or to the last one; -👍 takes it back"),
    ("/search WORDS", "messages with these words, in all your conversations"),
    ("/group NAME USER…", "make a group with these users"),
    ("/add USER…", "bring users into this group"),
    ("/remove USER…", "take users out of this group"),
    ("/invite USER…", "invite users into this group"),
    ("/join GROUP", "come into a group"),
    ("/leave", "leave this group"),
    ("/friends", "your friends, and who asks to be one"),
    ("/friend USER", "ask someone to be your friend, or accept"),
    ("/unfriend USER", "end a friendship, or turn a request down"),
    ("/block USER", "neither of you writes to the other any more"),
    ("/unblock USER", "end that"),
    ("/find WORDS", "users by the words of their names"),
    ("/help", "this"),
    ("/quit", "leave (Ctrl-D too)"),
];

impl Line {
    /// Reads a line. `//` begins a message with a slash.
    pub(super) fn parse(line: &str) -> Self {
        let line = line.trim();
        if line.is_empty() {
            return Self::Blank;
        }
        let Some(command) = line.strip_prefix('/') else { return Self::Text(line.to_owned()) };
        if command.starts_with('/') {
            return Self::Text(command.to_owned());
        }
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        let words: Vec<&str> = rest.split_whitespace().collect();
        match (name, words.as_slice()) {
            ("to", [address]) => match parse_address(address) {
                Some(address) => Self::To(address),
                None => Self::Wrong(format!("{address}: an address is u:USER or g:GROUP")),
            },
            ("to", _) => Self::Wrong("/to takes one address: /to u:bob".to_owned()),
            ("list", []) => Self::List,
            ("history", []) => Self::History(HISTORY),
            ("history", [count]) => match count.parse() {
                Ok(count @ 1..=500) => Self::History(count),
                _ => Self::Wrong("/history takes a number from 1 to 500".to_owned()),
            },
            ("who", []) => Self::Who,
            ("group", [name, users @ ..]) => match (GroupName::new(name), parse_users(users)) {
                (Ok(name), Ok(users)) => Self::Group(name, users),
                (Err(error), _) => Self::Wrong(format!("{name}: {error}")),
                (_, Err(wrong)) => Self::Wrong(wrong),
            },
            ("add", [_, ..]) => parse_users(&words).map_or_else(Self::Wrong, Self::Add),
            ("remove", [_, ..]) => parse_users(&words).map_or_else(Self::Wrong, Self::Remove),
            ("invite", [_, ..]) => parse_users(&words).map_or_else(Self::Wrong, Self::Invite),
            ("join", [group]) => match GroupName::new(group.strip_prefix("g:").unwrap_or(group)) {
                Ok(group) => Self::Join(group),
                Err(error) => Self::Wrong(format!("{group}: {error}")),
            },
            ("leave", []) => Self::Leave,
            ("reply", [_, ..]) => numbered(rest, "/reply [#N] TEXT", Self::Reply),
            ("edit", [_, ..]) => numbered(rest, "/edit [#N] TEXT", Self::Edit),
            ("recall", []) => Self::Recall(None),
            ("recall", [number]) => match number_of(number) {
                Some(seq) => Self::Recall(Some(seq)),
                None => Self::Wrong(format!("{number}: a message's number is like #12")),
            },
            ("react", [_, ..]) => numbered(rest, "/react [#N] 👍", |seq, text| {
                match text.strip_prefix('-').filter(|text| !text.is_empty()) {
                    Some(back) => Self::React(seq, back.to_owned(), false),
                    None => Self::React(seq, text, true),
                }
            }),
            ("search", [_, ..]) => Self::Search(rest.to_owned()),
            ("find", [_, ..]) => Self::Find(rest.to_owned()),
            ("friends", []) => Self::Friends,
            ("friend", [user]) => one_user(user, Self::Friend),
            ("unfriend", [user]) => one_user(user, Self::Unfriend),
            ("block", [user]) => one_user(user, |user| Self::Block(user, true)),
            ("unblock", [user]) => one_user(user, |user| Self::Block(user, false)),
            ("help", _) => Self::Help,
            ("quit" | "exit", _) => Self::Quit,
            _ => match COMMANDS
                .iter()
                .find(|(typed, _)| typed.split(' ').next() == line.split(' ').next())
            {
                Some((typed, does)) => Self::Wrong(format!("{typed}: {does}")),
                None => {
                    Self::Wrong(format!("/{command}: not a command; /help shows those there are"))
                }
            },
        }
    }
}

/// `#12`
fn number_of(word: &str) -> Option<Seq> {
    word.strip_prefix('#')?.parse().ok().map(Seq)
}

/// What may begin with a message's number, and goes on with a text.
fn numbered(rest: &str, usage: &str, line: impl FnOnce(Option<Seq>, String) -> Line) -> Line {
    let (first, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (seq, text) = match number_of(first) {
        Some(seq) => (Some(seq), text.trim()),
        None => (None, rest),
    };
    if text.is_empty() { Line::Wrong(usage.to_owned()) } else { line(seq, text.to_owned()) }
}

fn one_user(word: &str, line: impl FnOnce(UserName) -> Line) -> Line {
    let name = word.strip_prefix("u:").unwrap_or(word);
    UserName::new(name).map_or_else(|error| Line::Wrong(format!("{word}: {error}")), line)
}

/// An address; a bare name is a user's.
fn parse_address(text: &str) -> Option<Address> {
    match text.contains(':') {
        true => text.parse().ok(),
        false => UserName::new(text).ok().map(Address::User),
    }
}

fn parse_users(words: &[&str]) -> Result<Vec<UserName>, String> {
    let user = |word: &&str| {
        let name = word.strip_prefix("u:").unwrap_or(word);
        UserName::new(name).map_err(|error| format!("{word}: {error}"))
    };
    words.iter().map(user).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_messages_are_told_apart() {
        assert_eq!(Line::parse(" hello "), Line::Text("hello".into()));
        assert_eq!(Line::parse("//etc"), Line::Text("/etc".into()));
        assert_eq!(Line::parse("  "), Line::Blank);
        assert_eq!(Line::parse("/to bob"), Line::To("u:bob".parse().unwrap()));
        assert_eq!(Line::parse("/to g:geese"), Line::To("g:geese".parse().unwrap()));
        assert_eq!(Line::parse("/history 7"), Line::History(7));
        let bob = UserName::new("bob").unwrap();
        let geese = GroupName::new("geese").unwrap();
        assert_eq!(Line::parse("/group geese u:bob"), Line::Group(geese, vec![bob]));
    }

    #[test]
    fn messages_are_named_by_number_or_not_at_all() {
        assert_eq!(
            Line::parse("/reply #7 so  it is"),
            Line::Reply(Some(Seq(7)), "so  it is".into())
        );
        assert_eq!(Line::parse("/reply 7 geese"), Line::Reply(None, "7 geese".into()));
        assert_eq!(Line::parse("/edit #tag"), Line::Edit(None, "#tag".into()));
        assert_eq!(Line::parse("/recall #7"), Line::Recall(Some(Seq(7))));
        assert_eq!(Line::parse("/recall"), Line::Recall(None));
        assert_eq!(Line::parse("/react 👍"), Line::React(None, "👍".into(), true));
        assert_eq!(Line::parse("/react #7 -👍"), Line::React(Some(Seq(7)), "👍".into(), false));
        assert_eq!(Line::parse("/search wild geese"), Line::Search("wild geese".into()));
        let bob = UserName::new("bob").unwrap();
        assert_eq!(Line::parse("/friend u:bob"), Line::Friend(bob.clone()));
        assert_eq!(Line::parse("/unblock bob"), Line::Block(bob, false));
        assert_eq!(Line::parse("/join g:geese"), Line::Join(GroupName::new("geese").unwrap()));
    }

    #[test]
    fn every_command_that_help_shows_is_one() {
        for (typed, _) in COMMANDS {
            let typed = typed.replace("[#N]", "#1").replace("[N]", "1").replace('…', "");
            let typed = typed.replace("u:USER | g:GROUP", "u:bob").replace("USER", "bob");
            let typed = typed.replace("GROUP", "geese").replace("NAME", "geese");
            assert!(!matches!(Line::parse(&typed), Line::Wrong(_)), "{typed}");
        }
    }

    #[test]
    fn a_command_without_what_it_takes_says_how_it_is_typed() {
        let usage = "/reply [#N] TEXT: answer message #N, or the last one";
        assert_eq!(Line::parse("/reply"), Line::Wrong(usage.into()));
    }

    #[test]
    fn what_is_mistyped_is_explained() {
        for line in [
            "/to",
            "/to x:y",
            "/history 0",
            "/group a/b",
            "/add",
            "/dance",
            "/add a@b",
            "/reply",
            "/edit #7",
            "/recall it",
            "/react #7",
            "/search",
            "/friend",
            "/friend a b",
            "/join a/b",
        ] {
            assert!(matches!(Line::parse(line), Line::Wrong(_)), "{line}");
        }
    }
}
