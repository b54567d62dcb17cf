//! The daemon harness, against a stand-in of a few lines that listens where the daemon would.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use lab::{Daemon, DaemonError, DaemonSpec};

use crate::support::rack;

/// Answers /readyz on its third request; ends by itself when its configuration says so.
const STAND_IN: &str = r#"#!/usr/bin/env python3
import http.server, os, socketserver, sys
config = open(sys.argv[3]).read()
if "broken" in config: sys.exit("config is broken")
path = config.strip() + "/roost.sock"
if os.path.exists(path): os.unlink(path)
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(200 if Handler.asked > 2 else 503)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def address_string(self): return "unix"
socketserver.UnixStreamServer(path, Handler).serve_forever()
"#;

fn spec(dir: &Path) -> DaemonSpec {
    let binary = dir.join("roost");
    std::fs::write(&binary, STAND_IN).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    DaemonSpec {
        binary,
        config: dir.display().to_string(),
        data_dir: dir.to_owned(),
        dir: dir.join("log"),
        env: vec![],
    }
}

#[tokio::test]
async fn starts_answers_is_killed_and_starts_again() {
    let rack = rack();
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(&rack, spec(dir.path())).await.unwrap();
    let first = daemon.pid().unwrap();
    assert_eq!(daemon.api().get("/x").await.unwrap().text(), first.to_string(), "the pid is the daemon's own");
    daemon.kill().await.unwrap();
    assert!(daemon.api().get("/x").await.is_err());
    daemon.restart().await.unwrap();
    assert_ne!(daemon.pid(), Some(first));
    daemon.stop(Duration::from_secs(10)).await.unwrap();
    assert!(matches!(daemon.kill().await, Err(DaemonError::NotRunning)));
}

#[tokio::test]
async fn a_daemon_that_ends_at_once_shows_its_log() {
    let rack = rack();
    let dir = tempfile::tempdir().unwrap();
    let error = Daemon::start(&rack, DaemonSpec { config: "broken".into(), ..spec(dir.path()) }).await.unwrap_err();
    assert!(error.to_string().contains("config is broken"), "{error}");
}
