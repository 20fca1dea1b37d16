//! Output on its way to a sink: large unchanged pieces as ranges of the input, everything else gathered in one buffer.
//!
//! Nothing is copied that need not be, and nothing small costs a slice of its own: a vectored write of a CT image's data
//! set is one slice where nothing changes, two or three where its headers do.

use super::storage::Sink;
use std::io::{self, IoSlice};

/// A range of the slices given to the current call, or of our own buffer.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// [`OWN`], or the number of the slice.
    slice: u32,
    start: usize,
    end: usize,
    /// Where it goes, counted from the first byte of the data set.
    at: u64,
}

/// The slice number that stands for our own buffer.
const OWN: u32 = u32::MAX;

/// Input ranges shorter than this are copied if something else follows.
pub(super) const SHORT: usize = 1024;
/// Less than this is kept for the next call rather than written on its own.
const KEEP: u64 = 32 * 1024;
/// More than this in our own buffer, or more pieces than that, are written before a call ends.
const FULL: usize = 128 * 1024;
const MANY: usize = 64;

/// Where bytes of the input are: slice and offset in the current call. None for bytes that will be gone after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) slice: u32,
    pub(crate) start: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Pending {
    own: Vec<u8>,
    spare: Vec<u8>,
    pieces: Vec<Piece>,
    /// Bytes of the data set given to the sink.
    written: u64,
    /// Bytes of the data set the sink holds: more than `written` after going back.
    reached: u64,
    /// Bytes in `pieces`.
    waiting: u64,
    /// Bytes the sink held before the first of ours.
    pub(crate) base: u64,
}

impl Pending {
    /// Bytes of the data set so far.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.written + self.waiting
    }

    /// Bytes in the sink behind the end of what counts.
    pub(crate) fn surplus(&self) -> u64 {
        self.reached.saturating_sub(self.position())
    }

    /// Whether it is time to [`flush`](Pending::flush).
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.own.len() >= FULL || self.pieces.len() >= MANY
    }

    /// Adds bytes by copying them.
    #[inline]
    pub(crate) fn copy(&mut self, bytes: &[u8], slices: &[&[u8]]) {
        if bytes.is_empty() {
            return;
        }
        let start = self.own_end(slices);
        self.own.extend_from_slice(bytes);
        self.own_grew(start);
    }

    /// Adds bytes of two slices by copying them.
    #[inline]
    pub(crate) fn copy_both(&mut self, first: &[u8], second: &[u8], slices: &[&[u8]]) {
        let start = self.own_end(slices);
        self.own.reserve(first.len() + second.len());
        self.own.extend_from_slice(first);
        self.own.extend_from_slice(second);
        self.own_grew(start);
    }

    /// Adds bytes by copying them, and gives them to `change` for it to do so.
    #[inline]
    pub(crate) fn copy_changed(&mut self, bytes: &[u8], slices: &[&[u8]], change: impl FnOnce(&mut [u8])) {
        let start = self.own_end(slices);
        self.own.extend_from_slice(bytes);
        change(&mut self.own[start..]);
        self.own_grew(start);
    }

    fn own_end(&mut self, slices: &[&[u8]]) -> usize {
        if let Some(&Piece { slice, start, end, .. }) = self.pieces.last()
            && slice != OWN
            && end - start < SHORT
        {
            self.pieces.pop();
            let before = self.own.len();
            self.waiting -= (end - start) as u64;
            self.own.extend_from_slice(slice_of(slices, slice, start, end));
            self.own_grew(before);
        }
        self.own.len()
    }

    #[inline]
    fn own_grew(&mut self, start: usize) {
        let end = self.own.len();
        match self.pieces.last_mut() {
            Some(last) if last.slice == OWN && last.end == start => last.end = end,
            _ => self.pieces.push(Piece { slice: OWN, start, end, at: self.position() }),
        }
        self.waiting += (end - start) as u64;
    }

    /// Adds bytes of the input by reference.
    #[inline]
    pub(crate) fn refer(&mut self, place: Place, len: usize, slices: &[&[u8]]) {
        let Place { slice, start } = place;
        let end = start + len;
        if len == 0 {
            return;
        }
        match self.pieces.last_mut() {
            Some(last) if last.slice == slice && last.end == start => last.end = end,
            _ => {
                if self.pieces.last().is_some_and(|last| last.slice != OWN && last.end - last.start < SHORT) {
                    self.own_end(slices);
                }
                self.pieces.push(Piece { slice, start, end, at: self.position() });
            }
        }
        self.waiting += len as u64;
    }

    /// Writes over bytes added before, at that position. They must all have been added at once.
    pub(crate) fn patch(&mut self, bytes: &[u8], position: u64, sink: &mut impl Sink) -> io::Result<()> {
        if position < self.written {
            return sink.patch(bytes, self.base + position);
        }
        let number = self.pieces.partition_point(|piece| piece.at <= position).saturating_sub(1);
        let Some(piece) = self.pieces.get(number).copied() else { return Ok(()) };
        let start = piece.start + (position - piece.at) as usize;
        if piece.slice == OWN {
            self.own[start..start + bytes.len()].copy_from_slice(bytes);
            return Ok(());
        }
        let own = Piece { slice: OWN, start: self.own.len(), end: self.own.len() + bytes.len(), at: position };
        self.own.extend_from_slice(bytes);
        let before = Piece { end: start, ..piece };
        let after = Piece { start: start + bytes.len(), at: position + bytes.len() as u64, ..piece };
        let parts = [before, own, after];
        self.pieces.splice(number..=number, parts.into_iter().filter(|part| part.start < part.end));
        Ok(())
    }

    /// Goes back to an earlier position: what was added since does not count.
    pub(crate) fn go_back(&mut self, position: u64) {
        while let Some(last) = self.pieces.last_mut() {
            if last.at < position {
                last.end = last.end.min(last.start + (position - last.at) as usize);
                break;
            }
            self.pieces.pop();
        }
        self.waiting = position.saturating_sub(self.written);
        self.written = self.written.min(position);
    }

    /// Gives everything to the sink.
    pub(crate) fn flush(&mut self, slices: &[&[u8]], sink: &mut impl Sink) -> io::Result<()> {
        self.overwrite(slices, sink)?;
        let mut rest = self.pieces.as_slice();
        while !rest.is_empty() {
            let mut vector = [IoSlice::new(&[]); MANY];
            let (now, later) = rest.split_at(rest.len().min(MANY));
            for (slice, piece) in vector.iter_mut().zip(now) {
                *slice = IoSlice::new(bytes_of(&self.own, slices, piece));
            }
            sink.append(&vector[..now.len()])?;
            rest = later;
        }
        self.written += self.waiting;
        self.reached = self.reached.max(self.written);
        self.waiting = 0;
        self.pieces.clear();
        self.own.clear();
        Ok(())
    }

    /// After going back: gives the sink the pieces for which it has other bytes.
    #[cold]
    fn overwrite_rest(&mut self, slices: &[&[u8]], sink: &mut impl Sink) -> io::Result<()> {
        while let Some(first) = self.pieces.first_mut()
            && self.written < self.reached
        {
            let len = (first.end - first.start).min((self.reached - self.written) as usize);
            let now = Piece { end: first.start + len, ..*first };
            first.start += len;
            first.at += len as u64;
            if first.start == first.end {
                self.pieces.remove(0);
            }
            sink.patch(bytes_of(&self.own, slices, &now), self.base + self.written)?;
            self.written += len as u64;
            self.waiting -= len as u64;
        }
        Ok(())
    }

    #[inline]
    fn overwrite(&mut self, slices: &[&[u8]], sink: &mut impl Sink) -> io::Result<()> {
        if self.written < self.reached { self.overwrite_rest(slices, sink) } else { Ok(()) }
    }

    /// Ends a call: after it the slices are gone.
    pub(crate) fn end_of_call(&mut self, slices: &[&[u8]], sink: &mut impl Sink) -> io::Result<()> {
        if self.waiting >= KEEP || self.is_full() {
            return self.flush(slices, sink);
        }
        self.keep(slices);
        Ok(())
    }

    /// Copies what the pieces refer to, for the slices will be gone.
    fn keep(&mut self, slices: &[&[u8]]) {
        let kept = match self.pieces.first() {
            None => return,
            Some(first) if first.slice == OWN => 1,
            Some(_) => 0,
        };
        let own_len = self.pieces.first().filter(|_| kept == 1).map_or(0, |first| first.end - first.start);
        let others = &self.pieces[kept..];
        if own_len == self.own.len() && others.iter().all(|piece| piece.slice != OWN) {
            // The usual case, and the only one while a value trickles in: what was kept stays where it is.
            for piece in others {
                self.own.extend_from_slice(slice_of(slices, piece.slice, piece.start, piece.end));
            }
        } else {
            self.spare.clear();
            for piece in &self.pieces {
                self.spare.extend_from_slice(bytes_of(&self.own, slices, piece));
            }
            std::mem::swap(&mut self.own, &mut self.spare);
        }
        let at = self.written;
        self.pieces.clear();
        self.pieces.push(Piece { slice: OWN, start: 0, end: self.own.len(), at });
    }
}

fn bytes_of<'a>(own: &'a [u8], slices: &[&'a [u8]], piece: &Piece) -> &'a [u8] {
    match piece.slice {
        OWN => own.get(piece.start..piece.end).unwrap_or_default(),
        slice => slice_of(slices, slice, piece.start, piece.end),
    }
}

fn slice_of<'a>(slices: &[&'a [u8]], slice: u32, start: usize, end: usize) -> &'a [u8] {
    slices.get(slice as usize).and_then(|bytes| bytes.get(start..end)).unwrap_or_default()
}
