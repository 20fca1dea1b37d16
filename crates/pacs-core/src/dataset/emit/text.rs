//! Texts and UIDs too long to be seen as a whole: their padding is known when they end, and with it their length.
//!
//! What is held back is bounded: a run of blanks and NULs that might be the padding, and, where the short form of header
//! might turn out to do, the start of the value.

use super::super::plan::Slot;
use super::super::value::{has_uid_blank, is_uid_blank, text_len, uid_len};
use super::super::vr::{LengthField, Padding};
use super::super::walk::{Chunk, Element, WHOLE};
use super::value::Streaming;
use super::{Error, Pass, Sink, Warning};

#[derive(Debug)]
pub(super) struct LongText {
    element: Element,
    /// The length of the value without its padding.
    slot: Slot,
    /// Where the header starts, where the value does, and where its last byte that is no padding ends.
    header: u64,
    body: u64,
    end: u64,
    /// Bytes that are padding unless something else follows.
    held: Vec<u8>,
    /// The first bytes of the value, if it might get a short header.
    head: Option<Vec<u8>>,
    /// The last byte, and whether any was taken away within the value.
    last: u8,
    blanks: bool,
    /// Bytes still to be written, if the length is known.
    left: u64,
}

const HELD: usize = WHOLE as usize;

impl<S: Sink> Pass<'_, S> {
    pub(super) fn start_text(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        let emitter = &mut *self.emitter;
        let slot = emitter.lengths.open(element.len)?;
        let known = emitter.lengths.are_known();
        let len = slot.written + (slot.written & 1);
        // An unknown length may prove short, but the header that says so is written then.
        let vr = emitter.output.vr(element.vr, if known { len } else { len.max(WHOLE) });
        let short = element.vr.length_field() == LengthField::Two && emitter.output.encoding.is_explicit();
        let written = emitter.output.header(element.tag, vr, len);
        let at = emitter.pending.position();
        self.put_header(&written, header);
        let body = self.emitter.pending.position();
        self.emitter.streaming = Streaming::Text(Box::new(LongText {
            element: *element,
            slot,
            header: at,
            body,
            end: body,
            held: Vec::new(),
            head: (short && !known).then(Vec::new),
            last: 1,
            blanks: false,
            left: slot.written.into(),
        }));
        Ok(())
    }

    pub(super) fn put_text(&mut self, piece: Chunk<'_>) -> Result<(), Error> {
        let Streaming::Text(mut text) = std::mem::replace(&mut self.emitter.streaming, Streaming::Skip) else {
            return Ok(());
        };
        let uid = text.element.vr.padding() == Padding::Uid;
        if uid && has_uid_blank(piece.bytes) {
            text.blanks = true;
            let mut buffer = std::mem::take(&mut self.emitter.buffer);
            for block in piece.bytes.chunks(HELD) {
                buffer.clear();
                buffer.extend(block.iter().filter(|byte| !is_uid_blank(**byte)));
                self.put_text_piece(&mut text, Chunk { bytes: &buffer, place: None }, uid)?;
            }
            self.emitter.buffer = buffer;
        } else {
            self.put_text_piece(&mut text, piece, uid)?;
        }
        self.emitter.streaming = Streaming::Text(text);
        Ok(())
    }

    fn put_text_piece(&mut self, text: &mut LongText, piece: Chunk<'_>, uid: bool) -> Result<(), Error> {
        if self.emitter.lengths.are_known() {
            let now = piece.bytes.len().min(usize::try_from(text.left).unwrap_or(usize::MAX));
            self.put(piece.to(now));
            text.left -= now as u64;
            return self.make_room();
        }
        if let Some(head) = &mut text.head {
            let more = piece.bytes.len().min(HELD - head.len());
            head.extend_from_slice(&piece.bytes[..more]);
        }
        text.last = piece.bytes.last().copied().unwrap_or(text.last);
        let kept = if uid { uid_len(piece.bytes) } else { text_len(piece.bytes) };
        if kept > 0 {
            self.own(&text.held);
            text.held.clear();
            self.put(piece.to(kept));
            text.end = self.emitter.pending.position();
        }
        for block in piece.from(kept).bytes.chunks(HELD) {
            if text.held.len() + block.len() > HELD {
                self.own(&text.held);
                text.held.clear();
                self.make_room()?;
            }
            text.held.extend_from_slice(block);
        }
        self.make_room()
    }

    pub(super) fn end_text(&mut self, text: LongText) -> Result<(), Error> {
        let element = &text.element;
        let pad = if element.vr.padding() == Padding::Uid { 0 } else { b' ' };
        if text.blanks {
            self.emitter.warnings.add(Warning::UidBlanks(element.tag));
        }
        if self.emitter.lengths.are_known() {
            if text.left > 0 {
                return Err(Error::SourceChanged);
            }
            if text.slot.written & 1 == 1 {
                self.own(&[pad]);
            }
            return self.make_room();
        }
        // No longer than the input, whose length has four bytes.
        let len = (text.end - text.body) as u32;
        let padded = len + (len & 1);
        let same = !text.blanks && padded == element.len && (len == padded || text.last == pad);
        self.emitter.changed |= !same;
        self.emitter.pending.go_back(text.end);
        let wrong = self.emitter.lengths.close(text.slot, len)?;
        match text.head {
            Some(head) if padded <= 0xFFFF => {
                self.emitter.pending.go_back(text.header);
                let vr = self.emitter.output.vr(element.vr, padded);
                let header = self.emitter.output.header(element.tag, vr, padded);
                self.own(header.as_bytes());
                self.own(&head[..len as usize]);
            }
            _ if wrong => self.patch(padded, text.body - 4)?,
            _ => {}
        }
        if len & 1 == 1 {
            self.own(&[pad]);
        }
        self.make_room()
    }
}
