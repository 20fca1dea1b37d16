//! Counts of sub-operations (PS3.4 C.4.2.1.6 to C.4.2.1.9), and the status that follows from them.

use crate::dataset::Tag;
use crate::dataset::identifier::{Attribute, Writer};
use crate::dataset::vr::Vr;
use crate::dimse::command::{Counts, Response};
use crate::dimse::status::{self, Category};

/// Failed SOP Instance UID List.
const FAILED_LIST: Tag = Tag::new(0x0008, 0x0058);

/// What has become of the objects of a retrieval.
#[derive(Debug, Default)]
pub(in crate::service) struct Tally {
    remaining: usize,
    completed: usize,
    failed: usize,
    warning: usize,
    /// SOP Instance UIDs of those that failed, as far as they are known.
    failures: Vec<String>,
}

impl Tally {
    pub(in crate::service) fn of(total: usize) -> Self {
        Self { remaining: total, ..Self::default() }
    }

    /// One has been answered.
    pub(in crate::service) fn answered(&mut self, status: u16, sop_instance: &str) {
        match status::category(status) {
            Category::Success => self.completed += 1,
            Category::Warning => self.warning += 1,
            _ => return self.failed(Some(sop_instance)),
        }
        self.remaining = self.remaining.saturating_sub(1);
    }

    /// One has not been sent, or not been answered.
    pub(in crate::service) fn failed(&mut self, sop_instance: Option<&str>) {
        self.remaining = self.remaining.saturating_sub(1);
        self.failed += 1;
        self.failures.extend(sop_instance.map(str::to_owned));
    }

    /// The counts of a response. More than can be said are said to be that many.
    // DCMTK: they begin at 0 again.
    pub(in crate::service) fn counts(&self, remaining: bool) -> Counts {
        let count = |count: usize| Some(u16::try_from(count).unwrap_or(u16::MAX));
        Counts {
            remaining: count(self.remaining).filter(|_| remaining),
            completed: count(self.completed),
            failed: count(self.failed),
            warning: count(self.warning),
        }
    }

    /// How it ended, where nobody has broken it off (PS3.4 C.4.2.1.5, C.4.3.1.4).
    pub(in crate::service) fn status(&self) -> u16 {
        match (self.failed, self.warning, self.completed) {
            (0, 0, _) => status::SUCCESS,
            (_, 0, 0) => status::SUBOPERATIONS,
            _ => status::SUBOPERATIONS_WITH_FAILURES,
        }
    }

    /// Makes `last` the last response: counts, and the list of those that failed as its data set, which is returned.
    pub(in crate::service) fn conclude(&self, last: &mut Response, writer: Writer) -> Vec<u8> {
        last.suboperations = Some(self.counts(last.status == status::CANCEL));
        let mut bytes = Vec::new();
        if !self.failures.is_empty() && last.status != status::SUCCESS {
            writer.write(&[Attribute::new(FAILED_LIST, Vr::UI, self.failures.join("\\"))], &mut bytes);
            last.data_set = true;
        }
        bytes
    }
}
