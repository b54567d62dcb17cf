//! What the unit file promises, as the code relies on it.

use std::time::Duration;

/// The unit as `make install` puts it into /etc/systemd/system.
pub const TEXT: &str = include_str!("../roost.service");

/// Where `make install` puts the binary.
pub const BINARY: &str = "/usr/local/bin/roost";

/// How the daemon tells that it is ready.
pub const TYPE: &str = "notify";

/// A supervisor's loop that is silent for so long hangs.
pub const WATCHDOG: Duration = Duration::from_secs(30);

/// What a daemon that is not root needs: ports 67 (DHCP) and 69 (TFTP).
///
/// Not CAP_NET_RAW: since Linux 5.7 anyone may bind a fresh socket to a device, and DHCP answers clients without an
/// address by broadcast. Not CAP_NET_ADMIN: no ARP entry, address or route is written. A test proves both halves.
pub const CAPABILITIES: [&str; 1] = ["CAP_NET_BIND_SERVICE"];

/// The fleet's private SSH key, in /etc/credstore.encrypted.
pub const SSH_KEY_CREDENTIAL: &str = "roost-ssh-key";

/// What opens the cluster's doors, in /etc/credstore.encrypted.
pub const CLUSTER_CREDENTIAL: &str = "roost-cluster";

/// The exit status for a wrong configuration: starting again changes nothing.
pub const EXIT_CONFIGURATION: u8 = 7;

/// The values of a directive, in order.
pub fn values<'a>(unit: &'a str, directive: &'a str) -> impl Iterator<Item = &'a str> {
    unit.lines().filter_map(move |line| line.strip_prefix(directive)?.strip_prefix('='))
}
