//! What can be typed beside messages: lines that begin with `/`.

use anser_domain::{Address, GroupName, UserName};

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
pub(super) const COMMANDS: [(&str, &str); 9] = [
    ("/to u:USER | g:GROUP", "talk to someone, or in a group"),
    ("/list", "your conversations, with unread counts"),
    ("/history [N]", "the last N entries of this conversation"),
    ("/who", "who is here, and who is online"),
    ("/group NAME USER…", "make a group with these users"),
    ("/add USER…", "bring users into this group"),
    ("/remove USER…", "take users out of this group; yourself to leave"),
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
        let mut words = command.split_whitespace();
        let name = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
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
            ("help", _) => Self::Help,
            ("quit" | "exit", _) => Self::Quit,
            _ => Self::Wrong(format!("/{command}: not a command; /help shows those there are")),
        }
    }
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
    fn what_is_mistyped_is_explained() {
        for line in ["/to", "/to x:y", "/history 0", "/group a/b", "/add", "/dance", "/add a@b"] {
            assert!(matches!(Line::parse(line), Line::Wrong(_)), "{line}");
        }
    }
}
