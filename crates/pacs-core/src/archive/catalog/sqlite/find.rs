//! Answering: rows that may match are held against the query, one after the other.

use super::content::{self, Path};
use super::plan::{Candidate, Candidates};
use crate::archive::catalog::{Answer, Error};
use crate::archive::keys::{Computed, Level, MODALITY, Source};
use crate::archive::matching::{CharacterSets, stripped};
use crate::archive::query::{Query, QueryError, Verdict, joined};
use crate::archive::record::Values;
use crate::dataset::Tag;
use rusqlite::{Connection, OptionalExtension, Result};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A find looks at one state of the catalog for so long; then at the state of then. The log of changes, which is kept for
/// whoever looks at an old state, so has its bounds however slow a peer is.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// Entities with several rows that are remembered as answered.
const MOST_REMEMBERED: usize = if cfg!(test) { 2 } else { 4096 };

/// Lists and character sets that are remembered.
const MOST_KEPT: usize = if cfg!(test) { 2 } else { 256 };

/// A state of the catalog that stays as it is for this connection.
struct Look<'c> {
    connection: &'c Connection,
    since: Instant,
}

impl<'c> Look<'c> {
    fn begin(connection: &'c Connection) -> Result<Look<'c>> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Look { connection, since: Instant::now() })
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        // Nothing was changed; if this fails, so will the next use of the connection.
        let _ = self.connection.prepare_cached("COMMIT").and_then(|mut end| end.execute([]));
    }
}

pub(super) fn find(
    connection: &Connection,
    query: &Query,
    sink: &mut dyn FnMut(Answer) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut look = Look::begin(connection).map_err(super::stored)?;
    let mut search = Search::new(connection, query);
    if let Some(level) = query.missing() {
        return if search.misses(level).map_err(super::stored)? {
            Err(QueryError::NoUniqueKey(level).into())
        } else {
            Ok(())
        };
    }
    let mut candidates = Candidates::of(connection, query, query.level()).map_err(super::stored)?;
    while let Some(candidate) = candidates.next(connection).map_err(super::stored)? {
        if let Some(answer) = search.answer(candidate).map_err(super::stored)?
            && (query.ends_at(&answer) || sink(answer).is_break())
        {
            break;
        }
        if look.since.elapsed() > LOOK {
            drop(look);
            look = Look::begin(connection).map_err(super::stored)?;
            search.lists.clear();
        }
    }
    drop(look);
    Ok(())
}

/// The numbers of the objects that a retrieval selects, in store order.
pub(super) fn select(connection: &Connection, query: &Query) -> Result<Vec<i64>> {
    if query.missing().is_some() {
        return Ok(Vec::new());
    }
    let _look = Look::begin(connection)?;
    let mut search = Search::new(connection, query);
    let mut candidates = Candidates::of(connection, query, query.level())?;
    let mut ids = Vec::new();
    while let Some(candidate) = candidates.next(connection)? {
        if search.matching(candidate.id)?.is_none() {
            continue;
        }
        let sql = match query.level() {
            Level::Patient => {
                "SELECT i.id FROM study s CROSS JOIN series r ON r.study = s.id CROSS JOIN instance i ON i.series = r.id
                 WHERE s.patient = ?1"
            }
            Level::Study => "SELECT i.id FROM series r CROSS JOIN instance i ON i.series = r.id WHERE r.study = ?1",
            Level::Series => "SELECT id FROM instance WHERE series = ?1",
            Level::Image => {
                ids.push(candidate.id);
                continue;
            }
        };
        let mut statement = connection.prepare_cached(sql)?;
        for id in statement.query_map([candidate.id], |row| row.get(0))? {
            ids.push(id?);
        }
    }
    ids.sort_unstable();
    Ok(ids)
}

/// What a query has met so far.
struct Search<'q> {
    connection: &'q Connection,
    query: &'q Query,
    /// Whether an answer needs what stands below the level of the query.
    below: bool,
    sets: HashMap<Vec<u8>, Rc<CharacterSets>>,
    /// Entities that have been answered, of those that have several rows.
    answered: HashSet<i64>,
    /// Values that are listed of a study.
    lists: HashMap<(i64, Computed), Rc<Vec<Vec<u8>>>>,
}

impl<'q> Search<'q> {
    fn new(connection: &'q Connection, query: &'q Query) -> Search<'q> {
        let level = query.level();
        let below = query.requested().iter().any(|key| match key.source {
            Source::Stored => content::kept_at(key.tag) > level,
            Source::Computed(Computed::Availability) => false,
            Source::Computed(_) => key.level > level,
        });
        let (sets, answered, lists) = Default::default();
        Search { connection, query, below, sets, answered, lists }
    }

    /// Whether there is a record that matches in what stands above this level, whose unique key is missing.
    fn misses(&mut self, missing: Level) -> Result<bool> {
        let above = Level::ALL.into_iter().rev().find(|level| *level < missing);
        let Some(above) = above.filter(|above| *above >= self.query.model().top()) else {
            return self.connection.prepare_cached("SELECT 1 FROM instance")?.exists([]);
        };
        let mut candidates = Candidates::of(self.connection, self.query, above)?;
        while let Some(candidate) = candidates.next(self.connection)? {
            let Some(path) = read(self.connection, above, candidate.id)? else { continue };
            let sets = self.sets(&path);
            if self.query.compare(&path, &sets) == Verdict::NoUniqueKey(missing) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn answer(&mut self, candidate: Candidate) -> Result<Option<Answer>> {
        let Some(mut path) = self.matching(candidate.id)? else { return Ok(None) };
        if self.is_answered(&path)? {
            return Ok(None);
        }
        if self.below {
            let Some(whole) = read(self.connection, Level::Image, path.first)? else { return Ok(None) };
            path = whole;
        }
        let query = self.query;
        query.answer(&path, |value| self.computed(&path, value)).map(Some)
    }

    /// A row of the query's level, if it is there and matches.
    fn matching(&mut self, id: i64) -> Result<Option<Path>> {
        let Some(path) = read(self.connection, self.query.level(), id)? else { return Ok(None) };
        let sets = self.sets(&path);
        let matches = self.query.compare(&path, &sets) == Verdict::Matches;
        let query = self.query;
        let listed = matches && query.compare_computed(|value| self.list(&path, value).map(|list| list.to_vec()))?;
        Ok(listed.then_some(path))
    }

    /// Whether a row of the same entity that comes before this one matches, so that it has been answered.
    fn is_answered(&mut self, path: &Path) -> Result<bool> {
        let level = self.query.level();
        let sql = match level {
            Level::Patient => "SELECT id FROM patient WHERE entity = ?1 AND first < ?2 ORDER BY first",
            Level::Study => "SELECT id FROM study WHERE entity = ?1 AND first < ?2 ORDER BY first",
            Level::Series => "SELECT id FROM series WHERE entity = ?1 AND first < ?2 ORDER BY first",
            Level::Image => {
                "SELECT i.id FROM instance i CROSS JOIN series r ON r.id = i.series
                 WHERE r.entity = ?1 AND i.id < ?2 AND i.sop = ?3 ORDER BY i.id"
            }
        };
        let entity = path.entities[(level as usize).min(2)];
        if level != Level::Image && self.answered.contains(&entity) {
            return Ok(true);
        }
        let connection = self.connection;
        let mut statement = connection.prepare_cached(sql)?;
        statement.raw_bind_parameter(1, entity)?;
        statement.raw_bind_parameter(2, path.first)?;
        if level == Level::Image {
            statement.raw_bind_parameter(3, &path.sop)?;
        }
        let mut rows = statement.raw_query();
        let mut any = false;
        let mut answered = false;
        while let Some(row) = rows.next()? {
            any = true;
            if self.matching(row.get(0)?)?.is_some() {
                answered = true;
                break;
            }
        }
        if any && level != Level::Image {
            if self.answered.len() >= MOST_REMEMBERED {
                self.answered.clear();
            }
            self.answered.insert(entity);
        }
        Ok(answered)
    }

    fn sets(&mut self, path: &Path) -> Rc<CharacterSets> {
        if let Some(sets) = self.sets.get(path.character_set()) {
            return Rc::clone(sets);
        }
        if self.sets.len() >= MOST_KEPT {
            self.sets.clear();
        }
        let sets = Rc::new(CharacterSets::parse(path.character_set()));
        self.sets.insert(path.character_set().to_vec(), Rc::clone(&sets));
        sets
    }

    fn computed(&mut self, path: &Path, value: Computed) -> Result<Vec<u8>> {
        let [patient, study, series] = path.entities;
        let (entity, column) = match value {
            Computed::PatientStudies => (patient, 0),
            Computed::PatientSeries => (patient, 1),
            Computed::PatientInstances => (patient, 2),
            Computed::StudySeries => (study, 1),
            Computed::StudyInstances => (study, 2),
            Computed::SeriesInstances => (series, 2),
            Computed::Modalities | Computed::SopClasses => return Ok(joined(&self.list(path, value)?)),
            Computed::Availability => return Ok(b"ONLINE".to_vec()),
            Computed::TransferSyntax => {
                let mut statement = self.connection.prepare_cached("SELECT uid FROM syntax WHERE id = ?1")?;
                let uid = statement.query_row([path.syntax], |row| row.get::<_, String>(0)).optional()?;
                return Ok(uid.unwrap_or_default().into_bytes());
            }
        };
        let mut statement =
            self.connection.prepare_cached("SELECT studies, series, instances FROM entity WHERE id = ?1")?;
        let count: i64 = statement.query_row([entity], |row| row.get(column))?;
        Ok(count.to_string().into_bytes())
    }

    /// Each value of a study's series once, in store order.
    fn list(&mut self, path: &Path, value: Computed) -> Result<Rc<Vec<Vec<u8>>>> {
        let tag = match value {
            Computed::Modalities => MODALITY,
            Computed::SopClasses => Tag::SOP_CLASS,
            _ => return Ok(Rc::default()),
        };
        let study = path.entities[Level::Study as usize];
        if let Some(list) = self.lists.get(&(study, value)) {
            return Ok(Rc::clone(list));
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT r.first, r.content FROM entity e CROSS JOIN series r ON r.entity = e.id WHERE e.parent = ?1",
        )?;
        let mut rows = statement.query([study])?;
        let mut firsts: HashMap<Vec<u8>, i64> = HashMap::new();
        while let Some(row) = rows.next()? {
            let first: i64 = row.get(0)?;
            let value = stripped(content::value(row.get_ref(1)?.as_blob()?, tag));
            match firsts.get_mut(value) {
                _ if value.is_empty() => {}
                Some(known) => *known = first.min(*known),
                None => {
                    firsts.insert(value.to_vec(), first);
                }
            }
        }
        let mut list: Vec<(i64, Vec<u8>)> = firsts.into_iter().map(|(value, first)| (first, value)).collect();
        list.sort_unstable();
        let list = Rc::new(list.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
        if self.lists.len() >= MOST_KEPT {
            self.lists.clear();
        }
        self.lists.insert((study, value), Rc::clone(&list));
        Ok(list)
    }
}

/// Reads a row of this level and those above it.
fn read(connection: &Connection, level: Level, id: i64) -> Result<Option<Path>> {
    let sql = match level {
        Level::Patient => "SELECT first, p.entity, p.content FROM patient p WHERE p.id = ?1",
        Level::Study => {
            "SELECT s.first, p.entity, p.content, s.entity, s.content
             FROM study s CROSS JOIN patient p ON p.id = s.patient WHERE s.id = ?1"
        }
        Level::Series => {
            "SELECT r.first, p.entity, p.content, s.entity, s.content, r.entity, r.content
             FROM series r CROSS JOIN study s ON s.id = r.study CROSS JOIN patient p ON p.id = s.patient WHERE r.id = ?1"
        }
        Level::Image => {
            "SELECT i.id, p.entity, p.content, s.entity, s.content, r.entity, r.content, i.sop, i.content, i.syntax
             FROM instance i CROSS JOIN series r ON r.id = i.series CROSS JOIN study s ON s.id = r.study
                  CROSS JOIN patient p ON p.id = s.patient
             WHERE i.id = ?1"
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut path = Path { first: row.get(0)?, ..Path::default() };
    for at in 0..=(level as usize).min(2) {
        path.entities[at] = row.get(1 + 2 * at)?;
        path.contents[at] = row.get(2 + 2 * at)?;
    }
    if level == Level::Image {
        path.sop = row.get(7)?;
        path.contents[3] = row.get(8)?;
        path.syntax = row.get(9)?;
    }
    Ok(Some(path))
}
