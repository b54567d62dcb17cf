//! A relay between the watcher and an agent, which can be cut or slowed: what a network does, and no agent would.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
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

/// Ends with whoever holds it.
pub(crate) struct Relay {
    pub(crate) url: String,
    cuts: broadcast::Sender<()>,
    delay_ms: Arc<AtomicU64>,
    _running: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn to(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (cuts, delay_ms) = (broadcast::channel(1).0, Arc::new(AtomicU64::new(0)));
        let (cut, delay, mut running) = (cuts.clone(), Arc::clone(&delay_ms), JoinSet::new());
        running.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let Ok(far) = TcpStream::connect(&target).await else { continue };
                let (mut cut, delay) = (cut.subscribe(), Arc::clone(&delay));
                connections.spawn(async move {
                    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        () = pass(near_read, far_write, &delay) => {}
                        () = pass(far_read, near_write, &delay) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self { url, cuts, delay_ms, _running: running }
    }

    /// Cuts every connection; new ones go through.
    pub(crate) fn cut(&self) {
        let _nobody = self.cuts.send(());
    }

    /// From now on each piece takes so long.
    pub(crate) fn slow_down(&self, by: Duration) {
        self.delay_ms.store(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay_ms: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        tokio::time::sleep(Duration::from_millis(delay_ms.load(Ordering::Relaxed))).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
