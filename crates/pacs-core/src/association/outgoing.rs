//! A data set on its way out: cut into presentation data values that the peer takes, each in a P-DATA-TF PDU of its own, and
//! many of them in one system call (PS3.8 9.3.5, annex D). The payload is not copied.

use std::io::IoSlice;

use super::wire::{AssociationError, Wire};
use crate::pdu::pdata::pdv_headers;

/// PDUs in one system call at most: the kernel takes 1024 slices.
const PDUS: usize = 500;

/// Writes one data set of known or unknown length. Errors end the association.
#[derive(Debug)]
pub struct Outgoing<'a> {
    wire: &'a mut Wire,
    context: u8,
    /// Bytes of payload that the peer takes in one PDV.
    longest: usize,
    cut: Cut,
    begun: bool,
    pdvs: usize,
    heads: Vec<[u8; 12]>,
}

#[derive(Debug)]
enum Cut {
    /// So many bytes will follow behind the PDV whose header has been sent, and so many belong to that one. Since its
    /// length is in its header, its payload can be sent as it comes.
    Known { left: u64, open: usize },
    /// Whatever has come and may be the end: one PDV at most.
    Unknown { held: Vec<u8> },
}

impl<'a> Outgoing<'a> {
    /// `longest` is even. `length`: the bytes that will be written, if that is known.
    pub(super) fn new(wire: &'a mut Wire, context: u8, longest: usize, length: Option<u64>) -> Self {
        let cut = match length {
            Some(left) => Cut::Known { left, open: 0 },
            None => Cut::Unknown { held: Vec::new() },
        };
        Self { wire, context, longest, cut, begun: false, pdvs: 0, heads: Vec::new() }
    }

    /// How many PDVs have been sent whole.
    pub fn pdvs(&self) -> usize {
        self.pdvs
    }

    /// Sends the next bytes. More than the announced length are an error of the caller; they are not sent.
    ///
    /// # Errors
    /// When the connection is gone or the peer does not read.
    pub fn write(&mut self, slices: &[IoSlice<'_>]) -> Result<(), AssociationError> {
        match &mut self.cut {
            Cut::Known { .. } => {
                let mut rest = slices;
                let (mut from, round) = (0, PDUS.saturating_mul(self.longest));
                while let Some(first) = rest.first() {
                    // A round of slices that together need no more PDUs than one call takes.
                    let first = first.len() - from;
                    let (mut count, mut bytes) = (1, first);
                    while let Some(slice) = rest.get(count).filter(|slice| count < PDUS && bytes + slice.len() <= round)
                    {
                        bytes += slice.len();
                        count += 1;
                    }
                    let bytes = bytes.min(round);
                    self.send_known(&rest[..count], from, bytes)?;
                    if count == 1 && bytes < first {
                        from += bytes;
                    } else {
                        (rest, from) = (&rest[count..], 0);
                    }
                }
                Ok(())
            }
            Cut::Unknown { held } => {
                slices.iter().for_each(|slice| held.extend_from_slice(slice));
                self.send_held(false)
            }
        }
    }

    /// Sends `bytes` bytes of the slices, of which the first is taken from byte `from` on.
    fn send_known(&mut self, slices: &[IoSlice<'_>], from: usize, bytes: usize) -> Result<(), AssociationError> {
        let Self { wire, context, longest, cut: Cut::Known { left, open }, heads, .. } = self else { return Ok(()) };
        // First the headers, for the slices below refer to them.
        heads.clear();
        let mut uncovered = bytes.saturating_sub(*open);
        let (mut after, mut last) = (*left, *open);
        while uncovered > 0 && after > 0 {
            let length = (*longest).min(usize::try_from(after).unwrap_or(usize::MAX));
            after -= length as u64;
            heads.push(pdv_headers(*context, false, after == 0, length as u32));
            last = length.saturating_sub(uncovered);
            uncovered = uncovered.saturating_sub(length);
        }
        if heads.is_empty() {
            last = (*open).saturating_sub(bytes);
        }
        let mut out = Vec::with_capacity(slices.len() + 2 * heads.len());
        let (mut room, mut next) = (*open, heads.iter());
        let (mut skip, mut budget) = (from, bytes - uncovered);
        for slice in slices {
            let mut rest = &slice[skip.min(slice.len())..];
            skip = 0;
            while !rest.is_empty() && budget > 0 {
                if room == 0 {
                    let Some(head) = next.next() else { break };
                    out.push(IoSlice::new(head));
                    let [.., a, b, c, d, _, _] = *head;
                    room = u32::from_be_bytes([a, b, c, d]) as usize - 2;
                }
                let (now, later) = rest.split_at(rest.len().min(room).min(budget));
                out.push(IoSlice::new(now));
                room -= now.len();
                budget -= now.len();
                rest = later;
            }
        }
        // Until all this has gone out, the stream may stand within a PDU.
        wire.within_pdu = true;
        wire.send(&mut out)?;
        wire.within_pdu = last > 0;
        let finished = heads.len() + usize::from(*open > 0) - usize::from(last > 0);
        (*left, *open) = (after, last);
        self.pdvs += finished;
        self.begun |= !self.heads.is_empty();
        Ok(())
    }

    /// Sends what is held, but for what may be the last PDV unless it is.
    fn send_held(&mut self, last: bool) -> Result<(), AssociationError> {
        let Self { wire, context, longest, cut: Cut::Unknown { held }, heads, pdvs, .. } = self else { return Ok(()) };
        loop {
            heads.clear();
            let (mut out, mut sent) = (Vec::new(), 0);
            for part in held.chunks(*longest).take(PDUS) {
                if sent + part.len() < held.len() || last {
                    sent += part.len();
                    heads.push(pdv_headers(*context, false, last && sent == held.len(), part.len() as u32));
                }
            }
            if heads.is_empty() {
                return Ok(());
            }
            for (head, part) in heads.iter().zip(held.chunks(*longest)) {
                out.extend([IoSlice::new(head), IoSlice::new(part)]);
            }
            wire.within_pdu = true;
            wire.send(&mut out)?;
            wire.within_pdu = false;
            *pdvs += heads.len();
            held.drain(..sent);
        }
    }

    /// Ends the data set.
    ///
    /// # Errors
    /// When the connection is gone, or fewer bytes came than were announced: then nothing more can be sent on it.
    pub fn finish(mut self) -> Result<usize, AssociationError> {
        let empty = match &self.cut {
            Cut::Known { left, open } if *left > 0 || *open > 0 => return Err(AssociationError::DataSetTooShort),
            Cut::Known { .. } => !self.begun,
            Cut::Unknown { held } => held.is_empty(),
        };
        if empty {
            let head = pdv_headers(self.context, false, true, 0);
            self.wire.send(&mut [IoSlice::new(&head)])?;
            return Ok(self.pdvs + 1);
        }
        self.send_held(true)?;
        Ok(self.pdvs)
    }
}

#[cfg(test)]
mod tests;
