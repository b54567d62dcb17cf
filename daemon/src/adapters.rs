//! Joins leaves that do not know each other: each file implements the traits of one neighbour over the lifecycle.
//!
//! | file | implements | for |
//! |---|---|---|
//! | `boot.rs` | `Witness`, `BootDesk` | the boot services of `pxe` |
//! | `cluster.rs` | `Cluster` | who is a member, over the clients of `jobs` |
//! | `kits.rs` | `Kits` | the Ansible runner: what a node needs to join |
//! | `leases.rs` | `LeaseLog` | DHCP, over the store |
//! | `disks.rs` | orders for data disks as a part | `orders.rs` |
//! | `fleet.rs` | `FleetDesk` | the API, over the keyring |
//! | `following.rs` | follows nodes whose lease moved, as a part | the lifecycle |
//! | `gossip.rs` | `GossipDesk`, and its part | the API, over the cluster's gossip keys |
//! | `intake.rs` | `Intake` | what booting machines post |
//! | `looks.rs` | | bounds the looks at machines that `pulse.rs` takes |
//! | `orders.rs` | `NodeDesk`, `RunDesk`, `PartsBoard` | the API |
//! | `pulse.rs` | | whether the node that owns a MAC is up, and where |
//! | `retirement.rs` | nodes that leave the cluster, as a part | `orders.rs` |
//! | `roster.rs` | | keeps the inventory file in step with the lifecycle |
//! | `servers.rs` | `ServersDesk`, `Fleet` | the API, and `cluster::promoter` |
//! | `switches.rs` | power orders as a part | `orders.rs` |
//! | `runs.rs` | `RunBook`, `LaunchPad` | the Ansible runner |
//! | `watching.rs` | tells what `jobs::watch` sees | the bus, `/readyz`, `/metrics` |
//!
//! Translation only: a decision that shows up here belongs into `nodes` or into a leaf.

pub mod boot;
pub mod cluster;
pub mod disks;
pub mod fleet;
pub mod following;
pub mod gossip;
pub mod intake;
pub mod kits;
pub mod leases;
mod looks;
pub mod orders;
pub mod pulse;
pub mod retirement;
pub mod roster;
pub mod runs;
pub mod servers;
pub mod switches;
pub mod watching;
