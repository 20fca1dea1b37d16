//! Maximum lengths: what a peer's allows us to send, what of ours is announced (PS3.8 D.1).

use super::Warning;

/// The largest maximum length of P-DATA-TF bodies we announce or use, in bytes. DCMTK has the same limit.
pub const MAX_PDU: u32 = 131_072;

/// Bytes taken off the peer's maximum for the payload of one PDV. Six would do (PS3.8 9.3.5.1); DCMTK takes twelve.
const PDV_OVERHEAD: u32 = 12;

/// What DCMTK says it sends at most to a peer that announces next to nothing.
const SMALLEST_PDV: u32 = 4_096 - PDV_OVERHEAD;

/// How much a peer takes in one PDV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimit {
    /// What logs call the maximum send PDV, in bytes. For a peer that announces next to nothing DCMTK's word is greater
    /// than the peer's own; never send by it.
    pub announced: u32,
    /// Longest payload of one PDV that the peer takes, in bytes, even. None: it takes nothing at all, and sending ends the
    /// association.
    pub payload: Option<u32>,
}

/// The sending limit that follows from the maximum length in a peer's user information, for either side, and what the log
/// shall say about it. None and 0 mean without limit (PS3.8 D.1), which we take as [`MAX_PDU`].
pub fn send_limit(peer_max_pdu: Option<u32>) -> (SendLimit, Vec<Warning>) {
    let mut warnings = Vec::new();
    let peer = match peer_max_pdu.unwrap_or(0) {
        0 => MAX_PDU,
        n if n > MAX_PDU => MAX_PDU,
        n if n % 2 == 1 => {
            warnings.push(Warning::SendLengthOdd(n));
            n - 1
        }
        n => n,
    };
    let payload = peer.checked_sub(PDV_OVERHEAD).filter(|n| *n > 0);
    let announced = match payload {
        None => {
            warnings.push(Warning::SendLengthUnusable(i64::from(peer) - i64::from(PDV_OVERHEAD)));
            SMALLEST_PDV
        }
        Some(n) if n < PDV_OVERHEAD => {
            warnings.push(Warning::SendLengthSmall);
            SMALLEST_PDV
        }
        Some(n) => n,
    };
    (SendLimit { announced, payload }, warnings)
}

/// The maximum length to announce, in bytes, for the one configured, and what the log shall say if they differ.
pub fn announced_max_pdu(configured: u32) -> (u32, Option<Warning>) {
    match configured % 2 {
        0 => (configured, None),
        _ => (configured - 1, Some(Warning::ReceiveLengthOdd(configured))),
    }
}
