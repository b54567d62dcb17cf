//! Runs one program of a build: its lines go to the progress, its last ones into the error, cancelling ends its group.

use std::{collections::VecDeque, process::ExitStatus, time::Duration};

use tasks::{
    Stop,
    child::{Group, Output, Spec},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    sync::mpsc,
};

use super::{BuildError, Progress, Stage};

/// Lines that go into an error.
const KEPT_LINES: usize = 25;
/// mmdebstrap needs a moment to undo its own mounts and folders.
const GRACE: Duration = Duration::from_secs(10);

/// A program, the stage it belongs to and what to try when it fails.
pub(super) struct Job {
    pub(super) stage: Stage,
    pub(super) program: &'static str,
    pub(super) spec: Spec,
    pub(super) remedy: &'static str,
}

/// Runs it to its end.
pub(super) async fn run(job: Job, progress: &dyn Progress, stop: &Stop) -> Result<(), BuildError> {
    let failed = |source: tasks::BoxError| BuildError::Run { program: job.program, source };
    let spec = job.spec.stdout(Output::Pipe).stderr(Output::Pipe);
    let mut group = Group::spawn(&spec).map_err(|error| failed(error.into()))?;
    let (lines, mut said) = mpsc::channel(64);
    let (stdout, stderr) = (group.take_stdout(), group.take_stderr());
    let mut kept = VecDeque::new();
    let ended = tokio::select! {
        () = stop.cancelled() => None,
        (status, (), (), ()) = async { tokio::join!(
            group.wait(),
            forward(stdout, lines.clone()),
            forward(stderr, lines),
            async { while let Some(line) = said.recv().await { keep(&mut kept, &line); progress.line(job.stage, &line); } },
        ) } => Some(status.map_err(|error| failed(error.into()))?),
    };
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(failure(job.stage, job.program, job.remedy, status, kept)),
        None => {
            group.terminate(GRACE).await.map_err(|error| failed(error.into()))?;
            Err(BuildError::Cancelled)
        }
    }
}

/// Lines as they come; what is not text is shown as such.
async fn forward(from: Option<impl AsyncRead + Unpin>, to: mpsc::Sender<String>) {
    let Some(from) = from else { return };
    let mut lines = BufReader::new(from).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if !line.is_empty() && to.send(line).await.is_err() {
            return;
        }
    }
}

fn keep(kept: &mut VecDeque<String>, line: &str) {
    if kept.len() == KEPT_LINES {
        kept.pop_front();
    }
    kept.push_back(line.to_owned());
}

fn failure(
    stage: Stage,
    program: &'static str,
    remedy: &'static str,
    status: ExitStatus,
    kept: VecDeque<String>,
) -> BuildError {
    BuildError::Failed { stage, program, status, said: Vec::from(kept).join("\n"), remedy }
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Progress for Heard {
        fn begin(&self, _: Stage) {}
        fn line(&self, _: Stage, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
        fn end(&self, _: Stage, _: Duration) {}
    }

    fn shell(script: &str) -> Job {
        Job { stage: Stage::Pack, program: "sh", spec: Spec::new("sh").args(["-c", script]), remedy: "try this" }
    }

    #[tokio::test]
    async fn lines_come_as_they_are_said_and_the_last_ones_stand_in_the_error() {
        let heard = Heard::default();
        let error = run(shell("exec 2>&1; seq 100; echo broken >&2; exit 3"), &heard, &Stop::new()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("could not pack the root: sh ended with") && text.contains("try this"), "{text}");
        assert!(text.contains("broken") && text.contains("\n100\n") && !text.contains("\n42\n"), "{text}");
        assert_eq!(heard.0.lock().unwrap().len(), 101);
    }

    #[tokio::test]
    async fn cancelling_ends_the_whole_group() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! >{}.new; mv {0}.new {0}; wait", mark.display());
        let stop = Stop::new();
        let heard = Heard::default();
        let cancel = async {
            while !mark.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(run(shell(&script), &heard, &stop), cancel);
        assert!(matches!(ended, Err(BuildError::Cancelled)));
        let pid = std::fs::read_to_string(&mark).unwrap();
        // A zombie that init has not reaped yet has no command line.
        let command_line = std::fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
        assert!(command_line.is_empty(), "the grandchild lives on");
    }
}
