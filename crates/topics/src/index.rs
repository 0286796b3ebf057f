//! Filters and who has them, so that a name finds all of its own without trying the others.
//!
//! A filter without wildcards is a row of a hash map. One with wildcards is a path in a trie whose
//! levels are numbers: a level that a million filters share is stored once, and one that no filter
//! has ends the search.

use std::collections::HashMap;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::Filter;

/// Filters and their holders, `K`: whoever is to hear of a match.
#[derive(Clone, Debug)]
pub struct Index<K> {
    /// Filters without wildcards. Clients choose the keys, hence the hasher with a secret.
    exact: HashMap<Box<str>, Holders<K>>,
    levels: Levels,
    /// From a node and a level to the node below.
    edges: FxHashMap<(Node, Level), Node>,
    nodes: Vec<Place<K>>,
    free: Vec<Node>,
    len: usize,
}

/// Few filters have many holders.
type Holders<K> = SmallVec<[K; 1]>;
type Node = u32;
type Level = u32;

const ROOT: Node = 0;
const SINGLE: Level = 0;
const MULTI: Level = 1;
const FIRST_NAMED: Level = 2;

/// A place in the trie.
#[derive(Clone, Debug)]
struct Place<K> {
    /// Who has the filter that ends here.
    holders: Holders<K>,
    above: Node,
    level: Level,
    below: u32,
    /// Whether `+` and `#` lead on from here: saves two look-ups in most places.
    single: bool,
    multi: bool,
}

/// The names of levels, each once.
#[derive(Clone, Debug, Default)]
struct Levels {
    /// Clients choose the keys here too.
    numbers: HashMap<Box<str>, (Level, u32)>,
    names: Vec<Box<str>>,
    free: Vec<Level>,
}

impl<K: Eq + Clone> Default for Index<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Clone> Index<K> {
    /// An index of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            exact: HashMap::new(),
            levels: Levels::default(),
            edges: FxHashMap::default(),
            nodes: vec![Place::new(ROOT, SINGLE)],
            free: Vec::new(),
            len: 0,
        }
    }

    /// How many (filter, holder) there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a holder of `filter`. Returns what stood there: a holder that is equal is replaced.
    pub fn insert(&mut self, filter: Filter<'_>, holder: K) -> Option<K> {
        let holders = if filter.is_wild() {
            let node = self.path(filter.text());
            self.nodes.get_mut(node as usize).map(|place| &mut place.holders)
        } else if let Some(holders) = self.exact.get_mut(filter.text()) {
            // Asked twice rather than cloning the text for a filter that is known.
            Some(holders)
        } else {
            self.exact.insert(filter.text().into(), Holders::from_elem(holder, 1));
            self.len += 1;
            return None;
        };
        let holders = holders?;
        if let Some(known) = holders.iter_mut().find(|known| **known == holder) {
            return Some(std::mem::replace(known, holder));
        }
        holders.push(holder);
        self.len += 1;
        None
    }

    /// Takes a holder of exactly this filter out [MQTT-3.10.4-1]; returns it if it was there.
    pub fn remove(&mut self, filter: Filter<'_>, holder: &K) -> Option<K> {
        let removed = if filter.is_wild() {
            let node = self.find(filter.text())?;
            let place = self.nodes.get_mut(node as usize)?;
            let removed = take(&mut place.holders, holder)?;
            self.prune(node);
            removed
        } else {
            let holders = self.exact.get_mut(filter.text())?;
            let removed = take(holders, holder)?;
            if holders.is_empty() {
                self.exact.remove(filter.text());
            }
            removed
        };
        self.len -= 1;
        Some(removed)
    }

    /// Tells every holder of a filter that matches `name`: once for each of its filters.
    pub fn matches<'a>(&'a self, name: &str, mut tell: impl FnMut(&'a K)) {
        if let Some(holders) = self.exact.get(name) {
            holders.iter().for_each(&mut tell);
        }
        if self.edges.is_empty() {
            return;
        }
        // [MQTT-4.7.2-1]
        let mut hidden = name.starts_with('$');
        let mut here: SmallVec<[Node; 16]> = SmallVec::from_elem(ROOT, 1);
        let mut below: SmallVec<[Node; 16]> = SmallVec::new();
        for level in name.split('/') {
            let number = self.levels.number(level);
            for node in here.drain(..) {
                let Some(place) = self.nodes.get(node as usize) else { continue };
                if place.multi && !hidden {
                    self.tell_multi(node, &mut tell);
                }
                if place.single && !hidden {
                    below.extend(self.edges.get(&(node, SINGLE)).copied());
                }
                if let Some(number) = number {
                    below.extend(self.edges.get(&(node, number)).copied());
                }
            }
            hidden = false;
            std::mem::swap(&mut here, &mut below);
            if here.is_empty() {
                return;
            }
        }
        for node in here {
            let Some(place) = self.nodes.get(node as usize) else { continue };
            place.holders.iter().for_each(&mut tell);
            // `#` includes the level above it.
            if place.multi {
                self.tell_multi(node, &mut tell);
            }
        }
    }

    fn tell_multi<'a>(&'a self, node: Node, tell: &mut impl FnMut(&'a K)) {
        let multi = self.edges.get(&(node, MULTI)).and_then(|node| self.nodes.get(*node as usize));
        if let Some(place) = multi {
            place.holders.iter().for_each(tell);
        }
    }

    /// The node at which `filter` ends, if it is there.
    fn find(&self, filter: &str) -> Option<Node> {
        filter.split('/').try_fold(ROOT, |node, level| {
            let level = self.levels.number_in_filter(level)?;
            self.edges.get(&(node, level)).copied()
        })
    }

    /// The node at which `filter` ends, made if it is not there.
    fn path(&mut self, filter: &str) -> Node {
        filter.split('/').fold(ROOT, |node, text| {
            let level = self.levels.number_in_filter(text);
            if let Some(below) = level.and_then(|level| self.edges.get(&(node, level))) {
                return *below;
            }
            let level = self.levels.hold(text);
            let below = self.place(node, level);
            self.edges.insert((node, level), below);
            if let Some(place) = self.nodes.get_mut(node as usize) {
                place.below += 1;
                place.single |= level == SINGLE;
                place.multi |= level == MULTI;
            }
            below
        })
    }

    fn place(&mut self, above: Node, level: Level) -> Node {
        let place = Place::new(above, level);
        if let Some(node) = self.free.pop() {
            if let Some(room) = self.nodes.get_mut(node as usize) {
                *room = place;
            }
            return node;
        }
        self.nodes.push(place);
        (self.nodes.len() - 1) as Node
    }

    /// Takes out what leads nowhere, from `node` upwards.
    fn prune(&mut self, mut node: Node) {
        while node != ROOT {
            let Some(place) = self.nodes.get(node as usize) else { return };
            if place.below > 0 || !place.holders.is_empty() {
                return;
            }
            let (above, level) = (place.above, place.level);
            self.edges.remove(&(above, level));
            self.levels.release(level);
            self.free.push(node);
            if let Some(place) = self.nodes.get_mut(above as usize) {
                place.below -= 1;
                place.single &= level != SINGLE;
                place.multi &= level != MULTI;
            }
            node = above;
        }
    }
}

impl<K> Place<K> {
    fn new(above: Node, level: Level) -> Self {
        Self { holders: Holders::new(), above, level, below: 0, single: false, multi: false }
    }
}

fn take<K: Eq>(holders: &mut Holders<K>, holder: &K) -> Option<K> {
    let at = holders.iter().position(|known| known == holder)?;
    Some(holders.swap_remove(at))
}

impl Levels {
    /// The number of a name's level; `None` for one that no filter has.
    fn number(&self, name: &str) -> Option<Level> {
        self.numbers.get(name).map(|(level, _)| *level)
    }

    fn number_in_filter(&self, text: &str) -> Option<Level> {
        match text {
            "+" => Some(SINGLE),
            "#" => Some(MULTI),
            name => self.number(name),
        }
    }

    /// The number of a filter's level, held once more.
    fn hold(&mut self, text: &str) -> Level {
        match text {
            "+" => return SINGLE,
            "#" => return MULTI,
            _ => {}
        }
        if let Some((level, held)) = self.numbers.get_mut(text) {
            *held += 1;
            return *level;
        }
        let level = self.free.pop().unwrap_or(FIRST_NAMED + self.names.len() as Level);
        match self.names.get_mut((level - FIRST_NAMED) as usize) {
            Some(name) => *name = text.into(),
            None => self.names.push(text.into()),
        }
        self.numbers.insert(text.into(), (level, 1));
        level
    }

    fn release(&mut self, level: Level) {
        let Some(at) = level.checked_sub(FIRST_NAMED) else { return };
        let Some(name) = self.names.get_mut(at as usize) else { return };
        let Some((_, held)) = self.numbers.get_mut(name) else { return };
        *held -= 1;
        if *held == 0 {
            self.numbers.remove(name);
            *name = Box::default();
            self.free.push(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filter::tests::TABLE;

    fn found<'a>(index: &Index<&'a str>, name: &str) -> Vec<&'a str> {
        let mut found = Vec::new();
        index.matches(name, |holder| found.push(*holder));
        found.sort_unstable();
        found
    }

    #[test]
    fn a_name_finds_the_filters_that_match_it_one_by_one() {
        for (filter, name, expect) in TABLE {
            let mut index = Index::new();
            index.insert(Filter::new(filter).unwrap(), *filter);
            let expect = if *expect { vec![*filter] } else { vec![] };
            assert_eq!(found(&index, name), expect, "{filter} and {name}");
        }
    }

    #[test]
    fn what_is_taken_out_leaves_nothing_behind() {
        let mut index = Index::new();
        let filters = ["a/+/c", "a/+/d", "a/#", "#", "+", "a/b/c", "a/+/c/#", "x/+/c"];
        for round in 0..3 {
            for filter in filters {
                assert_eq!(index.insert(Filter::new(filter).unwrap(), 1), None, "{round}");
                assert_eq!(index.insert(Filter::new(filter).unwrap(), 1), Some(1));
                assert_eq!(index.insert(Filter::new(filter).unwrap(), 2), None);
            }
            assert_eq!(index.len(), 2 * filters.len());
            for filter in filters {
                let filter = Filter::new(filter).unwrap();
                assert_eq!(index.remove(filter, &1), Some(1));
                assert_eq!(index.remove(filter, &1), None);
                assert_eq!(index.remove(filter, &2), Some(2));
            }
            assert!(index.is_empty() && index.exact.is_empty() && index.edges.is_empty());
            assert!(index.levels.numbers.is_empty());
            let root = &index.nodes[0];
            assert_eq!((root.below, root.single, root.multi), (0, false, false));
        }
        // The third round used the places of the first one.
        assert_eq!(index.free.len(), index.nodes.len() - 1);
        assert!(index.nodes.len() < 20, "{}", index.nodes.len());
    }

    fn level() -> impl Strategy<Value = String> {
        prop_oneof!["[ab]?", Just("$x".to_owned())]
    }

    fn filter() -> impl Strategy<Value = String> {
        let levels = prop::collection::vec(prop_oneof![level(), Just("+".to_owned())], 0..4);
        (levels, any::<bool>()).prop_map(|(mut levels, multi)| {
            if multi {
                levels.push("#".to_owned());
            }
            levels.join("/")
        })
    }

    proptest! {
        #[test]
        fn the_index_finds_what_trying_each_filter_finds(
            filters in prop::collection::vec((filter(), any::<bool>()), 0..40),
            names in prop::collection::vec(prop::collection::vec(level(), 1..5), 1..10),
        ) {
            let mut index = Index::new();
            let mut kept: Vec<&str> = Vec::new();
            for (text, keep) in &filters {
                let Ok(filter) = Filter::new(text) else { continue };
                index.insert(filter, text.as_str());
                if *keep {
                    if !kept.contains(&text.as_str()) {
                        kept.push(text);
                    }
                } else {
                    index.remove(filter, &text.as_str());
                    kept.retain(|other| other != text);
                }
            }
            prop_assert_eq!(index.len(), kept.len());
            for name in names {
                let name = name.join("/");
                let mut expect: Vec<&str> =
                    kept.iter().copied().filter(|filter| crate::matches(filter, &name)).collect();
                expect.sort_unstable();
                prop_assert_eq!(found(&index, &name), expect, "{}", name);
            }
        }
    }
}
