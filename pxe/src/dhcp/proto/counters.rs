//! What was received, answered and dropped, for metrics and for the question why a machine got no answer.

use std::collections::BTreeMap;

use super::{
    request::{Kind, Malformed},
    table::PoolUse,
};

/// Why a packet got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// It was no request.
    Malformed(Malformed),
    /// No network is configured for where it came from.
    NoSubnet,
    /// Every address is held by somebody.
    NoFreeAddress,
    /// The client has chosen another server.
    OtherServer,
    /// Nothing is known of the client's lease, so another server may (RFC 2131, 4.3.2).
    UnknownLease,
    /// A RELEASE or DECLINE of an address that the client does not hold.
    NotHeld,
    /// An INFORM without an address to answer to.
    NoAddress,
    /// Received faster than answered; the oldest go first, their senders have asked again.
    Overrun,
    /// Leases wait for the disk already, as many as may.
    LogBusy,
    /// The lease could not be kept, so its ACK did not leave.
    LogFailed,
    /// The kernel refused to send the answer.
    SendFailed,
}

impl DropReason {
    /// The name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed(Malformed::Short) => "too_short",
            Self::Malformed(Malformed::NotARequest) => "not_a_request",
            Self::Malformed(Malformed::NoCookie) => "bootp",
            Self::Malformed(Malformed::HardwareLength) => "hardware_length",
            Self::Malformed(Malformed::NoClient) => "no_client",
            Self::Malformed(Malformed::NoMessageType) => "no_message_type",
            Self::Malformed(Malformed::Panicked) => "decoder_panicked",
            Self::NoSubnet => "no_subnet",
            Self::NoFreeAddress => "no_free_address",
            Self::OtherServer => "other_server",
            Self::UnknownLease => "unknown_lease",
            Self::NotHeld => "not_held",
            Self::NoAddress => "no_address",
            Self::Overrun => "overrun",
            Self::LogBusy => "log_busy",
            Self::LogFailed => "log_failed",
            Self::SendFailed => "send_failed",
        }
    }
}

/// Counts since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests by what they wanted.
    pub received: BTreeMap<Kind, u64>,
    /// OFFERs made.
    pub offers: u64,
    /// ACKs made, those of INFORM included.
    pub acks: u64,
    /// NAKs made.
    pub naks: u64,
    /// Packets without an answer.
    pub dropped: BTreeMap<DropReason, u64>,
}

/// Everything there is to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Counts since the start.
    pub counters: Counters,
    /// The networks, in the order of the configuration.
    pub pools: Vec<PoolUse>,
}

impl Counters {
    pub(super) fn received(&mut self, kind: Kind) {
        *self.received.entry(kind).or_default() += 1;
    }

    pub(super) fn dropped(&mut self, reason: DropReason) {
        *self.dropped.entry(reason).or_default() += 1;
    }
}
