//! Who may start a transfer now: a few at once and a few a second for each address, and so many in all.
//!
//! Admitted transfers are never starved: the limits hold at the door only. A refused client is told so and its ROM
//! asks again. Pure: time comes in as an argument.

use std::{collections::HashMap, net::IpAddr, time::Duration};

/// The limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Transfers of one address at a time. A ROM needs one; a probe that was given up holds its place for a while.
    pub per_client: u32,
    /// Transfers in all.
    pub total: u32,
    /// Requests that one address may make at once after a pause.
    pub burst: u32,
    /// Requests a second that one address may make in the long run.
    pub per_second: u32,
}

/// Why a transfer may not start; the text goes to the client's console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// Too many at once from this address.
    #[error("too many transfers from this address, try again in a few seconds")]
    Client,
    /// Too many requests from this address.
    #[error("too many requests from this address, try again in a few seconds")]
    Rate,
    /// The server is full.
    #[error("Roost is busy with other machines, try again in a few seconds")]
    Server,
}

/// The state of the door.
#[derive(Debug)]
pub(super) struct Admission {
    limits: Limits,
    running: u32,
    clients: HashMap<IpAddr, Client>,
}

/// What is remembered of one address while it matters.
#[derive(Debug)]
struct Client {
    running: u32,
    /// Requests left, in thousandths.
    credit: u64,
    /// Until when the credit is counted.
    counted: Duration,
}

/// Forged sources must not fill the memory; beyond this, addresses without a transfer are forgotten.
const REMEMBERED: usize = 4096;
const REQUEST: u64 = 1000;

impl Default for Limits {
    fn default() -> Self {
        Self { per_client: 8, total: 512, burst: 32, per_second: 8 }
    }
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, running: 0, clients: HashMap::new() }
    }

    /// Counts a transfer in; whoever is let in calls [`Self::leave`] once.
    pub(super) fn enter(&mut self, now: Duration, address: IpAddr) -> Result<(), Busy> {
        if self.clients.len() >= REMEMBERED {
            self.clients.retain(|_, client| client.running > 0);
        }
        let limits = self.limits;
        let full = u64::from(limits.burst) * REQUEST;
        let client = self.clients.entry(address).or_insert(Client { running: 0, credit: full, counted: now });
        client.earn(now, limits);
        client.credit = client.credit.checked_sub(REQUEST).ok_or(Busy::Rate)?;
        if client.running >= limits.per_client {
            return Err(Busy::Client);
        }
        if self.running >= limits.total {
            return Err(Busy::Server);
        }
        client.running += 1;
        self.running += 1;
        Ok(())
    }

    /// Counts a transfer out.
    pub(super) fn leave(&mut self, address: IpAddr) {
        self.running = self.running.saturating_sub(1);
        if let Some(client) = self.clients.get_mut(&address) {
            client.running = client.running.saturating_sub(1);
        }
    }
}

impl Client {
    fn earn(&mut self, now: Duration, limits: Limits) {
        let passed = u64::try_from(now.saturating_sub(self.counted).as_millis()).unwrap_or(u64::MAX);
        let earned = passed.saturating_mul(u64::from(limits.per_second));
        self.credit = self.credit.saturating_add(earned).min(u64::from(limits.burst) * REQUEST);
        self.counted = now;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LIMITS: Limits = Limits { per_client: 2, total: 3, burst: 4, per_second: 1 };

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 77, 0, last).into()
    }

    #[test]
    fn one_client_gets_a_few_at_once_and_all_together_so_many() {
        let mut door = Admission::new(LIMITS);
        let now = Duration::from_secs(5);
        assert_eq!(door.enter(now, address(1)), Ok(()));
        assert_eq!(door.enter(now, address(1)), Ok(()));
        assert_eq!(door.enter(now, address(1)), Err(Busy::Client));
        assert_eq!(door.enter(now, address(2)), Ok(()));
        assert_eq!(door.enter(now, address(2)), Err(Busy::Server));
        door.leave(address(1));
        assert_eq!(door.enter(now, address(2)), Ok(()));
    }

    #[test]
    fn requests_are_counted_and_forgiven_with_time() {
        let mut door = Admission::new(LIMITS);
        let mut now = Duration::ZERO;
        for _ in 0..4 {
            assert_eq!(door.enter(now, address(1)), Ok(()));
            door.leave(address(1));
        }
        assert_eq!(door.enter(now, address(1)), Err(Busy::Rate));
        now += Duration::from_millis(999);
        assert_eq!(door.enter(now, address(1)), Err(Busy::Rate));
        now += Duration::from_millis(1);
        assert_eq!(door.enter(now, address(1)), Ok(()));
        assert_eq!(door.enter(now, address(2)), Ok(()), "another address pays nothing");
    }

    #[test]
    fn forged_sources_are_forgotten() {
        let mut door = Admission::new(LIMITS);
        door.enter(Duration::ZERO, address(1)).unwrap();
        for number in 0..20_000_u32 {
            let forged = IpAddr::V4(Ipv4Addr::from(0x0b00_0000 + number));
            if door.enter(Duration::ZERO, forged).is_ok() {
                door.leave(forged);
            }
        }
        assert!(door.clients.len() <= REMEMBERED);
        assert_eq!(door.clients[&address(1)].running, 1, "a running transfer is not forgotten");
    }
}
