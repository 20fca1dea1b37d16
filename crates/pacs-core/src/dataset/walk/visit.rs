//! What a walk tells, and in which words.

use super::super::pending::Place;
use super::super::refusal::{Refusal, Warning};
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::super::watch::Mask;

/// Bytes of the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) bytes: &'a [u8],
    /// None: they will be gone after this call, for they are not among the slices that were given.
    pub(crate) place: Option<Place>,
}

impl<'a> Chunk<'a> {
    #[inline]
    pub(crate) fn from(self, start: usize) -> Chunk<'a> {
        let place = self.place.map(|place| Place { start: place.start + start, ..place });
        Chunk { bytes: self.bytes.get(start..).unwrap_or_default(), place }
    }

    #[inline]
    pub(crate) fn to(self, end: usize) -> Chunk<'a> {
        Chunk { bytes: self.bytes.get(..end).unwrap_or(self.bytes), place: self.place }
    }
}

/// How an element's tag stands to those read before in the same data set or item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    /// Equal to the largest so far.
    Duplicate,
    /// Less than the largest so far: in the wrong place, or a duplicate.
    Misplaced,
}

/// The header of an element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element {
    pub(crate) tag: Tag,
    /// What it is in the tree, whatever the header says.
    pub(crate) vr: Vr,
    /// As declared.
    pub(crate) len: u32,
    /// Whether the units of its value are big endian.
    pub(crate) big: bool,
    pub(crate) order: Order,
}

/// Elements that go through with no more than another header, if that: those about which nothing is odd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain {
    /// What they become.
    pub(crate) explicit: bool,
    pub(crate) big: bool,
    /// Those of this group, or none if it is larger than any.
    pub(crate) group: u32,
    /// Not those for which this [may want](Mask::may_want) a closer look.
    pub(crate) mask: Mask,
}

/// What a walk tells.
pub(crate) trait Visit {
    type Error: From<Refusal>;

    /// Which elements need not be told one by one.
    fn plain(&self) -> Option<Plain>;
    /// Some that are not changed at all, with headers and values.
    fn unchanged(&mut self, run: Chunk<'_>) -> Result<(), Self::Error>;
    /// One that has no VR in its header, and gets this one of two bytes of length. More may follow at once.
    fn named(&mut self, tag: Tag, vr: Vr, value: &[u8]);

    /// An element with its whole value; its header has `header` bytes.
    fn element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Self::Error>;
    /// An element whose value follows in pieces.
    fn value_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// A piece of the value of an element or fragment.
    fn value(&mut self, piece: Chunk<'_>) -> Result<(), Self::Error>;
    fn value_end(&mut self) -> Result<(), Self::Error>;
    fn sequence_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// Without delimiter if the length says so.
    fn sequence_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Self::Error>;
    fn item_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// Without delimiter if the length says so, or the data end.
    fn item_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Self::Error>;
    /// Encapsulated pixel data.
    fn fragments_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// A fragment with its whole value.
    fn fragment(&mut self, whole: Chunk<'_>) -> Result<(), Self::Error>;
    /// A fragment whose value follows in pieces.
    fn fragment_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Self::Error>;
    fn fragments_end(&mut self, delimiter: Chunk<'_>) -> Result<(), Self::Error>;
    /// Bytes are passed over that will not be written.
    fn dropped(&mut self);
    fn warn(&mut self, warning: Warning);
}
