//! `roost node disk`: give a node a disk that outlives a reboot.

use clap::Args;
use serde_json::json;
use vocabulary::NodeId;

use super::{client::Client, exit::Failure, node::changed};
use crate::{disk::DeviceName, http::input::Change};

/// Which disk of which machine.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("intent").required(true).args(["dry_run", "yes"])))]
pub(super) struct Disk {
    /// Its name (node-525400123456) or MAC address.
    node: NodeId,
    /// The disk, as the node's kernel names it: vdb, /dev/nvme0n1. Needed where not exactly one disk is empty.
    #[arg(long)]
    device: Option<DeviceName>,
    /// Destroy what is on the disk with this serial number. Without it a disk with partitions, a file system or
    /// signatures of LVM, RAID or LUKS is refused.
    #[arg(long, value_name = "SERIAL")]
    wipe: Option<String>,
    /// List the node's disks and print what would be made, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Make it.
    #[arg(long)]
    yes: bool,
}

impl Disk {
    /// Has it made, or looked at.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = format!("/api/nodes/{}/disk", self.node);
        let body = json!({ "device": self.device, "wipe": self.wipe });
        let change: Change = client.post(&path, &[("dry_run", self.dry_run)], &body).await?;
        changed(&change)
    }
}
