//! Which studies are open, and when one has ended: decided here, done by the desk.
//!
//! As with DCMTK a study ends when an object of another one is finished, or after a time without any activity. DCMTK serves
//! one association at a time; here several store at once, and so what would end a study only overtakes it. It then ends as
//! soon as nobody is at it any more: no association whose last object was of this study, and no object that was on its way
//! when the last of those left, for it may be of this study too. Objects that begin to come later hold nothing up: else a
//! busy receiver would never end a study.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pacs_core::association::Parties;

use crate::folder::Shelf;

/// An association, as the studies know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Seat(u64);

/// An object that is being received. Of two the one that began first is the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival(u64);

/// What an association is at.
#[derive(Clone, Debug, Default)]
struct Sitting {
    /// The study of its last object.
    uid: Option<Vec<u8>>,
    /// The object that it is receiving.
    arrival: Option<Arrival>,
}

/// A study that is open, or was until now.
#[derive(Clone, Debug)]
pub(crate) struct Study {
    /// Where its files are.
    pub(crate) shelf: Arc<Shelf>,
    /// Who sent its last object.
    pub(crate) sender: Parties,
    files: HashMap<OsString, usize>,
    order: u64,
    /// Associations whose last object was of it.
    seats: usize,
    /// Another study was begun.
    overtaken: bool,
    /// It is overtaken and all have left: the arrivals from before that moment are lesser.
    left: Option<Arrival>,
}

/// The studies that are being received.
#[derive(Debug)]
pub(crate) struct Studies {
    open: HashMap<Vec<u8>, Study>,
    last: Option<Vec<u8>>,
    seats: HashMap<Seat, Sitting>,
    arrivals: BTreeSet<Arrival>,
    counter: u64,
    touched: Instant,
    quiet: Option<Duration>,
    /// Names of files are kept, not only their folders.
    keeps_names: bool,
}

impl Study {
    /// Its files in the order they came.
    pub(crate) fn files(&self) -> Vec<&OsStr> {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_unstable_by_key(|(_, order)| **order);
        files.into_iter().map(|(name, _)| name.as_os_str()).collect()
    }

    /// Whether nobody is at it any more; `first` is the first of the arrivals there are.
    fn has_ended(&self, first: Option<Arrival>) -> bool {
        self.left.is_some_and(|left| first.is_none_or(|first| first > left))
    }
}

impl Studies {
    /// None yet. They end when nothing happens for so long, if a time is given.
    pub(crate) fn new(quiet: Option<Duration>, keeps_names: bool, now: Instant) -> Self {
        Self {
            open: HashMap::new(),
            last: None,
            seats: HashMap::new(),
            arrivals: BTreeSet::new(),
            counter: 0,
            touched: now,
            quiet,
            keeps_names,
        }
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// An association begins.
    pub(crate) fn sit(&mut self, now: Instant) -> Seat {
        self.touched = now;
        let seat = Seat(self.count());
        self.seats.insert(seat, Sitting::default());
        seat
    }

    /// Something happens.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.touched = now;
    }

    /// An object begins to come.
    pub(crate) fn arrive(&mut self, seat: Seat, now: Instant) {
        self.settle(seat, now);
        let arrival = Arrival(self.count());
        if let Some(sitting) = self.seats.get_mut(&seat) {
            sitting.arrival = Some(arrival);
            self.arrivals.insert(arrival);
        }
    }

    /// An object has come, or will not. May be said twice.
    pub(crate) fn settle(&mut self, seat: Seat, now: Instant) {
        self.touched = now;
        if let Some(arrival) = self.seats.get_mut(&seat).and_then(|sitting| sitting.arrival.take()) {
            self.arrivals.remove(&arrival);
        }
    }

    /// The folder of an open study.
    pub(crate) fn shelf(&self, uid: &[u8]) -> Option<Arc<Shelf>> {
        self.open.get(uid).map(|study| Arc::clone(&study.shelf))
    }

    /// An object of this study is to be put into this folder: the study is open from here on, and overtakes the last one.
    pub(crate) fn bring(&mut self, uid: &[u8], shelf: Arc<Shelf>, seat: Seat, sender: &Parties) {
        self.rise(seat);
        let order = self.count();
        let study = self.open.entry(uid.to_owned()).or_insert_with(|| Study {
            shelf: Arc::clone(&shelf),
            sender: sender.clone(),
            files: HashMap::new(),
            order,
            seats: 0,
            overtaken: false,
            left: None,
        });
        study.shelf = shelf;
        study.sender = sender.clone();
        study.overtaken = false;
        study.left = None;
        if let Some(sitting) = self.seats.get_mut(&seat) {
            study.seats += 1;
            sitting.uid = Some(uid.to_owned());
        }
        if self.last.as_deref() != Some(uid)
            && let Some(last) = self.last.replace(uid.to_owned())
        {
            self.change(&last, |study| study.overtaken = true);
        }
    }

    /// A file has got its name.
    pub(crate) fn stored(&mut self, uid: &[u8], name: &OsStr) {
        if let Some(study) = self.open.get_mut(uid) {
            let next = study.files.len();
            // Whether there are any matters, and which only if they are to be renamed.
            if self.keeps_names || next == 0 {
                study.files.entry(name.to_owned()).or_insert(next);
            }
        }
    }

    /// An association has ended.
    pub(crate) fn leave(&mut self, seat: Seat, now: Instant) {
        self.settle(seat, now);
        self.rise(seat);
        self.seats.remove(&seat);
    }

    fn rise(&mut self, seat: Seat) {
        if let Some(uid) = self.seats.get_mut(&seat).and_then(|sitting| sitting.uid.take()) {
            self.change(&uid, |study| study.seats = study.seats.saturating_sub(1));
        }
    }

    /// Changes an open study, and notes the moment if all have left it by that.
    fn change(&mut self, uid: &[u8], deed: impl FnOnce(&mut Study)) {
        let moment = Arrival(self.count());
        if let Some(study) = self.open.get_mut(uid) {
            deed(study);
            if study.overtaken && study.seats == 0 {
                study.left.get_or_insert(moment);
            }
        }
    }

    /// The studies that have ended because another one came, in the order they began. They are given once.
    pub(crate) fn take_ended(&mut self) -> Vec<Study> {
        let first = self.arrivals.first().copied();
        ordered(self.open.extract_if(|_, study| study.has_ended(first)).map(|(_, study)| study))
    }

    /// Whether [`Studies::take_ended`] has something to give, unless objects come meanwhile.
    pub(crate) fn some_have_ended(&self) -> bool {
        let first = self.arrivals.first().copied();
        self.open.values().any(|study| study.has_ended(first))
    }

    /// The studies that have ended because nothing happened. They are given once.
    pub(crate) fn take_silent(&mut self, now: Instant) -> Vec<Study> {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        self.last = None;
        self.seats.values_mut().for_each(|sitting| sitting.uid = None);
        ordered(self.open.drain().map(|(_, study)| study))
    }

    /// When the studies that are open will have ended if nothing happens; none while something does.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waits = !self.open.is_empty() && self.arrivals.is_empty();
        self.quiet.filter(|_| waits).and_then(|quiet| self.touched.checked_add(quiet))
    }
}

/// In the order they began; a study without a file is none.
fn ordered(studies: impl Iterator<Item = Study>) -> Vec<Study> {
    let mut studies: Vec<_> = studies.filter(|study| !study.files.is_empty()).collect();
    studies.sort_unstable_by_key(|study| study.order);
    studies
}

#[cfg(test)]
mod tests;
