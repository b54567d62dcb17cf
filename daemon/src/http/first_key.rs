//! The first key: made at first start, so that the API is usable without a step that nobody knows.
//!
//! It goes to a file that only the daemon's user can read; the log names the file and never the key. The file is
//! written before the row: a crash between the two leaves a key that opens nothing and is replaced at the next start.
//! A store that ever had a key gets no first one again, also when all were revoked: that was somebody's decision.

use std::{
    io,
    path::{Path, PathBuf},
};

use store::Store;
use vocabulary::Timestamp;

use super::keyring::{KeyChangeError, KeyClerk, KeyRing};
use crate::{keys::ApiKey, whole};

/// The first key's name.
const NAME: &str = "first";

/// The first key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FirstKeyError {
    /// The kernel gives no randomness.
    #[error("the kernel gives no randomness: {0}")]
    Random(getrandom::Error),
    /// Its file cannot be written.
    #[error("cannot write {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It could not be stored.
    #[error("cannot store the first key")]
    Key(#[from] KeyChangeError),
}

/// Makes the first key where there never was one; says where it lies.
///
/// # Errors
/// Its file or its row cannot be written.
pub async fn ensure(
    (ring, clerk): (&KeyRing, &mut KeyClerk),
    store: &Store,
    data_dir: &Path,
    now: Timestamp,
) -> Result<Option<PathBuf>, FirstKeyError> {
    if !ring.list(store).await?.is_empty() {
        return Ok(None);
    }
    let key = ApiKey::random().map_err(FirstKeyError::Random)?;
    let path = data_dir.join("first-key");
    let put = whole::put(&path, format!("{}\n", key.expose()).as_bytes(), 0o600);
    put.map_err(|source| FirstKeyError::File { path: path.clone(), source })?;
    clerk.put_first(NAME, key.digest(), now).await?;
    tracing::info!(path = %path.display(), "the first API key was made; it is in this file alone");
    Ok(Some(path))
}
