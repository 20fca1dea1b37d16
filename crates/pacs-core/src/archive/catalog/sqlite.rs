//! A catalog in an SQLite file.
//!
//! One connection writes, behind a lock; others read, each for itself, and see the catalog as it was when they began to
//! look. A commit is in the log of changes (WAL), which is synced when it is folded into the file: what a power failure
//! takes of it is found again in the files of the area, for the mark that all is well is gone then.

mod content;
mod find;
mod plan;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use super::{Answer, Catalog, Error, Held, Id, Insertion, Instance, Outcome, StudySummary, Totals};
use crate::archive::query::Query;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use write::{Fate, Places, Write};

/// Readers that are kept for later while nothing is asked.
const IDLE_READERS: usize = 4;

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 64;

/// A catalog in a file, owned by this process alone.
pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    totals: Mutex<Totals>,
    was_clean: bool,
}

struct Writer {
    connection: Connection,
    /// The number of the object that was added last.
    last: i64,
    places: Places,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens a catalog, or makes one where there is none. Beside its file there are two more while it is open, of the same
    /// name with `-wal` and `-shm` behind. The folder must be on a disk of this machine: the catalog's readers and writer
    /// share memory.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if the file is no catalog or is damaged, [`Error::Newer`] if a later version has made it, and
    /// those of the system. After an unclean end the file is looked through for damage.
    pub fn open(path: &Path) -> Result<Sqlite, Error> {
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, 2048)?;
        let is_new = schema::prepare(&mut connection)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(stored)?;
        if mode != "wal" {
            return Err(Error::Storage(format!("no write-ahead log is possible here, only mode '{mode}'")));
        }
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(stored)?;
        connection.pragma_update(None, "journal_size_limit", 16 << 20).map_err(stored)?;
        let clean: i64 = connection.query_row("SELECT clean FROM mark", [], |row| row.get(0)).map_err(stored)?;
        if clean == 0 && !is_new {
            let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(stored)?;
            if found != "ok" {
                return Err(Error::Damaged(found));
            }
        }
        let sums = "SELECT count(*), ifnull(sum(instances), 0), ifnull(sum(bytes), 0) FROM exam";
        let totals = connection
            .query_row(sums, [], |row| {
                let number = |at| row.get::<_, i64>(at).map(|number| number as u64);
                Ok(Totals { studies: number(0)?, instances: number(1)?, bytes: number(2)? })
            })
            .map_err(stored)?;
        let last =
            connection.query_row("SELECT ifnull(max(id), 0) FROM instance", [], |row| row.get(0)).map_err(stored)?;
        Ok(Sqlite {
            path: path.to_owned(),
            writer: Mutex::new(Writer { connection, last, places: Places::default() }),
            readers: Mutex::default(),
            totals: Mutex::new(totals),
            was_clean: clean != 0,
        })
    }

    /// Changes the catalog, or leaves it as it is.
    fn change<T>(&self, change: impl FnOnce(&mut Write<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        let mut writer = locked(&self.writer);
        let Writer { connection, last, places } = &mut *writer;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(stored)?;
        let totals = self.totals();
        // What fails is forgotten, with the places that it has made.
        let mut write = Write { connection: &transaction, last: *last, totals, places: std::mem::take(places) };
        let done = change(&mut write).map_err(stored)?;
        let Write { last: now, totals, places: known, .. } = write;
        transaction.commit().map_err(stored)?;
        *last = now;
        *places = known;
        *locked(&self.totals) = totals;
        Ok(done)
    }

    /// Sets the mark so that it is on disk.
    fn mark(&self, clean: bool) -> Result<(), Error> {
        let writer = locked(&self.writer);
        let connection = &writer.connection;
        let set = || {
            // The log is synced with this commit, and with it all that stands before.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute("UPDATE mark SET clean = ?1", [clean])
        };
        let done = set();
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(stored)?;
        done.map(drop).map_err(stored)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = locked(&self.readers).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let reader = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE, 512)?;
                reader.pragma_update(None, "query_only", true).map_err(stored)?;
                reader
            }
        };
        let done = read(&reader);
        if !matches!(done, Err(Error::Storage(_) | Error::Damaged(_) | Error::Full(_))) {
            let mut readers = locked(&self.readers);
            if readers.len() < IDLE_READERS {
                readers.push(reader);
            }
        }
        done
    }

    fn held_where(&self, filter: &str, values: impl rusqlite::Params) -> Result<Vec<Held>, Error> {
        self.read(|connection| {
            let sql = format!(
                "SELECT i.id, i.file, e.uid, i.size, i.stored FROM instance i JOIN exam e ON e.id = i.exam {filter}"
            );
            let mut statement = connection.prepare_cached(&sql).map_err(stored)?;
            let held = statement.query_map(values, |row| {
                Ok(Held {
                    id: Id(row.get(0)?),
                    file: file_name(row.get(1)?),
                    study: row.get(2)?,
                    size: row.get::<_, i64>(3)? as u64,
                    stored: row.get(4)?,
                })
            });
            held.and_then(Iterator::collect).map_err(stored)
        })
    }
}

fn connect(path: &Path, flags: OpenFlags, cache: i64) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(stored)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(stored)?;
    // In KiB.
    connection.pragma_update(None, "cache_size", -cache).map_err(stored)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise statements that compare with a value are prepared anew for every value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(stored)?;
    Ok(connection)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What panicked has left its transaction, which is undone.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an error of SQLite means to us.
fn stored(error: rusqlite::Error) -> Error {
    use rusqlite::Error as Theirs;
    match &error {
        Theirs::SqliteFailure(code, _) => match code.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Error::Damaged(error.to_string()),
            ErrorCode::DiskFull => Error::Full(error.to_string()),
            _ => Error::Storage(error.to_string()),
        },
        // Values of another kind than were written.
        Theirs::FromSqlConversionFailure(..) | Theirs::InvalidColumnType(..) | Theirs::IntegralValueOutOfRange(..) => {
            Error::Damaged(error.to_string())
        }
        _ => Error::Storage(error.to_string()),
    }
}

fn file_bytes(file: &Path) -> &[u8] {
    file.as_os_str().as_bytes()
}

fn file_name(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

impl Catalog for Sqlite {
    fn insert(&self, batch: &[Insertion]) -> Result<Vec<Outcome>, Error> {
        self.change(|write| {
            let mut outcomes = Vec::with_capacity(batch.len());
            for insertion in batch {
                let mut doomed = Vec::new();
                for id in &insertion.remove {
                    doomed.extend(write.remove(id.0, Fate::Doomed)?);
                }
                outcomes.push(Outcome { id: write.add(&insertion.record)?, doomed });
            }
            Ok(outcomes)
        })
    }

    fn remove(&self, ids: &[Id]) -> Result<Vec<PathBuf>, Error> {
        self.change(|write| {
            let mut doomed = Vec::new();
            for id in ids {
                doomed.extend(write.remove(id.0, Fate::Doomed)?);
            }
            Ok(doomed)
        })
    }

    fn remove_files(&self, files: &[&Path]) -> Result<u64, Error> {
        self.change(|write| {
            let mut removed = 0;
            for file in files {
                if let Some(id) = write.id_of_file(file_bytes(file))? {
                    write.remove(id, Fate::Kept)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
    }

    fn doomed(&self) -> Result<Vec<PathBuf>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT file FROM doomed").map_err(stored)?;
            let files = statement.query_map([], |row| Ok(file_name(row.get(0)?)));
            files.and_then(Iterator::collect).map_err(stored)
        })
    }

    fn buried(&self, files: &[&Path]) -> Result<(), Error> {
        self.change(|write| {
            for file in files {
                write.execute("DELETE FROM doomed WHERE file = ?1", [file_bytes(file)])?;
            }
            Ok(())
        })
    }

    fn instances_of(&self, sop_instance: &[u8]) -> Result<Vec<Held>, Error> {
        self.held_where("WHERE i.sop = ?1 ORDER BY i.id", [sop_instance])
    }

    fn study(&self, study: &[u8]) -> Result<Option<StudySummary>, Error> {
        self.read(|connection| {
            let sql = "SELECT bytes, instances, last_stored FROM exam WHERE uid = ?1";
            let mut statement = connection.prepare_cached(sql).map_err(stored)?;
            statement.query_row([study], |row| summary(row, 0)).optional().map_err(stored)
        })
    }

    fn oldest_studies(&self, most: usize) -> Result<Vec<(Vec<u8>, StudySummary)>, Error> {
        self.read(|connection| {
            let sql = "SELECT uid, bytes, instances, last_stored FROM exam ORDER BY last_stored, uid LIMIT ?1";
            let mut statement = connection.prepare_cached(sql).map_err(stored)?;
            let studies = statement.query_map([limit(most)], |row| Ok((row.get(0)?, summary(row, 1)?)));
            studies.and_then(Iterator::collect).map_err(stored)
        })
    }

    fn oldest_instances(&self, study: &[u8], most: usize) -> Result<Vec<Held>, Error> {
        let filter = "WHERE i.exam = (SELECT id FROM exam WHERE uid = ?1) ORDER BY i.stored, i.id LIMIT ?2";
        self.held_where(filter, params![study, limit(most)])
    }

    fn totals(&self) -> Totals {
        *locked(&self.totals)
    }

    fn find(&self, query: &Query, sink: &mut dyn FnMut(Answer) -> ControlFlow<()>) -> Result<(), Error> {
        self.read(|connection| find::find(connection, query, sink))
    }

    fn select(&self, query: &Query) -> Result<Vec<Id>, Error> {
        self.read(|connection| {
            let ids = find::select(connection, query).map_err(stored)?;
            Ok(ids.into_iter().map(Id).collect())
        })
    }

    fn held(&self, ids: &[Id]) -> Result<Vec<Option<Instance>>, Error> {
        self.read(|connection| {
            let sql = "SELECT i.file, i.size, i.sop, x.uid, r.content
                       FROM instance i CROSS JOIN syntax x ON x.id = i.syntax CROSS JOIN series r ON r.id = i.series
                       WHERE i.id = ?1";
            let mut statement = connection.prepare_cached(sql).map_err(stored)?;
            let mut held = |id: &Id| {
                let instance = statement.query_row([id.0], |row| {
                    Ok(Instance {
                        id: *id,
                        file: file_name(row.get(0)?),
                        size: row.get::<_, i64>(1)? as u64,
                        sop_class: content::value(row.get_ref(4)?.as_blob()?, crate::dataset::Tag::SOP_CLASS).to_vec(),
                        sop_instance: row.get(2)?,
                        syntax: row.get(3)?,
                    })
                });
                instance.optional().map_err(stored)
            };
            ids.iter().map(&mut held).collect()
        })
    }

    fn files(&self, sink: &mut dyn FnMut(&Path, u64) -> ControlFlow<()>) -> Result<(), Error> {
        self.read(|connection| {
            let mut behind = i64::MIN;
            loop {
                // In pieces, so that whoever takes long holds nothing up.
                let sql = "SELECT id, file, size FROM instance WHERE id > ?1 ORDER BY id LIMIT 1024";
                let mut statement = connection.prepare_cached(sql).map_err(stored)?;
                let files = statement.query_map([behind], |row| {
                    Ok((row.get::<_, i64>(0)?, file_name(row.get(1)?), row.get::<_, i64>(2)? as u64))
                });
                let files: Vec<_> = files.and_then(Iterator::collect).map_err(stored)?;
                let Some((last, ..)) = files.last() else { return Ok(()) };
                behind = *last;
                for (_, file, size) in &files {
                    if sink(file, *size).is_break() {
                        return Ok(());
                    }
                }
            }
        })
    }

    fn by_file(&self, file: &Path) -> Result<Option<Held>, Error> {
        Ok(self.held_where("WHERE i.file = ?1", [file_bytes(file)])?.pop())
    }

    fn mark_open(&self) -> Result<(), Error> {
        self.mark(false)
    }

    fn mark_clean(&self) -> Result<(), Error> {
        self.mark(true)
    }

    fn was_clean(&self) -> bool {
        self.was_clean
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM note WHERE name = ?1").map_err(stored)?;
            statement.query_row([name], |row| row.get(0)).optional().map_err(stored)
        })
    }

    fn set_note(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.change(|write| {
            write.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?1, ?2)", params![name, value]).map(drop)
        })
    }
}

fn summary(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<StudySummary> {
    let number = |at| row.get::<_, i64>(at);
    Ok(StudySummary { bytes: number(at)? as u64, instances: number(at + 1)? as u64, last_stored: number(at + 2)? })
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

#[cfg(test)]
impl Sqlite {
    /// Rows that there are on account of objects.
    pub(super) fn rows(&self) -> Result<i64, Error> {
        self.read(|connection| {
            let sql =
                "SELECT (SELECT count(*) FROM patient) + (SELECT count(*) FROM study) + (SELECT count(*) FROM series)
                       + (SELECT count(*) FROM instance) + (SELECT count(*) FROM entity) + (SELECT count(*) FROM exam)";
            connection.query_row(sql, [], |row| row.get(0)).map_err(stored)
        })
    }
}
