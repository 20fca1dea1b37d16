//! Writes a data set in order, from the first byte to the last.

use super::super::emit::number;
use super::super::refusal::Error;
use super::super::storage::{Append, Source, read_exact_at};
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::read::Reader;
use super::{Arranged, Entry, Kind, NONE, delimiter_len, sequence_header};
use std::io::IoSlice;

/// Bytes gathered before they go on.
const GATHER: usize = 256 * 1024;

/// Ranges shorter than this are read through the window of the [`Reader`].
const NEAR: u64 = 4096;

/// What is being written.
#[derive(Debug, Clone, Copy)]
enum Open {
    /// The elements of a data set or item.
    Elements { next: u64, end: u64, delimited: bool },
    /// A sequence: what has been copied of it, and its next stirred item.
    Sequence { at: u64, end: u64, child: u64, delimited: bool },
}

struct Writer<'a, S> {
    source: &'a S,
    base: u64,
    reader: Reader<'a, S>,
    out: &'a mut dyn Append,
    gathered: Vec<u8>,
    /// A range that is to be copied, and may yet grow.
    from: u64,
    to: u64,
}

pub(super) fn write(arranged: &mut Arranged, source: &impl Source, out: &mut dyn Append) -> Result<(), Error> {
    let output = arranged.output;
    let Some(top) = arranged.levels.len().checked_sub(1) else { return Ok(()) };
    let top = arranged.level(top)?;
    let reader = Reader::new(source, arranged.base, output.encoding);
    let gathered = Vec::with_capacity(GATHER);
    let mut writer = Writer { source, base: arranged.base, reader, out, gathered, from: 0, to: 0 };
    let mut open = vec![Open::Elements { next: top.entries, end: top.entries_end, delimited: false }];
    while let Some(last) = open.last_mut() {
        match last {
            Open::Elements { next, end, .. } if *next < *end => {
                let entry = Entry::from_bytes(arranged.entries.get(*next)?);
                *next += 1;
                if let Some(sequence) = writer.entry(&entry, arranged)? {
                    open.push(sequence);
                }
            }
            Open::Elements { delimited, .. } => {
                if *delimited {
                    writer.own(output.bare_header(Tag::ITEM_END, 0).as_bytes())?;
                }
                open.pop();
            }
            Open::Sequence { at, end, child, .. } if *child != NONE => {
                let item = arranged.level(*child)?;
                if item.written.header >= *end {
                    *child = NONE;
                    continue;
                }
                writer.copy(*at, item.written.header)?;
                (*at, *child) = (item.written.after, item.next);
                let delimited = delimiter_len(item.len, &output) > 0;
                let len = if delimited { u32::MAX } else { item.len as u32 };
                writer.own(output.bare_header(Tag::ITEM, len).as_bytes())?;
                open.push(Open::Elements { next: item.entries, end: item.entries_end, delimited });
            }
            Open::Sequence { at, end, delimited, .. } => {
                writer.copy(*at, *end)?;
                if *delimited {
                    writer.own(output.bare_header(Tag::SEQUENCE_END, 0).as_bytes())?;
                }
                open.pop();
            }
        }
    }
    writer.end_of_copy()?;
    writer.flush()
}

impl<S: Source> Writer<'_, S> {
    /// Writes an element, of a sequence with stirred items its header.
    fn entry(&mut self, entry: &Entry, arranged: &Arranged) -> Result<Option<Open>, Error> {
        let output = &arranged.output;
        match entry.kind {
            Kind::Nothing => {}
            Kind::Copy => self.copy(entry.at, entry.at + entry.len)?,
            Kind::GroupLength(value) => {
                self.own(output.header(entry.tag, Vr::UL, 4).as_bytes())?;
                self.own(&number(value, output.encoding.is_big()))?;
            }
            Kind::FirstValue(value) => {
                let element = self.reader.element(entry.at)?;
                let body = entry.at + element.header;
                self.copy(entry.at, body)?;
                self.own(&number(value, output.encoding.is_big()))?;
                self.copy(body + 4, element.end)?;
            }
            Kind::Padding(value) => {
                self.own(output.header(entry.tag, Vr::OB, value).as_bytes())?;
                let mut left = value as usize;
                while left > 0 {
                    let now = left.min(4096);
                    self.own(&[0; 4096][..now])?;
                    left -= now;
                }
            }
            Kind::Sequence => {
                let element = self.reader.element(entry.at)?;
                let at = entry.at + element.header;
                let undefined = element.len == u32::MAX;
                let end = element.end - if undefined { 8 } else { 0 };
                // Its length was measured with the delimiter that it needs.
                let rest = entry.len - element.header;
                let content = match delimiter_len(rest, output) {
                    0 => rest,
                    delimiter => rest - delimiter,
                };
                let delimited = delimiter_len(content, output) > 0;
                self.own(sequence_header(output, entry.tag, content).as_bytes())?;
                return Ok(Some(Open::Sequence { at, end, child: entry.child, delimited }));
            }
        }
        Ok(None)
    }

    /// Copies a range of the source. Ranges that follow each other become one.
    fn copy(&mut self, from: u64, to: u64) -> Result<(), Error> {
        if from == self.to {
            self.to = to;
            return Ok(());
        }
        self.end_of_copy()?;
        (self.from, self.to) = (from, to);
        Ok(())
    }

    fn end_of_copy(&mut self) -> Result<(), Error> {
        while self.from < self.to {
            let left = self.to - self.from;
            if self.gathered.len() == GATHER {
                self.flush()?;
            }
            let room = (GATHER - self.gathered.len()) as u64;
            let now = left.min(room) as usize;
            if left < NEAR {
                let near = self.reader.bytes(self.from)?;
                let now = now.min(near.len());
                self.gathered.extend_from_slice(&near[..now]);
                self.from += now as u64;
            } else {
                let start = self.gathered.len();
                self.gathered.resize(start + now, 0);
                read_exact_at(self.source, &mut self.gathered[start..], self.base + self.from)?;
                self.from += now as u64;
            }
        }
        Ok(())
    }

    fn own(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.end_of_copy()?;
        (self.from, self.to) = (0, 0);
        if self.gathered.len() + bytes.len() > GATHER {
            self.flush()?;
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.out.append(&[IoSlice::new(&self.gathered)])?;
        self.gathered.clear();
        Ok(())
    }
}
