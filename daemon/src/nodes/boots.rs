//! The attempts of a machine to boot: when one is opened, which token counts, and which attempt a line is of.
//!
//! A DISCOVER opens one, and anybody can send a DISCOVER: it takes no token away and no line off the timeline of the boot
//! that is under way. Only a new token ends the one before.

use std::time::Duration;

use vocabulary::{BootId, Firmware, NodeState, RunId, SmbiosUuid, Step, Timestamp, TokenHash};

use super::lifecycle::{Counters, Tracked, Turn};

/// One attempt of a machine to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Its number.
    pub id: BootId,
    /// When it was opened by a DISCOVER, or by a script request of a machine that another server gave an address.
    pub opened: Timestamp,
    /// The token of its last script; absent until one was sent.
    pub token: Option<TokenHash>,
    /// When it was minted.
    pub minted: Option<Timestamp>,
    /// When it stops counting.
    pub expires: Option<Timestamp>,
    /// The UUID that the script was asked with.
    pub uuid: Option<SmbiosUuid>,
    /// The call-home that was accepted, so that a repeat gets the same answer.
    pub accepted: Option<Accepted>,
}

/// What the 202 was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Digest of MAC, UUID, machine id and host keys.
    pub digest: [u8; 32],
    /// The run that was promised.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
}

impl Tracked {
    /// A DHCP DISCOVER of its firmware or of iPXE: opens a boot unless one is open whose script was not asked for yet.
    /// The state stays: anybody can send such a packet, and a node that works must not be demoted by one.
    pub fn discovered(&mut self, now: Timestamp, firmware: Firmware, counters: &mut Counters, turn: &mut Turn) {
        self.node.firmware = Some(firmware);
        self.answered_power(now, turn);
        if self.boot.as_ref().is_some_and(|boot| boot.token.is_none()) || !self.pace.allows_a_boot(now) {
            return;
        }
        self.open_boot(now, counters);
        turn.line(Step::Discover, format!("{firmware:?} asks for an address"));
    }

    fn open_boot(&mut self, now: Timestamp, counters: &mut Counters) {
        let id = counters.next_boot();
        self.node.boot = Some(id);
        self.earlier = self.boot.take().filter(|boot| boot.token.is_some()).or_else(|| self.earlier.take());
        self.boot =
            Some(Boot { id, opened: now, token: None, minted: None, expires: None, uuid: None, accepted: None });
    }

    /// The attempts whose tokens count, and the one that has none yet.
    pub fn boots(&self) -> impl Iterator<Item = &Boot> {
        self.boot.iter().chain(&self.earlier)
    }

    /// The attempt that this token was minted for, while it counts.
    #[must_use]
    pub fn boot_of(&self, token: TokenHash) -> Option<&Boot> {
        self.boots().find(|boot| boot.token == Some(token))
    }

    /// The attempt that such a station is of. Until its script a machine is in the last one that was opened; from then on
    /// in the one that has the token, whatever a DISCOVER opened since.
    #[must_use]
    pub fn boot_at(&self, step: Step) -> Option<BootId> {
        let under_way = matches!(
            step,
            Step::Kernel
                | Step::Initrd
                | Step::KernelUp
                | Step::ImageFetched
                | Step::ImageVerified
                | Step::RootUp
                | Step::CalledHome
                | Step::RunQueued
                | Step::TpmProven
                | Step::RunStarted
                | Step::RolesDone
                | Step::Verified
                | Step::ConsulJoined
                | Step::NomadJoined
                | Step::Ready
        );
        let with_token = self.boots().find(|boot| under_way && boot.token.is_some()).map(|boot| boot.id);
        with_token.or(self.node.boot)
    }

    /// The machine with this token is here: an attempt that a DISCOVER opened since was nobody's, and this one goes on.
    pub fn take_up(&mut self, token: TokenHash) {
        let Some(earlier) = self.earlier.take_if(|boot| boot.token == Some(token)) else { return };
        self.node.boot = Some(earlier.id);
        self.boot = Some(earlier);
    }

    /// Whether a script may go out now: one that follows a call-home opens a boot, and each call-home queues a run.
    pub fn may_have_script(&mut self, now: Timestamp) -> bool {
        self.boot.as_ref().is_some_and(|boot| boot.accepted.is_none()) || self.pace.allows_a_boot(now)
    }

    /// A script with a token goes to an admitted machine: the boot is under way.
    pub fn script_sent(
        &mut self,
        now: Timestamp,
        minted: (TokenHash, Duration),
        uuid: Option<SmbiosUuid>,
        counters: &mut Counters,
        turn: &mut Turn,
    ) {
        if self.boot.as_ref().is_none_or(|boot| boot.accepted.is_some()) {
            self.open_boot(now, counters);
        }
        let again =
            self.node.state == NodeState::Booting && self.boot.as_ref().is_some_and(|boot| boot.token.is_some());
        if let Some(boot) = &mut self.boot {
            boot.token = Some(minted.0);
            boot.minted = Some(now);
            boot.expires = now.checked_add(minted.1).ok();
            boot.uuid = uuid;
        }
        self.earlier = None;
        (self.node.nomad, self.node.certificates) = (None, None);
        self.enter(now, NodeState::Booting);
        if again {
            turn.repeats.push((Step::Script, "token minted again".to_owned()));
        } else {
            turn.line(Step::Script, "token minted");
        }
    }
}
