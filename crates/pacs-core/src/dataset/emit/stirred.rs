//! Where elements are not in their places: what the second pass needs to know.

use super::super::spill::{numbers_from_bytes, numbers_to_bytes};

/// A data set or item in which elements must be put into order, or the data set around such. Positions count from the first
/// byte of the data set as written in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stirred {
    /// Where the item's header is; 0 for the data set.
    pub(crate) header: u64,
    /// Where its first element is.
    pub(crate) content: u64,
    /// Where its last ends.
    pub(crate) end: u64,
    /// Where its delimiter, if it has one, ends.
    pub(crate) after: u64,
    /// The number of the first record that is of something within it, or its own.
    pub(crate) first: u64,
}

impl Stirred {
    pub(crate) const BYTES: usize = 40;

    /// The record of a data set of that many bytes, which comes last.
    pub(crate) const fn data_set(end: u64) -> Stirred {
        Stirred { header: 0, content: 0, end, after: end, first: 0 }
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        numbers_to_bytes([self.header, self.content, self.end, self.after, self.first])
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Stirred {
        let [header, content, end, after, first] = numbers_from_bytes(bytes);
        Stirred { header, content, end, after, first }
    }
}
