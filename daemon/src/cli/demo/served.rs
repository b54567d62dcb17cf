//! The demo's last stages: a job lands on a machine that was powered on minutes before, is found through Consul, answers.

use std::{
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use lab::{Rack, http};
use serde::{Deserialize, de::DeserializeOwned};
use tasks::{Clock as _, SystemClock};
use vocabulary::{NodeId, Timestamp};

use super::{own_binary, printed, shipped};
use crate::cli::exit::{Exit, Failure};

/// How long the instance may take to answer after Consul said that its check passes.
const ANSWER: Duration = Duration::from_secs(10);
const JOB: &str = "web";
const LOOK: &str = "run it with --keep and look: roost job show web";

/// What became of the job.
#[derive(Debug)]
pub(super) struct Served {
    /// The machine that it landed on.
    pub(super) node: NodeId,
    /// When Consul named an instance whose check passed.
    pub(super) found: Timestamp,
    /// When that instance had answered.
    pub(super) answered: Timestamp,
}

/// As `roost cluster find --json` prints it.
#[derive(Deserialize)]
struct Instance {
    node: NodeId,
    address: std::net::IpAddr,
    port: u16,
}

/// Runs the job, waits for its deployment, finds and calls it.
pub(super) async fn serve(rack: &Rack, socket: &Path, config: &Path) -> Result<Served, Failure> {
    let mut run = rack.command(own_binary()?);
    run.env("ROOST_SOCKET", socket).args(["job", "run"]).arg(shipped("jobs/web.nomad.hcl")?);
    printed(run, LOOK).await?;
    let mut find = rack.command(own_binary()?);
    find.arg("--config").arg(config).args(["cluster", "find", JOB, "--json"]);
    let [instance, ..] = &json::<Vec<Instance>>(&printed(find, LOOK).await?)?[..] else {
        return Err(Failure::words(Exit::Failed, "the job runs and Consul does not know it", "roost cluster status"));
    };
    let found = SystemClock.now();
    let page = call(rack, SocketAddr::new(instance.address, instance.port)).await?;
    if !page.contains(JOB) || !page.contains(&instance.node.to_string()) {
        let cause = format!("the page is not the job's on {}: {page:?}", instance.node);
        return Err(Failure::words(Exit::Failed, cause, "roost job logs web"));
    }
    Ok(Served { node: instance.node.clone(), found, answered: SystemClock.now() })
}

async fn call(rack: &Rack, address: SocketAddr) -> Result<String, Failure> {
    let stream = rack.namespace().enter(|| TcpStream::connect_timeout(&address, ANSWER))??;
    stream.set_nonblocking(true)?;
    let stream = tokio::net::TcpStream::from_std(stream)?;
    let answer = tokio::time::timeout(ANSWER, http::exchange(stream, &http::Request::get("/"))).await;
    let answer = answer.context("the job did not answer")?.context("the job answered no HTTP")?;
    Ok(answer.text())
}

fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    Ok(serde_json::from_slice(text).context("roost cluster find printed no JSON")?)
}
