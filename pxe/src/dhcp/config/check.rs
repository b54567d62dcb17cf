//! The checks of a [`Config`]: each finds its own mistakes and leaves those of the others alone.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use super::{Config, Mode, Pool, Problem, Reservation, Subnet};

/// Below this, clients spend their life renewing.
const SHORTEST_LEASE: Duration = Duration::from_secs(60);
/// IFNAMSIZ less its terminating zero (netdevice(7)).
const LONGEST_INTERFACE_NAME_BYTES: usize = 15;
/// Longer names have no room beside the boot options in the 576 bytes that every client takes.
const LONGEST_DOMAIN_BYTES: usize = 100;

/// Mistakes found so far.
#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { path: path.into(), message: message.into() });
    }
}

pub(super) fn all(config: &Config) -> Vec<Problem> {
    let mut found = Found::default();
    if config.mode == Mode::Off {
        return found.0;
    }
    interfaces(config, &mut found);
    if config.subnets.is_empty() {
        found.add("subnet", "mode \"full\" needs at least one [[dhcp.subnet]]");
    }
    for (index, subnet) in config.subnets.iter().enumerate() {
        let path = format!("subnet[{index}]");
        network(&config.subnets, index, &path, &mut found);
        pools(subnet, &path, &mut found);
        router(subnet, &path, &mut found);
        reservations(&config.subnets, subnet, &path, &mut found);
        names_and_times(subnet, &path, &mut found);
    }
    found.0
}

fn interfaces(config: &Config, found: &mut Found) {
    if config.interfaces.is_empty() {
        found.add("interfaces", "mode \"full\" needs at least one interface to answer on");
    }
    for (index, name) in config.interfaces.iter().enumerate() {
        let path = format!("interfaces[{index}]");
        if name.is_empty() || name.len() > LONGEST_INTERFACE_NAME_BYTES || name.contains(['/', ' ', '\0']) {
            found.add(&path, format!("{name:?} is no name of a network interface"));
        }
        if config.interfaces[..index].contains(name) {
            found.add(&path, format!("{name} stands here twice"));
        }
    }
}

fn network(subnets: &[Subnet], index: usize, path: &str, found: &mut Found) {
    let cidr = subnets[index].cidr;
    if cidr.prefix_len() > 30 || cidr.prefix_len() < 8 {
        found.add(format!("{path}.cidr"), format!("{cidr}: a network from /8 to /30 can be served"));
    }
    if cidr.addr() != cidr.network() {
        found.add(format!("{path}.cidr"), format!("{cidr} has host bits set (did you mean {}?)", cidr.trunc()));
    }
    for (other_index, other) in subnets[..index].iter().enumerate() {
        if other.cidr.contains(&cidr.network()) || cidr.contains(&other.cidr.network()) {
            let message = format!("{cidr} overlaps {} of subnet[{other_index}]", other.cidr);
            found.add(format!("{path}.cidr"), message);
        }
    }
}

fn pools(subnet: &Subnet, path: &str, found: &mut Found) {
    if subnet.pools.is_empty() && subnet.reservations.is_empty() {
        found.add(format!("{path}.pools"), "no pool and no reservation: nobody could get an address");
    }
    for (index, pool) in subnet.pools.iter().enumerate() {
        let path = format!("{path}.pools[{index}]");
        if pool.first > pool.last {
            found.add(&path, format!("{} is after {}", pool.first, pool.last));
            continue;
        }
        for address in ends(pool) {
            if let Some(why) = unusable(subnet, address) {
                found.add(&path, why);
            }
        }
        let overlapping = |other: &Pool| other.first <= pool.last && pool.first <= other.last;
        if let Some(other) = subnet.pools[..index].iter().position(overlapping) {
            found.add(&path, format!("{}-{} overlaps pools[{other}]", pool.first, pool.last));
        }
    }
}

/// The ends of a pool, once where they are the same.
fn ends(pool: &Pool) -> impl Iterator<Item = Ipv4Addr> {
    std::iter::once(pool.first).chain((pool.first != pool.last).then_some(pool.last))
}

fn router(subnet: &Subnet, path: &str, found: &mut Found) {
    let Some(why) = subnet.router.and_then(|router| unusable(subnet, router)) else { return };
    found.add(format!("{path}.router"), why);
}

fn reservations(subnets: &[Subnet], subnet: &Subnet, path: &str, found: &mut Found) {
    let mut by_mac = BTreeMap::new();
    let mut by_address = BTreeMap::new();
    for (index, reservation) in subnet.reservations.iter().enumerate() {
        let path = format!("{path}.reservation[{index}]");
        let Reservation { mac, address, hostname } = reservation;
        if let Some(why) = unusable(subnet, *address) {
            let elsewhere = subnets.iter().position(|other| other.cidr.contains(address));
            let hint = elsewhere.filter(|_| !subnet.cidr.contains(address));
            let hint = hint.map(|other| format!(" (it belongs to subnet[{other}])")).unwrap_or_default();
            found.add(format!("{path}.address"), why + &hint);
        }
        if subnet.router == Some(*address) {
            found.add(format!("{path}.address"), format!("{address} is the router"));
        }
        if let Some(first) = by_mac.insert(*mac, index) {
            found.add(format!("{path}.mac"), format!("{mac} has reservation[{first}] already"));
        }
        if let Some(first) = by_address.insert(*address, index) {
            found.add(format!("{path}.address"), format!("{address} is kept by reservation[{first}] already"));
        }
        if hostname.as_ref().is_some_and(|name| !is_label(name)) {
            found.add(format!("{path}.hostname"), "a host name has 1 to 63 letters, digits and inner hyphens");
        }
    }
}

fn names_and_times(subnet: &Subnet, path: &str, found: &mut Found) {
    if subnet.lease < SHORTEST_LEASE {
        found.add(format!("{path}.lease"), "shorter than a minute: clients would do nothing but renew");
    }
    let valid = |domain: &String| domain.len() <= LONGEST_DOMAIN_BYTES && domain.split('.').all(is_label);
    if subnet.domain.as_ref().is_some_and(|domain| !valid(domain)) {
        found.add(format!("{path}.domain"), "a domain is host names joined by dots, 100 bytes at most");
    }
    for (key, servers) in [("dns", &subnet.dns), ("ntp", &subnet.ntp)] {
        if servers.len() > 4 {
            found.add(format!("{path}.{key}"), "more than four servers have no room in an answer");
        }
        for (index, server) in servers.iter().enumerate().filter(|(_, server)| server.is_unspecified()) {
            found.add(format!("{path}.{key}[{index}]"), format!("{server} is no server's address"));
        }
    }
}

/// Why no machine of this network may have the address, if so.
fn unusable(subnet: &Subnet, address: Ipv4Addr) -> Option<String> {
    let cidr = subnet.cidr;
    if !cidr.contains(&address) {
        return Some(format!("{address} is outside {cidr}"));
    }
    if address == cidr.network() {
        return Some(format!("{address} is the network {cidr} itself"));
    }
    (address == cidr.broadcast()).then(|| format!("{address} is the broadcast address of {cidr}"))
}

/// A label of RFC 1123.
fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
