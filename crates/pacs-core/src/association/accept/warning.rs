//! What the log says about an association that comes about all the same.

use std::fmt;
use tracing::Level;

/// Something odd in a request or in our configuration. The text is DCMTK's. What is odd about single items of the request,
/// such as a role selection without any role, the reader of the PDU has noted already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Our configured maximum length is odd; one less is announced.
    ReceiveLengthOdd(u32),
    /// A context was refused: we are ready for the SCP role only, and the peer proposes none.
    RoleRefused,
    /// The roles proposed and those we are ready for have none in common.
    RoleNone,
    /// The peer's maximum length is odd; one less is used.
    SendLengthOdd(u32),
    /// The peer takes nothing: what would be left of its maximum for a PDV, in bytes.
    SendLengthUnusable(i64),
    /// The peer takes only tiny PDUs.
    SendLengthSmall,
}

impl Warning {
    /// The level of its line.
    pub fn level(self) -> Level {
        match self {
            Self::RoleRefused => Level::ERROR,
            _ => Level::WARN,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReceiveLengthOdd(n) => {
                write!(f, "ASSOC: PDV receive length {n} is odd (using {})", n.saturating_sub(1))
            }
            Self::RoleRefused => f.write_str(
                "ASSOC: SCP/SCU role selection failed, Default role (i.e. SCU) proposed but only SCP role configured for \
                 acceptance",
            ),
            Self::RoleNone => f.write_str(
                "setting accepted SCP/SCU role to NONE, i.e. both role fields are 0 in SCP/SCU role selection sub-item",
            ),
            Self::SendLengthOdd(n) => write!(f, "ASSOC: PDV send length {n} is odd (using {})", n.saturating_sub(1)),
            Self::SendLengthUnusable(n) => write!(f, "ASSOC: PDV send length {n} (using default)"),
            Self::SendLengthSmall => {
                f.write_str("ASSOC: PDV send length too small, using DUL to split larger PDVs.")
            }
        }
    }
}
