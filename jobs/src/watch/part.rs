//! The watcher as a part: built, run until it is told to stop, read and followed by others.
//!
//! Readers have a bounded backlog each. One that is too slow is told how many changes it missed and looks at the picture
//! again; the watcher never waits for it.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{BoxFuture, join_all};
use tasks::{BoxError, Clock, Stop};
use tokio::sync::{broadcast, watch};

use super::{
    change::Change,
    core::{Core, Input},
    line::Pace,
    picture::Picture,
    plan::Ask,
    source::{Source, SourceStatus},
    sources,
};
use crate::{consul, nomad};

/// Sources are looked at so often for silence.
const TICK: Duration = Duration::from_secs(5);

/// How to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a blocking query waits; while all is quiet the picture is at most so old.
    pub wait: Duration,
    /// A table whose changes the stream tells is listed this long after the first of them.
    pub settle: Duration,
    /// The stream may be so much later than the table.
    pub grace: Duration,
    /// Entries a page of a listing.
    pub page: u16,
    /// How often each of Nomad's sources may be asked.
    pub nomad_pace: Pace,
    /// How often each of Consul's sources may be asked. They have no stream: a change that comes sooner waits.
    pub consul_pace: Pace,
    /// After an error: the first pause, and the longest.
    pub retry: (Duration, Duration),
    /// Changes that a reader may be behind before it misses some.
    pub backlog: usize,
    /// Sets the jitter of pauses; another one for each daemon.
    pub seed: u64,
}

/// Where the clients of now are had. Their certificates end and are made anew, so the watcher keeps none.
pub trait Agents: Send + Sync + 'static {
    /// Those of now.
    fn now(&self) -> Result<Asked, BoxError>;
    /// Whether there is a Consul to be asked.
    fn has_consul(&self) -> bool;
}

/// Whom the watcher asks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Nomad. All of its namespaces are watched that its token may see.
    pub nomad: nomad::Client,
    /// Consul, where there is one.
    pub consul: Option<consul::Client>,
}

/// What it needs.
#[derive(Clone)]
pub struct Deps {
    /// Whom to ask.
    pub agents: Arc<dyn Agents>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The watcher, ready to run.
pub struct Watch {
    shared: Arc<Shared>,
    agents: Arc<dyn Agents>,
}

/// The picture, for those who read or follow it; cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

/// A reader of changes.
#[derive(Debug)]
pub struct Reader(broadcast::Receiver<Arc<Change>>);

/// What a reader learns.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// The next change.
    Change(Arc<Change>),
    /// It was too slow and missed so many; the picture says how things are.
    Missed(u64),
}

pub(super) struct Shared {
    core: Mutex<Core>,
    pub(super) config: Config,
    clock: Arc<dyn Clock>,
    changes: broadcast::Sender<Arc<Change>>,
    /// Counts inputs after which somebody may have something else to do.
    nudges: watch::Sender<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(30),
            settle: Duration::from_secs(60),
            grace: Duration::from_millis(300),
            page: 500,
            // Six and two of them, and the stream: together less than five requests a second in the long run.
            nomad_pace: Pace { interval: Duration::from_millis(3500), burst: 8 },
            consul_pace: Pace { interval: Duration::from_millis(750), burst: 8 },
            retry: (Duration::from_millis(250), Duration::from_secs(15)),
            backlog: 8192,
            seed: 0,
        }
    }
}

impl Watch {
    /// Prepares it; asks nobody yet.
    #[must_use]
    pub fn build(config: Config, deps: Deps) -> (Self, Handle) {
        let Deps { agents, clock } = deps;
        let shared = Arc::new(Shared {
            core: Mutex::new(Core::new(config.clone())),
            changes: broadcast::channel(config.backlog).0,
            nudges: watch::channel(0).0,
            config,
            clock,
        });
        let handle = Handle(Arc::clone(&shared));
        (Self { shared, agents }, handle)
    }

    /// Watches until it is told to stop. No error of an agent ends it: it shows, and is tried again.
    pub async fn run(self, stop: Stop) -> Result<(), Infallible> {
        let Self { shared, agents } = self;
        let watched = Source::ALL.into_iter().filter(|source| agents.has_consul() || !source.is_consul());
        let keep = |source| -> BoxFuture<'_, Infallible> { Box::pin(sources::keep(&shared, source, &*agents)) };
        let loops = join_all(watched.map(keep));
        let ticks = async {
            loop {
                tokio::time::sleep(TICK).await;
                shared.take_in(Input::Tick);
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = loops => {}
            () = ticks => {}
        }
        Ok(())
    }
}

/// The same clients for ever, for whoever has some that do not end.
impl Agents for Asked {
    fn now(&self) -> Result<Asked, BoxError> {
        Ok(self.clone())
    }

    fn has_consul(&self) -> bool {
        self.consul.is_some()
    }
}

impl Handle {
    /// Looks at the picture. Changes wait meanwhile: whoever needs long copies what it needs.
    pub fn read<T>(&self, look: impl FnOnce(&Picture) -> T) -> T {
        look(self.0.lock().picture())
    }

    /// A copy of the picture, and a reader of every change after it.
    #[must_use]
    pub fn follow(&self) -> (Picture, Reader) {
        let core = self.0.lock();
        (core.picture().clone(), Reader(self.0.changes.subscribe()))
    }

    /// How every source stands.
    #[must_use]
    pub fn statuses(&self) -> Vec<SourceStatus> {
        let now = self.0.clock.uptime();
        self.0.lock().statuses(now)
    }
}

impl Reader {
    /// What comes next; none once the watcher is gone. Safe to cancel.
    pub async fn next(&mut self) -> Option<News> {
        match self.0.recv().await {
            Ok(change) => Some(News::Change(change)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(News::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// What is there already; none when there is nothing now.
    pub fn ready(&mut self) -> Option<News> {
        match self.0.try_recv() {
            Ok(change) => Some(News::Change(change)),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(News::Missed(missed)),
            Err(_) => None,
        }
    }
}

impl Shared {
    pub(super) fn next(&self, source: Source) -> Ask {
        let now = self.clock.uptime();
        self.lock().next(source, now)
    }

    /// Until the clock shows this.
    pub(super) fn until(&self, moment: Duration) -> Duration {
        moment.saturating_sub(self.clock.uptime())
    }

    pub(super) fn is_called_back(&self, source: Source) -> bool {
        self.lock().is_called_back(source)
    }

    pub(super) fn nudges(&self) -> watch::Receiver<u64> {
        self.nudges.subscribe()
    }

    /// Takes in what came and tells the readers. Under the lock, so that a picture and its reader agree on what is next.
    pub(super) fn take_in(&self, input: Input) {
        let now = self.clock.uptime();
        let mut core = self.lock();
        for change in core.handle(now, input) {
            // Nobody listens: nobody has to be told.
            let _ = self.changes.send(Arc::new(change));
        }
        drop(core);
        self.nudges.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
