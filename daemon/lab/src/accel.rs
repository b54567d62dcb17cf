//! Whether KVM works here, found out by starting firmware on it rather than by looking for /dev/kvm.
//!
//! On nested hosts KVM may refuse the processor's registers, or run and never deliver a timer interrupt: iPXE then
//! stands still at its first prompt. So the probe boots iPXE without a network and waits for the line after that
//! prompt, under a deadline. The verdict lies in the cache directory, keyed by the kernel's boot id and QEMU's version.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;

use crate::{machine::QEMU, process};

/// Working KVM reaches the line in four seconds, two of them the prompt's own.
const DEADLINE: Duration = Duration::from_secs(12);
/// iPXE names its interface by this address after the prompt's timer has fired.
const PROBE_MAC: &str = "52:54:00:6b:76:6d";
/// With and without the register that nested hosts often refuse.
const MODELS: [&str; 2] = ["host", "host,arch-capabilities=off"];

/// How a machine's processor is emulated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accel {
    /// By the hardware, with this `-cpu`.
    Kvm {
        /// What the probe found to work.
        cpu: String,
    },
    /// In software; a boot takes about a minute.
    Tcg,
}

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What to use.
    pub accel: Accel,
    /// One line for a person: `KVM works` or why it is not used.
    pub because: String,
}

#[derive(Serialize, Deserialize)]
struct Cached {
    key: String,
    verdict: Verdict,
}

impl Accel {
    pub(crate) fn accel(&self) -> &'static str {
        match self {
            Self::Kvm { .. } => "kvm",
            Self::Tcg => "tcg,thread=multi",
        }
    }

    pub(crate) fn cpu(&self) -> &str {
        match self {
            Self::Kvm { cpu } => cpu,
            Self::Tcg => "max",
        }
    }
}

/// The directory where the verdict is kept: `$XDG_CACHE_HOME/roost/lab`, else under `~/.cache` or /var/cache.
#[must_use]
pub fn default_cache_dir() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    base.unwrap_or_else(|| "/var/cache".into()).join("roost/lab")
}

/// Finds out whether KVM works; ends within half a minute, at once when it was asked since the host started.
pub async fn probe(cache_dir: &Path) -> Verdict {
    let file = cache_dir.join("kvm.json");
    let key = format!("{} {}", process::host_boot(), qemu_version().await);
    if let Some(verdict) = cached(&file, &key) {
        return verdict;
    }
    let verdict = probe_now(DEADLINE).await;
    let kept = serde_json::to_vec(&Cached { key, verdict: verdict.clone() }).map_err(std::io::Error::from);
    if let Err(error) = kept.and_then(|text| fs::create_dir_all(cache_dir).and_then(|()| fs::write(&file, text))) {
        tracing::debug!(file = %file.display(), %error, "KVM verdict not kept");
    }
    verdict
}

/// The probe without its cache.
pub async fn probe_now(deadline: Duration) -> Verdict {
    if let Err(error) = fs::OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        return software(&format!("/dev/kvm: {error}"));
    }
    let mut because = String::new();
    for cpu in MODELS {
        match try_model(cpu, deadline).await {
            Ok(()) => {
                return Verdict { accel: Accel::Kvm { cpu: cpu.into() }, because: format!("KVM works (-cpu {cpu})") };
            }
            Err(reason) => because = format!("-cpu {cpu}: {reason}"),
        }
    }
    software(&because)
}

fn software(reason: &str) -> Verdict {
    Verdict { accel: Accel::Tcg, because: format!("KVM is not used, machines are emulated in software ({reason})") }
}

async fn try_model(cpu: &str, deadline: Duration) -> Result<(), String> {
    let mut command = tokio::process::Command::new(QEMU);
    command.args(["-nodefaults", "-no-user-config", "-machine", "q35,graphics=off", "-accel", "kvm", "-cpu", cpu]);
    command.args(["-m", "128", "-display", "none", "-serial", "stdio", "-boot", "menu=off"]);
    command.args(["-device", &format!("virtio-net-pci,mac={PROBE_MAC},bootindex=0")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("{QEMU}: {error}"))?;
    let mut console = child.stdout.take().ok_or("no console")?;
    let outcome = tokio::time::timeout(deadline, timer_fired(&mut console)).await;
    if let Err(error) = child.kill().await {
        tracing::debug!(%error, "probe had ended");
    }
    match outcome {
        Ok(true) => Ok(()),
        Ok(false) => Err("QEMU ended at once".into()),
        Err(_) => Err(format!("firmware's timer did not fire within {} s", deadline.as_secs())),
    }
}

async fn timer_fired(console: &mut (impl tokio::io::AsyncRead + Unpin)) -> bool {
    let mut seen = Vec::new();
    while console.read_buf(&mut seen).await.unwrap_or(0) > 0 {
        if String::from_utf8_lossy(&seen).contains(PROBE_MAC) {
            return true;
        }
    }
    false
}

async fn qemu_version() -> String {
    let output = tokio::process::Command::new(QEMU).arg("--version").output().await;
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn cached(file: &Path, key: &str) -> Option<Verdict> {
    let cached: Cached = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (cached.key == key).then_some(cached.verdict)
}
