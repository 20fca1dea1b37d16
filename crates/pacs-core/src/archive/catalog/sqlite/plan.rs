//! Which rows may match: an index for a condition of the query, if one serves, else all rows in order. Never fewer than
//! match; what is found is held against the whole query afterwards.

use crate::archive::keys::{ACCESSION_NUMBER, Level, PATIENT_ID, STUDY_DATE};
use crate::archive::matching::{Matcher, Span, fold};
use crate::archive::query::{Condition, Query};
use crate::dataset::Tag;
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

/// Rows found by an index are gathered up to this many; beyond, all rows are gone through in order instead.
const MOST_GATHERED: usize = if cfg!(test) { 8 } else { 100_000 };

/// Up to this many rows are counted to find the index that selects the fewest.
const MOST_COUNTED: usize = 500;

/// Rows read at once where all are gone through.
const PAGE: i64 = if cfg!(test) { 5 } else { 1024 };

/// A row that may match: its first object, by which answers are ordered, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) first: i64,
    pub(super) id: i64,
}

/// Rows of one level, in the order of their first objects.
#[derive(Debug)]
pub(super) struct Candidates {
    level: Level,
    page: std::vec::IntoIter<Candidate>,
    /// Where the next page begins, if all rows are gone through.
    behind: Option<i64>,
}

impl Candidates {
    /// The rows at a level that may match the query. The level may be above that of the query.
    pub(super) fn of(connection: &Connection, query: &Query, level: Level) -> Result<Candidates> {
        if let Some(index) = Index::choose(connection, query)?
            && let Some(mut found) = index.gather(connection, level)?
        {
            found.sort_unstable();
            found.dedup();
            return Ok(Candidates { level, page: found.into_iter(), behind: None });
        }
        Ok(Candidates { level, page: Vec::new().into_iter(), behind: Some(i64::MIN) })
    }

    /// The next row.
    pub(super) fn next(&mut self, connection: &Connection) -> Result<Option<Candidate>> {
        if let Some(candidate) = self.page.next() {
            return Ok(Some(candidate));
        }
        let Some(behind) = self.behind else { return Ok(None) };
        let sql = match self.level {
            Level::Patient => "SELECT first, id FROM patient WHERE first > ?1 ORDER BY first LIMIT ?2",
            Level::Study => "SELECT first, id FROM study WHERE first > ?1 ORDER BY first LIMIT ?2",
            Level::Series => "SELECT first, id FROM series WHERE first > ?1 ORDER BY first LIMIT ?2",
            Level::Image => "SELECT id, id FROM instance WHERE id > ?1 ORDER BY id LIMIT ?2",
        };
        let mut statement = connection.prepare_cached(sql)?;
        let page: Vec<Candidate> = statement.query_map([behind, PAGE], Candidate::read)?.collect::<Result<_>>()?;
        self.behind = page.last().map(|last| last.first);
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

impl Candidate {
    fn read(row: &rusqlite::Row<'_>) -> Result<Candidate> {
        Ok(Candidate { first: row.get(0)?, id: row.get(1)? })
    }
}

/// An index that finds rows of one level.
struct Index {
    level: Level,
    /// What is asked of them, one question after the other: a condition in SQL, and its values.
    questions: Vec<(&'static str, Vec<Value>)>,
}

impl Index {
    /// The index for the condition that selects the fewest rows.
    fn choose(connection: &Connection, query: &Query) -> Result<Option<Index>> {
        // UIDs serve best, the lowest of them above all.
        let uids = query.conditions().filter_map(Index::of_uids);
        if let Some(index) = uids.max_by_key(|index| index.level) {
            return Ok(Some(index));
        }
        let mut indexes: Vec<Index> = query.conditions().filter_map(Index::of).collect();
        if indexes.len() <= 1 {
            return Ok(indexes.pop());
        }
        let mut best = None;
        for index in indexes {
            let rows = index.count(connection)?;
            if best.as_ref().is_none_or(|(fewest, _)| rows < *fewest) {
                best = Some((rows, index));
            }
        }
        Ok(best.map(|(_, index)| index))
    }

    fn of_uids(condition: &Condition) -> Option<Index> {
        let Matcher::Uids(uids) = &condition.matcher else { return None };
        let level = Level::ALL.into_iter().find(|level| level.unique() == condition.key.tag)?;
        let filter = match level {
            Level::Patient => return None,
            Level::Study => "s.entity IN (SELECT id FROM entity WHERE uid = ?1 AND level = 1)",
            Level::Series => "r.entity IN (SELECT id FROM entity WHERE uid = ?1 AND level = 2)",
            Level::Image => "i.sop = ?1",
        };
        let questions = uids.iter().map(|uid| (filter, vec![Value::Blob(uid.clone())])).collect();
        Some(Index { level, questions })
    }

    fn of(condition: &Condition) -> Option<Index> {
        let tag = condition.key.tag;
        match &condition.matcher {
            Matcher::Text { text: Some(text), .. } => {
                let (level, equal, between, unread) = match tag {
                    Tag::PATIENT_NAME => (
                        Level::Patient,
                        "p.name_text = ?1",
                        "p.name_text >= ?1 AND p.name_text < ?2",
                        "p.name_text IS NULL",
                    ),
                    PATIENT_ID => {
                        (Level::Patient, "p.id_text = ?1", "p.id_text >= ?1 AND p.id_text < ?2", "p.id_text IS NULL")
                    }
                    ACCESSION_NUMBER => (
                        Level::Study,
                        "s.accession_text = ?1",
                        "s.accession_text >= ?1 AND s.accession_text < ?2",
                        "s.accession_text IS NULL",
                    ),
                    _ => return None,
                };
                let literal = &text[..text.find(['*', '?']).unwrap_or(text.len())];
                let start = if tag == Tag::PATIENT_NAME { fold(literal) } else { literal.to_owned() }.into_bytes();
                let read = if literal.len() == text.len() {
                    (equal, vec![Value::Blob(start)])
                } else {
                    let end = behind(&start)?;
                    (between, vec![Value::Blob(start), Value::Blob(end)])
                };
                Some(Index { level, questions: vec![read, (unread, Vec::new())] })
            }
            Matcher::Date(span) if tag == STUDY_DATE => {
                let (first, last) = match span {
                    // Nothing matches.
                    None => (1, 0),
                    Some(Span::One(date)) => (*date, *date),
                    Some(Span::Range(first, last)) => (first.unwrap_or(0), last.unwrap_or(u32::MAX)),
                };
                let values = vec![Value::Integer(first.into()), Value::Integer(last.into())];
                Some(Index { level: Level::Study, questions: vec![("s.date >= ?1 AND s.date <= ?2", values)] })
            }
            _ => None,
        }
    }

    fn table(&self) -> &'static str {
        match self.level {
            Level::Patient => "patient p",
            Level::Study => "study s",
            Level::Series => "series r",
            Level::Image => "instance i",
        }
    }

    /// How many rows it finds, or about [`MOST_COUNTED`] if it is more.
    fn count(&self, connection: &Connection) -> Result<usize> {
        let mut count = 0;
        for (filter, values) in &self.questions {
            let sql =
                format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {filter} LIMIT {MOST_COUNTED})", self.table());
            let mut statement = connection.prepare_cached(&sql)?;
            count += statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))? as usize;
        }
        Ok(count)
    }

    /// The rows at a level that it finds, or nothing if they are too many.
    fn gather(&self, connection: &Connection, level: Level) -> Result<Option<Vec<Candidate>>> {
        let mut found = Vec::new();
        for (filter, values) in &self.questions {
            let mut statement = connection.prepare_cached(&self.sql(level, filter))?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                if found.len() == MOST_GATHERED {
                    return Ok(None);
                }
                found.push(Candidate::read(row)?);
            }
        }
        Ok(Some(found))
    }

    /// The rows at a level, below those that it finds.
    fn sql(&self, level: Level, filter: &str) -> String {
        let select = match level {
            Level::Patient => "p.first, p.id",
            Level::Study => "s.first, s.id",
            Level::Series => "r.first, r.id",
            Level::Image => "i.id, i.id",
        };
        let mut from = String::from(self.table());
        for (below, join) in [
            (Level::Study, " CROSS JOIN study s ON s.patient = p.id"),
            (Level::Series, " CROSS JOIN series r ON r.study = s.id"),
            (Level::Image, " CROSS JOIN instance i ON i.series = r.id"),
        ] {
            if below > self.level && below <= level {
                from.push_str(join);
            }
        }
        format!("SELECT {select} FROM {from} WHERE {filter}")
    }
}

/// The first text behind all those that begin so. None is if there is no beginning.
fn behind(start: &[u8]) -> Option<Vec<u8>> {
    let mut end = start.to_vec();
    // No byte of UTF-8 is FF.
    *end.last_mut()? += 1;
    Some(end)
}

/// How SQLite goes about gathering.
#[cfg(test)]
pub(super) fn plans(connection: &Connection, query: &Query, level: Level) -> Result<Vec<String>> {
    let Some(index) = Index::choose(connection, query)? else { return Ok(Vec::new()) };
    let mut plans = Vec::new();
    for (filter, values) in &index.questions {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", index.sql(level, filter)))?;
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3))?;
        plans.extend(steps.collect::<Result<Vec<_>>>()?);
    }
    Ok(plans)
}
