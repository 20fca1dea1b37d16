//! Value representations (PS3.5 6.2): what each means for the bytes of an element, how it is read from an explicit header,
//! and the [`Dictionary`] that gives the VR of an element whose header names none.
//!
//! Which VR an element ends up with is DCMTK's choice wherever the standard leaves one, or a sender breaks it: what we
//! store must not differ from what the program we replace would have stored.

mod dictionary;
mod explicit;
mod load;
mod private;
mod short;
mod standard;
#[cfg(test)]
mod tests;

pub use dictionary::{CreatorId, Dictionary};
pub use explicit::{ExplicitVr, RefusedVr, Spelling};
pub use load::{Complaint, Fault, Loaded};

/// A value representation of PS3.5 table 6.2-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[rustfmt::skip]
#[allow(missing_docs)] // the names are the standard's own
pub enum Vr {
    AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SQ, SS, ST, SV, TM, UC, UI, UL,
    UN, UR, US, UT, UV,
}

/// The width of the length field of an explicit VR header (PS3.5 7.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthField {
    /// Two bytes right after the VR: a header of 8 bytes, values of at most 65535 (in even length 65534) bytes.
    Two,
    /// Two reserved bytes after the VR, then four: a header of 12 bytes.
    Four,
}

impl LengthField {
    /// Bytes of a whole explicit header: tag, VR and this length field.
    pub const fn header_len(self) -> usize {
        match self {
            LengthField::Two => 8,
            LengthField::Four => 12,
        }
    }
}

/// How a value is brought to even length when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Text: all trailing blanks and NULs are cut, then one blank follows if the rest is odd.
    Blank,
    /// UI: blanks, tabs, LF, VT, FF and CR are removed wherever they are, then trailing NULs are cut and one is added if
    /// the rest is odd.
    Uid,
    /// Binary: one NUL follows if the value is odd.
    Nul,
    /// OW: the value stays as it is, odd or not. So does SQ, which has no bytes of its own.
    // DCMTK: an OW value of odd length is written with that odd length.
    Keep,
}

impl Vr {
    /// All 34, in alphabetical order.
    #[rustfmt::skip]
    pub const ALL: [Vr; 34] = [
        Vr::AE, Vr::AS, Vr::AT, Vr::CS, Vr::DA, Vr::DS, Vr::DT, Vr::FD, Vr::FL, Vr::IS, Vr::LO, Vr::LT, Vr::OB, Vr::OD,
        Vr::OF, Vr::OL, Vr::OV, Vr::OW, Vr::PN, Vr::SH, Vr::SL, Vr::SQ, Vr::SS, Vr::ST, Vr::SV, Vr::TM, Vr::UC, Vr::UI,
        Vr::UL, Vr::UN, Vr::UR, Vr::US, Vr::UT, Vr::UV,
    ];

    /// The VR these two letters name, exactly as the standard writes it. [`ExplicitVr::read`] is what takes the VR of a
    /// received header.
    #[inline]
    pub const fn from_bytes(bytes: [u8; 2]) -> Option<Vr> {
        Some(match &bytes {
            b"AE" => Vr::AE,
            b"AS" => Vr::AS,
            b"AT" => Vr::AT,
            b"CS" => Vr::CS,
            b"DA" => Vr::DA,
            b"DS" => Vr::DS,
            b"DT" => Vr::DT,
            b"FD" => Vr::FD,
            b"FL" => Vr::FL,
            b"IS" => Vr::IS,
            b"LO" => Vr::LO,
            b"LT" => Vr::LT,
            b"OB" => Vr::OB,
            b"OD" => Vr::OD,
            b"OF" => Vr::OF,
            b"OL" => Vr::OL,
            b"OV" => Vr::OV,
            b"OW" => Vr::OW,
            b"PN" => Vr::PN,
            b"SH" => Vr::SH,
            b"SL" => Vr::SL,
            b"SQ" => Vr::SQ,
            b"SS" => Vr::SS,
            b"ST" => Vr::ST,
            b"SV" => Vr::SV,
            b"TM" => Vr::TM,
            b"UC" => Vr::UC,
            b"UI" => Vr::UI,
            b"UL" => Vr::UL,
            b"UN" => Vr::UN,
            b"UR" => Vr::UR,
            b"US" => Vr::US,
            b"UT" => Vr::UT,
            b"UV" => Vr::UV,
            _ => return None,
        })
    }

    /// The two letters of an explicit header.
    #[inline]
    pub const fn bytes(self) -> [u8; 2] {
        const NAMES: &[u8; 68] = b"AEASATCSDADSDTFDFLISLOLTOBODOFOLOVOWPNSHSLSQSSSTSVTMUCUIULUNURUSUTUV";
        let at = self as usize * 2;
        [NAMES[at], NAMES[at + 1]]
    }

    /// The length field of an explicit header with this VR (PS3.5 7.1.2).
    #[inline]
    pub const fn length_field(self) -> LengthField {
        match self {
            Vr::OB
            | Vr::OD
            | Vr::OF
            | Vr::OL
            | Vr::OV
            | Vr::OW
            | Vr::SQ
            | Vr::SV
            | Vr::UC
            | Vr::UN
            | Vr::UR
            | Vr::UT => LengthField::Four,
            Vr::UV => LengthField::Four,
            _ => LengthField::Two,
        }
    }

    /// How values of this VR are brought to even length.
    #[inline]
    pub const fn padding(self) -> Padding {
        match self {
            Vr::UI => Padding::Uid,
            Vr::OW | Vr::SQ => Padding::Keep,
            _ if self.is_text() => Padding::Blank,
            _ => Padding::Nul,
        }
    }

    /// Whether values are characters padded with blanks. UI is not: its padding is its own.
    #[inline]
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Vr::AE
                | Vr::AS
                | Vr::CS
                | Vr::DA
                | Vr::DS
                | Vr::DT
                | Vr::IS
                | Vr::LO
                | Vr::LT
                | Vr::PN
                | Vr::SH
                | Vr::ST
                | Vr::TM
                | Vr::UC
                | Vr::UR
                | Vr::UT
        )
    }

    /// Bytes that change places together when the byte order does (PS3.5 7.3): 1, 2, 4 or 8. What is left at the end of a
    /// value that is no multiple of it stays as it is.
    #[inline]
    pub const fn unit(self) -> usize {
        match self {
            Vr::AT | Vr::OW | Vr::SS | Vr::US => 2,
            Vr::FL | Vr::OF | Vr::OL | Vr::SL | Vr::UL => 4,
            Vr::FD | Vr::OD | Vr::OV | Vr::SV | Vr::UV => 8,
            _ => 1,
        }
    }

    /// Whether the VR came with a later edition than that of 1993. Programs of that age know none of these; written for
    /// them, such an element becomes OB and its value stays in little endian order.
    #[inline]
    pub const fn is_post_1993(self) -> bool {
        matches!(self, Vr::OD | Vr::OF | Vr::OL | Vr::OV | Vr::SV | Vr::UC | Vr::UN | Vr::UR | Vr::UT | Vr::UV)
    }

    /// The VR for a reader that knows only those of 1993: see [`Vr::is_post_1993`].
    #[inline]
    pub const fn of_1993(self) -> Vr {
        if self.is_post_1993() { Vr::OB } else { self }
    }
}

impl std::fmt::Display for Vr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b] = self.bytes();
        write!(f, "{}{}", a as char, b as char)
    }
}

/// What a length of FFFFFFFFH means for an element (PS3.5 7.5, A.4, 6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndefinedLength {
    /// Items follow, up to a sequence delimiter. For UN they are implicit VR little endian whatever the transfer syntax.
    Items,
    /// Encapsulated pixel data follows: items that are fragments.
    Fragments,
    /// Nothing may: the data set must be refused.
    Refused,
}

/// The VR a dictionary gives: one VR, or a choice that the data set decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DictVr {
    /// This VR and no other.
    Is(Vr),
    /// US or SS, by Pixel Representation: see [`may_be_signed`].
    Xs,
    /// OB or OW.
    Ox,
    /// OB or OW, and encapsulated if its length is undefined: Pixel Data and a few private elements.
    Px,
    /// OW, US or SS: a lookup table.
    Lut,
    /// UL: an offset within a DICOMDIR.
    Up,
}

impl DictVr {
    /// The choice DCMTK means by these two letters.
    pub(crate) const fn of_dcmtk(bytes: [u8; 2]) -> Option<DictVr> {
        match &bytes {
            b"xs" => Some(DictVr::Xs),
            b"ox" => Some(DictVr::Ox),
            b"px" => Some(DictVr::Px),
            b"lt" => Some(DictVr::Lut),
            b"up" => Some(DictVr::Up),
            _ => None,
        }
    }

    /// The VR by the tag alone, where nothing read before bears on it. For elements of implicit VR input something can:
    /// [`may_be_signed`] and [`follows_waveform_bits`] tell for which.
    #[inline]
    pub const fn by_tag(self, group: u16, element: u16) -> Vr {
        match self {
            DictVr::Is(vr) => vr,
            DictVr::Xs => Vr::US,
            DictVr::Ox if is_pixel_data(group, element) || is_overlay_data(group, element) => Vr::OW,
            DictVr::Ox => Vr::OB,
            DictVr::Px | DictVr::Lut => Vr::OW,
            DictVr::Up => Vr::UL,
        }
    }

    /// What an undefined length means for an element of this VR. One that no dictionary knows counts as UN.
    #[inline]
    pub const fn undefined_length(self, group: u16, element: u16) -> UndefinedLength {
        match self {
            DictVr::Is(Vr::SQ | Vr::UN) => UndefinedLength::Items,
            DictVr::Px => UndefinedLength::Fragments,
            DictVr::Ox | DictVr::Is(Vr::OB | Vr::OW) if is_pixel_data(group, element) => UndefinedLength::Fragments,
            _ => UndefinedLength::Refused,
        }
    }
}

/// Whether this is Pixel Data (7FE0,0010).
#[inline]
pub const fn is_pixel_data(group: u16, element: u16) -> bool {
    group == 0x7FE0 && element == 0x0010
}

/// Whether this is Overlay Data (60xx,3000) of any of the even groups that repeat.
#[inline]
pub const fn is_overlay_data(group: u16, element: u16) -> bool {
    group & 0xFF01 == 0x6000 && element == 0x3000
}

/// Whether an element of VR [`DictVr::Xs`] becomes SS where Pixel Representation (0028,0103), read before it in the same
/// data set or item, has 1 as its first value.
///
/// The other thirteen "US or SS" elements are US whatever Pixel Representation says.
// DCMTK: these twelve and no others.
#[inline]
pub const fn may_be_signed(group: u16, element: u16) -> bool {
    matches!(
        (group, element),
        (0x0018, 0x9810)
            | (0x0028, 0x0106..=0x0109 | 0x0120 | 0x0121 | 0x3002)
            | (0x0040, 0x9211 | 0x9216)
            | (0x0060, 0x3004 | 0x3006)
    )
}

/// Whether an element of VR [`DictVr::Ox`] becomes OW where Waveform Bits Allocated (5400,1004), read before it in the same
/// data set or item, has a first value other than 8.
#[inline]
pub const fn follows_waveform_bits(group: u16, element: u16) -> bool {
    matches!((group, element), (0x5400, 0x0110 | 0x0112 | 0x100A | 0x1010))
}
