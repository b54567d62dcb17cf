//! The lab's QEMU machines, switched through the keeper of their rack: for racks that `roost lab up` made.

use std::path::PathBuf;

use ::lab::control;

use super::{Power, PowerAction, PowerError, Target};

/// Asks a rack's keeper.
pub struct LabPower {
    /// The rack's run directory.
    pub rack: PathBuf,
}

#[async_trait::async_trait]
impl Power for LabPower {
    async fn switch(&self, target: &Target, action: PowerAction) -> Result<(), PowerError> {
        let action = match action {
            PowerAction::On => control::PowerAction::On,
            PowerAction::Off => control::PowerAction::Off,
            PowerAction::Cycle => control::PowerAction::Cycle,
        };
        control::power_by_mac(&self.rack, target.mac, action).await.map(drop).map_err(PowerError::Lab)
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::{Mac, NodeId};

    use super::*;

    #[tokio::test]
    async fn a_rack_that_is_not_up_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let mac = Mac([2; 6]);
        let target = Target {
            node: NodeId::of(mac),
            mac,
            address: None,
            host_keys: vec![],
            ordered: vocabulary::Timestamp::UNIX_EPOCH,
        };
        let power = LabPower { rack: folder.path().join("none") };
        assert!(matches!(power.switch(&target, PowerAction::On).await, Err(PowerError::Lab(_))));
    }
}
