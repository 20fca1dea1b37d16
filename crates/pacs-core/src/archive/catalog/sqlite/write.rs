//! Adding and removing objects, within a transaction that the caller has begun.

use super::content;
use super::{file_bytes, file_name};
use crate::archive::catalog::{Id, Totals};
use crate::archive::keys::{ACCESSION_NUMBER, Level, PATIENT_ID, SERIES_INSTANCE, STUDY_DATE};
use crate::archive::matching::{CharacterSets, date, fold, stripped, text};
use crate::archive::record::{Record, Values};
use crate::dataset::Tag;
use crate::dataset::vr::Vr;
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::collections::VecDeque;
use std::path::PathBuf;

/// What a transaction does to the catalog.
pub(super) struct Write<'c> {
    pub(super) connection: &'c Connection,
    /// The number of the object that was added last.
    pub(super) last: i64,
    pub(super) totals: Totals,
    /// Where the latest objects belong.
    pub(super) places: Places,
}

/// The row of a level that a record belongs to.
struct Row {
    id: i64,
    entity: i64,
}

/// Where an object belongs: below which series, in which entities from the series up, and to which exam.
#[derive(Debug, Clone, Copy)]
struct Place {
    series: i64,
    entities: [i64; 3],
    exam: i64,
}

/// The places of the latest objects, for the next ones mostly belong there too. None outlives a removal.
#[derive(Debug, Default)]
pub(super) struct Places {
    known: VecDeque<([Vec<u8>; 3], Place)>,
}

impl Places {
    /// As many as there may be senders at a time.
    const MOST: usize = if cfg!(test) { 2 } else { 16 };

    fn of(&self, contents: &[Vec<u8>; 3]) -> Option<Place> {
        self.known.iter().find(|(known, _)| known == contents).map(|(_, place)| *place)
    }

    fn remember(&mut self, contents: [Vec<u8>; 3], place: Place) {
        if self.known.len() >= Places::MOST {
            self.known.pop_back();
        }
        self.known.push_front((contents, place));
    }
}

/// Whether the file of an object that is removed is still to be unlinked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Doomed,
    Kept,
}

impl Write<'_> {
    pub(super) fn add(&mut self, record: &Record) -> Result<Id> {
        let stored = record.stored();
        let file = file_bytes(&stored.file);
        if let Some(id) = self.id_of_file(file)? {
            self.remove(id, Fate::Kept)?;
        }
        self.execute("DELETE FROM doomed WHERE file = ?1", [file])?;
        let id = self.last + 1;
        let [of_patient, of_study, of_series, of_image] = content::of(record);
        let above = [of_patient, of_study, of_series];
        let place = match self.places.of(&above) {
            Some(place) => place,
            None => {
                let place = self.place(record, &above, id)?;
                self.places.remember(above, place);
                place
            }
        };
        let Place { series, entities, exam } = place;
        self.execute("UPDATE entity SET instances = instances + 1 WHERE id IN (?1, ?2, ?3)", entities)?;
        self.execute(
            "UPDATE exam SET bytes = bytes + ?2, instances = instances + 1, last_stored = max(last_stored, ?3)
             WHERE id = ?1",
            params![exam, stored.size as i64, stored.at],
        )?;
        let syntax = self.syntax(&stored.syntax)?;
        self.execute(
            "INSERT INTO instance (id, series, exam, syntax, size, stored, sop, file, content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                id,
                series,
                exam,
                syntax,
                stored.size as i64,
                stored.at,
                record.value(Tag::SOP_INSTANCE),
                file,
                of_image
            ],
        )?;
        self.last = id;
        self.totals.instances += 1;
        self.totals.bytes += stored.size;
        Ok(Id(id))
    }

    /// Removes an object, and every row that nothing is left below. Returns its file.
    pub(super) fn remove(&mut self, id: i64, fate: Fate) -> Result<Option<PathBuf>> {
        self.places = Places::default();
        let found = self.row(
            "SELECT i.series, i.exam, i.size, i.stored, i.file, r.study, r.entity, r.first, s.patient, s.entity, s.first,
                    p.entity, p.first
             FROM instance i JOIN series r ON r.id = i.series JOIN study s ON s.id = r.study
                  JOIN patient p ON p.id = s.patient
             WHERE i.id = ?1",
            [id],
            |row| {
                let number = |at| row.get::<_, i64>(at);
                let rows = [number(0)?, number(5)?, number(8)?];
                let entities = [number(6)?, number(9)?, number(11)?];
                let firsts = [number(7)?, number(10)?, number(12)?];
                Ok((rows, entities, firsts, number(1)?, number(2)?, number(3)?, row.get::<_, Vec<u8>>(4)?))
            },
        )?;
        let Some((rows, entities, firsts, exam, size, stored, file)) = found else { return Ok(None) };
        let [series, study, patient] = rows;
        self.execute("DELETE FROM instance WHERE id = ?1", [id])?;
        for (row, first, next, delete, update) in [
            (
                series,
                firsts[0],
                "SELECT min(id) FROM instance WHERE series = ?1",
                "DELETE FROM series WHERE id = ?1",
                "UPDATE series SET first = ?2 WHERE id = ?1",
            ),
            (
                study,
                firsts[1],
                "SELECT min(first) FROM series WHERE study = ?1",
                "DELETE FROM study WHERE id = ?1",
                "UPDATE study SET first = ?2 WHERE id = ?1",
            ),
            (
                patient,
                firsts[2],
                "SELECT min(first) FROM study WHERE patient = ?1",
                "DELETE FROM patient WHERE id = ?1",
                "UPDATE patient SET first = ?2 WHERE id = ?1",
            ),
        ] {
            if first != id {
                break;
            }
            match self.row(next, [row], |row| row.get::<_, Option<i64>>(0))?.flatten() {
                None => self.execute(delete, [row])?,
                Some(first) => self.execute(update, [row, first])?,
            };
        }
        self.forget(entities)?;
        self.leave(exam, size, stored)?;
        if fate == Fate::Doomed {
            self.execute("INSERT OR IGNORE INTO doomed (file) VALUES (?1)", [&file])?;
        }
        self.totals.instances -= 1;
        self.totals.bytes = self.totals.bytes.saturating_sub(size as u64);
        Ok(Some(file_name(file)))
    }

    pub(super) fn id_of_file(&self, file: &[u8]) -> Result<Option<i64>> {
        self.row("SELECT id FROM instance WHERE file = ?1", [file], |row| row.get(0))
    }

    /// Finds the rows that a record belongs to, and makes those that there are none of.
    fn place(&mut self, record: &Record, contents: &[Vec<u8>; 3], id: i64) -> Result<Place> {
        let [of_patient, of_study, of_series] = contents;
        let sets = CharacterSets::parse(record.character_set());
        let patient = self.patient(record, of_patient, &sets, id)?;
        let (study, exam, new_study) = self.study(record, of_study, &sets, &patient, id)?;
        let (series, new_series) = self.series(record, of_series, &study, id)?;
        if new_series {
            self.count(patient.entity, new_study.into(), 1, 0)?;
            self.count(study.entity, 0, 1, 0)?;
        }
        Ok(Place { series: series.id, entities: [series.entity, study.entity, patient.entity], exam })
    }

    fn patient(&mut self, record: &Record, content: &[u8], sets: &CharacterSets, id: i64) -> Result<Row> {
        let known = self.row("SELECT id, entity FROM patient WHERE content = ?1", [content], Row::read)?;
        if let Some(row) = known {
            return Ok(row);
        }
        let patient_id = record.value(PATIENT_ID);
        let (entity, _) = self.entity(Level::Patient, 0, patient_id)?;
        let id_text = text(patient_id, Vr::LO, sets);
        let name_text = text(record.value(Tag::PATIENT_NAME), Vr::PN, sets).map(|name| fold(&name));
        self.execute(
            "INSERT INTO patient (entity, first, id_text, name_text, content) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![entity, id, bytes(id_text.as_deref()), bytes(name_text.as_deref()), content],
        )?;
        Ok(Row { id: self.connection.last_insert_rowid(), entity })
    }

    fn study(
        &mut self,
        record: &Record,
        content: &[u8],
        sets: &CharacterSets,
        patient: &Row,
        id: i64,
    ) -> Result<(Row, i64, bool)> {
        let known = self.row(
            "SELECT id, entity, exam FROM study WHERE patient = ?1 AND content = ?2",
            params![patient.id, content],
            |row| Ok((Row::read(row)?, row.get(2)?)),
        )?;
        if let Some((row, exam)) = known {
            return Ok((row, exam, false));
        }
        let uid = record.value(Tag::STUDY_INSTANCE);
        let (entity, new) = self.entity(Level::Study, patient.entity, uid)?;
        let exam = self.exam(uid)?;
        let accession = text(record.value(ACCESSION_NUMBER), Vr::SH, sets);
        self.execute(
            "INSERT INTO study (patient, entity, exam, first, accession_text, date, content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                patient.id,
                entity,
                exam,
                id,
                bytes(accession.as_deref()),
                date(stripped(record.value(STUDY_DATE))),
                content
            ],
        )?;
        Ok((Row { id: self.connection.last_insert_rowid(), entity }, exam, new))
    }

    fn series(&mut self, record: &Record, content: &[u8], study: &Row, id: i64) -> Result<(Row, bool)> {
        let known = self.row(
            "SELECT id, entity FROM series WHERE study = ?1 AND content = ?2",
            params![study.id, content],
            Row::read,
        )?;
        if let Some(row) = known {
            return Ok((row, false));
        }
        let (entity, new) = self.entity(Level::Series, study.entity, record.value(SERIES_INSTANCE))?;
        self.execute(
            "INSERT INTO series (study, entity, first, content) VALUES (?1, ?2, ?3, ?4)",
            params![study.id, entity, id, content],
        )?;
        Ok((Row { id: self.connection.last_insert_rowid(), entity }, new))
    }

    fn entity(&mut self, level: Level, parent: i64, uid: &[u8]) -> Result<(i64, bool)> {
        let known =
            self.row("SELECT id FROM entity WHERE parent = ?1 AND uid = ?2", params![parent, uid], |row| row.get(0))?;
        if let Some(id) = known {
            return Ok((id, false));
        }
        self.execute(
            "INSERT INTO entity (level, parent, uid, studies, series, instances) VALUES (?1, ?2, ?3, 0, 0, 0)",
            params![level.number(), parent, uid],
        )?;
        Ok((self.connection.last_insert_rowid(), true))
    }

    fn exam(&mut self, uid: &[u8]) -> Result<i64> {
        let known = self.row("SELECT id FROM exam WHERE uid = ?1", [uid], |row| row.get(0))?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.execute(
            "INSERT INTO exam (uid, bytes, instances, last_stored) VALUES (?1, 0, 0, ?2)",
            params![uid, i64::MIN],
        )?;
        self.totals.studies += 1;
        Ok(self.connection.last_insert_rowid())
    }

    fn syntax(&mut self, uid: &str) -> Result<i64> {
        if let Some(id) = self.row("SELECT id FROM syntax WHERE uid = ?1", [uid], |row| row.get(0))? {
            return Ok(id);
        }
        self.execute("INSERT INTO syntax (uid) VALUES (?1)", [uid])?;
        Ok(self.connection.last_insert_rowid())
    }

    fn count(&mut self, entity: i64, studies: i64, series: i64, instances: i64) -> Result<usize> {
        self.execute(
            "UPDATE entity SET studies = studies + ?2, series = series + ?3, instances = instances + ?4 WHERE id = ?1",
            [entity, studies, series, instances],
        )
    }

    /// One object less below each of these, series, study and patient. Those that have none any more go.
    fn forget(&mut self, [series, study, patient]: [i64; 3]) -> Result<()> {
        let mut gone = [0, 0];
        for (at, entity) in [series, study, patient].into_iter().enumerate() {
            self.count(entity, -gone[1], -gone[0], -1)?;
            let emptied = self.execute("DELETE FROM entity WHERE id = ?1 AND instances <= 0", [entity])? > 0;
            if let Some(gone) = gone.get_mut(at) {
                *gone = i64::from(emptied);
            }
        }
        Ok(())
    }

    /// One object less of an exam.
    fn leave(&mut self, exam: i64, size: i64, stored: i64) -> Result<()> {
        let sql = "UPDATE exam SET bytes = bytes - ?2, instances = instances - 1 WHERE id = ?1";
        self.execute(sql, [exam, size])?;
        if self.execute("DELETE FROM exam WHERE id = ?1 AND instances <= 0", [exam])? > 0 {
            self.totals.studies -= 1;
            return Ok(());
        }
        self.execute(
            "UPDATE exam SET last_stored = (SELECT max(stored) FROM instance WHERE exam = ?1)
             WHERE id = ?1 AND last_stored = ?2",
            [exam, stored],
        )?;
        Ok(())
    }

    pub(super) fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.connection.prepare_cached(sql)?.execute(values)
    }

    fn row<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(values, read).optional()
    }
}

impl Row {
    fn read(row: &rusqlite::Row<'_>) -> Result<Row> {
        Ok(Row { id: row.get(0)?, entity: row.get(1)? })
    }
}

fn bytes(text: Option<&str>) -> Option<&[u8]> {
    text.map(str::as_bytes)
}
