//! The package's integration tests, in one binary: linking takes longer than they do.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test says so by panicking, a skipped one by a line"
)]

mod assets_fetch;
mod assets_store;
mod boot_corpus;
mod boot_rig;
mod dhcp_clients;
mod dhcp_corpus;
mod dhcp_rig;
mod dhcp_wire;
mod http_files;
mod http_limits;
mod http_scripts;
mod image_call_home;
mod image_data_disk;
mod image_inputs;
mod image_scripts;
mod ipxe_real;
mod patience;
mod programs;
mod tftp_client;
mod tftp_refusals;
mod tftp_transfers;
