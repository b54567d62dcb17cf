//! Identity that rests on a TPM, with a synthetic machine: a real sshd, real tpm2-tools, an emulated TPM 2.0, and no
//! firmware to wait for. The cloner has everything of the machine that can be read: MAC, SMBIOS UUID, even its SSH host
//! key; what it does not have is the chip.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
    time::Duration,
};

use daemon::tpm::{
    Finding,
    prover::{Answer, Prover, Unsettled},
};
use lab::{
    Synthetic, SyntheticSpec, Tpm,
    synthetic::{Stage, System},
};
use vocabulary::{EndorsementKey, EndorsementKind, Firmware, NodeId, NodeState, Step, Token};

use crate::bench::{BASE, Bench, Setup};

const PATIENCE: Duration = Duration::from_secs(60);

fn machine(bench: &Bench, name: &str) -> Synthetic {
    Synthetic::plug_in(&bench.rack, SyntheticSpec::new(name.parse().unwrap(), Firmware::UefiX64)).unwrap()
}

/// Whether the machine's system shows a TPM at all.
enum Shows {
    Tpm,
    Nothing,
}

/// From iPXE's DHCP to the accepted call-home; the system runs until it is dropped.
async fn boot(bench: &Bench, machine: &Synthetic, shows: Shows) -> System {
    let private = bench.data.path().join("ssh/fleet_ed25519");
    let output = std::process::Command::new("ssh-keygen").arg("-y").arg("-f").arg(private).output().unwrap();
    let fleet_key = String::from_utf8(output.stdout).unwrap();
    let lease = machine.dhcp(Stage::Ipxe).await.unwrap();
    let script = machine.script(&lease.boot_file.unwrap()).await.unwrap();
    let token = Token::try_from(script.argument("roost.token").expect("the script has a token")).unwrap();
    let started = match shows {
        Shows::Tpm => machine.start_system_with_tpm(&fleet_key).await,
        Shows::Nothing => machine.start_system(&fleet_key).await,
    };
    let system = started.unwrap_or_else(|error| panic!("{error:?}"));
    let claim = machine.claim(token, lease.address.into(), system.host_key().clone());
    let answer = machine.call_home(BASE, &claim).await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    system
}

async fn approve(bench: &Bench, machine: &Synthetic) {
    let path = format!("/api/nodes/{}/approve", NodeId::of(machine.mac()));
    assert_eq!(bench.daemon.api().post(&path, &serde_json::json!({})).await.unwrap().status, 200);
}

async fn proven_key(bench: &Bench, machine: &Synthetic) -> Option<EndorsementKey> {
    let tpm = bench.node(machine.mac()).await.unwrap().identity.unwrap().tpm?;
    tpm.proven.map(|_| tpm.endorsement_key)
}

async fn runs_that_started(bench: &Bench) -> usize {
    bench.runs().await.iter().filter(|run| run.started.is_some()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_proves_the_same_tpm_at_every_boot_and_its_cloner_is_parked_with_an_alarm_and_no_run() {
    let bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench, "m1");
    let mac = machine.mac();

    let chip = machine.insert_tpm("own").await.unwrap_or_else(|error| panic!("{error:?}"));
    let system = boot(&bench, &machine, Shows::Tpm).await;
    bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    let key = proven_key(&bench, &machine).await.expect("nothing was proven");
    assert_eq!(key.kind, EndorsementKind::Rsa2048);
    let stations: Vec<Step> = bench.steps(mac).await.iter().map(|line| line.step).collect();
    let place = |step| stations.iter().position(|station| *station == step).unwrap();
    assert!(place(Step::CalledHome) < place(Step::TpmProven) && place(Step::TpmProven) < place(Step::RunStarted));
    let line = bench.steps(mac).await.into_iter().find(|line| line.step == Step::TpmProven).unwrap();
    assert!(line.took_ms.is_some() && line.detail.contains(&key.to_string()), "{line:?}");

    drop((system, chip));
    let chip = machine.insert_tpm("own").await.unwrap();
    let system = boot(&bench, &machine, Shows::Tpm).await;
    bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    assert_eq!(proven_key(&bench, &machine).await, Some(key), "the same chip after a power cycle");
    assert_eq!((bench.count(mac, Step::TpmProven).await, bench.count(mac, Step::Alarm).await), (2, 0));

    drop((system, chip));
    let started = runs_that_started(&bench).await;
    let chip = machine.insert_tpm("the cloner's").await.unwrap();
    let system = boot(&bench, &machine, Shows::Tpm).await;
    bench.in_state(mac, NodeState::Suspect, PATIENCE).await;
    let reason = bench.node(mac).await.unwrap().reason.unwrap();
    assert!(reason.cause.contains("another TPM") && reason.remedy.contains("roost node approve"), "{reason:?}");
    assert_eq!((bench.count(mac, Step::Alarm).await, runs_that_started(&bench).await), (1, started));
    let open = bench.runs().await.iter().filter(|run| !run.state.ended()).count();
    assert_eq!(open, 0, "its run waits for nobody");

    drop(system);
    approve(&bench, &machine).await;
    let _system = boot(&bench, &machine, Shows::Tpm).await;
    bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    let other = proven_key(&bench, &machine).await.unwrap();
    assert_ne!(other, key, "two chips never share a key");
    drop(chip);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tpm_that_does_not_answer_is_waited_for_and_one_that_vanished_parks_the_node() {
    let bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench, "m1");
    let mac = machine.mac();

    let chip = machine.insert_tpm("own").await.unwrap_or_else(|error| panic!("{error:?}"));
    let system = boot(&bench, &machine, Shows::Tpm).await;
    bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    let key = proven_key(&bench, &machine).await.unwrap();

    drop((system, chip));
    let started = runs_that_started(&bench).await;
    let system = boot(&bench, &machine, Shows::Tpm).await;
    bench.reached_reason(mac, "its TPM is not proven yet: the TPM failed at", PATIENCE).await;
    assert_eq!(bench.node(mac).await.unwrap().state, NodeState::CalledHome);
    assert_eq!((proven_key(&bench, &machine).await, runs_that_started(&bench).await), (None, started));
    let chip = machine.insert_tpm("own").await.unwrap();
    bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    assert_eq!(proven_key(&bench, &machine).await, Some(key));

    drop((system, chip));
    let _system = boot(&bench, &machine, Shows::Nothing).await;
    bench.in_state(mac, NodeState::Suspect, PATIENCE).await;
    let reason = bench.node(mac).await.unwrap().reason.unwrap();
    assert!(reason.cause.contains("it has no TPM") && reason.cause.contains(&key.to_string()), "{reason:?}");
    assert_eq!((bench.count(mac, Step::Alarm).await, runs_that_started(&bench).await), (1, started + 1));
}

/// The script of the machine and the prover without SSH between them: each kind of key, and what a cloner can do who has
/// the public half of the key and a TPM of its own.
#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_key_are_proven_and_a_shown_key_is_not_enough() {
    let bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench, "m1");
    let chip = machine.insert_tpm("own").await.unwrap_or_else(|error| panic!("{error:?}"));
    let mut keys = Vec::new();
    for kind in ["rsa2048", "ecc_p256"] {
        let (finding, said) = converse(&machine, kind, None, |line| line);
        let Ok(Finding::Proven(key)) = finding else { panic!("{kind}: {finding:?}, {said:?}") };
        assert_eq!(key.kind.name(), kind);
        assert_eq!(converse(&machine, kind, Some(key), |line| line).0, Ok(Finding::Proven(key)));
        keys.push((kind, key, said));
    }
    drop(chip);
    let mut other = machine.insert_tpm("the cloner's").await.unwrap();
    for (kind, key, said) in keys {
        let (finding, _) = converse(&machine, kind, Some(key), |line| line);
        assert!(matches!(&finding, Ok(Finding::Disproved(cause)) if cause.contains("another TPM")), "{finding:?}");
        // It shows the public half that it overheard; its own chip cannot open what is hidden under that.
        let overheard = |line: String| if line.starts_with("roost-tpm key ") { said[0].clone() } else { line };
        let (finding, _) = converse(&machine, kind, Some(key), overheard);
        match finding {
            Ok(Finding::Disproved(cause)) => assert!(cause.contains("cannot open"), "{cause}"),
            // A number that is larger than its own modulus sends this emulator into its failure mode until it is reset.
            Err(Unsettled::Failed { .. }) if kind == "rsa2048" => other = reinsert(&machine, other).await,
            finding => panic!("{kind}: {finding:?}"),
        }
    }
}

/// Runs the script in the machine's namespace and leads it to its end; `meddle` is who sits on the machine.
fn converse(
    machine: &Synthetic,
    kind: &str,
    known: Option<EndorsementKey>,
    meddle: impl Fn(String) -> String,
) -> (Result<Finding, Unsettled>, Vec<String>) {
    let mut shell = machine.namespace().command("sh");
    shell.arg("-c").arg(format!("kind={kind}\n{}", include_str!("../../src/tpm/ask.sh")));
    shell.env("TPM2TOOLS_TCTI", "swtpm:host=127.0.0.1,port=2321").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let mut words = child.stdin.take().unwrap();
    let mut prover = Prover::new(known, [42; 32], ring::rand::SystemRandom::new());
    let (mut said, mut end) = (Vec::new(), None);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = meddle(line.unwrap());
        said.push(line.clone());
        match prover.hear(&line) {
            Answer::Nothing => (),
            Answer::Say(credential) => writeln!(words, "{credential}").unwrap(),
            Answer::End(finding) => {
                end = Some(finding);
                break;
            }
        }
    }
    drop(words);
    child.wait().unwrap();
    (end.unwrap_or(Err(Unsettled::Silent)), said)
}

async fn reinsert(machine: &Synthetic, chip: Tpm) -> Tpm {
    drop(chip);
    machine.insert_tpm("the cloner's").await.unwrap()
}
