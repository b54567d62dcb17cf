//! A rack of this test's own, and what the host looks like around it.

use std::sync::atomic::{AtomicU32, Ordering};

use lab::{MachineName, Rack, RackName, RackSpec};

/// Unlike every other rack: tests run at the same time, also those of another checkout.
pub(crate) fn spec() -> RackSpec {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RackSpec::named(rack_name(&format!("t{}-{number}", std::process::id())))
}

pub(crate) fn rack() -> Rack {
    Rack::up(&spec()).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

pub(crate) fn rack_name(name: &str) -> RackName {
    name.parse().unwrap()
}

pub(crate) fn machine_name(name: &str) -> MachineName {
    name.parse().unwrap()
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Everything of this rack that the host still shows.
pub(crate) fn traces(spec: &RackSpec) -> Vec<String> {
    let namespace = spec.name.namespace();
    let mut found = Vec::new();
    if spec.dir().exists() {
        found.push(format!("directory {}", spec.dir().display()));
    }
    for entry in std::fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        if name == namespace || name.starts_with(&format!("{namespace}-")) {
            found.push(format!("namespace {name}"));
        }
    }
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&spec.dir().display().to_string()) || line.contains(&namespace) {
            found.push(format!("process {line}"));
        }
    }
    found
}

/// Waits until the condition holds; a minute is for a busy host, not for the machine.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !condition().await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let limit = std::time::Duration::from_secs(60);
    assert!(tokio::time::timeout(limit, poll).await.is_ok(), "{what}: not within {limit:?}");
}
