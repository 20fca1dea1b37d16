//! What can be odd or wrong in a command set, in DCMTK's words: all texts were measured on version 3.6.7.

use super::element::name;
use std::fmt;

/// Something odd in a command set that was read nevertheless. Displayed as DCMTK's line, which it logs as a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// White space was removed from this UID element.
    Blanks(u16),
    /// The element (group, element) stood there before; the first one counts.
    Twice(u16, u16),
    /// The element is not in its place.
    Unordered(u16, u16),
    /// The length of the element is odd.
    OddLength(u16, u16),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Blanks(e) => write!(
                f,
                "DcmUniqueIdentifier: Element {} (0000,{e:04x}) contains one or more space characters, which were removed",
                name(0, e)
            ),
            Self::Twice(g, e) => {
                write!(
                    f,
                    "DcmItem: Element ({g:04x},{e:04x}) found twice in one data set or item, ignoring second entry"
                )
            }
            Self::Unordered(g, e) => {
                write!(f, "DcmItem: Dataset not in ascending tag order, at element ({g:04x},{e:04x})")
            }
            Self::OddLength(g, e) => write!(f, "DcmItem: Length of element ({g:04x},{e:04x}) is odd"),
        }
    }
}

/// Why a command set is refused. Displayed as DCMTK's condition, which may have two lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// No usable command field. DCMTK says so as well of an empty command set, and of one with an odd number of bytes.
    NoField,
    /// A command field that the standard does not define.
    Field(u16),
    /// This element of group 0000 is missing or of a length it must not have.
    Element(u16),
    /// The message contradicts itself; see [`warning`](Self::warning).
    BadlyFormed(&'static str),
    /// An element declares more bytes than there are.
    Overrun {
        /// Group and element.
        tag: (u16, u16),
        /// The declared length.
        declared: u32,
        /// Bytes that are left.
        remaining: usize,
    },
}

impl CommandError {
    /// What DCMTK says in a warning of its own before the condition, behind `DIMSE Warning: (<calling>,<called>): `.
    pub fn warning(&self) -> Option<&'static str> {
        match self {
            Self::BadlyFormed(text) => Some(text),
            _ => None,
        }
    }

    /// What DCMTK says in an error record of its own before the condition.
    pub fn notice(&self) -> Option<String> {
        match *self {
            Self::Overrun { tag: (g, e), declared, remaining } if declared != u32::MAX => Some(format!(
                "DcmElement: {} ({g:04x},{e:04x}) larger ({declared}) than remaining bytes ({remaining}) in file, premature \
                 end of stream",
                name(g, e)
            )),
            _ => None,
        }
    }
}

impl std::error::Error for CommandError {}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoField => f.write_str("0006:020b DIMSE_parseCmdObject: Missing CommandField"),
            Self::Field(field) => write!(f, "0006:0201 DIMSE_parseCmdObject: Invalid Command Message: 0x{field:x}"),
            Self::Element(e) => {
                write!(f, "0006:020b DIMSE: Command Parse Failed: Element: (0000,{e:04x}) {}", name(0, e))
            }
            Self::BadlyFormed(_) => f.write_str("0006:0203 DIMSE Badly formed message"),
            Self::Overrun { declared, .. } => {
                f.write_str("0006:020d DIMSE: receiveCommand: cmdSet->read() Failed\n")?;
                f.write_str(if declared == u32::MAX { "0001:0006 Corrupted data" } else { "0001:0004 Invalid stream" })
            }
        }
    }
}
