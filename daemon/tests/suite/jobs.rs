//! Jobs, secrets and drains by the real command line, over a running API, on real Nomad and Consul agents.

use std::{path::Path, process::Output, process::Stdio, sync::Arc, time::Duration};

use ::jobs::{
    Endpoint, Limits, Query,
    bootstrap::Clients,
    consul,
    consul::{Catalog as _, Only},
    nomad::{self, AllocationId, JobId, NewToken, Over, Purge},
};
use daemon::{
    cluster::Away,
    keys::{Scope, Scopes},
    workload::ClusterDoor,
};
use lab::{
    agents::{Acl, Agents, Client, Consul, Spec},
    relay::{Afterwards, Relay},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    sync::OnceCell,
};
use vocabulary::{EventKind, Secret, Seq};

use super::api::{Running, Setup, Time, answer, key, refused};

/// For a busy host, not for the agents.
const LIMIT: Duration = Duration::from_secs(150);

/// How a registration begins on the wire.
const REGISTER: &str = "PUT /v1/jobs?";

/// The way to a test's agents.
pub(crate) struct Door(pub(crate) Clients);

impl ClusterDoor for Door {
    fn agents(&self) -> Result<Clients, Away> {
        Ok(self.0.clone())
    }
}

/// A client with the root for programs that Roost's nodes have.
fn with_a_client() -> Spec {
    let paths: Vec<String> =
        ::jobs::bootstrap::agents::chroot().iter().map(|(at, to)| format!("  {at:?} = {to:?}")).collect();
    Spec { client_extra: format!("chroot_env {{\n{}\n}}", paths.join("\n")), ..Spec::default() }
}

async fn started(spec: Spec) -> Agents {
    Agents::start(&spec).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)))
}

/// The pair that nobody breaks. It ends with this process.
async fn shared() -> &'static Agents {
    static SHARED: OnceCell<Agents> = OnceCell::const_new();
    SHARED.get_or_init(|| started(with_a_client())).await
}

pub(crate) fn clients(agents: &Agents) -> Clients {
    let consul = agents.consul().first().map_or_else(|| "http://127.0.0.1:1".to_owned(), lab::agents::Agent::url);
    Clients {
        nomad: nomad::Client::build(&Endpoint::plain(agents.nomad()[0].url())).unwrap(),
        consul: consul::Client::build(&Endpoint::plain(consul)).unwrap(),
        expires_at: None,
    }
}

async fn api_over(clients: Clients) -> Running {
    super::api::provider();
    Running::with(Setup { cluster: Arc::new(Door(clients)), time: Time::Passes, ..Setup::default() }).await
}

async fn ready() -> (Running, Clients) {
    let clients = clients(shared().await);
    (api_over(clients.clone()).await, clients)
}

/// Runs `roost` with this on its standard input.
async fn roost_told(api: &Running, input: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
    command.env_clear().env("ROOST_SOCKET", &api.socket).args(arguments).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    tokio::time::timeout(LIMIT, child.wait_with_output()).await.expect("roost ends").unwrap()
}

async fn roost(api: &Running, arguments: &[&str]) -> Output {
    roost_told(api, "", arguments).await
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) async fn done(api: &Running, arguments: &[&str]) -> String {
    let output = roost(api, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) async fn failed(api: &Running, code: i32, arguments: &[&str]) -> String {
    let output = roost(api, arguments).await;
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    said(&output)
}

pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let poll = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, poll).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"))
}

/// A file of a job that runs a shell script by the driver exec.
fn script(folder: &Path, id: &str, kind: &str, words: &str) -> String {
    let update = if kind == "service" {
        "update {\n    health_check = \"task_states\"\n    min_healthy_time = \"1s\"\n  }"
    } else {
        ""
    };
    let text = format!(
        r#"
variable "memory" {{
  type    = number
  default = 20
}}
job "{id}" {{
  type        = "{kind}"
  datacenters = ["*"]
  {update}
  group "main" {{
    ephemeral_disk {{
      size = 20
    }}
    restart {{
      attempts = 0
      mode     = "fail"
    }}
    task "main" {{
      driver       = "exec"
      kill_timeout = "1s"
      config {{
        command = "/bin/sh"
        args    = ["-c", {words:?}]
      }}
      resources {{
        cpu    = 20
        memory = var.memory
      }}
      logs {{
        max_files     = 1
        max_file_size = 2
      }}
    }}
  }}
}}
"#
    );
    let path = folder.join(format!("{id}.nomad.hcl"));
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn shipped(name: &str) -> String {
    format!("{}/../jobs/{name}.nomad.hcl", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn without_a_cluster_every_verb_says_so_and_what_to_do() {
    let api = Running::new().await;
    for path in ["/api/jobs", "/api/jobs/web", "/api/jobs/web/events", "/api/secrets", "/api/nodes/1/drain"] {
        let (status, code) = refused(api.request(Method::GET, path)).await;
        assert_eq!((status, code.as_str()), (StatusCode::CONFLICT, "no_cluster"), "{path}");
    }
    let told = failed(&api, 6, &["job", "run", &shipped("hello")]).await;
    assert!(told.contains("mode = \"none\"") && told.contains("roost cluster init"), "{told}");
    failed(&api, 6, &["job", "list"]).await;
    failed(&api, 6, &["secret", "list"]).await;
    failed(&api, 6, &["node", "drain", "52:54:00:12:34:56"]).await;
    api.stop().await;
}

#[tokio::test]
async fn the_shipped_jobs_run_and_web_is_found_through_consul_and_answers() {
    let (api, clients) = ready().await;
    let told = done(&api, &["job", "run", "--var", "greeting=moin", &shipped("hello")]).await;
    assert!(told.contains("job hello is new") && told.contains("group hello: place 1"), "{told}");
    assert!(told.ends_with("job hello is as it was ordered\n"), "{told}");
    let logs = done(&api, &["job", "logs", "hello"]).await;
    assert!(logs.starts_with("moin from "), "{logs}");

    let told = done(&api, &["job", "run", &shipped("web")]).await;
    assert!(told.contains("1 healthy, of 1"), "{told}");
    let found = clients.consul.instances("web", Only::Passing, &Query::default()).await.unwrap().value;
    let instance = found.first().expect("web is in Consul, and its check passes");
    let url = format!("http://{}:{}/", instance.address, instance.port);
    let page = api.client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.starts_with("web on ") && page.contains("allocation "), "{page}");
    let listed: Value = serde_json::from_str(&done(&api, &["job", "list", "web", "--json"]).await).unwrap();
    assert_eq!((&listed[0]["wanted"], &listed[0]["running"], &listed[0]["failed"]), (&json!(1), &json!(1), &json!(0)));
    let plan = done(&api, &["job", "plan", &shipped("web")]).await;
    assert!(plan.contains("job web is the same already"), "{plan}");
    for job in ["web", "hello"] {
        done(&api, &["job", "stop", "--purge", job]).await;
    }
    eventually("Consul forgets web", async || {
        clients.consul.instances("web", Only::All, &Query::default()).await.unwrap().value.is_empty().then_some(())
    })
    .await;
    api.stop().await;
}

#[tokio::test]
async fn a_daemon_that_joins_a_cluster_runs_a_job_there() {
    let agents = shared().await;
    let folder = tempfile::tempdir().unwrap();
    let (data, config) = (folder.path().join("data"), folder.path().join("roost.toml"));
    let (nomad, consul) = (agents.nomad()[0].url(), agents.consul()[0].url());
    let text = format!(
        "data_dir = {data:?}\n[http]\nlisten = []\n[boot]\nlisten = [\"127.0.0.1:0\"]\n[tftp]\nlisten = [\"127.0.0.1:0\"]\n\
         [cluster]\nmode = \"join\"\nnomad = {nomad:?}\nconsul = {consul:?}\n"
    );
    std::fs::write(&config, text).unwrap();
    let roost = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
        command.env_clear().arg("--config").arg(&config).args(arguments).kill_on_drop(true);
        command
    };
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut daemon = roost(&["serve"]).stderr(log.try_clone().unwrap()).stdout(log).spawn().unwrap();
    eventually("the daemon answers", async || {
        let ended = daemon.try_wait().unwrap();
        assert!(ended.is_none(), "{}", std::fs::read_to_string(folder.path().join("log")).unwrap());
        roost(&["job", "list"]).output().await.unwrap().status.success().then_some(())
    })
    .await;
    let text = std::fs::read_to_string(shipped("hello")).unwrap().replace("job \"hello\"", "job \"joined\"");
    let file = folder.path().join("joined.nomad.hcl");
    std::fs::write(&file, text).unwrap();
    let output = roost(&["job", "run", file.to_str().unwrap()]).output().await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let output = roost(&["job", "stop", "--purge", "joined"]).output().await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    daemon.kill().await.unwrap();
}

#[tokio::test]
async fn a_service_is_planned_run_scaled_reverted_restarted_and_stopped_by_the_command_line() {
    let (api, clients) = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "verbs", "service", "echo up; while :; do sleep 1; done");
    let rehearsed = done(&api, &["job", "run", "--dry-run", &file]).await;
    assert!(rehearsed.contains("would: job verbs: registered, which is new"), "{rehearsed}");
    failed(&api, 5, &["job", "show", "verbs"]).await;
    done(&api, &["job", "run", &file]).await;

    let diff = done(&api, &["job", "diff", "--var", "memory=30", &file]).await;
    assert!(diff.contains("~ group main, task main, Resources, MemoryMB: \"20\" -> \"30\""), "{diff}");
    let would = done(&api, &["job", "scale", "verbs", "2", "--dry-run"]).await;
    assert_eq!(would, "would: job verbs: group main: 1 -> 2\n");
    let told = done(&api, &["job", "scale", "verbs", "2"]).await;
    assert!(told.contains("2 running"), "{told}");
    let back = done(&api, &["job", "revert", "verbs", "0"]).await;
    assert!(back.contains("version 1 -> what was version 0, as version 2"), "{back}");
    let changed = done(&api, &["job", "diff", "--job", "verbs", "--version", "1"]).await;
    assert!(changed.contains("Count: \"1\" -> \"2\""), "{changed}");
    failed(&api, 5, &["job", "revert", "verbs", "77"]).await;
    failed(&api, 6, &["job", "scale", "verbs", "3", "--group", "none"]).await;
    failed(&api, 6, &["job", "dispatch", "verbs"]).await;

    let told = done(&api, &["job", "restart", "verbs"]).await;
    assert!(told.contains("it runs again"), "{told}");
    let shown: Value = serde_json::from_str(&done(&api, &["job", "show", "verbs", "--json"]).await).unwrap();
    let restarted = shown["allocations"].as_array().unwrap().iter().any(|it| it["tasks"][0]["restarts"] == 1);
    assert!(restarted && shown["versions"].as_array().unwrap().len() == 3, "{shown}");
    let table = done(&api, &["job", "show", "verbs"]).await;
    assert!(table.contains("service job verbs: running") && table.contains("ALLOCATION"), "{table}");
    let events = done(&api, &["job", "events", "verbs"]).await;
    assert!(events.contains("placed on") && events.contains("Restart Signaled"), "{events}");

    let specification = done(&api, &["job", "show", "verbs", "--specification"]).await;
    let again = roost_told(&api, &specification, &["job", "run", "--detach", "-"]).await;
    assert!(said(&again).contains("is the same already"), "what is shown is what is taken: {}", said(&again));
    done(&api, &["job", "stop", "verbs"]).await;
    failed(&api, 6, &["job", "stop", "verbs"]).await;
    done(&api, &["job", "stop", "--purge", "verbs"]).await;
    let audits = audits(&api).await;
    for what in ["job register", "job scale", "job revert", "job restart", "job stop"] {
        assert!(
            audits.iter().any(|it| it["what"] == what && it["by"] == by() && it["subject"]["digest"].is_string()),
            "{what}: {audits:?}"
        );
    }
    assert!(clients.nomad.job(&JobId::new("verbs"), &Query::default()).await.is_err());
    api.stop().await;
}

/// Who the tests are over the Unix socket.
fn by() -> String {
    match rustix::process::geteuid().as_raw() {
        0 => "root".to_owned(),
        uid => format!("uid:{uid}"),
    }
}

async fn audits(api: &Running) -> Vec<Value> {
    let events = api.store.events_since(Seq(0), 1000).await.unwrap();
    events.into_iter().filter(|it| it.kind == EventKind::Audit).map(|it| it.data).collect()
}

#[tokio::test]
async fn a_job_that_a_person_changed_between_plan_and_run_is_refused_with_both_sides() {
    let (api, clients) = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "contested", "service", "sleep 600");
    done(&api, &["job", "run", "--detach", &file]).await;
    let plan: Value =
        serde_json::from_str(&done(&api, &["job", "plan", "--json", "--var", "memory=30", &file]).await).unwrap();
    let index = plan["check_index"].to_string();
    let id = JobId::new("contested");
    let mut theirs = clients.nomad.job(&id, &Query::default()).await.unwrap().value;
    theirs.set("Priority", 70);
    clients.nomad.register(&theirs, Over::Version(theirs.job_modify_index())).await.unwrap();
    let run = ["job", "run", "--var", "memory=30", "--check-index", &index, &file];
    let told = failed(&api, 6, &run).await;
    assert!(
        told.contains("was changed since it was planned") && told.contains("~ Priority: \"50\" -> \"70\""),
        "{told}"
    );
    assert!(told.contains("yours would change") && told.contains("MemoryMB: \"20\" -> \"30\""), "{told}");
    let now = clients.nomad.job(&id, &Query::default()).await.unwrap().value;
    assert_eq!(
        (now.version(), now.at("/TaskGroups/0/Tasks/0/Resources/MemoryMB")),
        (1, Some(&json!(20))),
        "nothing was done"
    );
    // Whoever plans again takes over what is there.
    let (status, body) = api.post("/api/jobs", &json!({"job": plan["job"], "check_index": 0})).await;
    assert_eq!((status, body["error"]["code"].as_str()), (StatusCode::CONFLICT, Some("job_changed")), "{body}");
    clients.nomad.stop(&id, Purge::Forget).await.unwrap();
    api.stop().await;
}

#[tokio::test]
async fn what_is_no_job_and_what_is_too_long_is_told_with_a_remedy() {
    let (api, _) = ready().await;
    let wrong = roost_told(&api, "job \"x\" {\n  groop \"y\" {}\n}\n", &["job", "run", "-"]).await;
    assert_eq!(wrong.status.code(), Some(6));
    let told = said(&wrong);
    assert!(told.contains(":2") && told.contains("Did you mean \"group\"?") && told.contains("hint: "), "{told}");
    let nothing = roost_told(&api, "job \"x\" {\n}\n", &["job", "plan", "-"]).await;
    assert!(said(&nothing).contains("Missing job task groups"), "{}", said(&nothing));
    let no_json = roost_told(&api, "{\"ID\": ", &["job", "plan", "-"]).await;
    assert!(said(&no_json).contains("holds no JSON"), "{}", said(&no_json));
    let long = format!("job \"long\" {{\n  meta {{\n    x = \"{}\"\n  }}\n}}\n", "x".repeat(2_000_000));
    let output = roost_told(&api, &long, &["job", "run", "-"]).await;
    let told = said(&output);
    assert!(
        !output.status.success() && told.contains("longer than 65536 bytes") && told.contains("[limits] body"),
        "{told}"
    );
    let (status, code) =
        refused(api.request(Method::POST, "/api/jobs/plan").json(&json!({"hcl": "", "job": {}}))).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "bad_body"));
    let (status, code) =
        refused(api.request(Method::POST, "/api/jobs/x/restart").json(&json!({"allocations": [""]}))).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "bad_body"), "an empty id is nobody");
    api.stop().await;
}

#[tokio::test]
async fn a_job_of_two_megabytes_is_registered_once_where_the_limit_allows_it() {
    let clients = clients(shared().await);
    let cluster = Arc::new(Door(clients.clone()));
    let api = Running::with(Setup { cluster, body_limit_bytes: 8 << 20, time: Time::Passes, ..Setup::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "heavy", "batch", "true");
    let text = std::fs::read_to_string(&file).unwrap();
    let template = format!(
        "template {{\n        destination = \"local/x\"\n        data        = \"{}\"\n      }}\n      config {{",
        "x".repeat(2_000_000)
    );
    std::fs::write(&file, text.replacen("config {", &template, 1)).unwrap();
    done(&api, &["job", "run", &file]).await;
    let id = JobId::new("heavy");
    assert_eq!(clients.nomad.job(&id, &Query::default()).await.unwrap().value.version(), 0);
    clients.nomad.stop(&id, Purge::Forget).await.unwrap();
    api.stop().await;
}

#[tokio::test]
async fn what_finds_no_place_and_what_fails_is_told_with_its_reason() {
    let (api, _) = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "homeless", "service", "sleep 600");
    let told = failed(&api, 1, &["job", "run", "--var", "memory=9000000", "--patience", "2s", &file]).await;
    assert!(
        told.contains("1 without a place") && told.contains("too little memory free (9000000 MiB asked for)"),
        "{told}"
    );
    assert!(told.contains("error: job homeless: 0 of 1 run") && told.contains("when there is room"), "{told}");
    let file = script(folder.path(), "broken", "batch", "echo why >&2; exit 3");
    let told = failed(&api, 1, &["job", "run", &file]).await;
    assert!(told.contains("Exit Code: 3"), "{told}");
    assert_eq!(done(&api, &["job", "logs", "--stderr", "broken"]).await, "why\n");
    failed(&api, 5, &["job", "logs", "--task", "other", "broken"]).await;
    failed(&api, 5, &["job", "logs", "none"]).await;
    for job in ["homeless", "broken"] {
        done(&api, &["job", "stop", "--purge", job]).await;
    }
    api.stop().await;
}

#[tokio::test]
async fn who_may_only_read_sees_no_words_of_a_task_and_changes_nothing() {
    let clients = clients(shared().await);
    let reader = key("reader", [Scope::Read].into_iter().collect());
    let keys = vec![key("all", Scopes::all()), reader];
    let api =
        Running::with(Setup { cluster: Arc::new(Door(clients)), keys, time: Time::Passes, ..Setup::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "secretive", "batch", "exit 3");
    failed(&api, 1, &["job", "run", &file]).await;
    for path in ["/api/jobs/secretive", "/api/jobs/secretive/events"] {
        let shown = api.bare(Method::GET, path).bearer_auth("reader").send().await.unwrap().text().await.unwrap();
        assert!(shown.contains("needs the scope operate") && !shown.contains("Exit Code"), "{shown}");
    }
    for path in ["/api/jobs/secretive/log", "/api/jobs/secretive/specification", "/api/jobs/secretive/diff"] {
        let (status, _) = refused(api.bare(Method::GET, path).bearer_auth("reader")).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
    done(&api, &["job", "stop", "--purge", "secretive"]).await;
    api.stop().await;
}

#[tokio::test]
async fn a_dispatched_job_is_followed_and_its_output_read_to_its_end() {
    let (api, clients) = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "parameters", "batch", "cat local/input; sleep 2; echo \" and $NOMAD_META_WHO\"");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace(
        "  group \"main\" {",
        "  parameterized {\n    payload       = \"required\"\n    meta_required = [\"WHO\"]\n  }\n  group \"main\" {",
    );
    let text =
        text.replace("      config {", "      dispatch_payload {\n        file = \"input\"\n      }\n      config {");
    std::fs::write(&file, text).unwrap();
    let told = done(&api, &["job", "run", &file]).await;
    assert!(told.contains("job parameters is as it was ordered"), "it starts nothing by itself: {told}");
    let dispatch = ["job", "dispatch", "parameters", "--meta", "WHO=me", "--payload", "-", "--once", "k1"];
    let first = roost_told(&api, "hello", &[&dispatch[..], &["--detach"]].concat()).await;
    let child = said(&first).lines().find_map(|line| line.strip_prefix("started ").map(str::to_owned)).unwrap();
    eventually("it runs", async || {
        let shown = roost(&api, &["job", "logs", &child]).await;
        shown.status.success().then_some(())
    })
    .await;
    assert_eq!(done(&api, &["job", "logs", "-f", &child]).await, "hello and me\n");
    let again = roost_told(&api, "hello", &dispatch).await;
    assert!(said(&again).contains(&format!("started {child}\n")) && again.status.success(), "{}", said(&again));
    let missing = roost_told(&api, "", &["job", "dispatch", "parameters"]).await;
    assert_eq!(missing.status.code(), Some(6), "{}", said(&missing));
    clients.nomad.stop(&JobId::new("parameters"), Purge::Forget).await.unwrap();
    api.stop().await;
}

/// An API that reaches Nomad through a relay, and the way past it.
async fn behind_a_relay() -> (Relay, Clients, Running) {
    let agents = shared().await;
    let relay = Relay::to(&agents.nomad()[0].url()).await.unwrap();
    let direct = clients(agents);
    let nomad = nomad::Client::build(&Endpoint::plain(relay.url())).unwrap();
    let api = api_over(Clients { nomad, ..direct.clone() }).await;
    (relay, direct, api)
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_found_or_left_open_and_never_denied() {
    let (relay, direct, api) = behind_a_relay().await;
    let folder = tempfile::tempdir().unwrap();
    let versions = async |id: &str| direct.nomad.versions(&JobId::new(id)).await.unwrap().jobs.len();

    let file = script(folder.path(), "unheard", "batch", "true");
    relay.lose_answer_to(REGISTER, Afterwards::GoesOn);
    done(&api, &["job", "run", &file]).await;
    assert_eq!((relay.lost(), versions("unheard").await), (1, 1), "found by another look");

    let file = script(folder.path(), "unknown", "batch", "true");
    relay.lose_answer_to(REGISTER, Afterwards::StaysAway);
    let told = failed(&api, 1, &["job", "run", "--detach", &file]).await;
    assert!(told.contains("it may have been carried out: look first"), "{told}");
    assert!(!told.contains("nothing was changed"), "{told}");
    assert_eq!((relay.lost(), versions("unknown").await), (2, 1));
    for job in ["unheard", "unknown"] {
        direct.nomad.stop(&JobId::new(job), Purge::Forget).await.unwrap();
    }
    api.stop().await;
}

#[tokio::test]
async fn a_dispatch_whose_answer_is_lost_is_repeated_by_the_key_that_it_names() {
    let (relay, direct, api) = behind_a_relay().await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "keyed", "batch", "true");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("  group \"main\" {", "  parameterized {\n  }\n  group \"main\" {", 1))
        .unwrap();
    done(&api, &["job", "run", &file]).await;
    relay.lose_answer_to("PUT /v1/job/keyed/dispatch", Afterwards::GoesOn);
    let told = failed(&api, 1, &["job", "dispatch", "--detach", "keyed"]).await;
    assert!(told.contains("it may have been carried out") && relay.lost() == 1, "{told}");
    let (_, key) = told.split_once("--once ").expect("it names its key");
    let key = key.split_whitespace().next().unwrap();
    done(&api, &["job", "dispatch", "--detach", "--once", key, "keyed"]).await;
    let all = direct.nomad.jobs(&Query::default().starting_with("keyed/dispatch")).await.unwrap().value;
    assert_eq!(all.len(), 1, "{all:?}");
    let (first, again) = (done(&api, &["job", "dispatch", "--detach", "keyed"]).await, "another key starts another");
    assert!(first.contains("started keyed/dispatch"), "{first}");
    let all = direct.nomad.jobs(&Query::default().starting_with("keyed/dispatch")).await.unwrap().value;
    assert_eq!(all.len(), 2, "{again}");
    direct.nomad.stop(&JobId::new("keyed"), Purge::Forget).await.unwrap();
    api.stop().await;
}

#[tokio::test]
async fn a_task_that_writes_much_takes_nobodys_turn_while_it_is_followed() {
    const BYTES: usize = 10 << 20;
    let (api, clients) = ready().await;
    let folder = tempfile::tempdir().unwrap();
    // It begins when it is followed.
    let words = "x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10; do x=$x$x; done; trap 'go=1' USR1; echo up; \
                 while [ -z \"$go\" ]; do sleep 0.1; done; i=0; while [ $i -lt 640 ]; do printf %s \"$x\"; i=$((i + 1)); done";
    let file = script(folder.path(), "chatty", "batch", words);
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("max_file_size = 2", "max_file_size = 20").replace("      size = 20", "      size = 100");
    std::fs::write(&file, text).unwrap();
    done(&api, &["job", "run", "--detach", &file]).await;
    let id = JobId::new("chatty");
    let allocation = eventually("it runs", async || {
        let found = clients.nomad.job_allocations(&id, &Query::default()).await.unwrap().value;
        found.into_iter().find(|it| it.client_status == "running")
    })
    .await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
    command.env_clear().env("ROOST_SOCKET", &api.socket).args(["job", "logs", "-f", "chatty"]).kill_on_drop(true);
    let mut following = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = following.stdout.take().unwrap();
    let mut first = [0; 3];
    output.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"up\n");
    let before = clients.nomad.requests();
    let allocation = AllocationId::new(allocation.id);
    clients.nomad.signal_allocation(&allocation, "SIGUSR1", &nomad::Which::Running).await.unwrap();

    let (mut read, mut slowest, mut others) = (0, Duration::ZERO, 1);
    let mut buffer = vec![0; 1 << 20];
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let all = async {
        loop {
            tokio::select! {
                count = output.read(&mut buffer) => match count.unwrap() {
                    0 => return,
                    count => read += count,
                },
                _ = ticks.tick() => {
                    let begun = tokio::time::Instant::now();
                    clients.nomad.jobs(&Query::default()).await.unwrap();
                    slowest = slowest.max(begun.elapsed());
                    others += 1;
                }
            }
        }
    };
    tokio::time::timeout(LIMIT, all).await.expect("it is followed to its end");
    assert!(following.wait().await.unwrap().success());
    assert_eq!(read, BYTES);
    let asked = clients.nomad.requests() - before - others;
    assert!(asked <= 12, "{asked} questions after one allocation");
    assert!(slowest < Duration::from_secs(5), "another call waited for {slowest:?}");
    done(&api, &["job", "stop", "--purge", "chatty"]).await;
    api.stop().await;
}

#[tokio::test]
async fn a_secret_goes_in_by_standard_input_and_never_comes_out() {
    let (api, clients) = ready().await;
    let path = "nomad/jobs/secretkeeper";
    let set = async |name: &str, value: &str, more: &[&str]| {
        let arguments = [&["secret", "set", path, name][..], more].concat();
        roost_told(&api, value, &arguments).await
    };
    let rehearsed = set("password", "s3cret-one\n", &["--dry-run"]).await;
    assert!(said(&rehearsed).contains("would: secret nomad/jobs/secretkeeper: password set"), "{}", said(&rehearsed));
    assert_eq!(clients.nomad.variable(path).await.unwrap(), None);
    assert!(set("password", "s3cret-one\n", &[]).await.status.success());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "s3cret-two").unwrap();
    assert!(set("key", "", &["--from", file.to_str().unwrap()]).await.status.success());
    let kept = clients.nomad.variable(path).await.unwrap().unwrap();
    assert_eq!(
        (kept.items["password"].expose().as_str(), kept.items["key"].expose().as_str()),
        ("s3cret-one", "s3cret-two")
    );
    let replaced = set("password", "s3cret-three", &[]).await;
    assert!(said(&replaced).contains("password replaced"), "{}", said(&replaced));
    let empty = set("password", "", &[]).await;
    assert_eq!(empty.status.code(), Some(6), "{}", said(&empty));
    let listed = done(&api, &["secret", "list"]).await + &done(&api, &["secret", "list", "nomad/jobs", "--json"]).await;
    assert!(listed.contains(path) && listed.contains("password") && listed.contains("key"), "{listed}");
    let audits = audits(&api).await;
    let everything = format!("{listed}{audits:?}{}{}", said(&replaced), said(&rehearsed));
    assert!(!everything.contains("s3cret"), "{everything}");
    assert!(audits.iter().filter(|it| it["what"] == "secret set").count() == 3, "{audits:?}");

    let file = script(folder.path(), "secretkeeper", "batch", "/bin/busybox wc -c <secrets/password");
    let template = format!(
        "template {{\n        destination = \"secrets/password\"\n        data = \"{{{{ with nomadVar \\\"{path}\\\" }}}}{{{{ .password }}}}{{{{ end }}}}\"\n      }}\n      config {{"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("config {", &template, 1)).unwrap();
    done(&api, &["job", "run", &file]).await;
    assert_eq!(done(&api, &["job", "logs", "secretkeeper"]).await, "12\n", "the job read it by its own identity");
    done(&api, &["job", "stop", "--purge", "secretkeeper"]).await;
    api.stop().await;
}

#[tokio::test]
async fn a_drained_node_says_what_of_its_work_found_no_other_place() {
    let agents = started(Spec { consul: Consul::No, ..with_a_client() }).await;
    let clients = clients(&agents);
    let api = api_over(clients.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    done(&api, &["job", "run", &script(folder.path(), "moved", "service", "sleep 600")]).await;
    let node = clients.nomad.nodes(&Query::default()).await.unwrap().value.remove(0);
    let would = done(&api, &["node", "drain", "--dry-run", &node.name]).await;
    assert!(would.contains("its 1 allocations move away within 1h"), "{would}");
    let told = failed(&api, 1, &["node", "drain", "--deadline", "2s", "--reason", "a test", &node.name]).await;
    assert!(
        told.contains("not all of its work found another place") && told.contains("job moved, group main: 1 without"),
        "{told}"
    );
    let shown: Value =
        serde_json::from_str(&done(&api, &["node", "drain", "--status", "--json", &node.id]).await).unwrap();
    assert_eq!((&shown["eligible"], &shown["draining"], &shown["left"]), (&json!(false), &json!(false), &json!([])));
    done(&api, &["node", "drain", "--end", &node.id[..8]]).await;
    eventually("the work comes back", async || {
        let shown: Value = api.get(&format!("/api/nodes/{}/drain", node.id)).await;
        (shown["eligible"] == true && shown["left"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    failed(&api, 5, &["node", "drain", "52:54:00:12:34:56"]).await;
    api.stop().await;
}

#[tokio::test]
async fn lost_leaders_and_servers_that_are_away_are_told_with_what_to_do() {
    let agents = started(Spec { servers: 3, consul: Consul::No, client: Client::No, ..Spec::default() }).await;
    let limits = Limits { answer: Duration::from_secs(8), ..Limits::default() };
    let endpoint = Endpoint { limits, ..Endpoint::plain(agents.nomad()[2].url()) };
    let nomad = nomad::Client::build(&endpoint).unwrap();
    let api = api_over(Clients { nomad, ..clients(&agents) }).await;
    for server in &agents.nomad()[..2] {
        server.kill().unwrap();
    }
    let code = eventually("the lost leader is noticed", async || {
        let (status, body) = answer(api.request(Method::GET, "/api/jobs")).await;
        (body["error"]["code"] == "no_leader").then_some(status)
    });
    assert_eq!(code.await, StatusCode::SERVICE_UNAVAILABLE);
    let told = failed(&api, 1, &["job", "list"]).await;
    assert!(told.contains("no leader") && told.contains("hint: "), "{told}");
    let folder = tempfile::tempdir().unwrap();
    failed(&api, 1, &["job", "run", &script(folder.path(), "leaderless", "batch", "true")]).await;
    agents.nomad()[2].kill().unwrap();
    let (status, code) = refused(api.request(Method::GET, "/api/jobs")).await;
    assert_eq!((status, code.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "cluster_unreachable"));
    let audits = audits(&api).await;
    assert!(
        !audits.iter().any(|it| it["what"] == "job register"),
        "what could not be planned was not begun: {audits:?}"
    );
    api.stop().await;
}

#[tokio::test]
async fn a_token_that_is_revoked_while_a_job_is_followed_ends_it_with_the_reason() {
    let agents = started(Spec { consul: Consul::No, client: Client::No, acl: Acl::On, ..Spec::default() }).await;
    let url = agents.nomad()[0].url();
    let with =
        |token: &Secret<String>| nomad::Client::build(&Endpoint::plain(url.clone()).with_token(token.clone())).unwrap();
    let chosen = Secret::new("2b778dd9-f5f1-6f29-b4b4-9a5fa948757a".to_owned());
    let stranger = nomad::Client::build(&Endpoint::plain(url.clone())).unwrap();
    stranger.bootstrap_acl(Some(chosen.clone())).await.unwrap();
    let root = with(&chosen);
    let wish = NewToken { name: "roost".into(), r#type: "management".into(), policies: Vec::new(), lives: None };
    let token = root.create_token(&wish).await.unwrap();
    let api = api_over(Clients { nomad: with(&token.secret), ..clients(&agents) }).await;
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "revoked", "service", "sleep 600");
    let run = ["job", "run", "--patience", "10m", &file];
    let follow = failed(&api, 1, &run);
    let revoke = async {
        eventually("it is registered", async || root.job(&JobId::new("revoked"), &Query::default()).await.ok()).await;
        root.revoke_token(&token.accessor).await.unwrap();
        // The questions that wait are answered by the old token. A look of the scheduler, which changes nothing of the
        // job, has one of them answered and asked anew.
        root.evaluate(&JobId::new("revoked")).await.unwrap();
    };
    let (told, ()) = tokio::join!(follow, revoke);
    assert!(told.contains("the token is missing, unknown, expired") && told.contains("roost cluster status"), "{told}");
    assert!(!root.job(&JobId::new("revoked"), &Query::default()).await.unwrap().value.is_stopped());
    let (status, code) = refused(api.request(Method::GET, "/api/jobs")).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_GATEWAY, "cluster_denied"));
    api.stop().await;
}
