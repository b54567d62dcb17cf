//! Whose a token is: the last few of each machine, for as long as they may matter.
//!
//! Each script mints one, and a loop of requests must not fill the memory of the control node. A machine has one token
//! that counts, its last; those before it are remembered so that who comes late with one is told that it was replaced.
//! Beyond [`KEPT`] they are refused like tokens that nobody minted. Rejected: no token for who asks too often, as the
//! real machine may be behind the same MAC.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use vocabulary::{Mac, Timestamp, TokenHash};

use super::Ledger;

/// How many tokens of one machine are known.
const KEPT: usize = 8;
/// How long after its end a token is still known, so that a machine that comes late is told why it is refused.
pub(super) const TOKEN_GRACE: Duration = Duration::from_secs(3600);

/// The tokens of every machine.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    owners: HashMap<TokenHash, Owner>,
    /// Of each machine, the oldest first.
    of: HashMap<Mac, VecDeque<TokenHash>>,
}

/// Whose a token is, and until when it may matter.
#[derive(Debug, Clone, Copy)]
struct Owner {
    mac: Mac,
    /// Absent where the calendar ends before it.
    expires: Option<Timestamp>,
}

impl Tokens {
    pub(super) fn own(&mut self, token: TokenHash, mac: Mac, expires: Option<Timestamp>) {
        self.owners.insert(token, Owner { mac, expires });
        let own = self.of.entry(mac).or_default();
        own.retain(|known| *known != token);
        own.push_back(token);
        let too_many = own.len().saturating_sub(KEPT);
        for old in own.drain(..too_many) {
            self.owners.remove(&old);
        }
    }

    pub(super) fn owner(&self, token: TokenHash) -> Option<Mac> {
        self.owners.get(&token).map(|owner| owner.mac)
    }

    /// A machine is forgotten, and its tokens with it.
    pub(super) fn forget(&mut self, mac: Mac) {
        for token in self.of.remove(&mac).into_iter().flatten() {
            self.owners.remove(&token);
        }
    }

    fn prune(&mut self, now: Timestamp, counts: impl Fn(Mac, TokenHash) -> bool) {
        let over = |expires: Timestamp| expires.checked_add(TOKEN_GRACE).is_ok_and(|until| until < now);
        let owners = &mut self.owners;
        owners.retain(|token, owner| !owner.expires.is_none_or(over) || counts(owner.mac, *token));
        self.of.retain(|_, own| {
            own.retain(|token| owners.contains_key(token));
            !own.is_empty()
        });
    }
}

impl Ledger {
    /// Forgets tokens that no machine can use any more; the last one of each machine stays, for its repeats.
    pub(super) fn prune_tokens(&mut self, now: Timestamp) {
        let machines = &self.machines;
        let last = |mac: Mac, token| machines.get(&mac).is_some_and(|one| one.boot_of(token).is_some());
        self.tokens.prune(now, last);
    }

    #[cfg(test)]
    pub(crate) fn known_tokens(&self) -> usize {
        self.tokens.owners.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(number: u16) -> TokenHash {
        let mut random = [0; 32];
        random[..2].copy_from_slice(&number.to_le_bytes());
        vocabulary::Token::from_random(random).hash()
    }

    proptest! {
        /// Whatever is minted and however the clock goes: of each machine the last token is known, and few others.
        #[test]
        fn the_last_token_of_each_machine_is_known_and_few_before_it(
            story in prop::collection::vec((0u8..3, 0u16..40, -5_000i64..5_000), 1..200),
        ) {
            let mut tokens = Tokens::default();
            let mut last = HashMap::new();
            for (machine, number, second) in story {
                let (mac, now) = (Mac([2, 0, 0, 0, 0, machine]), Timestamp::from_second(10_000 + second).unwrap());
                let minted = token(u16::from(machine) * 100 + number);
                tokens.own(minted, mac, Some(now));
                last.insert(mac, minted);
                tokens.prune(now, |mac, token| last.get(&mac) == Some(&token));
                for (mac, token) in &last {
                    prop_assert_eq!(tokens.owner(*token), Some(*mac));
                }
                prop_assert!(tokens.owners.len() <= last.len() * KEPT);
                prop_assert_eq!(tokens.of.values().map(VecDeque::len).sum::<usize>(), tokens.owners.len());
            }
            last.keys().for_each(|mac| tokens.forget(*mac));
            prop_assert!(tokens.owners.is_empty() && tokens.of.is_empty());
        }
    }
}
