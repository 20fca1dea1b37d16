//! The VR of a received explicit header: the standard's names, DCMTK's own, and everything else senders write.

use super::{DictVr, LengthField, UndefinedLength, Vr, is_pixel_data};

/// Where the two bytes of an explicit header stand towards the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// One of the 34.
    Standard,
    /// A name DCMTK uses inside, where it is taken at its word.
    Internal,
    /// Neither. The element is written as UN, but it is none of those that get their dictionary VR back.
    Unknown,
}

/// The VR of an explicit header as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplicitVr {
    /// What the element is in the tree, and is written as.
    pub vr: Vr,
    /// The length field that follows *in this header*. An unknown VR may have two bytes here and four when written.
    pub length_field: LengthField,
    /// What kind of name the two bytes are.
    pub spelling: Spelling,
    /// What an undefined length means for the element. Of no matter where the length field has two bytes.
    pub undefined: UndefinedLength,
}

/// The bytes where a VR should be are none that a data set can go on after: `na`, `pi`, or a byte outside 20H-7FH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedVr(pub [u8; 2]);

impl ExplicitVr {
    /// Reads the VR of an explicit header (PS3.5 6.2.2 for the unknown ones). The tag decides where the two bytes are the
    /// name of a choice, and what an undefined length means.
    ///
    /// # Errors
    ///
    /// The data set must be refused: [`RefusedVr`].
    #[inline]
    pub const fn read(bytes: [u8; 2], group: u16, element: u16) -> Result<ExplicitVr, RefusedVr> {
        match Vr::from_bytes(bytes) {
            Some(vr) => {
                let undefined = DictVr::Is(vr).undefined_length(group, element);
                Ok(ExplicitVr { vr, length_field: vr.length_field(), spelling: Spelling::Standard, undefined })
            }
            None => ExplicitVr::read_other(bytes, group, element),
        }
    }

    const fn read_other(bytes: [u8; 2], group: u16, element: u16) -> Result<ExplicitVr, RefusedVr> {
        let (choice, length_field, spelling) = match (DictVr::of_dcmtk(bytes), &bytes) {
            // DCMTK: the names it gives to choices of VR are names like any other to its reader of explicit headers.
            (Some(choice @ (DictVr::Xs | DictVr::Up)), _) => (choice, LengthField::Two, Spelling::Internal),
            (Some(choice), _) => (choice, LengthField::Four, Spelling::Internal),
            (None, b"na" | b"pi") => return Err(RefusedVr(bytes)),
            (None, b"OX") if is_pixel_data(group, element) => (DictVr::Px, LengthField::Four, Spelling::Internal),
            (None, [b'A'..=b'Z', b'A'..=b'Z']) => (DictVr::Is(Vr::UN), LengthField::Four, Spelling::Unknown),
            (None, [0x20..=0x7F, 0x20..=0x7F]) => (DictVr::Is(Vr::UN), LengthField::Two, Spelling::Unknown),
            (None, _) => return Err(RefusedVr(bytes)),
        };
        let undefined = choice.undefined_length(group, element);
        Ok(ExplicitVr { vr: choice.by_tag(group, element), length_field, spelling, undefined })
    }
}
