//! Tags of elements (PS3.5 7.1): a group and an element number, ordered as data sets are.

use std::fmt;

/// The tag of an element, ordered by group, then element number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

impl Tag {
    pub(crate) const ITEM: Tag = Tag::new(0xFFFE, 0xE000);
    pub(crate) const ITEM_END: Tag = Tag::new(0xFFFE, 0xE00D);
    pub(crate) const SEQUENCE_END: Tag = Tag::new(0xFFFE, 0xE0DD);
    /// Data Set Trailing Padding (PS3.10 7.2).
    pub(crate) const PADDING: Tag = Tag::new(0xFFFC, 0xFFFC);
    pub(crate) const PIXEL_DATA: Tag = Tag::new(0x7FE0, 0x0010);
    pub(crate) const PIXEL_REPRESENTATION: Tag = Tag::new(0x0028, 0x0103);
    pub(crate) const WAVEFORM_BITS: Tag = Tag::new(0x5400, 0x1004);
    pub(crate) const DIRECTORY_RECORDS: Tag = Tag::new(0x0004, 0x1220);
    pub(crate) const VOI_LUT: Tag = Tag::new(0x0028, 0x3010);
    /// Specific Character Set.
    pub const SPECIFIC_CHARACTER_SET: Tag = Tag::new(0x0008, 0x0005);
    /// SOP Class UID.
    pub const SOP_CLASS: Tag = Tag::new(0x0008, 0x0016);
    /// SOP Instance UID.
    pub const SOP_INSTANCE: Tag = Tag::new(0x0008, 0x0018);
    /// Patient's Name.
    pub const PATIENT_NAME: Tag = Tag::new(0x0010, 0x0010);
    /// Study Instance UID.
    pub const STUDY_INSTANCE: Tag = Tag::new(0x0020, 0x000D);

    /// The tag (gggg,eeee).
    #[inline]
    pub const fn new(group: u16, element: u16) -> Tag {
        Tag((group as u32) << 16 | element as u32)
    }

    /// The group number.
    #[inline]
    pub const fn group(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The element number.
    #[inline]
    pub const fn element(self) -> u16 {
        self.0 as u16
    }

    /// The tag as one number, in the order of tags.
    #[inline]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The tag whose [`number`](Tag::number) this is.
    pub(crate) const fn from_number(number: u32) -> Tag {
        Tag(number)
    }

    /// Whether this is the length of its group (gggg,0000).
    #[inline]
    pub(crate) const fn is_group_length(self) -> bool {
        self.element() == 0
    }

    /// Whether an element of an odd group reserves a block of it for a creator (PS3.5 7.8.1).
    #[inline]
    pub(crate) const fn is_private_creator(self) -> bool {
        self.group() & 1 == 1 && self.element() >= 0x10 && self.element() <= 0xFF
    }

    /// Whether an element belongs to a private block: odd group, element number from 1000 on.
    #[inline]
    pub(crate) const fn is_private(self) -> bool {
        self.group() & 1 == 1 && self.element() >= 0x1000
    }

    /// Whether one of the three that carry no VR in any encoding: item and the two delimiters.
    #[inline]
    pub(crate) const fn has_no_vr(self) -> bool {
        matches!(self, Tag::ITEM | Tag::ITEM_END | Tag::SEQUENCE_END)
    }

    #[inline]
    pub(crate) const fn read(bytes: [u8; 4], big: bool) -> Tag {
        let [a, b, c, d] = bytes;
        if big { Tag(u32::from_be_bytes([a, b, c, d])) } else { Tag(u32::from_le_bytes([c, d, a, b])) }
    }

    #[inline]
    pub(crate) const fn bytes(self, big: bool) -> [u8; 4] {
        let [a, b, c, d] = self.0.to_be_bytes();
        if big { [a, b, c, d] } else { [b, a, d, c] }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04x},{:04x})", self.group(), self.element())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
