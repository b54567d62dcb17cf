//! Opening a database: pragmas, schema version, migrations.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::OpenError;

pub(crate) const DATABASE_FILE: &str = "roost.db";

/// The numbered files, in order. A new one is added at the end; what was released is never changed.
const FILES: [&str; 6] = [
    include_str!("../migrations/0001_spine.sql"),
    include_str!("../migrations/0002_tpm.sql"),
    include_str!("../migrations/0003_answered.sql"),
    include_str!("../migrations/0004_nomad.sql"),
    include_str!("../migrations/0005_kept.sql"),
    include_str!("../migrations/0006_certificates.sql"),
];

/// "Roos", as the first migration sets it.
const APPLICATION_ID: i64 = 0x526f_6f73;

/// Longer than any write of ours holds the lock; only a backup's last step or an operator's sqlite3 makes it wait.
const BUSY: Duration = Duration::from_secs(5);

const STATEMENTS_KEPT: usize = 64;

/// The newest schema version that this binary knows.
#[expect(clippy::cast_possible_truncation, reason = "a handful of files")]
pub(crate) const KNOWN: u32 = FILES.len() as u32;

pub(crate) fn migrations() -> Migrations<'static> {
    Migrations::from_iter(FILES.map(M::up))
}

/// Opens for writing, checks what is there, and brings it to the newest schema.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    make_private(path)?;
    let mut connection = Connection::open(path).map_err(|error| trouble(path, error))?;
    prepare_writer(&connection).map_err(|error| trouble(path, error))?;
    check(&connection, path)?;
    migrations()
        .to_latest(&mut connection)
        .map_err(|source| OpenError::Prepare { path: path.to_owned(), source: source.into() })?;
    Ok(connection)
}

/// Opens for reading; waits for writers, never writes.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| trouble(path, error))?;
    prepare_reader(&connection).map_err(|error| trouble(path, error))?;
    Ok(connection)
}

/// Ours, of a known version and undamaged; an empty file counts as ours. Gives the version.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (owner, found, pages) = pragma("application_id")
        .and_then(|owner| Ok((owner, pragma("user_version")?, pragma("schema_version")?)))
        .map_err(|error| trouble(path, error))?;
    let path = path.to_owned();
    if owner != APPLICATION_ID && (owner != 0 || found != 0 || pages != 0) {
        return Err(OpenError::Foreign { path });
    }
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > KNOWN {
        return Err(OpenError::Newer { path, found, known: KNOWN });
    }
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(found),
        Ok(detail) => Err(OpenError::Corrupt { path, detail }),
        Err(error) => Err(trouble(&path, error)),
    }
}

/// SQLite gives its -wal and -shm the mode of the database, so all of them are the owner's alone.
fn make_private(path: &Path) -> Result<(), OpenError> {
    let made = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    made.map(drop).map_err(|source| OpenError::File { path: path.to_owned(), source })
}

fn prepare_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    prepare(connection)
}

fn prepare_reader(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    prepare(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(())
}

fn trouble(path: &Path, error: rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => OpenError::Corrupt { path, detail: error.to_string() },
        _ => OpenError::Prepare { path, source: error.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_the_migrations_is_a_schema() {
        migrations().validate().unwrap();
    }

    #[test]
    fn the_newest_file_is_the_newest_version() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names.len(), FILES.len());
        for (name, number) in names.iter().zip(1..) {
            assert!(name.starts_with(&format!("{number:04}_")) && name.ends_with(".sql"), "{name}");
        }
    }
}
