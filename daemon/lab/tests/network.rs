//! The rack itself: up, down, and what is left when its maker dies.

use std::process::Stdio;

use lab::{Namespace, Owned, Rack, RackState, UpError};

use crate::support::{chain, rack, spec, traces};

#[test]
fn a_dropped_rack_leaves_nothing() {
    let spec = spec();
    let rack = Rack::up(&spec).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let mut stray = rack.command("sleep").arg("600").spawn().unwrap();
    assert!(!traces(&spec).is_empty());
    drop(rack);
    assert_eq!(traces(&spec), Vec::<String>::new());
    assert!(!stray.wait().unwrap().success(), "the process in the namespace was ended");
}

#[test]
fn a_panic_takes_the_rack_away_too() {
    let spec = spec();
    let panicked = std::panic::catch_unwind(|| {
        let _rack = Rack::up(&spec).unwrap();
        panic!("on purpose");
    });
    assert!(panicked.is_err());
    assert_eq!(traces(&spec), Vec::<String>::new());
}

#[test]
fn the_bridge_has_its_address_inside_and_the_host_sees_nothing() {
    let rack = rack();
    let shown = rack.command("ip").args(["-brief", "-4", "addr"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("rack0") && shown.contains("10.77.0.1/16"), "{shown}");
    let host = std::process::Command::new("ip").args(["-brief", "link"]).output().unwrap();
    assert!(!String::from_utf8(host.stdout).unwrap().contains("rack0"));
}

#[test]
fn a_socket_made_inside_stays_inside() {
    let rack = rack();
    let inside = rack.namespace().enter(|| std::net::TcpListener::bind("10.77.0.1:0")).unwrap().unwrap();
    let address = inside.local_addr().unwrap();
    let reached = rack.namespace().enter(|| std::net::TcpStream::connect(address)).unwrap();
    assert!(reached.is_ok());
    assert!(std::net::TcpListener::bind("10.77.0.1:0").is_err(), "this thread is still outside");
}

#[test]
fn a_second_rack_of_that_name_is_refused_by_the_first_ones_pid() {
    let spec = spec();
    let _rack = Rack::up(&spec).unwrap();
    let error = Rack::up(&spec).unwrap_err();
    assert!(matches!(error, UpError::AlreadyUp { pid, .. } if pid == std::process::id()), "{error}");
    let error = lab::remove(&spec.run_root, &spec.name, Owned::Leave).unwrap_err();
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
}

#[test]
fn what_a_killed_maker_left_is_taken_away_by_down() {
    let spec = spec();
    abandoned(&spec);
    assert!(traces(&spec).len() > 1, "{:?}", traces(&spec));
    lab::remove(&spec.run_root, &spec.name, Owned::Leave).unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(traces(&spec), Vec::<String>::new());
}

#[test]
fn what_a_killed_maker_left_is_taken_away_by_the_next_up() {
    let spec = spec();
    abandoned(&spec);
    let rack = Rack::up(&spec).unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(rack.state().maker.pid, std::process::id());
}

/// A rack with a process in it, whose maker was killed: the state is a real one with another maker written into it.
fn abandoned(spec: &lab::RackSpec) {
    let rack = Rack::up(spec).unwrap();
    let mut maker = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let state = RackState { maker: lab::process::identify(maker.id()).unwrap(), ..rack.state() };
    std::fs::write(spec.dir().join("state.json"), serde_json::to_vec(&state).unwrap()).unwrap();
    let stray = Namespace::named(spec.name.namespace()).command("sleep").arg("600").stdin(Stdio::null()).spawn();
    std::mem::forget((rack, stray.unwrap()));
    maker.kill().and_then(|()| maker.wait()).unwrap();
}

#[test]
fn preflight_finds_this_host_ready() {
    let lacks = lab::preflight(&[lab::Firmware::Bios, lab::Firmware::Uefi]);
    assert_eq!(lacks, [], "the other tests here need these");
    assert_eq!(lab::preflight_synthetic(), []);
}
