//! What booting machines post, passed on to the lifecycle; its answers in the words of the boot listener.

use std::{net::SocketAddr, sync::Arc};

use ansible::callhome::Report;
use pxe::dhcp::AddressBook;
use vocabulary::{CallHome, RunId};

use crate::{
    http::desks::{Intake, IntakeRefusal, RefusalKind},
    nodes::{Nodes, NodesError, admission::Refusal, requests::TurnedDown},
};

/// The lifecycle as booting machines know it.
pub struct FrontDoor {
    /// Who decides.
    pub nodes: Nodes,
    /// Which address was leased to which MAC: where the node will be reached, not who it is.
    pub leases: Arc<dyn AddressBook>,
}

#[async_trait::async_trait]
impl Intake for FrontDoor {
    async fn call_home(&self, call: CallHome, peer: SocketAddr) -> Result<RunId, IntakeRefusal> {
        let leased = self.leases.address_of(call.mac);
        let answer = self.nodes.ask(move |ledger, now, writes| ledger.call_home(now, &call, peer.ip(), leased, writes));
        answer.await.map_err(|error| unavailable(&error))?.map_err(|error| turned_down(&error))
    }

    async fn progress(&self, report: Report, _peer: SocketAddr) -> Result<(), IntakeRefusal> {
        let answer = self.nodes.ask(move |ledger, now, writes| ledger.progress(now, &report, writes));
        answer.await.map_err(|error| unavailable(&error))?.map_err(|error| turned_down(&error))
    }
}

fn unavailable(error: &NodesError) -> IntakeRefusal {
    let hint = "nothing, it is tried again; roost status says what is wrong".to_owned();
    IntakeRefusal { kind: RefusalKind::Unavailable, reason: error.to_string(), hint }
}

fn turned_down(error: &TurnedDown) -> IntakeRefusal {
    let (kind, hint) = match error {
        TurnedDown::Refused(Refusal::UnknownToken) => {
            (RefusalKind::UnknownToken, "start the machine again: each boot gets a token")
        }
        TurnedDown::Refused(Refusal::Expired) => (RefusalKind::Expired, "nothing: the machine boots again by itself"),
        TurnedDown::Refused(Refusal::Superseded) => (
            RefusalKind::Superseded,
            "a newer boot under this MAC counts: look for two machines that share it, then start the right one again",
        ),
        TurnedDown::Refused(Refusal::NotAdmitted) => (RefusalKind::Forbidden, "roost node approve"),
        TurnedDown::Refused(Refusal::Parked) => {
            (RefusalKind::Forbidden, "roost node list --state suspect, then roost node approve")
        }
        TurnedDown::Parked(_) => (RefusalKind::Conflict, "roost node list --state suspect, then roost node approve"),
        TurnedDown::NoAddress => {
            (RefusalKind::Malformed, "nodes are reached over IPv4: give the boot network an IPv4 subnet")
        }
    };
    IntakeRefusal { kind, reason: error.to_string(), hint: hint.to_owned() }
}
