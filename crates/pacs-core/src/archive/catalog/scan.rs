//! A catalog in memory that answers as DCMTK does: it holds every record against every request, one after the other. Slow
//! and plain, it is what the other one is measured by.

use super::{Answer, Catalog, Error, Held, Id, Insertion, Instance, Outcome, StudySummary, Totals};
use crate::archive::keys::{Computed, Level, MODALITY, PATIENT_ID, SERIES_INSTANCE};
use crate::archive::matching::{CharacterSets, stripped};
use crate::archive::query::{Query, QueryError, Verdict, joined};
use crate::archive::record::{Record, Values};
use crate::dataset::Tag;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Records in store order.
#[derive(Debug, Default)]
pub struct Scan {
    state: RwLock<Arc<State>>,
}

#[derive(Debug, Default, Clone)]
struct State {
    records: Vec<(Id, Record)>,
    last: i64,
    doomed: Vec<PathBuf>,
    notes: HashMap<String, Vec<u8>>,
}

impl Scan {
    /// A catalog of nothing.
    pub fn open(_: &std::path::Path) -> Result<Scan, Error> {
        Ok(Scan::new())
    }

    /// New.
    pub fn new() -> Scan {
        Scan::default()
    }

    /// What there is at this moment. Nothing waits for whoever looks at it.
    fn now(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, Error> {
        Ok(change(Arc::make_mut(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))))
    }
}

impl State {
    fn remove(&mut self, id: Id) -> Option<PathBuf> {
        let at = self.records.iter().position(|(held, _)| *held == id)?;
        let (_, record) = self.records.remove(at);
        self.doomed.push(record.stored().file.clone());
        Some(record.stored().file.clone())
    }

    fn add(&mut self, record: Record) -> Id {
        let file = &record.stored().file;
        self.records.retain(|(_, held)| held.stored().file != *file);
        self.doomed.retain(|doomed| doomed != file);
        self.last += 1;
        let id = Id(self.last);
        self.records.push((id, record));
        id
    }

    /// The records of the same patient, study or series, by all unique keys from the patient down.
    fn siblings<'s>(&'s self, record: &'s Record, level: Level) -> impl Iterator<Item = &'s Record> {
        let identity = identity(record, level);
        self.records.iter().map(|(_, other)| other).filter(move |other| self::identity(other, level) == identity)
    }

    fn count(&self, record: &Record, of: Level, distinct: Level) -> Vec<u8> {
        let all: HashSet<_> = self.siblings(record, of).map(|other| identity(other, distinct)).collect();
        all.len().to_string().into_bytes()
    }

    /// Each value of the study once, in store order.
    fn list(&self, record: &Record, tag: Tag) -> Vec<Vec<u8>> {
        let mut list: Vec<Vec<u8>> = Vec::new();
        for other in self.siblings(record, Level::Study) {
            let value = stripped(other.value(tag));
            if !value.is_empty() && !list.iter().any(|listed| listed == value) {
                list.push(value.to_vec());
            }
        }
        list
    }

    fn lists(&self, record: &Record, value: Computed) -> Vec<Vec<u8>> {
        match value {
            Computed::Modalities => self.list(record, MODALITY),
            Computed::SopClasses => self.list(record, Tag::SOP_CLASS),
            _ => Vec::new(),
        }
    }

    fn computed(&self, record: &Record, value: Computed) -> Vec<u8> {
        let instances = |level| self.siblings(record, level).count().to_string().into_bytes();
        match value {
            Computed::PatientStudies => self.count(record, Level::Patient, Level::Study),
            Computed::PatientSeries => self.count(record, Level::Patient, Level::Series),
            Computed::StudySeries => self.count(record, Level::Study, Level::Series),
            Computed::PatientInstances => instances(Level::Patient),
            Computed::StudyInstances => instances(Level::Study),
            Computed::SeriesInstances => instances(Level::Series),
            Computed::Modalities | Computed::SopClasses => joined(&self.lists(record, value)),
            Computed::Availability => b"ONLINE".to_vec(),
            Computed::TransferSyntax => record.stored().syntax.clone().into_bytes(),
        }
    }

    fn compare(&self, query: &Query, record: &Record) -> Verdict {
        let sets = CharacterSets::parse(record.character_set());
        let verdict = query.compare(record, &sets);
        let Ok(listed) = query.compare_computed(|value| Ok::<_, Infallible>(self.lists(record, value)));
        if verdict == Verdict::Matches && !listed { Verdict::Differs } else { verdict }
    }

    fn studies(&self) -> Vec<(Vec<u8>, StudySummary)> {
        let mut studies: HashMap<&[u8], StudySummary> = HashMap::new();
        for (_, record) in &self.records {
            let stored = record.stored();
            let none = StudySummary { bytes: 0, instances: 0, last_stored: stored.at };
            let study = studies.entry(record.value(Tag::STUDY_INSTANCE)).or_insert(none);
            study.bytes += stored.size;
            study.instances += 1;
            study.last_stored = study.last_stored.max(stored.at);
        }
        studies.into_iter().map(|(uid, study)| (uid.to_vec(), study)).collect()
    }
}

fn identity(record: &Record, level: Level) -> Vec<&[u8]> {
    let tags = [PATIENT_ID, Tag::STUDY_INSTANCE, SERIES_INSTANCE, Tag::SOP_INSTANCE];
    tags.iter().take(level as usize + 1).map(|tag| record.value(*tag)).collect()
}

fn held(id: Id, record: &Record) -> Held {
    let stored = record.stored();
    let study = record.value(Tag::STUDY_INSTANCE).to_vec();
    Held { id, file: stored.file.clone(), study, size: stored.size, stored: stored.at }
}

fn instance(id: Id, record: &Record) -> Instance {
    let stored = record.stored();
    Instance {
        id,
        file: stored.file.clone(),
        size: stored.size,
        sop_class: record.value(Tag::SOP_CLASS).to_vec(),
        sop_instance: record.value(Tag::SOP_INSTANCE).to_vec(),
        syntax: stored.syntax.clone(),
    }
}

impl Catalog for Scan {
    fn insert(&self, batch: &[Insertion]) -> Result<Vec<Outcome>, Error> {
        self.change(|state| {
            let mut outcomes = Vec::new();
            for insertion in batch {
                let doomed = insertion.remove.iter().filter_map(|id| state.remove(*id)).collect();
                outcomes.push(Outcome { id: state.add(insertion.record.clone()), doomed });
            }
            outcomes
        })
    }

    fn remove(&self, ids: &[Id]) -> Result<Vec<PathBuf>, Error> {
        self.change(|state| ids.iter().filter_map(|id| state.remove(*id)).collect())
    }

    fn remove_files(&self, files: &[&Path]) -> Result<u64, Error> {
        self.change(|state| {
            let before = state.records.len();
            state.records.retain(|(_, record)| !files.contains(&record.stored().file.as_path()));
            (before - state.records.len()) as u64
        })
    }

    fn doomed(&self) -> Result<Vec<PathBuf>, Error> {
        Ok(self.now().doomed.clone())
    }

    fn buried(&self, files: &[&Path]) -> Result<(), Error> {
        self.change(|state| state.doomed.retain(|doomed| !files.contains(&doomed.as_path())))
    }

    fn instances_of(&self, sop_instance: &[u8]) -> Result<Vec<Held>, Error> {
        let now = self.now();
        let all = now.records.iter().filter(|(_, record)| record.value(Tag::SOP_INSTANCE) == sop_instance);
        Ok(all.map(|(id, record)| held(*id, record)).collect())
    }

    fn study(&self, study: &[u8]) -> Result<Option<StudySummary>, Error> {
        Ok(self.now().studies().into_iter().find(|(uid, _)| uid == study).map(|(_, summary)| summary))
    }

    fn oldest_studies(&self, most: usize) -> Result<Vec<(Vec<u8>, StudySummary)>, Error> {
        let mut studies = self.now().studies();
        studies.sort_by(|(uid, one), (other_uid, other)| (one.last_stored, uid).cmp(&(other.last_stored, other_uid)));
        studies.truncate(most);
        Ok(studies)
    }

    fn oldest_instances(&self, study: &[u8], most: usize) -> Result<Vec<Held>, Error> {
        let now = self.now();
        let all = now.records.iter().filter(|(_, record)| record.value(Tag::STUDY_INSTANCE) == study);
        let mut all: Vec<Held> = all.map(|(id, record)| held(*id, record)).collect();
        all.sort_by_key(|held| (held.stored, held.id));
        all.truncate(most);
        Ok(all)
    }

    fn totals(&self) -> Totals {
        let now = self.now();
        let bytes = now.records.iter().map(|(_, record)| record.stored().size).sum();
        Totals { studies: now.studies().len() as u64, instances: now.records.len() as u64, bytes }
    }

    fn find(&self, query: &Query, sink: &mut dyn FnMut(Answer) -> ControlFlow<()>) -> Result<(), Error> {
        let now = self.now();
        let mut answered = HashSet::new();
        for (_, record) in &now.records {
            match now.compare(query, record) {
                Verdict::NoUniqueKey(level) => return Err(QueryError::NoUniqueKey(level).into()),
                Verdict::Differs => continue,
                Verdict::Matches if !answered.insert(identity(record, query.level())) => continue,
                Verdict::Matches => {}
            }
            let Ok(answer) = query.answer(record, |value| Ok::<_, Infallible>(now.computed(record, value)));
            if query.ends_at(&answer) || sink(answer).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn select(&self, query: &Query) -> Result<Vec<Id>, Error> {
        let now = self.now();
        let matching = now.records.iter().filter(|(_, record)| now.compare(query, record) == Verdict::Matches);
        Ok(matching.map(|(id, _)| *id).collect())
    }

    fn held(&self, ids: &[Id]) -> Result<Vec<Option<Instance>>, Error> {
        let now = self.now();
        let find = |id: &Id| now.records.binary_search_by_key(id, |(held, _)| *held).ok().map(|at| &now.records[at]);
        Ok(ids.iter().map(|id| find(id).map(|(id, record)| instance(*id, record))).collect())
    }

    fn files(&self, sink: &mut dyn FnMut(&Path, u64) -> ControlFlow<()>) -> Result<(), Error> {
        let now = self.now();
        let _ = now.records.iter().try_for_each(|(_, record)| sink(&record.stored().file, record.stored().size));
        Ok(())
    }

    fn by_file(&self, file: &Path) -> Result<Option<Held>, Error> {
        let now = self.now();
        let found = now.records.iter().find(|(_, record)| record.stored().file == file);
        Ok(found.map(|(id, record)| held(*id, record)))
    }

    fn mark_open(&self) -> Result<(), Error> {
        Ok(())
    }

    fn mark_clean(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Never: it is always new.
    fn was_clean(&self) -> bool {
        false
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.now().notes.get(name).cloned())
    }

    fn set_note(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.change(|state| {
            state.notes.insert(name.to_owned(), value.to_vec());
        })
    }
}
