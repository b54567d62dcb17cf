//! What keeps agents' remains away. The agents themselves are started by the tests of `jobs`, all of them on this.

use std::process::Command;

use lab::agents::Owner;

use crate::support::eventually;

#[tokio::test]
async fn whoever_lives_in_a_directory_goes_with_its_owner() {
    let owner = Owner::of_new_directory().unwrap();
    let dir = owner.dir().to_owned();
    // In a session of its own, as Nomad's tasks are.
    let mut resident = Command::new("setsid").args(["sleep", "600"]).current_dir(&dir).spawn().unwrap();
    let named = format!("while :; do sleep 0.1; : {}; done", dir.display());
    let mut named = Command::new("setsid").args(["sh", "-c", &named]).spawn().unwrap();
    let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
    drop(owner);
    for gone in [&mut resident, &mut named] {
        eventually("it is ended", async || gone.try_wait().unwrap().is_some()).await;
    }
    assert!(!dir.exists());
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}
