//! What a topic name and a filter are, and whether one matches the other.

/// Longest name and filter, in bytes [MQTT-4.7.3-3].
pub const MAX_TOPIC: usize = 65_535;

const SHARE: &str = "$share/";

/// Why text is no name, or no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// [MQTT-4.7.3-1] [MQTT-4.7.3-3].
    #[error("a topic has 1 to 65,535 bytes")]
    Length,
    /// [MQTT-4.7.3-2].
    #[error("a topic may not hold U+0000")]
    Null,
    /// [MQTT-4.7.0-1].
    #[error("a topic name may not hold '+' or '#'")]
    Wildcard,
    /// [MQTT-4.7.1-1].
    #[error("'#' is a filter's whole last level")]
    Multi,
    /// [MQTT-4.7.1-2].
    #[error("'+' is a whole level")]
    Single,
    /// [MQTT-4.8.2-1] [MQTT-4.8.2-2].
    #[error("a shared filter is $share/, a name without '/', '+' and '#', and a filter")]
    Share,
}

/// Checks what a message is published to.
///
/// # Errors
/// It is empty, too long, or holds U+0000 or a wildcard.
pub fn check_name(name: &str) -> Result<(), TopicError> {
    check_text(name)?;
    if name.contains(['+', '#']) { Err(TopicError::Wildcard) } else { Ok(()) }
}

fn check_text(text: &str) -> Result<(), TopicError> {
    if text.is_empty() || text.len() > MAX_TOPIC {
        Err(TopicError::Length)
    } else if text.as_bytes().contains(&0) {
        Err(TopicError::Null)
    } else {
        Ok(())
    }
}

/// What a client subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Filter<'a> {
    share: Option<&'a str>,
    text: &'a str,
    wild: bool,
}

impl<'a> Filter<'a> {
    /// Reads a filter, shared or not.
    ///
    /// # Errors
    /// [`TopicError`] says which rule it breaks.
    pub fn new(text: &'a str) -> Result<Self, TopicError> {
        check_text(text)?;
        let (share, text) = match text.strip_prefix(SHARE) {
            None => (None, text),
            Some(shared) => match shared.split_once('/') {
                Some((name, text))
                    if !name.is_empty() && !name.contains(['+', '#']) && !text.is_empty() =>
                {
                    (Some(name), text)
                }
                _ => return Err(TopicError::Share),
            },
        };
        let mut wild = false;
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            match level {
                "+" => wild = true,
                "#" if levels.peek().is_none() => wild = true,
                _ if level.contains('#') => return Err(TopicError::Multi),
                _ if level.contains('+') => return Err(TopicError::Single),
                _ => {}
            }
        }
        Ok(Self { share, text, wild })
    }

    /// The group that shares the messages, if one does.
    #[must_use]
    pub const fn share(&self) -> Option<&'a str> {
        self.share
    }

    /// What is matched: without `$share` and the group.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Whether it can match more than one name.
    #[must_use]
    pub const fn is_wild(&self) -> bool {
        self.wild
    }

    /// Whether it matches `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        if self.wild { matches(self.text, name) } else { self.text == name }
    }
}

/// Whether the filter `filter`, without `$share`, matches `name`; both have been checked.
#[must_use]
pub fn matches(filter: &str, name: &str) -> bool {
    // [MQTT-4.7.2-1]
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = name.split('/');
    for part in filter.split('/') {
        if part == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if part == "+" || part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Filter, name, whether they match. The first ones are the standard's own examples.
    pub(crate) const TABLE: &[(&str, &str, bool)] = &[
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/#", "sport", true),
        ("#", "a", true),
        ("#", "/", true),
        ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("+", "/finance", false),
        ("#", "$SYS/monitor", false),
        ("+/monitor/Clients", "$SYS/monitor/Clients", false),
        ("$SYS/#", "$SYS/", true),
        ("$SYS/#", "$SYS", true),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
        ("a", "A", false),
        ("a", "/a", false),
        ("a/", "a", false),
        ("+/b/#", "a/b", true),
        ("+/b/#", "a/c", false),
        ("a//b", "a//b", true),
        ("a/+/b", "a//b", true),
        ("/#", "/", true),
        ("/#", "a", false),
        ("+/#", "a", true),
        ("a/b", "a/b/c", false),
        ("a/$x/#", "a/$x/y", true),
        ("a/+", "a/$x", true),
    ];

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, name, expect) in TABLE {
            assert_eq!(matches(filter, name), *expect, "{filter} and {name}");
            assert_eq!(Filter::new(filter).unwrap().matches(name), *expect, "{filter} and {name}");
            check_name(name).unwrap();
        }
    }

    #[test]
    fn what_breaks_a_rule_is_told_so() {
        let long = "a".repeat(MAX_TOPIC + 1);
        for (text, error) in [
            ("", TopicError::Length),
            (&*long, TopicError::Length),
            ("a\0b", TopicError::Null),
            ("sport/tennis#", TopicError::Multi),
            ("sport/#/ranking", TopicError::Multi),
            ("##", TopicError::Multi),
            ("sport+", TopicError::Single),
            ("a/+b/c", TopicError::Single),
            ("$share/", TopicError::Share),
            ("$share/g", TopicError::Share),
            ("$share/g/", TopicError::Share),
            ("$share//a", TopicError::Share),
            ("$share/g+/a", TopicError::Share),
            ("$share/#/a", TopicError::Share),
            ("$share/g/a#", TopicError::Multi),
        ] {
            assert_eq!(Filter::new(text), Err(error), "{text:.20}");
        }
        for (name, error) in [
            ("", TopicError::Length),
            ("a/+", TopicError::Wildcard),
            ("#", TopicError::Wildcard),
            ("a\0", TopicError::Null),
        ] {
            assert_eq!(check_name(name), Err(error), "{name}");
        }
    }

    #[test]
    fn a_shared_filter_is_a_group_and_a_filter() {
        let filter = Filter::new("$share/geese/+/north/#").unwrap();
        assert_eq!((filter.share(), filter.text()), (Some("geese"), "+/north/#"));
        assert!(filter.matches("a/north"));
        // Not a share: only the whole word is reserved.
        assert_eq!(Filter::new("$shared/a/b").unwrap().share(), None);
    }
}
