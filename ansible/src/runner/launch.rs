//! Everything between an order and its launcher: checks with remedies, the run's files, the command.
//!
//! ssh and Ansible read nothing but what is written here: no ~/.ssh/config, no agent, no ~/.ansible.cfg, no variable
//! of the daemon's environment. A node is known by its pinned key under its own name (`HostKeyAlias`), so an address
//! that moved to another machine never passes for it.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tasks::child::{Input, Output, Spec};
use vocabulary::Reason;

use super::{Config, FolderError, Kit, RunFolder, RunOrder, kit::KIT_FOLDER, secrets::Secrets, sweep};
use crate::{
    files::is_full,
    inventory::{Inventory, InventoryHost, SnapshotError, SnapshotFile},
    venv::INSTALL_COMMAND,
};

const PLUGIN: &str = include_str!("../../plugins/callback/roost_events.py");
const LAUNCHER: &str = include_str!("../../launcher.sh");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// What Ansible and its modules on the control node may call.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A run that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// No Ansible.
    #[error("{} is missing", path.display())]
    AnsibleMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// No playbook.
    #[error("the playbook {} is missing", path.display())]
    PlaybookMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The node has no pinned key, so nobody could tell whether it answers.
    #[error("no SSH host key of {node} is pinned")]
    NoHostKey {
        /// Which.
        node: vocabulary::NodeId,
    },
    /// The key cannot be had.
    #[error("cannot bring the SSH key {} to {}", key.display(), secrets.display())]
    Key {
        /// From.
        key: PathBuf,
        /// To.
        secrets: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What the run needs of its own cannot be made.
    #[error("the node cannot be given what it needs: {}", .0.cause)]
    Kit(Reason),
    /// Its files cannot be written.
    #[error("cannot write the run's own secrets to {}", secrets.display())]
    KitFiles {
        /// To.
        secrets: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The inventory cannot be copied.
    #[error("cannot copy the inventory")]
    Snapshot(#[from] SnapshotError),
    /// The run's folder cannot be written.
    #[error("cannot prepare the run's folder")]
    Folder(#[from] FolderError),
    /// No process.
    #[error("cannot start the launcher")]
    Spawn(#[from] tasks::child::SpawnError),
}

impl LaunchError {
    /// The whole chain of causes in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        tasks::chain(self)
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::AnsibleMissing { .. } => format!("install it: {INSTALL_COMMAND}"),
            Self::PlaybookMissing { path } => format!("put it at {} or set ansible.playbook", path.display()),
            Self::NoHostKey { .. } => "boot the node again: its call-home brings its host key".to_owned(),
            Self::Kit(reason) => reason.remedy.clone(),
            Self::KitFiles { secrets, .. } => format!("free memory for {}", secrets.display()),
            Self::Key { source, secrets, .. } if is_full(source) => format!("free memory for {}", secrets.display()),
            Self::Key { key, .. } => format!("let the daemon read {}", key.display()),
            Self::Snapshot(error) => error.remedy(),
            Self::Folder(error) if is_full(&error.source) => {
                format!("free space on the file system of {}, then retry", error.path.display())
            }
            Self::Folder(error) => format!("let the daemon write {}", error.path.display()),
            Self::Spawn(_) => "see the cause: the host is out of processes, memory or files".to_owned(),
        }
    }
}

/// Puts all of a run's files in place; the launcher is ready to be spawned. Blocks.
pub(super) fn prepare(
    config: &Config,
    order: &RunOrder,
    kit: &Kit,
    folder: &RunFolder,
    secrets: &Secrets,
) -> Result<Spec, LaunchError> {
    check(config, &order.host)?;
    let inventory = Inventory::new(config.inventory_dir.clone(), config.lock_patience);
    folder.make()?;
    let bring = |source| LaunchError::Key { key: config.ssh_key.clone(), secrets: secrets.path().to_owned(), source };
    secrets.make(&config.ssh_key).map_err(bring)?;
    let (copy, files) = secrets.copy(&inventory)?;
    folder.write("inventory.sha256", &digests(&files), 0o600)?;
    let keep = |source| LaunchError::KitFiles { secrets: secrets.path().to_owned(), source };
    let kept = secrets.keep(kit).map_err(keep)?;
    let variables = variables(config, kit, kept.as_deref());
    folder.write("known_hosts", &known_hosts(&order.host), 0o600)?;
    folder.write("ssh_config", &ssh_config(config, &order.host, folder, secrets), 0o600)?;
    folder.write("ansible.cfg", &ansible_cfg(config, folder, secrets), 0o600)?;
    folder.write("variables.json", &variables, 0o600)?;
    folder.write("plugins/callback/roost_events.py", PLUGIN, 0o600)?;
    folder.write("launcher.sh", LAUNCHER, 0o700)?;
    let arguments = arguments(config, order, folder, &copy);
    folder.write("command", &format!("{}\n", arguments.join(" ")), 0o600)?;
    Ok(spec(&arguments, folder, secrets))
}

/// What the daemon tells every playbook, and what is said to this run alone.
fn variables(config: &Config, kit: &Kit, kept: Option<&Path>) -> String {
    let mut variables = config.variables.clone();
    variables.extend(kit.variables.clone());
    if let Some(folder) = kept {
        variables.insert(KIT_FOLDER.to_owned(), folder.display().to_string().into());
    }
    serde_json::Value::Object(variables).to_string()
}

/// The mark of this run's processes, unique on this host.
pub(super) fn mark(folder: &RunFolder) -> String {
    folder.path().to_string_lossy().into_owned()
}

fn check(config: &Config, host: &InventoryHost) -> Result<(), LaunchError> {
    let program = config.ansible_playbook();
    let executable = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
    if !executable(&program) {
        return Err(LaunchError::AnsibleMissing { path: program });
    }
    if !config.playbook.is_file() {
        return Err(LaunchError::PlaybookMissing { path: config.playbook.clone() });
    }
    if host.host_keys.is_empty() {
        return Err(LaunchError::NoHostKey { node: host.node.clone() });
    }
    Ok(())
}

/// As sha256sum(1) writes and checks them.
fn digests(files: &[SnapshotFile]) -> String {
    files.iter().map(|file| format!("{}  {}\n", file.sha256, file.name.display())).collect()
}

fn known_hosts(host: &InventoryHost) -> String {
    host.host_keys.iter().map(|key| format!("{} {key}\n", host.node)).collect()
}

fn ssh_config(config: &Config, host: &InventoryHost, folder: &RunFolder, secrets: &Secrets) -> String {
    let known_hosts = folder.path().join("known_hosts");
    format!(
        "Host {address}\n  HostKeyAlias {node}\n\
         Host *\n  Port {port}\n  IdentityFile {key}\n  IdentitiesOnly yes\n  IdentityAgent none\n\
         \x20 UserKnownHostsFile {known}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n\
         \x20 UpdateHostKeys no\n  CheckHostIP no\n  BatchMode yes\n  PreferredAuthentications publickey\n\
         \x20 PasswordAuthentication no\n  KbdInteractiveAuthentication no\n  ForwardAgent no\n  ForwardX11 no\n\
         \x20 ClearAllForwardings yes\n  PermitLocalCommand no\n  ControlMaster auto\n  ControlPersist 60s\n\
         \x20 ControlPath {socket}\n  ConnectTimeout {connect}\n  ServerAliveInterval 10\n  ServerAliveCountMax 6\n\
         \x20 LogLevel ERROR\n",
        address = host.address,
        node = host.node,
        port = config.ssh_port,
        key = secrets.key().display(),
        known = known_hosts.display(),
        socket = secrets.control_socket().display(),
        connect = CONNECT_TIMEOUT.as_secs(),
    )
}

fn ansible_cfg(config: &Config, folder: &RunFolder, secrets: &Secrets) -> String {
    let roles = config.playbook.parent().unwrap_or(Path::new("/")).join("roles");
    format!(
        "[defaults]\nroles_path = {roles}\ncallback_plugins = {folder}/plugins/callback\n\
         callbacks_enabled = roost_events\nhost_key_checking = True\ninterpreter_python = /usr/bin/python3\n\
         local_tmp = {secrets}/tmp\nretry_files_enabled = False\nnocows = True\ntimeout = {connect}\nforks = 2\n\
         [ssh_connection]\npipelining = True\nssh_args = -F {folder}/ssh_config\n",
        roles = roles.display(),
        folder = folder.path().display(),
        secrets = secrets.path().display(),
        connect = CONNECT_TIMEOUT.as_secs(),
    )
}

fn arguments(config: &Config, order: &RunOrder, folder: &RunFolder, inventory: &Path) -> Vec<String> {
    let inside = |name: &str| folder.path().join(name).display().to_string();
    let mut arguments = vec![
        config.ansible_playbook().display().to_string(),
        "--inventory".to_owned(),
        inventory.display().to_string(),
        "--limit".to_owned(),
        order.host.node.to_string(),
        "--extra-vars".to_owned(),
        format!("@{}", inside("variables.json")),
        config.playbook.display().to_string(),
    ];
    if let Some(tag) = order.run.purpose.tag() {
        arguments.extend(["--tags".to_owned(), tag.to_owned()]);
    }
    arguments
}

fn spec(arguments: &[String], folder: &RunFolder, secrets: &Secrets) -> Spec {
    let home = folder.path().join("home");
    let log = Output::Append(folder.output());
    Spec::new("/bin/sh")
        .arg(folder.path().join("launcher.sh"))
        .arg(folder.path())
        .args(arguments)
        .clear_env()
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", &home)
        .env("TMPDIR", secrets.path())
        .env("ANSIBLE_HOME", &home)
        .env("ANSIBLE_CONFIG", folder.path().join("ansible.cfg"))
        .env("ANSIBLE_NOCOLOR", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ROOST_EVENTS", folder.events())
        .env(sweep::MARK, mark(folder))
        .cwd(folder.path())
        .stdin(Input::Pipe)
        .stdout(log.clone())
        .stderr(log)
}
