//! One rack: a namespace with a bridge in it, the machines plugged into the bridge, and their certain end.
//!
//! Whoever holds the [`Rack`] owns it: dropping it (also in a panic) ends every process in its namespaces and removes
//! them. A maker that could not (kill -9) is found stale by the next [`Rack::up`] or [`remove`], which does the same
//! from `state.json`. Links live inside the namespace alone, so that removing it removes them: nothing on the host is
//! renamed, bridged or routed, and nothing that runs in the rack reaches beyond it.

use std::{
    collections::BTreeMap,
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::Ipv4Net;

use crate::{
    ip::IpError,
    machine::{self, Machine, MachineSpec},
    names::{MachineName, RackName},
    namespace::{self, Namespace},
    process,
    state::{KeptBy, RackState, StateError, StateFile},
    teardown,
};

/// Where racks keep their run directories unless told otherwise.
pub const DEFAULT_RUN_ROOT: &str = "/run/roost-lab";

/// How a rack is to be.
#[derive(Debug, Clone)]
pub struct RackSpec {
    /// Its name; two racks of one name can't be up at once.
    pub name: RackName,
    /// The parent of its run directory.
    pub run_root: PathBuf,
    /// The bridge's name, as the daemon's configuration names it.
    pub bridge: String,
    /// The bridge's address: where the daemon under test listens.
    pub address: Ipv4Net,
    /// Who will keep it.
    pub kept_by: KeptBy,
}

/// A rack that is up; dropping it takes it down.
#[derive(Debug)]
pub struct Rack {
    dir: PathBuf,
    namespace: Namespace,
    state: Arc<StateFile>,
    machines: Mutex<BTreeMap<MachineName, Arc<Machine>>>,
}

/// A rack could not be put up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// A living process keeps a rack of that name.
    #[error(
        "rack {name} is already up, kept by process {pid} (roost lab down --name {name}, or choose another --name)"
    )]
    AlreadyUp {
        /// The rack.
        name: RackName,
        /// Its maker.
        pid: u32,
    },
    /// A namespace of that name exists, and no run directory says whose it is.
    #[error("network namespace {namespace} exists but has no run directory (ip netns delete {namespace})")]
    NamespaceTaken {
        /// Its name.
        namespace: String,
    },
    /// The path is too long for the sockets below it.
    #[error("run directory {} is too long for Unix sockets in it (at most {max} bytes)", dir.display())]
    PathTooLong {
        /// The directory.
        dir: PathBuf,
        /// The limit.
        max: usize,
    },
    /// The run directory could not be made or locked.
    #[error("cannot prepare {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The network could not be laid.
    #[error("cannot lay the rack's network (root is needed)")]
    Network(#[from] IpError),
    /// The state could not be written.
    #[error("cannot record the rack")]
    State(#[from] StateError),
}

/// Room for `/machines/<name>/qmp.sock` below the run directory within a socket path's 107 bytes.
const DIR_BYTES_MAX: usize = 60;

impl RackSpec {
    /// The usual rack of that name: bridge `rack0` with 10.77.0.1/16, kept by this program.
    #[must_use]
    pub fn named(name: RackName) -> Self {
        let address = Ipv4Net::new_assert(Ipv4Addr::new(10, 77, 0, 1), 16);
        let run_root = PathBuf::from(DEFAULT_RUN_ROOT);
        Self { name, run_root, bridge: "rack0".into(), address, kept_by: KeptBy::Program }
    }

    /// The rack's run directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.run_root.join(self.name.as_str())
    }

    /// The `ip` lines that lay its network inside its namespace, in order.
    ///
    /// The pair `uplink0`/`uplink1` leads nowhere: a bridge whose machines are all off would have no carrier, and the
    /// kernel would drop the packet that is to wake one. A real switch is never down. `void0`, a bridge that stays
    /// down, swallows what reaches the far end; without it every broadcast would be heard twice in the namespace.
    /// (A `dummy` link would do, but not every kernel has them.)
    #[must_use]
    pub fn network_lines(&self) -> Vec<String> {
        let bridge = &self.bridge;
        vec![
            "link set lo up".into(),
            format!(
                "link add {bridge} address 52:54:00:00:00:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
            ),
            format!("addr add {} broadcast {} dev {bridge}", self.address, self.address.broadcast()),
            "link add uplink0 type veth peer name uplink1".into(),
            format!("link set uplink0 master {bridge} up"),
            "link add void0 type bridge".into(),
            "link set uplink1 master void0 up".into(),
            format!("link set {bridge} up"),
        ]
    }
}

impl Rack {
    /// Takes away what dead makers left in the same run root, then puts the rack up.
    pub fn up(spec: &RackSpec) -> Result<Self, UpError> {
        let dir = spec.dir();
        if dir.as_os_str().len() > DIR_BYTES_MAX {
            return Err(UpError::PathTooLong { dir, max: DIR_BYTES_MAX });
        }
        let _lock = teardown::lock_run_root(&spec.run_root)
            .map_err(|source| UpError::Directory { path: spec.run_root.clone(), source })?;
        teardown::remove_stale(&spec.run_root);
        refuse_taken(spec, &dir)?;
        private_dir(&dir).map_err(|source| UpError::Directory { path: dir.clone(), source })?;
        Self::lay(spec, dir)
    }

    /// From here on every failure drops the half-made rack, which takes it away.
    fn lay(spec: &RackSpec, dir: PathBuf) -> Result<Self, UpError> {
        let namespace = Namespace::named(spec.name.namespace());
        let state = Arc::new(StateFile::create(&dir, first_state(spec, &namespace))?);
        let rack = Self { dir, namespace, state, machines: Mutex::default() };
        rack.namespace.create()?;
        for line in spec.network_lines() {
            rack.namespace.ip(&line)?;
        }
        tracing::info!(rack = %spec.name, bridge = spec.bridge, address = %spec.address, "rack is up");
        Ok(rack)
    }

    /// Its run directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// What it has made so far.
    #[must_use]
    pub fn state(&self) -> RackState {
        self.state.get()
    }

    /// The bridge's address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.state.get().address.addr()
    }

    /// A command that runs inside the rack, such as the daemon under test.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.namespace.command(program)
    }

    /// Plugs a machine in, switched off.
    pub fn add(&self, spec: MachineSpec) -> Result<Arc<Machine>, machine::AddError> {
        let mut machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        if machines.contains_key(&spec.name) {
            return Err(machine::AddError::Duplicate { name: spec.name });
        }
        let place = u8::try_from(machines.len() + 1).map_err(|_| machine::AddError::Full)?;
        let machine = Arc::new(Machine::plug_in(spec, place, &self.dir, Arc::clone(&self.state))?);
        machines.insert(machine.name().clone(), Arc::clone(&machine));
        Ok(machine)
    }

    /// The machine of that name.
    #[must_use]
    pub fn machine(&self, name: &str) -> Option<Arc<Machine>> {
        self.machines().into_iter().find(|machine| machine.name().as_str() == name)
    }

    /// Every machine, by name.
    #[must_use]
    pub fn machines(&self) -> Vec<Arc<Machine>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Takes the rack away and says when something stayed.
    pub fn down(self) -> Result<(), teardown::DownError> {
        self.take_away()
    }

    pub(crate) fn state_file(&self) -> &Arc<StateFile> {
        &self.state
    }

    fn take_away(&self) -> Result<(), teardown::DownError> {
        for machine in self.machines() {
            machine.cut_power();
        }
        if !self.dir.exists() {
            return Ok(());
        }
        teardown::take_away(&self.dir, &self.state.get())
    }
}

impl Drop for Rack {
    fn drop(&mut self) {
        if let Err(error) = self.take_away() {
            tracing::error!(dir = %self.dir.display(), error = &error as &dyn std::error::Error, "rack not taken away whole");
        }
    }
}

/// A directory only its owner may enter: consoles and captures lie in it.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn refuse_taken(spec: &RackSpec, dir: &Path) -> Result<(), UpError> {
    if let Ok(state) = RackState::load(dir)
        && process::alive(&state.maker)
    {
        return Err(UpError::AlreadyUp { name: spec.name.clone(), pid: state.maker.pid });
    }
    let namespace = Namespace::named(spec.name.namespace());
    if namespace.exists() {
        return Err(UpError::NamespaceTaken { namespace: namespace.name().to_owned() });
    }
    Ok(())
}

fn first_state(spec: &RackSpec, namespace: &Namespace) -> RackState {
    let pid = std::process::id();
    let unknown = || vocabulary::ProcessId { pid, start_ticks: 0, host_boot: process::host_boot() };
    RackState {
        name: spec.name.clone(),
        maker: process::identify(pid).unwrap_or_else(unknown),
        kept_by: spec.kept_by,
        bridge: spec.bridge.clone(),
        address: spec.address,
        namespaces: vec![namespace.clone()],
        processes: BTreeMap::new(),
        machines: BTreeMap::new(),
        mounted_netns: !namespace::mount_exists(),
    }
}
