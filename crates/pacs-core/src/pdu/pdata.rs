//! P-DATA-TF (PS3.8 9.3.5) without a copy: [`Inbox`] finds the presentation data values in the bytes that came and hands
//! their payload on as ranges of the receive buffer; [`pdv_headers`] makes the heads for sending.
//!
//! A PDU is never collected: whatever its size, parts of a PDV are handed on as they come. What a peer declares is only
//! checked against the announced maximum and counted down.

use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::{HEADER_LENGTH, PduHeader, PduType};

/// Length, context id and message control header in front of a PDV's payload (PS3.8 9.3.5.1, E.2).
pub const PDV_HEADER_LENGTH: usize = 6;

/// Buffer of an association that waits; most commands fit.
const SMALL: usize = 3 << 10;

/// Buffer of an association that receives a data set: one system call brings many PDUs.
pub const LARGE: usize = 256 << 10;

/// Large buffers kept for the next data set; what more associations used at once is given back to the system.
const KEPT: usize = 8;

/// A payload shorter than this is moved up to the one before it, so that many tiny PDVs become one write.
const TINY: usize = 1 << 10;

static SPARE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

fn large() -> Box<[u8]> {
    let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    spare.unwrap_or_else(|| vec![0; LARGE].into_boxed_slice())
}

fn give_back(buffer: Box<[u8]>) {
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    if buffer.len() == LARGE && spare.len() < KEPT {
        spare.push(buffer);
    }
}

/// A P-DATA-TF PDU that breaks its own lengths. Display gives DCMTK's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PdataError {
    /// The PDU is longer than we announced.
    TooLong {
        /// Declared length of the PDU's body.
        length: u32,
        /// The announced maximum.
        maximum: u32,
    },
    /// The PDU holds no PDV.
    Empty,
    /// A PDV's length does not even cover its context id and control header.
    PdvTooShort(u32),
    /// A PDV reaches beyond its PDU, or leaves too few bytes for another.
    DoNotAddUp,
}

impl fmt::Display for PdataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, maximum } => {
                write!(f, "0006:0308 DUL Illegal PDU Length {length}.  Max expected {maximum}")
            }
            Self::Empty => f.write_str("0006:0307 PDU without any PDVs encountered: malformed P-DATA PDU"),
            Self::PdvTooShort(n) => {
                write!(f, "0006:0308 PDV with invalid length {n} encountered: malformed P-DATA PDU")
            }
            Self::DoNotAddUp => f.write_str("0006:0307 PDV lengths don't add up correctly: malformed P-DATA PDU"),
        }
    }
}

impl std::error::Error for PdataError {}

/// A part of a presentation data value, perhaps all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Presentation context id.
    pub context: u8,
    /// Part of a command set, else of a data set.
    pub command: bool,
    /// This ends the PDV.
    pub ends_pdv: bool,
    /// This ends the message: the PDV said it is the last, and this is its end.
    pub ends_message: bool,
    /// Where the payload lies in the inbox; see [`Inbox::bytes`]. Empty for an empty PDV.
    pub payload: Range<usize>,
}

/// What stands next in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Not enough bytes: fill more in.
    More,
    /// The header of another PDU than P-DATA-TF; it has been taken, its body has not.
    Pdu(PduHeader),
    /// A part of a PDV.
    Fragment(Fragment),
}

#[derive(Clone, Copy, Debug)]
struct Pdv {
    context: u8,
    control: u8,
    left: u32,
}

/// The receive buffer, and where in the stream of PDUs it stands.
#[derive(Debug)]
pub struct Inbox {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    maximum: u32,
    pdu_left: u32,
    pdv: Option<Pdv>,
    /// In the body of another PDU.
    in_other: bool,
    finished: u64,
}

impl Inbox {
    /// An empty inbox for a stream of PDUs whose P-DATA-TF bodies may have `maximum` bytes.
    pub fn new(maximum: u32) -> Self {
        Self {
            buffer: vec![0; SMALL].into_boxed_slice(),
            start: 0,
            end: 0,
            maximum,
            pdu_left: 0,
            pdv: None,
            in_other: false,
            finished: 0,
        }
    }

    /// Bytes that came and are not yet taken.
    pub fn available(&self) -> usize {
        self.end - self.start
    }

    /// Where the next bytes go; never empty. What is not yet taken is moved to the front first, so ranges of earlier
    /// fragments become invalid. `whole` bytes must fit in at once (a PDU's or PDV's header, never more).
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.buffer[self.end..]
    }

    /// `n` bytes were put into [`Inbox::space`].
    pub fn filled(&mut self, n: usize) {
        self.end = self.buffer.len().min(self.end + n);
    }

    /// The bytes of a fragment.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Takes `n` bytes of another PDU's body, or as many as are there.
    pub fn take(&mut self, n: usize) -> &[u8] {
        let from = self.start;
        self.start = self.end.min(from.saturating_add(n));
        &self.buffer[from..self.start]
    }

    /// A large buffer, for a data set that does not fit into what is here.
    pub fn grow(&mut self) {
        if self.buffer.len() < LARGE {
            let mut larger = large();
            larger[..self.end - self.start].copy_from_slice(&self.buffer[self.start..self.end]);
            self.end -= self.start;
            self.start = 0;
            self.buffer = larger;
        }
    }

    /// A small buffer again, unless more bytes are waiting than it holds: an association that waits keeps no large one.
    pub fn shrink(&mut self) {
        if self.buffer.len() == LARGE && self.available() <= SMALL {
            let mut small = vec![0; SMALL].into_boxed_slice();
            small[..self.end - self.start].copy_from_slice(&self.buffer[self.start..self.end]);
            self.end -= self.start;
            self.start = 0;
            give_back(std::mem::replace(&mut self.buffer, small));
        }
    }

    /// Is the next byte to come the first of a PDU?
    pub fn between_pdus(&self) -> bool {
        self.pdu_left == 0 && !self.in_other && self.available() == 0
    }

    /// How many PDUs have been read to their end; it tells whether two waits are for the same PDU.
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// The body of another PDU has been taken whole.
    pub fn finish(&mut self) {
        self.in_other = false;
        self.finished += 1;
    }

    /// What stands next.
    ///
    /// # Errors
    /// When a P-DATA-TF PDU breaks its lengths; the stream cannot be read on.
    pub fn step(&mut self) -> Result<Step, PdataError> {
        loop {
            if let Some(pdv) = self.pdv {
                return Ok(self.payload(pdv));
            }
            if self.pdu_left > 0 {
                if self.available() < PDV_HEADER_LENGTH {
                    return Ok(Step::More);
                }
                self.begin_pdv()?;
                continue;
            }
            let Some(head) = self.buffer[self.start..self.end].first_chunk::<HEADER_LENGTH>() else {
                return Ok(Step::More);
            };
            let header = PduHeader::from_bytes(*head);
            self.start += HEADER_LENGTH;
            if header.kind != PduType::Data as u8 {
                self.in_other = true;
                return Ok(Step::Pdu(header));
            }
            match header.length {
                0 => return Err(PdataError::Empty),
                length if length > self.maximum => {
                    return Err(PdataError::TooLong { length, maximum: self.maximum });
                }
                length if length < PDV_HEADER_LENGTH as u32 => return Err(PdataError::DoNotAddUp),
                length => self.pdu_left = length,
            }
        }
    }

    fn begin_pdv(&mut self) -> Result<(), PdataError> {
        let head = &self.buffer[self.start..self.start + PDV_HEADER_LENGTH];
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let (context, control) = (head[4], head[5]);
        // The length counts the context id and the control header, which are two of the six bytes.
        let left = length.checked_sub(2).ok_or(PdataError::PdvTooShort(length))?;
        let rest = self.pdu_left - PDV_HEADER_LENGTH as u32;
        if left > rest || (rest > left && rest - left < PDV_HEADER_LENGTH as u32) {
            return Err(PdataError::DoNotAddUp);
        }
        self.start += PDV_HEADER_LENGTH;
        self.pdu_left = rest;
        self.pdv = Some(Pdv { context, control, left });
        Ok(())
    }

    fn payload(&mut self, pdv: Pdv) -> Step {
        let n = self.available().min(pdv.left as usize);
        if n == 0 && pdv.left > 0 {
            return Step::More;
        }
        let from = self.start;
        self.start += n;
        self.pdu_left -= n as u32;
        let left = pdv.left - n as u32;
        self.pdv = (left > 0).then_some(Pdv { left, ..pdv });
        self.finished += u64::from(self.pdu_left == 0);
        Step::Fragment(Fragment {
            context: pdv.context,
            command: pdv.control & 1 != 0,
            ends_pdv: left == 0,
            ends_message: left == 0 && pdv.control & 2 != 0,
            payload: from..self.start,
        })
    }

    /// Moves a short payload up against the one before it and joins the two ranges; `false` leaves both as they are. The
    /// bytes between them are PDU and PDV headers that have been read.
    pub fn join(&mut self, before: &mut Range<usize>, payload: &Range<usize>) -> bool {
        let n = payload.len();
        if n >= TINY || before.end > payload.start {
            return false;
        }
        self.buffer.copy_within(payload.clone(), before.end);
        before.end += n;
        true
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.buffer));
    }
}

/// The twelve bytes in front of a payload of `length` bytes that is a PDU of its own: PDU header and PDV header.
pub fn pdv_headers(context: u8, command: bool, last: bool, length: u32) -> [u8; HEADER_LENGTH + PDV_HEADER_LENGTH] {
    let pdu = PduHeader::to_bytes(PduType::Data, length + PDV_HEADER_LENGTH as u32);
    let l = (length + 2).to_be_bytes();
    let control = u8::from(command) | u8::from(last) << 1;
    [pdu[0], pdu[1], pdu[2], pdu[3], pdu[4], pdu[5], l[0], l[1], l[2], l[3], context, control]
}

#[cfg(test)]
mod tests;
