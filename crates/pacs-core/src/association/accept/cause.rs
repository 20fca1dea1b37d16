//! Why a request was not accepted: the answer it gets, the words of the log, and what helps.

use crate::names::printable;
use crate::pdu::AssociateRj;
use std::fmt;
use tracing::Level;

/// Why no association came about. Its text is DCMTK's log line, or where DCMTK is silent the condition it meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Bit 0 of the protocol version, with this value, is not set.
    UnsupportedProtocol(u16),
    /// A UID of the request has this many characters, more than 64.
    UidTooLong(usize),
    /// The context with this identifier offers no transfer syntax.
    NoTransferSyntax(u8),
    /// Every association is refused (`--refuse`).
    Refused,
    /// No presentation context was proposed.
    NoContexts,
    /// A context offers more transfer syntaxes than are taken.
    TooManyTransferSyntaxes {
        /// Its identifier.
        id: u8,
        /// How many it offers.
        count: usize,
    },
    /// Another application context name than DICOM's.
    BadApplicationContext(String),
    /// No implementation class UID, which is asked for (`--reject`).
    NoImplementationClass,
    /// A title of nothing but blanks.
    BlankTitle(Title),
}

/// One of the two titles of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Title {
    /// The one asked for.
    Called,
    /// The requestor's own.
    Calling,
}

impl Cause {
    /// The A-ASSOCIATE-RJ to send (PS3.8 9.3.4), none where DCMTK sends no answer.
    pub fn rejection(&self) -> Option<AssociateRj> {
        let permanently = |source, reason| Some(AssociateRj { result: 1, source, reason });
        match self {
            // service provider (ACSE), protocol version not supported
            Self::UnsupportedProtocol(_) => permanently(2, 2),
            // service user, no reason given
            Self::Refused | Self::NoImplementationClass => permanently(1, 1),
            // service user, application context name not supported
            Self::BadApplicationContext(_) => permanently(1, 2),
            Self::UidTooLong(_)
            | Self::NoTransferSyntax(_)
            | Self::NoContexts
            | Self::TooManyTransferSyntaxes { .. }
            | Self::BlankTitle(_) => None,
        }
    }

    /// Whether the log says `Association Received` before this cause. DCMTK finds the others while it still reads the
    /// request.
    pub fn after_reception(&self) -> bool {
        !matches!(self, Self::UnsupportedProtocol(_) | Self::UidTooLong(_) | Self::NoTransferSyntax(_))
    }

    /// The level of its line. DCMTK mentions [`Self::NoContexts`] and [`Self::TooManyTransferSyntaxes`] to debuggers only;
    /// a peer that gets no association is worth more.
    pub fn level(&self) -> Level {
        match self {
            Self::UnsupportedProtocol(_) | Self::UidTooLong(_) | Self::NoTransferSyntax(_) | Self::BlankTitle(_) => {
                Level::ERROR
            }
            Self::Refused
            | Self::NoContexts
            | Self::TooManyTransferSyntaxes { .. }
            | Self::BadApplicationContext(_)
            | Self::NoImplementationClass => Level::INFO,
        }
    }

    /// What helps, for the person who reads the log.
    pub fn cure(&self) -> String {
        match self {
            Self::UnsupportedProtocol(_) => {
                "the peer does not speak version 1 of the DICOM upper layer: check what is configured to connect here"
                    .into()
            }
            Self::UidTooLong(_) => {
                "UIDs have at most 64 characters: the peer's software or configuration is at fault".into()
            }
            Self::NoTransferSyntax(id) => {
                format!("context {id} of the peer offers no transfer syntax: its proposal has to be configured there")
            }
            // Who asks for it knows.
            Self::Refused => String::new(),
            Self::NoContexts => "the peer proposes nothing to exchange: configure at least one SOP class there".into(),
            Self::TooManyTransferSyntaxes { id, count } => format!(
                "context {id} offers {count} transfer syntaxes, {} are taken: propose fewer, or in several contexts",
                super::MAX_TRANSFER_SYNTAXES
            ),
            Self::BadApplicationContext(_) => format!(
                "DICOM has one application context, {}: the peer is not a DICOM program or wrongly configured",
                crate::pdu::APPLICATION_CONTEXT
            ),
            Self::NoImplementationClass => {
                "the peer does not name its implementation: start the program without --reject to take it".into()
            }
            Self::BlankTitle(Title::Called) => "configure a called AE title at the peer; any will do".into(),
            Self::BlankTitle(Title::Calling) => "configure the peer's own AE title".into(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedProtocol(version) => write!(
                f,
                "Receiving Association failed: 0006:0322 DUL Unsupported peer protocol {version:04x}; expected 0001 in \
                 parseAssociate"
            ),
            Self::UidTooLong(length) => write!(
                f,
                "Receiving Association failed: 0006:0308 DUL illegal subitem length {length}. Maximum allowed size is 64."
            ),
            Self::NoTransferSyntax(_) => {
                f.write_str("Receiving Association failed: 0006:0315 DUL Presentation Context translation failure")
            }
            Self::Refused => f.write_str("Refusing Association (forced via command line)"),
            Self::NoContexts => f.write_str("0006:0110 No presentation context proposed"),
            Self::TooManyTransferSyntaxes { .. } => {
                f.write_str("0006:0103 ASC Coding error in ASC_getPresentationContext: too many transfer syntaxes")
            }
            Self::BadApplicationContext(name) => {
                write!(f, "Association Rejected: Bad Application Context Name: {}", printable(name))
            }
            Self::NoImplementationClass => f.write_str("Association Rejected: No Implementation Class UID provided"),
            // DCMTK: two records, the bare text and the condition
            Self::BlankTitle(title) => write!(
                f,
                "Illegal service parameter: {title} AP Title\n0006:030c Illegal service parameter: {title} AP Title"
            ),
        }
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Called => "Called",
            Self::Calling => "Calling",
        })
    }
}
