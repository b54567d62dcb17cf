//! The demo's last stages: a job lands on a machine that was powered on minutes before, is found through Consul, answers.

use std::{
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context as _;
use lab::{Rack, http};
use serde::{Deserialize, de::DeserializeOwned};
use tasks::{Clock as _, SystemClock};
use vocabulary::{NodeId, Timestamp};

use super::own_binary;
use crate::cli::exit::{Exit, Failure};

/// How long the instance may take to answer after Consul said that its check passes.
const ANSWER: Duration = Duration::from_secs(10);
const JOB: &str = "web";

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
    run.env("ROOST_SOCKET", socket).args(["job", "run"]).arg(job_file()?);
    said(run).await?;
    let mut find = rack.command(own_binary()?);
    find.arg("--config").arg(config).args(["cluster", "find", JOB, "--json"]);
    let [instance, ..] = &json::<Vec<Instance>>(&said(find).await?)?[..] else {
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

/// The job of the checkout that this binary was built in, else the installed one.
fn job_file() -> Result<PathBuf, Failure> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(|root| root.join("jobs/web.nomad.hcl"));
    let installed = PathBuf::from("/usr/local/share/roost/jobs/web.nomad.hcl");
    checkout.into_iter().chain([installed]).find(|path| path.exists()).ok_or_else(|| {
        Failure::words(Exit::Failed, "there is no jobs/web.nomad.hcl", "run the demo from the checkout (make demo)")
    })
}

async fn said(command: Command) -> Result<Vec<u8>, Failure> {
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let cause = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::words(Exit::Failed, cause, "run it with --keep and look: roost job show web"))
}

fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    Ok(serde_json::from_slice(text).context("roost cluster find printed no JSON")?)
}
