//! One good configuration and each way to spoil it.

use super::super::*;

fn good() -> Config {
    let subnet = Subnet {
        cidr: "10.77.0.0/16".parse().unwrap(),
        pools: vec![pool("10.77.1.0", "10.77.1.255"), pool("10.77.2.0", "10.77.2.9")],
        router: Some(ip("10.77.0.1")),
        dns: vec![ip("10.77.0.1")],
        domain: Some("rack.example".into()),
        ntp: vec![],
        lease: Duration::from_secs(3600),
        reservations: vec![Reservation {
            mac: Mac([2, 0, 0, 0, 0, 1]),
            address: ip("10.77.0.20"),
            hostname: Some("rack1-slot4".into()),
        }],
        boot: None,
    };
    let second = Subnet {
        cidr: "10.78.0.0/24".parse().unwrap(),
        pools: vec![pool("10.78.0.9", "10.78.0.9")],
        router: None,
        reservations: vec![],
        ..subnet.clone()
    };
    Config { mode: Mode::Full, interfaces: vec!["rack0".into()], subnets: vec![subnet, second] }
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn pool(first: &str, last: &str) -> Pool {
    Pool { first: ip(first), last: ip(last) }
}

fn paths(spoil: impl FnOnce(&mut Config)) -> Vec<String> {
    let mut config = good();
    spoil(&mut config);
    config.check().into_iter().map(|problem| problem.path).collect()
}

#[test]
fn a_good_configuration_has_no_problem() {
    assert_eq!(good().check(), []);
}

#[test]
fn each_mistake_names_its_key() {
    type Spoil = fn(&mut Config);
    let table: &[(&str, Spoil)] = &[
        ("interfaces", |c| c.interfaces.clear()),
        ("interfaces[1]", |c| c.interfaces.push("rack0".into())),
        ("interfaces[0]", |c| c.interfaces[0] = "name-longer-than-15".into()),
        ("subnet", |c| c.subnets.clear()),
        ("subnet[1].cidr", |c| c.subnets[1].cidr = "10.78.0.4/24".parse().unwrap()),
        ("subnet[0].pools", |c| {
            c.subnets[0].pools.clear();
            c.subnets[0].reservations.clear();
        }),
        ("subnet[0].pools[1]", |c| c.subnets[0].pools[1] = pool("10.79.0.1", "10.79.0.1")),
        ("subnet[0].pools[1]", |c| c.subnets[0].pools[1] = pool("10.77.2.9", "10.77.2.0")),
        ("subnet[0].pools[1]", |c| c.subnets[0].pools[1] = pool("10.77.1.255", "10.77.2.0")),
        ("subnet[0].pools[1]", |c| c.subnets[0].pools[1] = pool("10.77.2.0", "10.77.255.255")),
        ("subnet[0].pools[0]", |c| c.subnets[0].pools[0].first = ip("10.77.0.0")),
        ("subnet[0].router", |c| c.subnets[0].router = Some(ip("10.78.0.1"))),
        ("subnet[0].lease", |c| c.subnets[0].lease = Duration::from_secs(59)),
        ("subnet[0].domain", |c| c.subnets[0].domain = Some("rack..example".into())),
        ("subnet[0].dns[0]", |c| c.subnets[0].dns[0] = ip("0.0.0.0")),
        ("subnet[0].ntp", |c| c.subnets[0].ntp = vec![ip("10.77.0.1"); 5]),
        ("subnet[0].reservation[0].address", |c| c.subnets[0].reservations[0].address = ip("10.78.0.20")),
        ("subnet[0].reservation[0].address", |c| c.subnets[0].reservations[0].address = ip("10.77.0.1")),
        ("subnet[0].reservation[0].hostname", |c| c.subnets[0].reservations[0].hostname = Some("a b".into())),
        ("subnet[0].reservation[1].mac", |c| {
            let twin = Reservation { address: ip("10.77.0.21"), ..c.subnets[0].reservations[0].clone() };
            c.subnets[0].reservations.push(twin);
        }),
        ("subnet[0].reservation[1].address", |c| {
            let twin = Reservation { mac: Mac([2, 0, 0, 0, 0, 2]), ..c.subnets[0].reservations[0].clone() };
            c.subnets[0].reservations.push(twin);
        }),
    ];
    for (path, spoil) in table {
        assert_eq!(paths(spoil), [*path]);
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let found = paths(|c| {
        c.interfaces.clear();
        c.subnets[0].router = Some(ip("10.1.0.1"));
        c.subnets[1].cidr = "10.77.4.0/24".parse().unwrap();
        c.subnets[1].lease = Duration::ZERO;
    });
    let expected = ["interfaces", "subnet[0].router", "subnet[1].cidr", "subnet[1].pools[0]", "subnet[1].lease"];
    assert_eq!(found, expected);
}

#[test]
fn a_reservation_of_another_network_names_that_network() {
    let mut config = good();
    config.subnets[0].reservations[0].address = ip("10.78.0.20");
    assert_eq!(config.check()[0].message, "10.78.0.20 is outside 10.77.0.0/16 (it belongs to subnet[1])");
}

#[test]
fn off_needs_nothing() {
    assert_eq!(Config { mode: Mode::Off, interfaces: vec![], subnets: vec![] }.check(), []);
}
