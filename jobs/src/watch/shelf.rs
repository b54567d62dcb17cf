//! One kind of thing in the picture: entries by key, merged from listings and events. Pure.
//!
//! The rules, all of them: a listing is the truth as of its index. An event at or below that index says nothing new. An
//! event above it counts, unless the entry is known at that version or a newer one. What a listing does not have is gone,
//! unless an event above the listing's index made it. What an event took away, an older listing does not bring back. An
//! index that went backwards means that the agents were restored or rebuilt: the listing replaces everything.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::change::Turn;
use crate::blocking::Index;

/// Events that are kept until the first listing; a listing that never comes must not fill the memory.
const EARLY_MAX: usize = 4096;

/// Something with a key and a version.
pub(super) trait Seen: PartialEq {
    /// What tells it from others of its kind.
    type Key: Ord + Clone;
    /// That.
    fn key(&self) -> Self::Key;
    /// Its version; 0 where it has none.
    fn modified(&self) -> Index;
}

/// What an event says of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told<T> {
    /// It is so.
    Now(T),
    /// It is no more.
    Gone(T),
}

/// Whether the agents' history went on since the listing before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// It did.
    GoesOn,
    /// It began anew: what was known says nothing about what is.
    Anew,
}

/// Entries of one kind.
#[derive(Debug, Clone)]
pub(super) struct Shelf<T: Seen> {
    entries: BTreeMap<T::Key, Arc<T>>,
    /// Of the last listing; none before the first.
    listed: Option<Index>,
    /// What events took away since then, and when.
    gone: BTreeMap<T::Key, Index>,
    /// What events said before the first listing.
    early: VecDeque<(Index, Told<T>)>,
}

/// What became of an entry.
pub(super) type Moved<T> = (Turn, Arc<T>);

impl<T: Seen> Default for Shelf<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), listed: None, gone: BTreeMap::new(), early: VecDeque::new() }
    }
}

impl<T: Seen> Shelf<T> {
    pub(super) const fn entries(&self) -> &BTreeMap<T::Key, Arc<T>> {
        &self.entries
    }

    pub(super) const fn is_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// An event. Before the first listing it waits: what was there already is not known yet.
    pub(super) fn tell(&mut self, at: Index, told: Told<T>) -> Option<Moved<T>> {
        let Some(listed) = self.listed else {
            // The newest stay: they alone can be newer than the listing when it comes.
            if self.early.len() == EARLY_MAX {
                self.early.pop_front();
            }
            self.early.push_back((at, told));
            return None;
        };
        if at <= listed {
            return None;
        }
        match told {
            Told::Now(entry) => self.put(listed, entry),
            Told::Gone(entry) => self.take(at, &entry.key()),
        }
    }

    /// A listing. The first one is where the picture begins, so none of its entries counts as a change.
    pub(super) fn list(&mut self, at: Index, listing: Vec<T>, history: History) -> Vec<Moved<T>> {
        let first = self.listed.is_none();
        let anew = history == History::Anew;
        let mut moved = Vec::new();
        let mut left = std::mem::take(&mut self.entries);
        for entry in listing {
            let key = entry.key();
            let taken_since = !anew && self.gone.get(&key).is_some_and(|gone| *gone > at);
            if taken_since {
                continue;
            }
            let known = left.remove(&key);
            let kept = match known {
                Some(known) if *known == entry || (!anew && known.modified() > entry.modified()) => known,
                known => {
                    let turn = if known.is_some() { Turn::Altered } else { Turn::Appeared };
                    let entry = Arc::new(entry);
                    moved.push((turn, Arc::clone(&entry)));
                    entry
                }
            };
            self.entries.insert(key, kept);
        }
        for (key, entry) in left {
            if !anew && entry.modified() > at {
                self.entries.insert(key, entry);
            } else {
                moved.push((Turn::Gone, entry));
            }
        }
        self.listed = Some(at);
        self.gone.retain(|_, gone| !anew && *gone > at);
        if first {
            moved.clear();
        }
        let early = std::mem::take(&mut self.early);
        moved.extend(early.into_iter().filter_map(|(at, told)| self.tell(at, told)));
        moved
    }

    fn put(&mut self, listed: Index, entry: T) -> Option<Moved<T>> {
        let (key, modified) = (entry.key(), entry.modified());
        let known = self.entries.get(&key);
        // Of this version or a newer one: taken away since, or known, or absent from a listing that would have had it.
        let taken_since = self.gone.get(&key).is_some_and(|gone| *gone >= modified);
        if taken_since || modified <= known.map_or(listed, |known| known.modified()) {
            return None;
        }
        let turn = if known.is_some() { Turn::Altered } else { Turn::Appeared };
        let entry = Arc::new(entry);
        self.entries.insert(key, Arc::clone(&entry));
        Some((turn, entry))
    }

    fn take(&mut self, at: Index, key: &T::Key) -> Option<Moved<T>> {
        if self.entries.get(key).is_some_and(|known| known.modified() > at) {
            return None;
        }
        let gone = self.gone.entry(key.clone()).or_default();
        *gone = at.max(*gone);
        self.entries.remove(key).map(|entry| (Turn::Gone, entry))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Thing {
        id: u8,
        version: Index,
    }

    impl Seen for Thing {
        type Key = u8;

        fn key(&self) -> u8 {
            self.id
        }

        fn modified(&self) -> Index {
            self.version
        }
    }

    /// What really happened: at each index one thing was written or deleted.
    #[derive(Debug, Clone)]
    struct Truth(Vec<(u8, bool)>);

    /// What is true before anything happens has this index.
    const BEGINNING: Index = Index(1);

    impl Truth {
        fn last(&self) -> Index {
            Index(BEGINNING.0 + self.0.len() as u64)
        }

        fn at(&self, index: Index) -> BTreeMap<u8, Thing> {
            let mut now = BTreeMap::new();
            for (id, version) in (0..3).map(|id| (id, BEGINNING)) {
                now.insert(id, Thing { id, version });
            }
            for (event, told) in (BEGINNING.0 + 1..=index.0).map(|index| self.event(Index(index))) {
                match told {
                    Told::Now(thing) => drop(now.insert(thing.id, thing)),
                    Told::Gone(thing) => drop(now.remove(&thing.id)),
                }
                assert!(event <= index);
            }
            now
        }

        fn event(&self, index: Index) -> (Index, Told<Thing>) {
            let (id, written) = self.0[usize::try_from(index.0 - BEGINNING.0 - 1).unwrap()];
            let thing = Thing { id, version: index };
            // What is deleted shows itself as it was.
            let before = Thing { id, version: Index(index.0 - 1) };
            (index, if written { Told::Now(thing) } else { Told::Gone(before) })
        }
    }

    /// Applies changes as a reader would and refuses those that make no sense.
    #[derive(Debug, Default, PartialEq)]
    struct Ledger(BTreeMap<u8, Thing>);

    impl Ledger {
        fn apply(&mut self, moved: impl IntoIterator<Item = Moved<Thing>>) {
            for (turn, thing) in moved {
                let before = match turn {
                    Turn::Appeared | Turn::Altered => self.0.insert(thing.id, *thing),
                    Turn::Gone => self.0.remove(&thing.id),
                };
                match turn {
                    Turn::Appeared => assert_eq!(before, None),
                    Turn::Altered => assert!(before.is_some_and(|before| before.version < thing.version), "{before:?}"),
                    Turn::Gone => assert!(before.is_some()),
                }
            }
        }
    }

    fn shown(shelf: &Shelf<Thing>) -> BTreeMap<u8, Thing> {
        shelf.entries().iter().map(|(id, thing)| (*id, **thing)).collect()
    }

    fn begun(truth: &Truth) -> (Shelf<Thing>, Ledger) {
        let mut shelf = Shelf::default();
        let listing = truth.at(BEGINNING);
        assert_eq!(shelf.list(BEGINNING, listing.values().copied().collect(), History::GoesOn), []);
        (shelf, Ledger(listing))
    }

    fn truths() -> impl Strategy<Value = Truth> {
        prop::collection::vec((0_u8..6, any::<bool>()), 1..24).prop_map(Truth)
    }

    proptest! {
        /// In any order, any of them twice: the same picture, and the changes lead to it.
        #[test]
        fn events_may_come_in_any_order_and_more_than_once(
            (truth, order) in truths().prop_flat_map(|truth| {
                let twice: Vec<u64> = (BEGINNING.0 + 1..=truth.last().0).flat_map(|index| [index, index]).collect();
                (Just(truth), Just(twice).prop_shuffle())
            })
        ) {
            let (mut shelf, mut ledger) = begun(&truth);
            for index in order {
                let (at, told) = truth.event(Index(index));
                ledger.apply(shelf.tell(at, told));
            }
            prop_assert_eq!(shown(&shelf), truth.at(truth.last()));
            prop_assert_eq!(shown(&shelf), ledger.0);
        }

        /// Some events never come; listings are taken now and then. After each listing that nothing overtook, the picture
        /// is the truth, and no event of before changes it.
        #[test]
        fn listings_make_good_what_events_left_out(
            truth in truths(),
            steps in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4), 1..60),
        ) {
            let (mut shelf, mut ledger) = begun(&truth);
            let mut now = BEGINNING;
            for (choice, what) in steps {
                now = Index((now.0 + u64::from(what == 3)).min(truth.last().0));
                if what == 0 {
                    ledger.apply(shelf.list(now, truth.at(now).into_values().collect(), History::GoesOn));
                    prop_assert_eq!(shown(&shelf), truth.at(now));
                } else if now > BEGINNING {
                    let some = BEGINNING.0 + 1 + choice.index(usize::try_from(now.0 - BEGINNING.0).unwrap()) as u64;
                    let (at, told) = truth.event(Index(some));
                    ledger.apply(shelf.tell(at, told));
                }
                prop_assert_eq!(shown(&shelf), ledger.0.clone());
            }
            ledger.apply(shelf.list(truth.last(), truth.at(truth.last()).into_values().collect(), History::GoesOn));
            for index in BEGINNING.0 + 1..=truth.last().0 {
                let (at, told) = truth.event(Index(index));
                prop_assert_eq!(shelf.tell(at, told), None);
            }
            prop_assert_eq!(shown(&shelf), truth.at(truth.last()));
        }

        /// Pages are of different moments: with the events since the first page, before or after, they make the truth.
        #[test]
        fn pages_of_different_moments_and_events_make_the_truth(
            truth in truths(),
            moments in prop::collection::vec(any::<prop::sample::Index>(), 3),
            early in prop::collection::vec(any::<bool>(), 24),
        ) {
            let span = usize::try_from(truth.last().0 - BEGINNING.0).unwrap() + 1;
            let mut moments: Vec<Index> =
                moments.iter().map(|moment| Index(BEGINNING.0 + moment.index(span) as u64)).collect();
            moments.sort();
            let page = |number: usize| {
                let ids = [0..2, 2..4, 4..6][number].clone();
                truth.at(moments[number]).into_values().filter(move |thing| ids.contains(&thing.id))
            };
            let (mut shelf, mut ledger) = begun(&truth);
            let since = moments[0].0 + 1..=truth.last().0;
            for index in since.clone().filter(|index| early[usize::try_from(*index).unwrap() % early.len()]) {
                let (at, told) = truth.event(Index(index));
                ledger.apply(shelf.tell(at, told));
            }
            ledger.apply(shelf.list(moments[0], (0..3).flat_map(page).collect(), History::GoesOn));
            for index in since {
                let (at, told) = truth.event(Index(index));
                ledger.apply(shelf.tell(at, told));
            }
            prop_assert_eq!(shown(&shelf), truth.at(truth.last()));
            prop_assert_eq!(shown(&shelf), ledger.0);
        }
    }

    #[test]
    fn the_first_listing_is_where_it_begins_and_events_before_it_wait() {
        let mut shelf = Shelf::default();
        let thing = |id, version| Thing { id, version: Index(version) };
        assert_eq!(shelf.tell(Index(9), Told::Now(thing(1, 9))), None);
        assert_eq!(shelf.tell(Index(12), Told::Now(thing(2, 12))), None);
        let moved = shelf.list(Index(10), vec![thing(1, 9), thing(3, 4)], History::GoesOn);
        assert_eq!(moved, [(Turn::Appeared, Arc::new(thing(2, 12)))], "what is above the listing came after it");
    }

    #[test]
    fn a_history_that_begins_anew_replaces_everything() {
        let thing = |id, version| Thing { id, version: Index(version) };
        let mut shelf = Shelf::default();
        shelf.list(Index(100), vec![thing(1, 90), thing(2, 95)], History::GoesOn);
        shelf.tell(Index(110), Told::Gone(thing(3, 80)));
        let mut moved = shelf.list(Index(5), vec![thing(1, 3), thing(3, 4)], History::Anew);
        moved.sort_by_key(|(_, thing)| thing.id);
        let turns: Vec<_> = moved.iter().map(|(turn, thing)| (*turn, thing.id)).collect();
        assert_eq!(turns, [(Turn::Altered, 1), (Turn::Gone, 2), (Turn::Appeared, 3)]);
        assert_eq!(shelf.tell(Index(6), Told::Now(thing(1, 6))).map(|(turn, _)| turn), Some(Turn::Altered));
    }
}
