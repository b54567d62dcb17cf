//! `roost demo` leaves nothing behind: after Ctrl-C, and after `--keep` with `roost lab down`.
//!
//! The real command with real machines, ended as soon as the rack is up and its daemon serves: what has to go is there
//! by then, and no boot is waited for. What is left is looked for by where it would lie (data folders, the rack's
//! folder), by name (namespaces, mounts) and by what a process has in its command line or as its working folder.

#![expect(clippy::print_stderr, reason = "what is left is the report of a test that fails")]

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::boot;

/// From the command to the rack, the preparation included, on busy cores.
const UP: Duration = Duration::from_secs(300);
const END: Duration = Duration::from_secs(120);

/// One demo at a time: each prepares the same loaders and the same image.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Takes away what a failed test leaves.
struct Cleanup<'a>(&'a str);

impl Drop for Cleanup<'_> {
    fn drop(&mut self) {
        let mut down = Command::new(env!("CARGO_BIN_EXE_roost"));
        // Where nothing is left there is no rack of that name, and nothing to do.
        let _ = down.args(["lab", "down", "--force", "--name", self.0]).output();
    }
}

/// A name of this process's own: no other test's rack is meant.
fn name(part: &str) -> String {
    format!("e{part}{}", std::process::id() % 10_000)
}

fn demo(name: &str, more: &[&str]) -> Child {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_roost"));
    demo.args(["demo", "--machines", "bios", "--memory", "512", "--name", name]).args(more);
    demo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Everything of this rack that is there, in words.
fn remains(name: &str) -> Vec<String> {
    let mut found: Vec<String> = folders(name).iter().map(|folder| folder.display().to_string()).collect();
    let holds_name = |text: &str| folders_named(name).iter().any(|mark| text.contains(mark));
    let lines = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let mounts = lines("/proc/self/mountinfo");
    found.extend(mounts.lines().filter(|line| holds_name(line)).map(|line| format!("mount {line}")));
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let namespace = entry.file_name().into_string().unwrap();
        if namespace.split('-').any(|word| word == name) {
            found.push(format!("namespace {namespace}"));
        }
    }
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        let cwd = fs::read_link(path.join("cwd")).unwrap_or_default();
        if path.join("exe").exists() && (holds_name(&words) || holds_name(&cwd.to_string_lossy())) {
            found.push(format!("process {}: {words}", path.display()));
        }
    }
    found
}

/// How the rack's folder, its data folder and its own command line are told from others.
fn folders_named(name: &str) -> [String; 3] {
    [format!("/run/roost-lab/{name}"), format!("/var/tmp/roost-{name}-"), format!("--name {name}")]
}

fn folders(name: &str) -> Vec<PathBuf> {
    let own = format!("roost-{name}-");
    let data = fs::read_dir("/var/tmp").unwrap().map(|entry| entry.unwrap());
    let data = data.filter(|entry| entry.file_name().to_string_lossy().starts_with(&own)).map(|entry| entry.path());
    data.chain([Path::new("/run/roost-lab").join(name)]).filter(|path| path.exists()).collect()
}

/// Until the rack's daemon has made its database: machines, namespaces and the daemon are there.
async fn rack_is_up(demo: &mut Child, name: &str) {
    until(UP, "the rack to be up", || {
        assert!(demo.try_wait().unwrap().is_none(), "it ended early: {}", said(demo));
        let serves = folders(name).iter().any(|folder| folder.join("roost.db").exists());
        serves && remains(name).iter().any(|line| line.contains("qemu"))
    })
    .await;
}

async fn until(within: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(tokio::time::timeout(within, wait).await.is_ok(), "waited {within:?} for {what}");
}

fn said(demo: &mut Child) -> String {
    let mut text = String::new();
    demo.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    demo.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

async fn ends(demo: &mut Child, within: Duration) -> ExitStatus {
    until(within, "its end", || demo.try_wait().unwrap().is_some()).await;
    demo.wait().unwrap()
}

/// Namespaces and processes go in the order in which their holders do: looked at until nothing is left.
async fn nothing_stays(name: &str) {
    let mut left = Vec::new();
    until(Duration::from_secs(30), "nothing to be left behind", || {
        let now = remains(name);
        if now != left {
            eprintln!("left behind so far: {now:#?}");
            left = now;
        }
        left.is_empty()
    })
    .await;
}

fn interrupt(demo: &Child) {
    let pid = i32::try_from(demo.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "boots machines"]
async fn boot_a_demo_that_is_interrupted_leaves_nothing_behind() {
    let _turn = TURN.lock().await;
    tokio::task::block_in_place(boot::prepared);
    for (part, more) in [("i", &[][..]), ("k", &["--keep"][..])] {
        let name = name(part);
        let _cleanup = Cleanup(&name);
        let mut demo = demo(&name, more);
        rack_is_up(&mut demo, &name).await;
        interrupt(&demo);
        assert!(!ends(&mut demo, END).await.success());
        let said = said(&mut demo);
        assert!(said.contains("interrupted; the rack was taken away"), "{said}");
        nothing_stays(&name).await;
    }
}

/// The demo in a session of its own, whose members are then all that it started, with no image to find.
const WITHOUT_IMAGE: &str = "mkdir -p /var/cache/roost/image && mount -t tmpfs tmpfs /var/cache/roost/image && \
                             exec \"$@\" demo --machines bios --memory 512 --name ep";

/// The command line of every process of a session.
fn members(session: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let is_member = |path: &PathBuf| {
        let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
        // After the name, which may hold anything: state, parent, group, session.
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let is_alive = fields.next().is_some_and(|state| state != "Z");
        is_alive && fields.nth(2) == Some(&session.to_string())
    };
    let words = |path: PathBuf| fs::read(path.join("cmdline")).unwrap_or_default();
    processes.filter(is_member).map(words).map(|text| String::from_utf8_lossy(&text).replace('\0', " ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "boots machines"]
async fn boot_a_demo_that_is_interrupted_while_it_prepares_leaves_no_process_behind() {
    let _turn = TURN.lock().await;
    tokio::task::block_in_place(boot::prepared);
    let mut demo = Command::new("setsid");
    demo.args(["unshare", "--mount", "sh", "-c", WITHOUT_IMAGE, "sh", env!("CARGO_BIN_EXE_roost")]);
    let mut demo = demo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let session = demo.id();
    until(UP, "the image build", || {
        assert!(demo.try_wait().unwrap().is_none(), "it ended early: {}", said(&mut demo));
        members(session).iter().any(|words| words.contains("mmdebstrap"))
    })
    .await;
    interrupt(&demo);
    assert!(!ends(&mut demo, END).await.success());
    let said = said(&mut demo);
    assert!(said.contains("interrupted while preparing; no rack was put up"), "{said}");
    assert_eq!(members(session), [""; 0], "what it started has ended before it");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "boots machines"]
async fn boot_a_kept_demo_is_taken_away_by_lab_down() {
    let _turn = TURN.lock().await;
    tokio::task::block_in_place(boot::prepared);
    let name = name("d");
    let _cleanup = Cleanup(&name);
    // No machine is ready at once: the rack stays all the same, and says why.
    let mut demo = demo(&name, &["--keep", "--limit", "1s"]);
    let status = ends(&mut demo, UP + END).await;
    let said = said(&mut demo);
    assert!(!status.success() && said.contains("the rack stays up"), "{said}");
    assert!(remains(&name).iter().any(|line| line.contains("qemu")), "{:#?}", remains(&name));
    let down = Command::new(env!("CARGO_BIN_EXE_roost")).args(["lab", "down", "--name", &name]).output().unwrap();
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    nothing_stays(&name).await;
}
