//! Full disks, missing parts and foreign locks: a clear state with its remedy, nothing lost.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use ansible::inventory::{FILE_NAME, Inventory, InventoryError, InventoryHost, SshUser};
use vocabulary::{Mac, NodeId, RunState};

use crate::rack::Rack;

/// A file system of a few pages.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf) -> Self {
        fs::create_dir_all(&path).unwrap();
        let options = ["-t", "tmpfs", "-o", "size=128k,mode=0755", "tmpfs"];
        assert!(Command::new("mount").args(options).arg(&path).status().unwrap().success(), "root is needed");
        Self(path)
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 1024]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn host(n: u8) -> InventoryHost {
    InventoryHost {
        node: NodeId::of(Mac([2, 0, 0, 0, 0, n])),
        address: Ipv4Addr::new(10, 0, 0, n),
        user: SshUser::root(),
        host_keys: Vec::new(),
    }
}

#[test]
fn b44_a_full_disk_leaves_the_inventory_whole() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path().join("inventory"));
    let inventory = Inventory::new(disk.0.clone(), Duration::from_secs(5));
    inventory.put(&host(1)).unwrap();
    let before = fs::read(disk.0.join(FILE_NAME)).unwrap();
    disk.fill();
    let error = inventory.put(&host(2)).unwrap_err();
    assert!(matches!(error, InventoryError::DiskFull { .. }) && error.remedy().contains("free space"), "{error:?}");
    assert_eq!(fs::read(disk.0.join(FILE_NAME)).unwrap(), before);
    disk.free();
    inventory.put(&host(2)).unwrap();
    assert_eq!(inventory.check().unwrap().nodes.len(), 2);
}

#[test]
fn b35_a_second_process_that_holds_the_lock_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = Inventory::new(folder.path().to_owned(), Duration::from_secs(60));
    let lock = folder.path().join(format!(".{FILE_NAME}.lock"));
    let mut holder = Command::new("flock")
        .arg(&lock)
        .args(["sh", "-c", "echo held; read -r _"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..20)
            .map(|n| {
                scope.spawn({
                    let inventory = &inventory;
                    move || inventory.put(&host(n))
                })
            })
            .collect();
        assert!(!folder.path().join(FILE_NAME).exists(), "nobody writes while another process holds the lock");
        drop(holder.stdin.take());
        for writer in writers {
            writer.join().unwrap().unwrap();
        }
    });
    holder.wait().unwrap();
    assert_eq!(inventory.check().unwrap().nodes.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_script_starts_though_the_ram_for_secrets_lets_nothing_start() {
    let mut rack = Rack::new("effect.yaml").await;
    let ram = SmallDisk::mount(rack.path("ram"));
    rack.config.secrets_dir = ram.0.join("s");
    let options = ["-o", "remount,noexec,size=16m"];
    assert!(Command::new("mount").args(options).arg(&ram.0).status().unwrap().success());
    let script = rack.config.inventory_dir.join("60-script");
    fs::create_dir_all(&rack.config.inventory_dir).unwrap();
    let said = r#"{"all": {"vars": {"started": 1}}, "_meta": {"hostvars": {}}}"#;
    fs::write(&script, format!("#!/bin/sh\necho x >>{}\necho '{said}'\n", rack.path("started").display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(rack.path("gate"), "").unwrap();
    // In the book before the runner starts, which takes it from there: told of it as well, it might run it twice, since a
    // run that fails at once may be over by then.
    rack.order(1, 1);
    let running = rack.start();
    let end = rack.ended(1).await;
    assert_eq!(end.state, RunState::Succeeded, "{end:?}");
    assert!(rack.path("started").exists(), "{}", fs::read_to_string(rack.run_folder(1).join("output.log")).unwrap());
    assert!(!rack.run_folder(1).join("inventory").exists() && !rack.config.secrets_dir.join("1").exists());
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b44_a_full_disk_fails_the_run_with_its_remedy() {
    let mut rack = Rack::new("effect.yaml").await;
    let disk = SmallDisk::mount(rack.path("small"));
    rack.config.inventory_dir = rack.config.data_dir.join("inventory");
    rack.config.data_dir.clone_from(&disk.0);
    disk.fill();
    let end = end_of_one_run(&rack).await;
    assert!(end.0.contains("No space left") && end.1.contains("free space"), "{end:?}");
    assert!(rack.todo().contains("`start of the run` failed once"), "{}", rack.todo());
}

#[tokio::test(flavor = "multi_thread")]
async fn b39_what_is_missing_is_named_with_its_remedy() {
    let mut rack = Rack::new("effect.yaml").await;
    let venv = std::mem::replace(&mut rack.config.venv, PathBuf::from("/nonexistent"));
    let end = end_of_one_run(&rack).await;
    assert_eq!(end.1, "install it: roost ansible setup");
    rack.config.venv = venv;
    let playbook = std::mem::replace(&mut rack.config.playbook, PathBuf::from("/nonexistent.yaml"));
    let end = end_of_one_run(&rack).await;
    assert!(end.0.contains("/nonexistent.yaml is missing"), "{end:?}");
    rack.config.playbook = playbook;
    fs::remove_file(&rack.config.ssh_key).unwrap();
    let end = end_of_one_run(&rack).await;
    assert!(end.0.contains("cannot bring the SSH key"), "{end:?}");
    assert!(fs::read_dir(&rack.config.secrets_dir).unwrap().next().is_none(), "no secret is left");
}

/// Cause and remedy of a run that fails before it has a process.
async fn end_of_one_run(rack: &Rack) -> (String, String) {
    // In the book before the runner starts, which takes it from there: told of it as well, it might run it twice, since a
    // run that fails at once may be over by then.
    rack.order(1, 1);
    let running = rack.start();
    let end = rack.ended(1).await;
    running.halt().await;
    assert_eq!((end.state, rack.book.entry(1).processes.len()), (RunState::Failed, 0), "{end:?}");
    assert!(!Path::new("/nonexistent").exists());
    (end.cause.unwrap(), end.remedy.unwrap())
}
