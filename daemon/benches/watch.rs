//! What watching costs and how soon a change is on the bus, with real agents on this host.
//!
//! `cargo bench -p daemon --bench watch`, as root (Nomad's client mounts). Two tables: how long a change takes from before
//! it is asked of Nomad or Consul until its event can be read from the bus, the store's sync included; and what the
//! watcher takes while nothing happens, of a cluster of ROOST_BENCH_JOBS jobs (1,000) of five allocations each, which
//! mock_driver pretends to run. ROOST_BENCH_CHANGES changes of each kind (100) are timed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has no figure, and it prints them"
)]

use std::{sync::Arc, time::Duration};

use daemon::{adapters::watching::Teller, bus};
use jobs::{
    Endpoint,
    consul::{self, LocalAgent as _, Registration},
    nomad::{self, Job, Over},
    watch::{Asked, Config, Deps, Handle, Source, Standing, Watch},
};
use lab::agents::{Agents, Consul, Spec};
use serde_json::json;
use store::Store;
use tasks::{Clock as _, Stop, SystemClock};
use tokio::task::JoinSet;
use vocabulary::{Event, Timestamp};

const ALLOCATIONS_A_JOB: usize = 5;
/// For how long the quiet watcher is looked at.
const QUIET: Duration = Duration::from_secs(120);
/// A cluster of thousands takes its time on two cores.
const LIMIT: Duration = Duration::from_secs(1800);

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        how_soon(number("ROOST_BENCH_CHANGES", 100)).await;
        how_much(number("ROOST_BENCH_JOBS", 1000)).await;
    });
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// A watcher and a teller at work; they end with this.
struct Watching {
    handle: Handle,
    _running: JoinSet<()>,
}

impl Watching {
    fn start(nomad: &nomad::Client, consul: Option<&consul::Client>, store: Store) -> Self {
        let clock = Arc::new(SystemClock);
        let agents = Arc::new(Asked { nomad: nomad.clone(), consul: consul.cloned() });
        let deps = Deps { agents, clock: clock.clone() };
        let (watch, handle) = Watch::build(Config::default(), deps);
        let teller = Teller::new(&handle, store, clock);
        let mut running = JoinSet::new();
        running.spawn(async move {
            let Ok(()) = watch.run(Stop::new()).await;
        });
        running.spawn(async move { teller.run(Stop::new()).await.unwrap() });
        Self { handle, _running: running }
    }

    async fn current(&self, consul: Consul) {
        until("every source answers", || {
            let statuses = self.handle.statuses();
            let watched = |source: Source| consul == Consul::Yes || !source.is_consul();
            statuses.iter().filter(|one| watched(one.source)).all(|one| one.standing == Standing::Current)
        })
        .await;
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let end = SystemClock.uptime() + LIMIT;
    while !holds() {
        assert!(SystemClock.uptime() < end, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn how_soon(changes: usize) {
    let agents = Agents::start(&Spec::default()).await.unwrap();
    let nomad = nomad::Client::build(&Endpoint::plain(agents.nomad()[0].url())).unwrap();
    let consul = consul::Client::build(&Endpoint::plain(agents.consul()[0].url())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Timestamp::UNIX_EPOCH).await.unwrap();
    let watching = Watching::start(&nomad, Some(&consul), store.clone());
    watching.current(Consul::Yes).await;
    let bus = bus::Bus::new(store);
    let (mut in_nomad, mut in_consul) = (Vec::new(), Vec::new());
    for number in 0..changes {
        let mut follower = bus.follow(bus.last());
        let begun = SystemClock.uptime();
        let id = format!("change-{number}");
        let job = json!({"ID": id, "Name": id, "Type": "batch", "Datacenters": ["*"], "ParameterizedJob": {},
            "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "raw_exec", "Config": {"command": "true"}}]}]});
        nomad.register(&Job::from_json(job).unwrap(), Over::Nothing).await.unwrap();
        told(&mut follower, |event| event.data["what"] == "job" && event.data["id"] == id).await;
        in_nomad.push(SystemClock.uptime() - begun);

        let begun = SystemClock.uptime();
        let service = Registration { id: id.clone(), name: id.clone(), ..Registration::default() };
        consul.register(&service).await.unwrap();
        told(&mut follower, |event| event.data["what"] == "consul_service" && event.data["name"] == id).await;
        in_consul.push(SystemClock.uptime() - begun);
        // Consul's sources are paced; changes that come faster wait for their turn, by design.
        tokio::time::sleep(Config::default().consul_pace.interval).await;
    }
    println!("change -> event on the bus, {changes} of each    p50       p99       max");
    for (name, mut took) in [("a job registered in Nomad", in_nomad), ("a service registered in Consul", in_consul)] {
        took.sort();
        let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)].as_secs_f64() * 1000.0;
        println!("{name:<44} {:>6.1} ms {:>6.1} ms {:>6.1} ms", at(50), at(99), at(100));
    }
}

async fn told(follower: &mut bus::Follower, is: impl Fn(&Event) -> bool) {
    loop {
        if let bus::News::Events(events) = follower.next().await.unwrap()
            && events.iter().any(&is)
        {
            return;
        }
    }
}

async fn how_much(jobs: usize) {
    // A node of any size: nothing that runs there takes anything.
    let client_extra = "cpu_total_compute = 10000000\nmemory_total_mb = 1000000\ndisk_total_mb = 10000000\n\
                        disk_free_mb = 10000000\n";
    let spec = Spec { consul: Consul::No, client_extra: client_extra.to_owned(), ..Spec::default() };
    let agents = Agents::start(&spec).await.unwrap();
    let endpoint = Endpoint::plain(agents.nomad()[0].url());
    let nomad = nomad::Client::build(&endpoint).unwrap();
    let begun = SystemClock.uptime();
    for number in 0..jobs {
        nomad.register(&pretended(number), Over::Nothing).await.unwrap();
    }
    let wanted = jobs * ALLOCATIONS_A_JOB;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Timestamp::UNIX_EPOCH).await.unwrap();
    let idle = resident_mb();
    let watching = Watching::start(&nomad, None, store);
    let count = |status: &'static str| {
        let handle = watching.handle.clone();
        move || handle.read(|picture| picture.allocations().values().filter(|one| one.status == status).count())
    };
    let runs = count("running");
    until("all run", || runs() == wanted).await;
    println!(
        "\n{jobs} jobs, {wanted} allocations: all run after {:.0} s",
        (SystemClock.uptime() - begun).as_secs_f64()
    );
    // What was still to be listed is listed, and the last evaluation is done.
    tokio::time::sleep(Config::default().settle + Duration::from_secs(30)).await;
    // Counted where they are sent: by now nobody but the watcher asks by this client.
    let (cpu, requests, since) = (cpu_seconds(), nomad.requests(), SystemClock.uptime());
    tokio::time::sleep(QUIET).await;
    let took = (SystemClock.uptime() - since).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "some hundred requests")]
    let requests = (nomad.requests() - requests) as f64;
    println!("quiet for {took:.0} s: {:.2} % of a core", (cpu_seconds() - cpu) / took * 100.0);
    println!("requests to the agents: {:.2} a second", requests / took);
    println!("memory over idle: {:.1} MB", resident_mb() - idle);
    assert_eq!(runs(), wanted);
    watching.current(Consul::No).await;
}

fn pretended(number: usize) -> Job {
    let id = format!("pretended-{number}");
    let task = json!({"Name": "t", "Driver": "mock_driver", "Config": {"run_for": "24h"},
        "Resources": {"CPU": 1, "MemoryMB": 10}, "LogConfig": {"Disabled": true, "MaxFiles": 1, "MaxFileSizeMB": 1}});
    let group = json!({"Name": "g", "Count": ALLOCATIONS_A_JOB, "Tasks": [task], "EphemeralDisk": {"SizeMB": 10}});
    Job::from_json(json!({"ID": id, "Name": id, "Type": "batch", "Datacenters": ["*"], "TaskGroups": [group]})).unwrap()
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = |at: usize| after_name.split_whitespace().nth(at).unwrap().parse::<f64>().unwrap();
    let a_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).unwrap().unwrap();
    (ticks(11) + ticks(12)) / a_second as f64
}
