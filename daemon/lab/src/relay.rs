//! A relay before an agent, which can be cut, slowed, or lose an answer: what a network does, and no agent would.
//!
//! It passes bytes on and knows of HTTP only how a request begins, so what it loses was carried out by a real agent.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::broadcast,
    task::JoinSet,
};

/// Passes on until it is dropped.
#[derive(Debug)]
pub struct Relay {
    url: String,
    shared: Arc<Shared>,
    _running: JoinSet<()>,
}

/// What becomes of the relay once it has lost an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// It passes on again.
    GoesOn,
    /// Nobody gets through any more.
    StaysAway,
}

#[derive(Debug)]
struct Shared {
    cuts: broadcast::Sender<()>,
    delay_ms: AtomicU64,
    /// The answer to the next request that begins so is lost.
    doomed: Mutex<Option<(String, Afterwards)>>,
    is_away: AtomicBool,
    lost: AtomicU64,
}

impl Relay {
    /// Before the agent at this address.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(url: &str) -> io::Result<Self> {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            cuts: broadcast::channel(1).0,
            delay_ms: AtomicU64::default(),
            doomed: Mutex::default(),
            is_away: AtomicBool::default(),
            lost: AtomicU64::default(),
        });
        let mut running = JoinSet::new();
        running.spawn(Arc::clone(&shared).listen(listener, target));
        Ok(Self { url, shared, _running: running })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cuts every connection; new ones go through.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// From now on each piece takes so long.
    pub fn slow_down(&self, by: Duration) {
        self.shared.delay_ms.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Loses the answer to the next request that begins so (`PUT /v1/jobs `): the agent has carried it out by then.
    pub fn lose_answer_to(&self, begins: &str, then: Afterwards) {
        *self.shared.doomed() = Some((begins.to_owned(), then));
    }

    /// Answers that were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn listen(self: Arc<Self>, listener: TcpListener, target: String) {
        let mut connections = JoinSet::new();
        while let Ok((near, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            if self.is_away.load(Ordering::Relaxed) {
                continue;
            }
            let Ok(far) = TcpStream::connect(&target).await else { continue };
            connections.spawn(Arc::clone(&self).connected(near, far));
        }
    }

    async fn connected(self: Arc<Self>, near: TcpStream, far: TcpStream) {
        let mut cut = self.cuts.subscribe();
        let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
        let is_doomed = Mutex::new(None);
        let there = self.pass(near_read, far_write, |piece| {
            let mut doomed = self.doomed();
            if doomed.as_ref().is_some_and(|(begins, _)| piece.starts_with(begins.as_bytes())) {
                *lock(&is_doomed) = doomed.take();
            }
            false
        });
        let back = self.pass(far_read, near_write, |_| lock(&is_doomed).is_some());
        tokio::select! {
            () = there => {}
            () = back => {}
            _ = cut.recv() => {}
        }
        let lost = lock(&is_doomed).take();
        if let Some((_, then)) = lost {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.is_away.store(then == Afterwards::StaysAway, Ordering::Relaxed);
            self.cut();
        }
    }

    /// Passes on until one end has enough, or a piece is not to be passed on.
    async fn pass(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut ends: impl FnMut(&[u8]) -> bool) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            tokio::time::sleep(Duration::from_millis(self.delay_ms.load(Ordering::Relaxed))).await;
            let Some(piece) = buffer.get(..count) else { return };
            if ends(piece) || to.write_all(piece).await.is_err() {
                return;
            }
        }
    }

    fn cut(&self) {
        let _nobody = self.cuts.send(());
    }

    fn doomed(&self) -> std::sync::MutexGuard<'_, Option<(String, Afterwards)>> {
        lock(&self.doomed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
