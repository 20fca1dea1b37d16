//! What a form means for each header.

use super::super::form::{Encoding, Form, GroupLengths, LengthForm};
use super::super::tag::Tag;
use super::super::vr::{LengthField, Vr};
use super::super::walk::UNDEFINED;

/// The largest length that is not "undefined".
pub(crate) const LONGEST: u64 = UNDEFINED as u64 - 1;

/// What of a form concerns the writing of elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) encoding: Encoding,
    pub(crate) undefined_lengths: bool,
    pub(crate) group_lengths: GroupLengths,
    /// Multiples to pad the file and items to; 0: none.
    pub(crate) file_padding: u32,
    pub(crate) item_padding: u32,
    /// Neither padding nor group lengths are touched.
    pub(crate) hands_off: bool,
    pub(crate) new_vrs: bool,
    /// Whether encapsulated pixel data can be written: only in the syntax they came in.
    pub(crate) fragments: bool,
}

impl Output {
    pub(crate) fn new(form: &Form, encoding: Encoding, fragments: bool) -> Output {
        Output {
            encoding,
            undefined_lengths: form.lengths == LengthForm::Undefined,
            group_lengths: form.group_lengths,
            file_padding: form.padding.file,
            item_padding: form.padding.item,
            hands_off: form.padding.file & 1 == 1 || form.padding.item & 1 == 1,
            new_vrs: form.new_vrs,
            fragments,
        }
    }

    /// The header of an element in this output.
    #[inline]
    pub(crate) fn header(&self, tag: Tag, vr: Vr, len: u32) -> Header {
        let big = self.encoding.is_big();
        let [a, b, c, d] = tag.bytes(big);
        let [e, f, g, h] = number(len, big);
        if !self.encoding.is_explicit() {
            return Header { bytes: [a, b, c, d, e, f, g, h, 0, 0, 0, 0], len: 8 };
        }
        let [v, w] = vr.bytes();
        match vr.length_field() {
            LengthField::Four => Header { bytes: [a, b, c, d, v, w, 0, 0, e, f, g, h], len: 12 },
            LengthField::Two => {
                let [g, h] = if big { [g, h] } else { [e, f] };
                Header { bytes: [a, b, c, d, v, w, g, h, 0, 0, 0, 0], len: 8 }
            }
        }
    }

    /// The header of an item, fragment or delimiter.
    #[inline]
    pub(crate) fn bare_header(&self, tag: Tag, len: u32) -> Header {
        let big = self.encoding.is_big();
        let [a, b, c, d] = tag.bytes(big);
        let [e, f, g, h] = number(len, big);
        Header { bytes: [a, b, c, d, e, f, g, h, 0, 0, 0, 0], len: 8 }
    }

    /// The VR that is written for one in the tree, and `len` bytes of value.
    #[inline]
    pub(crate) fn vr(&self, vr: Vr, len: u32) -> Vr {
        let vr = if self.new_vrs { vr } else { vr.of_1993() };
        if len > 0xFFFF && vr.length_field() == LengthField::Two && self.encoding.is_explicit() {
            // A length field of two bytes cannot say it (PS3.5 6.2.2, note 3).
            return if self.new_vrs { Vr::UN } else { Vr::OB };
        }
        vr
    }

    /// Bytes of a padding element's header.
    pub(crate) fn padding_header(&self) -> u64 {
        if self.encoding.is_explicit() { 12 } else { 8 }
    }
}

/// An encoded header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    bytes: [u8; 12],
    len: usize,
}

impl Header {
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// A header of eight bytes with four bytes of value behind it.
    pub(super) fn with(mut self, value: [u8; 4]) -> Header {
        self.bytes[8..].copy_from_slice(&value);
        self.len = 12;
        self
    }

    /// Whether these bytes are this header: the comparison every element goes through, so none of unknown length.
    #[inline]
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        match (self.len, bytes.len()) {
            (8, 8) => self.bytes.first_chunk::<8>() == bytes.first_chunk::<8>(),
            (12, 12) => Some(&self.bytes) == bytes.first_chunk::<12>(),
            _ => false,
        }
    }
}

#[inline]
pub(crate) const fn number(number: u32, big: bool) -> [u8; 4] {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }
}

/// Bytes of value of the padding element that brings `len` bytes to a multiple of `to`. None: they are one.
pub(crate) fn padding(len: u64, to: u32, header: u64) -> Option<u64> {
    let to = u64::from(to);
    let missing = len.next_multiple_of(to) - len;
    // The header must fit, else it takes further steps.
    let value = missing + header.saturating_sub(missing).next_multiple_of(to) - header;
    // DCMTK: behind something of odd length, which OW can be, the padding is one byte too long rather than odd itself.
    (missing != 0).then_some(value + (value & 1))
}
