//! The tables, and how those of earlier versions become these.

use super::{Error, stored};
use rusqlite::Connection;

/// "PACS", in the header of the file.
const APPLICATION: i64 = 0x5041_4353;

/// What each version adds to the one before it. Never changed, only added to: the version of a catalog is how many of
/// these it has seen.
///
/// Every distinct set of attributes that objects have at a level is a row of `patient`, `study` or `series`, below that
/// which they have at the level above; so is each object in `instance`. `first` is the first object below a row. Rows that
/// agree in the unique keys from the patient down share an `entity`, which counts what is below it. An `exam` is all
/// objects of one Study Instance UID, whatever patient they name. `_text` is what is read of a value, nothing where
/// it cannot be read; that of a name is without capitals and diacritics.
const STEPS: &[&str] = &["
    CREATE TABLE mark (clean INTEGER NOT NULL) STRICT;
    INSERT INTO mark VALUES (0);
    CREATE TABLE note (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE doomed (file BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE syntax (id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE exam (
        id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE,
        bytes INTEGER NOT NULL, instances INTEGER NOT NULL, last_stored INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX exam_by_age ON exam (last_stored, uid);
    CREATE TABLE entity (
        id INTEGER PRIMARY KEY, level INTEGER NOT NULL, parent INTEGER NOT NULL, uid BLOB NOT NULL,
        studies INTEGER NOT NULL, series INTEGER NOT NULL, instances INTEGER NOT NULL,
        UNIQUE (parent, uid)
    ) STRICT;
    CREATE INDEX entity_by_uid ON entity (uid, level);
    CREATE TABLE patient (
        id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, first INTEGER NOT NULL,
        id_text BLOB, name_text BLOB, content BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX patient_by_first ON patient (first);
    CREATE INDEX patient_by_entity ON patient (entity, first);
    CREATE INDEX patient_by_id ON patient (id_text);
    CREATE INDEX patient_by_name ON patient (name_text);
    CREATE TABLE study (
        id INTEGER PRIMARY KEY, patient INTEGER NOT NULL, entity INTEGER NOT NULL, exam INTEGER NOT NULL,
        first INTEGER NOT NULL, accession_text BLOB, date INTEGER, content BLOB NOT NULL,
        UNIQUE (patient, content)
    ) STRICT;
    CREATE INDEX study_by_first ON study (first);
    CREATE INDEX study_by_patient ON study (patient, first);
    CREATE INDEX study_by_entity ON study (entity, first);
    CREATE INDEX study_by_accession ON study (accession_text);
    CREATE INDEX study_by_date ON study (date);
    CREATE TABLE series (
        id INTEGER PRIMARY KEY, study INTEGER NOT NULL, entity INTEGER NOT NULL, first INTEGER NOT NULL,
        content BLOB NOT NULL,
        UNIQUE (study, content)
    ) STRICT;
    CREATE INDEX series_by_first ON series (first);
    CREATE INDEX series_by_study ON series (study, first);
    CREATE INDEX series_by_entity ON series (entity, first);
    CREATE TABLE instance (
        id INTEGER PRIMARY KEY, series INTEGER NOT NULL, exam INTEGER NOT NULL, syntax INTEGER NOT NULL,
        size INTEGER NOT NULL, stored INTEGER NOT NULL, sop BLOB NOT NULL, file BLOB NOT NULL UNIQUE,
        content BLOB NOT NULL
    ) STRICT;
    CREATE INDEX instance_by_series ON instance (series);
    CREATE INDEX instance_by_exam ON instance (exam, stored);
    CREATE INDEX instance_by_sop ON instance (sop);
"];

/// Makes the tables, or brings those of an earlier version up to date. Returns whether there were none.
pub(super) fn prepare(connection: &mut Connection) -> Result<bool, Error> {
    prepare_by(connection, STEPS)
}

fn prepare_by(connection: &mut Connection, steps: &[&str]) -> Result<bool, Error> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(stored);
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(stored)?;
    let known = steps.len() as i64;
    match (application, version) {
        (0, 0) if tables == 0 => {}
        (APPLICATION, 1..) if version <= known => {}
        (APPLICATION, _) if version > known => return Err(Error::Newer { found: version, known }),
        _ => return Err(Error::Damaged("a database of another kind".into())),
    }
    if version < known {
        let transaction = connection.transaction().map_err(stored)?;
        for step in steps.iter().skip(version as usize) {
            transaction.execute_batch(step).map_err(stored)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(stored)?;
        transaction.pragma_update(None, "user_version", known).map_err(stored)?;
        transaction.commit().map_err(stored)?;
    }
    Ok(version == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_versions_are_brought_up_to_date_and_later_ones_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(prepare(&mut connection), Ok(true));
        assert_eq!(prepare(&mut connection), Ok(false));
        let steps = [STEPS[0], "ALTER TABLE patient ADD COLUMN more TEXT DEFAULT 'x'"];
        assert_eq!(prepare_by(&mut connection, &steps), Ok(false));
        connection.prepare("SELECT more FROM patient").unwrap();
        assert_eq!(prepare_by(&mut connection, &steps), Ok(false));
        assert_eq!(prepare(&mut connection), Err(Error::Newer { found: 2, known: 1 }));
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        prepare(&mut connection).unwrap();
        let steps = [STEPS[0], "ALTER TABLE patient ADD COLUMN more TEXT; nonsense"];
        assert!(matches!(prepare_by(&mut connection, &steps), Err(Error::Storage(_))));
        assert!(connection.prepare("SELECT more FROM patient").is_err());
        assert_eq!(prepare(&mut connection), Ok(false));
    }

    #[test]
    fn other_databases_are_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(prepare(&mut connection), Err(Error::Damaged(_))));
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "application_id", 7).unwrap();
        assert!(matches!(prepare(&mut connection), Err(Error::Damaged(_))));
    }
}
