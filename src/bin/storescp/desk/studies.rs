//! Which studies are open, and when one has ended: decided here, done by the desk.
//!
//! As with DCMTK a study ends when an object of another one is finished, or after a time without any activity. DCMTK serves
//! one association at a time; here several store at once, and so what would end a study only overtakes it. It then ends as
//! soon as nobody is at it any more: no association that is receiving an object of this study, and none whose last object was
//! of it. An object tells its study early, but not at once: one that has not may be of any, and is waited for. So that a
//! receiver at which there is always such a one ends its studies too, those that began to come since the last look are waited
//! for only a few times.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pacs_core::association::Parties;

use crate::folder::Shelf;

/// An association, as the studies know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Seat(u64);

/// How often a study that nobody seems to be at waits for objects that have not told theirs.
const LOOKS: u8 = 8;

/// An object that is being received and has not told its study. Of two the one that began first is the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival(u64);

/// What an association is at.
#[derive(Clone, Debug, Default)]
struct Sitting {
    /// The study of its last object.
    uid: Option<Vec<u8>>,
    /// The object that it is receiving.
    coming: Coming,
}

/// What is known of the object that an association is receiving.
#[derive(Clone, Debug, Default)]
enum Coming {
    /// There is none.
    #[default]
    Nothing,
    /// It has not told its study.
    Unknown(Arrival),
    /// It is of this study.
    Of(Vec<u8>),
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
    /// How often that moment may still be set anew for arrivals from after it.
    looks: u8,
}

/// The studies that are being received.
#[derive(Debug)]
pub(crate) struct Studies {
    open: HashMap<Vec<u8>, Study>,
    last: Option<Vec<u8>>,
    seats: HashMap<Seat, Sitting>,
    /// Objects that have not told their study.
    arrivals: BTreeSet<Arrival>,
    /// How many objects of each study are being received.
    coming: HashMap<Vec<u8>, usize>,
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

    /// Nobody is at it, for all that is known; `moment` is greater than all arrivals there are.
    fn left_at(&mut self, moment: Arrival) {
        if self.left.is_none() {
            self.left = Some(moment);
            self.looks = LOOKS;
        }
    }

    /// Somebody is at it.
    fn rejoined(&mut self) {
        self.left = None;
    }

    /// Whether all have told their study that began to come before all had left; `first` is the first of the arrivals there are.
    fn waits_no_more(&self, first: Option<Arrival>) -> bool {
        self.left.is_some_and(|left| first.is_none_or(|first| first > left))
    }

    /// Whether nobody is at it any more. Arrivals from after the last look are waited for as well, as long as that may be.
    fn has_ended(&mut self, first: Option<Arrival>, moment: Arrival) -> bool {
        if !self.waits_no_more(first) {
            return false;
        }
        if first.is_none() || self.looks == 0 {
            return true;
        }
        self.looks -= 1;
        self.left = Some(moment);
        false
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
            coming: HashMap::new(),
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
            sitting.coming = Coming::Unknown(arrival);
            self.arrivals.insert(arrival);
        }
    }

    /// The object that is coming is of this study. Only the first word counts; an empty UID is that of no study.
    pub(crate) fn learn(&mut self, seat: Seat, uid: &[u8]) {
        let Some(sitting) = self.seats.get_mut(&seat) else { return };
        let Coming::Unknown(arrival) = sitting.coming else { return };
        sitting.coming = Coming::Of(uid.to_owned());
        self.arrivals.remove(&arrival);
        *self.coming.entry(uid.to_owned()).or_default() += 1;
        if let Some(study) = self.open.get_mut(uid) {
            study.rejoined();
        }
    }

    /// An object has come, or will not. May be said twice.
    pub(crate) fn settle(&mut self, seat: Seat, now: Instant) {
        self.touched = now;
        let Some(sitting) = self.seats.get_mut(&seat) else { return };
        match std::mem::take(&mut sitting.coming) {
            Coming::Nothing => {}
            Coming::Unknown(arrival) => {
                self.arrivals.remove(&arrival);
            }
            Coming::Of(uid) => {
                if let Some(count) = self.coming.get_mut(&uid) {
                    *count -= 1;
                    if *count == 0 {
                        self.coming.remove(&uid);
                        self.change(&uid, |_| {});
                    }
                }
            }
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
            looks: LOOKS,
        });
        study.shelf = shelf;
        study.sender = sender.clone();
        study.overtaken = false;
        study.rejoined();
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
        let coming = self.coming.contains_key(uid);
        if let Some(study) = self.open.get_mut(uid) {
            deed(study);
            if study.overtaken && study.seats == 0 && !coming {
                study.left_at(moment);
            }
        }
    }

    /// The studies that have ended because another one came, in the order they began. They are given once.
    pub(crate) fn take_ended(&mut self) -> Vec<Study> {
        let (first, moment) = (self.arrivals.first().copied(), Arrival(self.count()));
        ordered(self.open.extract_if(|_, study| study.has_ended(first, moment)).map(|(_, study)| study))
    }

    /// Whether it is worth to ask [`Studies::take_ended`].
    pub(crate) fn some_may_have_ended(&self) -> bool {
        let first = self.arrivals.first().copied();
        self.open.values().any(|study| study.waits_no_more(first))
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
        let waits = !self.open.is_empty() && self.arrivals.is_empty() && self.coming.is_empty();
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
