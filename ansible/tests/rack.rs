//! A rack on loopback: one sshd that answers as several nodes, a book in memory and on file, a runner.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ansible::{
    Config, Deps, Kit, Kits, RunBook, RunEnd, RunOrder, Runner, RunnerHandle, Wanted,
    events::TaskReport,
    inventory::{Inventory, InventoryHost, SshUser},
    venv::Venv,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tasks::{BoxError, Stop, SystemClock};
use tokio::task::JoinHandle;
use vocabulary::{HostKey, Mac, NodeId, ProcessId, Reason, Run, RunId, RunState, Secret, Timestamp};

/// Longer than anything here takes on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// Everything of one test, removed at its end.
pub(crate) struct Rack {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) config: Config,
    pub(crate) book: Arc<Book>,
    pub(crate) host_key: HostKey,
    /// What each run is given of its own, or why it cannot be.
    pub(crate) outfit: Outfit,
    sshd: Child,
}

/// Facts and secrets for every run, or why there are none.
#[derive(Debug, Clone)]
pub(crate) struct Outfit(pub(crate) Result<(serde_json::Value, Vec<KitFile>), Reason>);

/// Its name and what is in it.
pub(crate) type KitFile = (&'static str, &'static str);

#[async_trait]
impl Kits for Outfit {
    async fn kit(&self, _: &RunOrder) -> Result<Kit, Reason> {
        let (facts, files) = self.0.clone()?;
        let files = files.into_iter().map(|(name, text)| (name, Secret::new(text.to_owned()))).collect();
        Ok(Kit { variables: facts.as_object().unwrap().clone(), files })
    }
}

/// A runner at work in this process.
pub(crate) struct Running {
    pub(crate) handle: RunnerHandle,
    pub(crate) stop: Stop,
    task: JoinHandle<Result<(), ansible::RunError>>,
}

/// What the book knows of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) run: Run,
    pub(crate) address: Ipv4Addr,
    pub(crate) host_key: HostKey,
    pub(crate) reports: BTreeMap<u64, TaskReport>,
    pub(crate) end: Option<RunEnd>,
    /// Every process that was ever recorded.
    pub(crate) processes: Vec<ProcessId>,
}

/// At which call a daemon shall hang, to be killed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hang {
    Nowhere,
    BeforeStarted,
    AfterStarted,
}

/// A book in memory, mirrored into a file for the next daemon.
pub(crate) struct Book {
    path: PathBuf,
    pub(crate) hang: Hang,
    /// The run whose tasks the book does not take; 0 for none.
    pub(crate) refuses: AtomicU64,
    /// The run that was ended while it waited; 0 for none.
    pub(crate) unwanted: AtomicU64,
    entries: Mutex<BTreeMap<u64, Entry>>,
}

impl Rack {
    pub(crate) async fn new(playbook: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("rack").tempdir_in("/tmp").unwrap();
        let (sshd, port, host_key) = start_sshd(folder.path());
        let mut config = Config::below(&folder.path().join("data"));
        config.playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks").join(playbook);
        config.venv = venv().await;
        config.ssh_key = folder.path().join("id");
        config.ssh_port = port;
        config.secrets_dir = folder.path().join("s");
        config.concurrency = NonZeroUsize::new(4).unwrap();
        config.grace = Duration::from_secs(5);
        config.variables.insert("folder".to_owned(), folder.path().display().to_string().into());
        let book = Arc::new(Book::at(folder.path().join("book.json"), Hang::Nowhere));
        let outfit = Outfit(Ok((serde_json::json!({}), Vec::new())));
        Self { folder, config, book, host_key, outfit, sshd }
    }

    pub(crate) fn start(&self) -> Running {
        let (book, kits) = (Arc::clone(&self.book) as Arc<dyn RunBook>, Arc::new(self.outfit.clone()));
        let deps = Deps { book, kits, clock: Arc::new(SystemClock) };
        let (runner, handle) = Runner::build(self.config.clone(), deps).unwrap();
        let stop = Stop::new();
        #[expect(clippy::disallowed_methods, reason = "the test joins it")]
        let task = tokio::spawn(runner.run(stop.clone()));
        Running { handle, stop, task }
    }

    /// A queued run on node `n`, known to the inventory and then to the book, whose runs may start at once.
    pub(crate) fn order(&self, run: u64, n: u8) -> RunOrder {
        let entry = Entry::queued(run, n, &self.host_key);
        let order = entry.order();
        let inventory = Inventory::new(self.config.inventory_dir.clone(), self.config.lock_patience);
        inventory.put(&order.host).unwrap();
        self.book.change(order.run.id, |_| (), Some(entry));
        order
    }

    pub(crate) fn run_folder(&self, run: u64) -> PathBuf {
        self.config.data_dir.join("runs").join(run.to_string())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the playbook's effects wrote, one line an effect.
    pub(crate) fn effects(&self) -> usize {
        fs::read_to_string(self.path("effects")).unwrap_or_default().lines().count()
    }

    pub(crate) fn todo(&self) -> String {
        fs::read_to_string(&self.config.todo_file).unwrap_or_default()
    }

    /// Processes that belong to a run, by the mark in their environment, their group, or their control socket.
    pub(crate) fn processes_of(&self, run: u64) -> Vec<u32> {
        let mark = format!("ROOST_RUN={}", self.run_folder(run).display());
        let socket = self.config.secrets_dir.join(run.to_string()).join("mux").display().to_string();
        let group = self.book.entry(run).run.process.map(|process| process.pid.to_string());
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(|pid: &u32| {
            let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let text = |file: &str| String::from_utf8_lossy(&read(file)).into_owned();
            let stat = text("stat");
            let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            let (state, in_group) = (fields.next(), fields.nth(1).map(str::to_owned) == group && group.is_some());
            state != Some("Z")
                && (text("environ").split('\0').any(|v| v == mark) || text("cmdline").contains(&socket) || in_group)
        })
        .collect()
    }

    /// What each run left: the folder is gone once the test has failed.
    #[expect(clippy::print_stderr, reason = "a failed test says why")]
    fn show_runs(&self) {
        for run in fs::read_dir(self.config.data_dir.join("runs")).into_iter().flatten().flatten() {
            for name in ["command", "inventory.sha256", "status", "events.jsonl", "output.log"] {
                let text = fs::read_to_string(run.path().join(name)).unwrap_or_else(|error| error.to_string());
                eprintln!("--- {}/{name}\n{text}", run.path().display());
            }
        }
    }

    pub(crate) async fn ended(&self, run: u64) -> RunEnd {
        until("the run's end", || self.book.entry(run).end).await
    }
}

impl Drop for Rack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_runs();
        }
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
        let _ = Command::new("chmod").args(["-R", "u+rwx"]).arg(self.folder.path()).status();
    }
}

impl Running {
    pub(crate) async fn halt(self) {
        self.stop.cancel();
        self.failure().await.unwrap();
    }

    /// How it ended by itself.
    pub(crate) async fn failure(self) -> Result<(), ansible::RunError> {
        self.task.await.unwrap()
    }
}

impl Book {
    pub(crate) fn at(path: PathBuf, hang: Hang) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
        Self {
            path,
            hang,
            refuses: AtomicU64::new(0),
            unwanted: AtomicU64::new(0),
            entries: Mutex::new(serde_json::from_str(&text).unwrap()),
        }
    }

    pub(crate) fn reload(&self) {
        let text = fs::read_to_string(&self.path).unwrap();
        *self.entries.lock().unwrap() = serde_json::from_str(&text).unwrap();
    }

    pub(crate) fn entry(&self, run: u64) -> Entry {
        self.entries.lock().unwrap()[&run].clone()
    }

    fn change(&self, run: RunId, edit: impl FnOnce(&mut Entry), fresh: Option<Entry>) {
        let mut entries = self.entries.lock().unwrap();
        if let Some(fresh) = fresh {
            entries.insert(run.0, fresh);
        }
        edit(entries.get_mut(&run.0).unwrap());
        let text = serde_json::to_string(&*entries).unwrap();
        let next = self.path.with_extension("new");
        fs::write(&next, text).unwrap();
        fs::rename(next, &self.path).unwrap();
    }
}

impl Entry {
    fn queued(run: u64, n: u8, host_key: &HostKey) -> Self {
        let node = NodeId::of(Mac([0x52, 0x54, 0, 0, 0, n]));
        let run = Run {
            id: RunId(run),
            node,
            boot: None,
            state: RunState::Queued,
            purpose: vocabulary::RunPurpose::Configure,
            retry_of: None,
            attempt: 0,
            asked_by: "test".to_owned(),
            cause: None,
            process: None,
            created: Timestamp::UNIX_EPOCH,
            started: None,
            ended: None,
            tasks_done: 0,
            tasks_changed: 0,
            task: None,
        };
        let (reports, processes) = (BTreeMap::new(), Vec::new());
        let (address, host_key) = (Ipv4Addr::new(127, 0, 0, n), host_key.clone());
        Self { run, address, host_key, reports, end: None, processes }
    }

    fn order(&self) -> RunOrder {
        let node = self.run.node.clone();
        let host_keys = vec![self.host_key.clone()];
        let host = InventoryHost { node, address: self.address, user: SshUser::root(), host_keys };
        RunOrder { run: self.run.clone(), host }
    }
}

#[async_trait]
impl RunBook for Book {
    async fn unfinished(&self) -> Result<Vec<RunOrder>, BoxError> {
        let entries = self.entries.lock().unwrap();
        Ok(entries.values().filter(|entry| !entry.run.state.ended()).map(Entry::order).collect())
    }

    async fn started(&self, order: &RunOrder, process: ProcessId, at: Timestamp) -> Result<Wanted, BoxError> {
        let run = order.run.id;
        if self.hang == Hang::BeforeStarted {
            std::future::pending::<()>().await;
        }
        let edit = |entry: &mut Entry| {
            entry.run.state = RunState::Running;
            entry.run.process = Some(process.clone());
            entry.run.started = Some(at);
            entry.processes.push(process);
        };
        self.change(run, edit, None);
        if self.hang == Hang::AfterStarted {
            std::future::pending::<()>().await;
        }
        Ok(if self.unwanted.load(Ordering::SeqCst) == run.0 { Wanted::No } else { Wanted::Yes })
    }

    async fn task(&self, run: RunId, report: TaskReport) -> Result<(), BoxError> {
        if self.refuses.load(Ordering::SeqCst) == run.0 {
            return Err("the disk is full".into());
        }
        assert_eq!(self.entry(run.0).run.state, RunState::Running, "a report of a run that does not run");
        let edit = |entry: &mut Entry| {
            entry.reports.entry(report.seq).or_insert(report);
        };
        self.change(run, edit, None);
        Ok(())
    }

    async fn ended(&self, run: RunId, end: RunEnd, at: Timestamp) -> Result<(), BoxError> {
        assert!(self.entry(run.0).end.is_none(), "a run ends once");
        let edit = |entry: &mut Entry| {
            entry.run.state = end.state;
            entry.run.ended = Some(at);
            entry.end = Some(end);
        };
        self.change(run, edit, None);
        Ok(())
    }
}

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let looked = tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    looked.await.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}"))
}

/// The cached environment, installed by the first test that needs it.
pub(crate) async fn venv() -> PathBuf {
    let cache = std::env::var_os("ROOST_CACHE").map_or_else(|| PathBuf::from("/var/cache/roost"), PathBuf::from);
    let venv = Venv::ensure(&cache.join("venv"), |_| ()).await;
    venv.unwrap_or_else(|error| panic!("{error}; {}", error.remedy())).folder().to_owned()
}

fn start_sshd(folder: &Path) -> (Child, u16, HostKey) {
    assert!(Path::new("/usr/sbin/sshd").exists(), "apt install openssh-server");
    for name in ["id", "host"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
            .arg(folder.join(name))
            .status();
        assert!(made.unwrap().success());
    }
    fs::create_dir_all("/run/sshd").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen: String = (1..=8).map(|n| format!("ListenAddress 127.0.0.{n}\n")).collect();
    let (key, admitted) = (folder.join("host"), folder.join("id.pub"));
    let config = format!(
        "Port {port}\n{listen}HostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
         PermitRootLogin prohibit-password\nMaxStartups 100\nMaxSessions 100\n",
        key.display(),
        admitted.display()
    );
    fs::write(folder.join("sshd_config"), config).unwrap();
    let log = fs::File::create(folder.join("sshd.log")).unwrap();
    let sshd = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let answers = || TcpStream::connect(("127.0.0.8", port)).is_ok();
    for _ in 0..500 {
        if answers() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(answers(), "sshd: {}", fs::read_to_string(folder.join("sshd.log")).unwrap());
    let host_key = fs::read_to_string(folder.join("host.pub")).unwrap();
    (sshd, port, HostKey::try_from(host_key.trim().to_owned()).unwrap())
}
