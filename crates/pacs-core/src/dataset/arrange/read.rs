//! Reads back elements as we wrote them.

use super::super::form::Encoding;
use super::super::refusal::Error;
use super::super::storage::{Source, read_exact_at};
use super::super::tag::Tag;
use super::super::vr::{LengthField, Vr};
use super::super::walk::UNDEFINED;
use std::io;

/// Bytes read at once. Small elements may be in any order: what is near is read once.
const WINDOW: u64 = 64 * 1024;

/// An element as it was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) tag: Tag,
    /// Bytes of its header.
    pub(super) header: u64,
    pub(super) len: u32,
    /// Where it ends, its delimiter included.
    pub(super) end: u64,
}

pub(super) struct Reader<'s, S> {
    source: &'s S,
    base: u64,
    encoding: Encoding,
    window: Vec<u8>,
    from: u64,
}

/// What is open while the end of an element of undefined length is looked for.
#[derive(Debug, Clone, Copy)]
enum Open {
    Sequence,
    Item,
}

impl<'s, S: Source> Reader<'s, S> {
    pub(super) fn new(source: &'s S, base: u64, encoding: Encoding) -> Self {
        Reader { source, base, encoding, window: Vec::new(), from: 0 }
    }

    /// Bytes from `at` on, at least one; more if they are there without reading.
    pub(super) fn bytes(&mut self, at: u64) -> Result<&[u8], Error> {
        if at < self.from || at >= self.from + self.window.len() as u64 {
            self.from = at - at % WINDOW;
            self.window.resize(WINDOW as usize, 0);
            let mut filled = 0;
            while filled < self.window.len() {
                match self.source.read_at(&mut self.window[filled..], self.base + self.from + filled as u64)? {
                    0 => break,
                    count => filled += count,
                }
            }
            self.window.truncate(filled);
        }
        match self.window.get((at - self.from) as usize..) {
            Some(bytes) if !bytes.is_empty() => Ok(bytes),
            _ => Err(Error::Io(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn header<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Error> {
        if let Some(bytes) = self.bytes(at)?.first_chunk::<N>() {
            return Ok(*bytes);
        }
        let mut bytes = [0; N];
        read_exact_at(self.source, &mut bytes, self.base + at)?;
        Ok(bytes)
    }

    fn number(&self, bytes: [u8; 4]) -> u32 {
        if self.encoding.is_big() { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// The element at a position.
    pub(super) fn element(&mut self, at: u64) -> Result<Element, Error> {
        let (tag, header, len) = self.element_header(at)?;
        let body = at + header;
        let end = if len == UNDEFINED { self.end_of_undefined(body)? } else { body + u64::from(len) };
        Ok(Element { tag, header, len, end })
    }

    fn element_header(&mut self, at: u64) -> Result<(Tag, u64, u32), Error> {
        let [t0, t1, t2, t3, a, b, c, d] = self.header(at)?;
        let big = self.encoding.is_big();
        let tag = Tag::read([t0, t1, t2, t3], big);
        if tag.has_no_vr() || !self.encoding.is_explicit() {
            return Ok((tag, 8, self.number([a, b, c, d])));
        }
        match Vr::from_bytes([a, b]).map(Vr::length_field) {
            Some(LengthField::Two) => {
                let len = if big { u16::from_be_bytes([c, d]) } else { u16::from_le_bytes([c, d]) };
                Ok((tag, 8, len.into()))
            }
            _ => {
                let len = self.header::<4>(at + 8)?;
                Ok((tag, 12, self.number(len)))
            }
        }
    }

    /// Where the delimiter of a sequence ends whose content begins at `at`.
    fn end_of_undefined(&mut self, mut at: u64) -> Result<u64, Error> {
        let mut open = vec![Open::Sequence];
        while let Some(last) = open.last().copied() {
            let (tag, header, len) = match last {
                Open::Sequence => {
                    let [t0, t1, t2, t3, a, b, c, d] = self.header(at)?;
                    (Tag::read([t0, t1, t2, t3], self.encoding.is_big()), 8, self.number([a, b, c, d]))
                }
                Open::Item => self.element_header(at)?,
            };
            at += header;
            match (last, tag) {
                (Open::Sequence, Tag::SEQUENCE_END) | (Open::Item, Tag::ITEM_END) => {
                    open.pop();
                }
                (Open::Sequence, _) if len == UNDEFINED => open.push(Open::Item),
                (Open::Item, _) if len == UNDEFINED => open.push(Open::Sequence),
                _ => at += u64::from(len),
            }
        }
        Ok(at)
    }
}
