//! Who is in a conversation: a map that is cheap to copy and to change, however large it is.

use std::ops::Index;

use anser_domain::{GroupRole, Member, UserId, UserName};
use imbl::OrdMap;

/// Up to so many members are a plain list: a direct conversation is one small allocation, and
/// copying it costs less than sharing a tree.
const FEW: usize = 32;

/// Members of a conversation, by key and by name. A copy shares what it has in common with the
/// original, so that a group of 100,000 has its next version in a few microseconds.
#[derive(Clone, Debug, Default)]
pub struct Members {
    held: Held,
    owner: Option<UserId>,
}

#[derive(Clone, Debug)]
enum Held {
    /// By key.
    Few(Vec<Member>),
    Many(Box<Many>),
}

#[derive(Clone, Debug, Default)]
struct Many {
    by_key: OrdMap<UserId, Member>,
    by_name: OrdMap<UserName, UserId>,
}

impl Default for Held {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Members {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.held {
            Held::Few(few) => few.len(),
            Held::Many(many) => many.by_key.len(),
        }
    }

    /// Whether nobody is in it: a group that was dissolved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The member with this key.
    #[must_use]
    pub fn get(&self, user: &UserId) -> Option<&Member> {
        match &self.held {
            Held::Few(few) => few.iter().find(|member| member.user == *user),
            Held::Many(many) => many.by_key.get(user),
        }
    }

    /// Whether this user is one.
    #[must_use]
    pub fn contains_key(&self, user: &UserId) -> bool {
        self.get(user).is_some()
    }

    /// The member with this name.
    #[must_use]
    pub fn named(&self, name: &UserName) -> Option<&Member> {
        match &self.held {
            Held::Few(few) => few.iter().find(|member| member.name == *name),
            Held::Many(many) => many.by_key.get(many.by_name.get(name)?),
        }
    }

    /// A group's owner.
    #[must_use]
    pub fn owner(&self) -> Option<&Member> {
        self.get(self.owner.as_ref()?)
    }

    /// Everyone, by key.
    pub fn values(&self) -> impl Iterator<Item = &Member> {
        let (few, many) = match &self.held {
            Held::Few(few) => (few.as_slice(), None),
            Held::Many(many) => (<&[Member]>::default(), Some(many.by_key.values())),
        };
        few.iter().chain(many.into_iter().flatten())
    }

    /// Everyone's key.
    pub fn keys(&self) -> impl Iterator<Item = &UserId> {
        self.values().map(|member| &member.user)
    }

    /// A page by name: those after `after`, at most so many, and whether more follow.
    #[must_use]
    pub fn page(&self, after: Option<&UserName>, limit: usize) -> (Vec<Member>, bool) {
        match &self.held {
            Held::Few(few) => {
                let mut rest: Vec<Member> = few
                    .iter()
                    .filter(|member| after.is_none_or(|after| member.name > *after))
                    .cloned()
                    .collect();
                rest.sort_unstable_by(|a, b| a.name.cmp(&b.name));
                let more = rest.len() > limit;
                rest.truncate(limit);
                (rest, more)
            }
            Held::Many(many) => {
                use std::ops::Bound::{Excluded, Unbounded};
                let from = after.map_or(Unbounded, Excluded);
                let mut rest = many.by_name.range::<_, UserName>((from, Unbounded));
                let page = rest.by_ref().take(limit);
                let page = page.filter_map(|(_, user)| many.by_key.get(user)).cloned().collect();
                (page, rest.next().is_some())
            }
        }
    }

    /// Lets someone in, or changes how they stand.
    pub fn insert(&mut self, member: Member) {
        if member.role == GroupRole::Owner {
            self.owner = Some(member.user);
        } else if self.owner == Some(member.user) {
            self.owner = None;
        }
        match &mut self.held {
            Held::Few(few) => match few.binary_search_by_key(&member.user, |it| it.user) {
                Ok(at) => {
                    if let Some(held) = few.get_mut(at) {
                        *held = member;
                    }
                }
                Err(at) if few.len() < FEW => few.insert(at, member),
                Err(_) => {
                    let mut many = Many::default();
                    for member in std::mem::take(few) {
                        many.insert(member);
                    }
                    many.insert(member);
                    self.held = Held::Many(Box::new(many));
                }
            },
            Held::Many(many) => many.insert(member),
        }
    }

    /// Takes someone out.
    pub fn remove(&mut self, user: &UserId) {
        if self.owner == Some(*user) {
            self.owner = None;
        }
        match &mut self.held {
            Held::Few(few) => few.retain(|member| member.user != *user),
            // It stays a tree: a group that shrank may grow again.
            Held::Many(many) => {
                if let Some(member) = many.by_key.remove(user) {
                    many.by_name.remove(&member.name);
                }
            }
        }
    }
}

impl Many {
    fn insert(&mut self, member: Member) {
        self.by_name.insert(member.name.clone(), member.user);
        self.by_key.insert(member.user, member);
    }
}

impl Index<&UserId> for Members {
    type Output = Member;

    /// # Panics
    /// When the user is no member. For tests; code asks with [`get`](Members::get).
    #[expect(clippy::expect_used, reason = "what indexing means")]
    fn index(&self, user: &UserId) -> &Member {
        self.get(user).expect("a member")
    }
}

impl FromIterator<Member> for Members {
    fn from_iter<T: IntoIterator<Item = Member>>(members: T) -> Self {
        let mut all = Self::default();
        for member in members {
            all.insert(member);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::Millis;

    use super::*;

    fn member(number: u64) -> Member {
        let name = UserName::trusted(&format!("user{:05}", 99_999 - number));
        let role = if number == 7 { GroupRole::Owner } else { GroupRole::Member };
        Member { user: UserId(number), name, role, muted: Millis(0) }
    }

    /// Few and many answer alike.
    #[test]
    fn they_are_found_by_key_and_by_name_and_paged() {
        for count in [8, 32, 33, 3_000] {
            let mut members: Members = (0..count).map(member).collect();
            assert_eq!(members.len(), usize::try_from(count).unwrap());
            assert_eq!(members.owner().unwrap().user, UserId(7));
            assert_eq!(members.named(&member(3).name).unwrap().user, UserId(3));
            assert!(members.keys().map(|user| user.0).eq(0..count));
            let before = members.clone();
            members.remove(&UserId(3));
            assert!(members.named(&member(3).name).is_none() && !members.contains_key(&UserId(3)));
            assert!(before.contains_key(&UserId(3)), "a copy is a version of its own");
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let (page, more) = members.page(after.as_ref(), 10);
                after = page.last().map(|it| it.name.clone());
                seen.extend(page.into_iter().map(|it| it.user.0));
                if !more {
                    break;
                }
            }
            let want: Vec<u64> = (0..count).rev().filter(|number| *number != 3).collect();
            assert_eq!(seen, want, "by name, which descends as the key ascends");
        }
    }
}
