//! A server, clients and a relay on a link that exists only here, under a clock that jumps.

mod boot;
mod leases;
mod link;
mod relay;
mod robust;
