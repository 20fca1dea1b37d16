//! Why a data set is not stored or sent, and what it says on the way.

use super::tag::Tag;
use super::vr::Vr;
use std::{fmt, io};

/// What is wrong with a data set. The texts are DCMTK's conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A value is longer than the data.
    InvalidStream,
    /// The data end within the header of an element, or a deflated data set within its stream.
    // DCMTK: its receiver drops a header cut short at the end, keeps an element without its value as empty, and stores what a
    // cut deflate stream gave until then, all with success. Its file reader refuses them, as we do.
    PrematureEnd,
    /// Something else stands where an item or the end of a sequence should be.
    SequenceDelimiterMissing,
    /// The end of a sequence stands within an item, or a VR that is none.
    ItemDelimiterMissing,
    /// The end of a sequence comes where an item's length ran out within the header before.
    PrematureSequenceDelimiter,
    /// An item stands among elements, or the VR `na`.
    InvalidTag,
    /// An element does not fit into its item of defined length.
    LongerThanItem,
    /// Undefined length for a VR that has none, or for a fragment.
    CorruptedData,
    /// Undefined length for an OB or OW element other than Pixel Data.
    UndefinedLengthObOw,
    /// VOI LUT Sequence with VR OB or OW and a defined length.
    VoiLutObOw,
    /// Pixel Data of defined length at the top of a data set whose syntax encapsulates it.
    PixelDataDefinedLength,
    /// More sequences within each other than allowed.
    TooDeep,
    /// The stream of a deflated data set is none.
    Deflate,
    /// A deflated data set inflates to more than allowed.
    InflatesTooFar,
    /// Encapsulated Pixel Data that would have to be written in another syntax.
    PixelRepresentationNotFound,
    /// Not one byte.
    Empty,
    /// A syntax we do not read.
    UnsupportedSyntax,
}

/// What a receiver does about a refused data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consequence {
    /// The association is aborted without a response: the data set is no data set.
    Abort,
    /// The response is A700, and the association goes on.
    OutOfResources,
}

impl Reason {
    /// What DCMTK's receiver does about it.
    pub const fn consequence(self) -> Consequence {
        match self {
            Reason::PixelRepresentationNotFound | Reason::Empty | Reason::InflatesTooFar => Consequence::OutOfResources,
            _ => Consequence::Abort,
        }
    }

    /// The number that DCMTK puts before the text, as `0001:0004`.
    pub const fn condition(self) -> &'static str {
        match self {
            Reason::InvalidTag => "0001:0001",
            Reason::InvalidStream => "0001:0004",
            Reason::CorruptedData => "0001:0006",
            Reason::Empty => "0001:0007",
            Reason::PrematureEnd => "0001:000a",
            Reason::PixelRepresentationNotFound => "0001:000d",
            Reason::UnsupportedSyntax => "0001:0011",
            Reason::Deflate | Reason::InflatesTooFar => "0001:0010",
            Reason::LongerThanItem => "0001:001b",
            Reason::SequenceDelimiterMissing => "0001:0022",
            Reason::ItemDelimiterMissing => "0001:0026",
            Reason::PrematureSequenceDelimiter => "0001:0027",
            Reason::UndefinedLengthObOw => "0001:0033",
            Reason::VoiLutObOw => "0001:0034",
            Reason::PixelDataDefinedLength => "0001:0035",
            // The first number that 3.6.7, which knows no such limit, gives to nothing else.
            Reason::TooDeep => "0001:003d",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Reason::InvalidStream => "Invalid stream",
            Reason::PrematureEnd => "I/O suspension or premature end of stream",
            Reason::SequenceDelimiterMissing => "Sequence Delimitation Item missing",
            Reason::ItemDelimiterMissing => "Item Delimitation Item missing",
            Reason::PrematureSequenceDelimiter => "Sequence Delimitation Item occurred before Item was completely read",
            Reason::InvalidTag => "Invalid tag",
            Reason::LongerThanItem => "Length of element larger than explicit length of surrounding item",
            Reason::CorruptedData => "Corrupted data",
            Reason::UndefinedLengthObOw => {
                "Illegal element with OB or OW Value Representation and undefined length encountered"
            }
            Reason::VoiLutObOw => {
                "Illegal VOI LUT Sequence element with OB or OW Value Representation and explicit length encountered"
            }
            Reason::PixelDataDefinedLength => {
                "Pixel data in top level dataset in compressed Transfer Syntax uses explicit length"
            }
            Reason::TooDeep => "Maximum sequence nesting depth exceeded",
            Reason::Deflate => "ZLib Error: data error",
            Reason::InflatesTooFar => "deflated data set inflates to more than allowed",
            Reason::PixelRepresentationNotFound => "Pixel representation not found",
            Reason::Empty => "Illegal call, perhaps wrong parameters",
            Reason::UnsupportedSyntax => "Unsupported transfer syntax",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A data set is refused. Displays as the reason alone, as DCMTK logs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Bytes of the data set, inflated, before the place.
    pub offset: u64,
    /// The element there, if it has been read.
    pub tag: Option<Tag>,
}

impl Refusal {
    pub(crate) const fn at(reason: Reason, offset: u64) -> Refusal {
        Refusal { reason, offset, tag: None }
    }

    /// What DCMTK's receiver does about it.
    pub const fn consequence(&self) -> Consequence {
        match self.reason {
            // DCMTK: fewer bytes than the header of one element are an empty data set.
            Reason::PrematureEnd if self.offset == 0 => Consequence::OutOfResources,
            reason => reason.consequence(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}

impl std::error::Error for Refusal {}

/// Why rewriting stopped.
#[derive(Debug)]
pub enum Error {
    /// The sender's fault.
    Refused(Refusal),
    /// The system's: reading a source, writing a sink, or the scratch file of an unusually large object.
    Io(io::Error),
    /// The source was not the same when it was read again.
    SourceChanged,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(refusal)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Error::Io(error) => fmt::Display::fmt(error, f),
            Error::SourceChanged => f.write_str("file changed while it was read"),
        }
    }
}

impl std::error::Error for Error {}

/// Something about a data set that is repaired or taken as it is. Displays as DCMTK's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// An element comes after one with a larger tag.
    NotAscending(Tag),
    /// An element comes a second time, and is dropped.
    FoundTwice(Tag),
    /// An element of odd length.
    OddLength(Tag),
    /// An item of odd length in this sequence.
    OddItem(Tag),
    /// The length is no multiple of that many bytes, which values of the VR have.
    NotMultiple(Tag, u8, Vr),
    /// The two bytes are none of the standard's VRs; how many bytes of length are taken to follow.
    NonStandardVr(Tag, [u8; 2], u8),
    /// Pixel Data with VR `OX`.
    PixelDataOx,
    /// A sequence in the disguise of UN.
    UndefinedUn(Tag),
    /// A group that no data set has.
    InvalidElement(Tag),
    /// An item ends within the header of its last element.
    ItemTooShort(u32),
    /// A group length with another VR.
    GroupLengthVr,
    /// A group longer than its group length can say, which is left out.
    GroupTooLong(u16),
    /// Blanks within a UID.
    UidBlanks(Tag),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Warning::NotAscending(tag) => {
                write!(f, "DcmItem: Dataset not in ascending tag order, at element {tag}")
            }
            Warning::FoundTwice(tag) => {
                write!(f, "DcmItem: Element {tag} found twice in one data set or item, ignoring second entry")
            }
            Warning::OddLength(tag) => write!(f, "DcmItem: Length of element {tag} is odd"),
            Warning::OddItem(tag) => write!(f, "DcmSequenceOfItems: Length of item in sequence {tag} is odd"),
            Warning::NotMultiple(tag, size, vr) => {
                write!(f, "DcmItem: Length of element {tag} is not a multiple of {size} (VR={vr})")
            }
            Warning::NonStandardVr(tag, [a, b], field) => {
                let shown = |byte: u8| if (0x20..0x7F).contains(&byte) { byte as char } else { ' ' };
                write!(
                    f,
                    "DcmItem: Non-standard VR '{}{}' ({a:02x}\\{b:02x}) encountered while parsing element {tag}, \
                     assuming {field} byte length field",
                    shown(a),
                    shown(b)
                )
            }
            Warning::PixelDataOx => write!(
                f,
                "DcmItem: Non-standard VR 'OX' is known to be wrongly used for PixelData {}, setting VR to 'OW'",
                Tag::PIXEL_DATA
            ),
            Warning::UndefinedUn(tag) => write!(
                f,
                "Found element {tag} with VR UN and undefined length, reading a sequence with transfer syntax \
                 LittleEndianImplicit (CP-246)"
            ),
            Warning::InvalidElement(tag) => write!(f, "DcmItem: Invalid Element {tag} found in data set"),
            Warning::ItemTooShort(length) => write!(
                f,
                "DcmItem: Explicit item length ({length} bytes) too large for the elements contained in the item"
            ),
            Warning::GroupLengthVr => f.write_str("DcmItem: Group Length with VR other than UL found, corrected"),
            Warning::GroupTooLong(group) => write!(
                f,
                "DcmItem: Group length of group 0x{group:04x} exceeds 32-Bit length field. \
                 Cannot calculate/write group length for this group."
            ),
            Warning::UidBlanks(tag) => write!(
                f,
                "DcmUniqueIdentifier: Element {}{tag} contains one or more space characters, which were removed",
                uid_name(tag)
            ),
        }
    }
}

/// The name DCMTK gives the UIDs of which this is usually said, and a blank.
const fn uid_name(tag: Tag) -> &'static str {
    match tag {
        Tag::SOP_CLASS => "SOPClassUID ",
        Tag::SOP_INSTANCE => "SOPInstanceUID ",
        Tag::STUDY_INSTANCE => "StudyInstanceUID ",
        _ => match (tag.group(), tag.element()) {
            (0x0008, 0x1150) => "ReferencedSOPClassUID ",
            (0x0008, 0x1155) => "ReferencedSOPInstanceUID ",
            (0x0020, 0x000E) => "SeriesInstanceUID ",
            (0x0020, 0x0052) => "FrameOfReferenceUID ",
            _ => "",
        },
    }
}

/// The warnings of one data set: the first few, and how many there were.
#[derive(Debug, Clone, Default)]
pub struct Warnings {
    first: Vec<Warning>,
    count: u64,
}

impl Warnings {
    /// How many are kept.
    pub const KEPT: usize = 64;

    pub(crate) fn add(&mut self, warning: Warning) {
        if self.first.len() < Self::KEPT {
            self.first.push(warning);
        }
        self.count += 1;
    }

    /// The first [`Warnings::KEPT`], as met; those about order and duplicates that only sorting tells come last.
    pub fn first(&self) -> &[Warning] {
        &self.first
    }

    /// How many there were in all.
    pub fn count(&self) -> u64 {
        self.count
    }
}
