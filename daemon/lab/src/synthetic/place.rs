//! Where a synthetic machine lives: its namespace, its cable, its identity.

use std::{io, path::PathBuf, sync::Arc};

use vocabulary::{Firmware, Mac, SmbiosUuid};

use crate::{
    ip::IpError,
    names::{self, MachineName},
    namespace::{EnterError, Namespace},
    rack::{Rack, private_dir},
    state::{StateError, StateFile},
};

/// How a synthetic machine is to be.
#[derive(Debug, Clone)]
pub struct SyntheticSpec {
    /// Its name in the rack.
    pub name: MachineName,
    /// What its firmware says it is.
    pub firmware: Firmware,
    /// Its address, where not the derived one.
    pub mac: Option<Mac>,
    /// Its SMBIOS UUID, where not the derived one; the cloner takes another's.
    pub uuid: Option<SmbiosUuid>,
}

/// A machine without QEMU; dropping it ends what runs in it and takes its namespace away.
#[derive(Debug)]
pub struct Synthetic {
    pub(super) name: MachineName,
    pub(super) firmware: Firmware,
    pub(super) mac: Mac,
    pub(super) uuid: SmbiosUuid,
    pub(super) namespace: Namespace,
    pub(super) dir: PathBuf,
    state: Arc<StateFile>,
}

/// A synthetic machine could not be plugged in.
#[derive(Debug, thiserror::Error)]
pub enum PlugError {
    /// The rack has one of that name.
    #[error("the rack already has a synthetic machine {name}")]
    Duplicate {
        /// The name.
        name: MachineName,
    },
    /// The cable could not be laid.
    #[error("cannot plug synthetic machine {name} into the bridge")]
    Cable {
        /// Which.
        name: MachineName,
        /// The refusal.
        #[source]
        source: IpError,
    },
    /// Its namespace can't be prepared.
    #[error("cannot prepare the namespace")]
    Enter(#[from] EnterError),
    /// A file could not be made.
    #[error("cannot prepare {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The state could not be written.
    #[error("cannot record the machine")]
    State(#[from] StateError),
}

impl SyntheticSpec {
    /// A machine of that name and firmware with derived addresses.
    #[must_use]
    pub fn new(name: MachineName, firmware: Firmware) -> Self {
        Self { name, firmware, mac: None, uuid: None }
    }
}

impl Synthetic {
    /// Plugs it into the rack's bridge; it says nothing until told to.
    pub fn plug_in(rack: &Rack, spec: SyntheticSpec) -> Result<Self, PlugError> {
        let known = rack.state();
        let namespace = Namespace::named(known.name.machine_namespace(&spec.name));
        if known.namespaces.contains(&namespace) {
            return Err(PlugError::Duplicate { name: spec.name });
        }
        // Real machines count up from 1, synthetic ones down from 255, so that no address is given twice.
        let place = u8::try_from(known.namespaces.len()).map_or(1, |count| u8::MAX - count);
        let mac = spec.mac.unwrap_or_else(|| names::mac_for(&known.name, place, 0));
        let machine = Self {
            uuid: spec.uuid.unwrap_or_else(|| names::uuid_for(mac)),
            dir: rack.dir().join("synthetic").join(spec.name.as_str()),
            name: spec.name,
            firmware: spec.firmware,
            mac,
            state: Arc::clone(rack.state_file()),
            namespace: namespace.clone(),
        };
        machine.state.change(|state| state.namespaces.push(namespace))?;
        machine.lay_cable(&known.bridge, &known.namespace(), place)?;
        Ok(machine)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &MachineName {
        &self.name
    }

    /// Its address.
    #[must_use]
    pub fn mac(&self) -> Mac {
        self.mac
    }

    /// Its SMBIOS UUID.
    #[must_use]
    pub fn uuid(&self) -> SmbiosUuid {
        self.uuid
    }

    /// Its namespace, for steps that are not foreseen here.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn lay_cable(&self, bridge: &str, rack: &Namespace, place: u8) -> Result<(), PlugError> {
        private_dir(&self.dir).map_err(|source| PlugError::File { path: self.dir.clone(), source })?;
        let cable = |source| PlugError::Cable { name: self.name.clone(), source };
        self.namespace.create().map_err(cable)?;
        let pair = format!(
            "link add syn{place} type veth peer name eth0 address {} netns {}",
            self.mac,
            self.namespace.name()
        );
        rack.ip(&pair).map_err(cable)?;
        rack.ip(&format!("link set syn{place} master {bridge} up")).map_err(cable)?;
        for line in ["link set lo up", "link set eth0 up"] {
            self.namespace.ip(line).map_err(cable)?;
        }
        Ok(())
    }
}

impl Drop for Synthetic {
    fn drop(&mut self) {
        let gone = self.namespace.delete();
        let forgotten = self.state.change(|state| state.namespaces.retain(|namespace| *namespace != self.namespace));
        if gone.is_err() || forgotten.is_err() {
            tracing::debug!(machine = %self.name, "left to the rack's own end");
        }
    }
}
