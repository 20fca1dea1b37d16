//! Values: padded to even length, in the byte order of the output, and large ones handed on as they come.

use super::super::pending::SHORT;
use super::super::value::{has_uid_blank, is_uid_blank, swap, text_len, uid_len};
use super::super::vr::Padding;
use super::super::walk::{Chunk, Element};
use super::text::LongText;
use super::{Error, Pass, Sink, Warning};

/// What becomes of the pieces of a value.
#[derive(Debug)]
pub(super) enum Streaming {
    /// They are dropped.
    Skip,
    /// They go on as they are.
    Plain {
        /// Whether a NUL follows.
        odd: bool,
    },
    /// Their units turn round.
    Swap {
        unit: usize,
        odd: bool,
        /// The start of a unit of which the rest has not come.
        rest: [u8; 8],
        rest_len: usize,
    },
    Text(Box<LongText>),
}

/// Bytes turned round at once.
const BLOCK: usize = 32 * 1024;

impl<S: Sink> Pass<'_, S> {
    /// Writes an element whose value is all there.
    #[inline]
    pub(super) fn put_element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Error> {
        let value = &whole.bytes[header..];
        self.emitter.see(element, Some(value));
        let (kept, pad) = match element.vr.padding() {
            Padding::Blank => (text_len(value), Some(b' ')),
            Padding::Nul => (value.len(), Some(0)),
            Padding::Keep => (value.len(), None),
            Padding::Uid if has_uid_blank(value) => return self.put_uid(element, value),
            Padding::Uid => (uid_len(value), Some(0)),
        };
        let pad = pad.filter(|_| kept & 1 == 1);
        let len = kept + usize::from(pad.is_some());
        let vr = self.emitter.output.vr(element.vr, len as u32);
        let written = self.emitter.output.header(element.tag, vr, len as u32);
        let turned = self.unit_to_turn(element, vr);
        if turned == 1 && len == value.len() && pad.is_none_or(|pad| value.last() == Some(&pad)) {
            if written.is(&whole.bytes[..header]) {
                self.put(whole);
                return Ok(());
            }
            self.emitter.changed = true;
            self.own(written.as_bytes());
            self.put_value(whole.from(header));
            return Ok(());
        }
        self.emitter.changed = true;
        self.own(written.as_bytes());
        let value = whole.from(header).to(kept);
        if turned == 1 {
            self.put_value(value);
            pad.into_iter().for_each(|pad| self.own(&[pad]));
            return Ok(());
        }
        let (units, rest) = value.bytes.split_at(kept - kept % turned);
        self.put_turned(units, turned)?;
        self.put_last_unit(rest, pad.is_some(), turned);
        Ok(())
    }

    /// The end of a value: a NUL that is added completes its last unit, or is part of what stays as it is.
    fn put_last_unit(&mut self, rest: &[u8], odd: bool, unit: usize) {
        let mut last = [0; 8];
        let len = rest.len() + usize::from(odd);
        last[..rest.len()].copy_from_slice(rest);
        swap(&mut last[..len], unit);
        self.own(&last[..len]);
    }

    /// Bytes that must change places together: 1 if the value is in order. What is written with another VR than it has
    /// becomes little endian.
    #[inline]
    fn unit_to_turn(&self, element: &Element, written: super::Vr) -> usize {
        let big = self.emitter.output.encoding.is_big() && written == element.vr;
        if element.big == big { 1 } else { element.vr.unit() }
    }

    /// Small values are copied: a slice of its own costs more.
    #[inline]
    fn put_value(&mut self, value: Chunk<'_>) {
        if value.bytes.len() < SHORT { self.own(value.bytes) } else { self.put(value) }
    }

    fn put_turned(&mut self, value: &[u8], unit: usize) -> Result<(), Error> {
        for block in value.chunks(BLOCK) {
            self.emitter.pending.copy_changed(block, self.slices, |bytes| swap(bytes, unit));
            self.make_room()?;
        }
        Ok(())
    }

    #[cold]
    fn put_uid(&mut self, element: &Element, value: &[u8]) -> Result<(), Error> {
        self.emitter.warnings.add(Warning::UidBlanks(element.tag));
        self.emitter.changed = true;
        let mut buffer = std::mem::take(&mut self.emitter.buffer);
        buffer.clear();
        buffer.extend(value.iter().filter(|byte| !is_uid_blank(**byte)));
        buffer.truncate(uid_len(&buffer));
        if buffer.len() & 1 == 1 {
            buffer.push(0);
        }
        let vr = self.emitter.output.vr(element.vr, buffer.len() as u32);
        let written = self.emitter.output.header(element.tag, vr, buffer.len() as u32);
        self.own(written.as_bytes());
        self.own(&buffer);
        self.emitter.buffer = buffer;
        Ok(())
    }

    /// Writes the header of an element whose value comes in pieces.
    pub(super) fn start_value(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        self.emitter.see(element, None);
        let nul = match element.vr.padding() {
            Padding::Blank | Padding::Uid => return self.start_text(element, header),
            Padding::Nul => true,
            Padding::Keep => false,
        };
        let odd = nul && element.len & 1 == 1;
        let len = element.len + u32::from(odd);
        let vr = self.emitter.output.vr(element.vr, len);
        let written = self.emitter.output.header(element.tag, vr, len);
        self.put_header(&written, header);
        self.emitter.streaming = match self.unit_to_turn(element, vr) {
            1 => Streaming::Plain { odd },
            unit => Streaming::Swap { unit, odd, rest: [0; 8], rest_len: 0 },
        };
        Ok(())
    }

    #[inline]
    pub(super) fn put_piece(&mut self, piece: Chunk<'_>) -> Result<(), Error> {
        match &mut self.emitter.streaming {
            Streaming::Skip => Ok(()),
            Streaming::Plain { .. } => {
                self.put(piece);
                Ok(())
            }
            Streaming::Swap { .. } => self.put_piece_turned(piece.bytes),
            Streaming::Text(_) => self.put_text(piece),
        }
    }

    fn put_piece_turned(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        let Streaming::Swap { unit, rest, rest_len, .. } = &mut self.emitter.streaming else { return Ok(()) };
        let unit = *unit;
        if *rest_len > 0 {
            let more = bytes.len().min(unit - *rest_len);
            rest[*rest_len..*rest_len + more].copy_from_slice(&bytes[..more]);
            *rest_len += more;
            bytes = &bytes[more..];
            if *rest_len < unit {
                return Ok(());
            }
            *rest_len = 0;
            let mut whole = *rest;
            swap(&mut whole[..unit], unit);
            self.own(&whole[..unit]);
        }
        let (units, left) = bytes.split_at(bytes.len() - bytes.len() % unit);
        self.put_turned(units, unit)?;
        if let Streaming::Swap { rest, rest_len, .. } = &mut self.emitter.streaming {
            rest[..left.len()].copy_from_slice(left);
            *rest_len = left.len();
        }
        Ok(())
    }

    pub(super) fn end_value(&mut self) -> Result<(), Error> {
        let odd = match std::mem::replace(&mut self.emitter.streaming, Streaming::Skip) {
            Streaming::Skip => return Ok(()),
            Streaming::Plain { odd } => odd,
            Streaming::Swap { unit, odd, rest, rest_len } => {
                self.put_last_unit(&rest[..rest_len], odd, unit);
                return self.make_room();
            }
            Streaming::Text(text) => return self.end_text(*text),
        };
        if odd {
            self.emitter.changed = true;
            self.own(&[0]);
        }
        self.make_room()
    }
}
