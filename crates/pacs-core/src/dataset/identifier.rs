//! Identifiers: the small data sets of queries and their responses (PS3.7 9.1.2.1.5, PS3.4 C.2.2), all in memory.
//!
//! What arrives is walked as stored objects are, with the same repairs and refusals, 64 levels deep at most and without
//! recursion. Only the attributes at the top matter; of a sequence it is known that it is there.

use super::deflate::{Deflater, Inflater};
use super::emit::Output;
use super::form::{Form, Syntax};
use super::refusal::{Error, Reason, Refusal, Warning, Warnings};
use super::rewrite::Limits;
use super::storage::Append;
use super::tag::Tag;
use super::value::{swap, text_len, uid_len};
use super::vr::{Dictionary, Padding, Vr};
use super::walk::{Chunk, Element, Order, Plain, Reading, Visit, Walker};
use std::fmt;
use std::io::IoSlice;

/// Bytes of an identifier that are taken, and that a deflated one may inflate to. Clients send a few hundred.
pub const MOST: usize = 1 << 20;

/// One attribute of an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its tag.
    pub tag: Tag,
    /// Its VR.
    pub vr: Vr,
    /// Its value: numbers in little endian order whatever the syntax, text with its padding. Of a sequence nothing.
    pub value: Vec<u8>,
}

impl Attribute {
    /// With a value without padding.
    pub fn new(tag: Tag, vr: Vr, value: impl Into<Vec<u8>>) -> Self {
        Self { tag, vr, value: value.into() }
    }

    /// The value without its padding.
    pub fn unpadded(&self) -> &[u8] {
        match self.vr.padding() {
            Padding::Blank => &self.value[..text_len(&self.value)],
            Padding::Uid => &self.value[..uid_len(&self.value)],
            _ => &self.value,
        }
    }
}

/// A query, or what answers one: attributes in the order of their tags, each once.
#[derive(Debug, Clone, Default)]
pub struct Identifier {
    attributes: Vec<Attribute>,
    warnings: Warnings,
}

/// Why an identifier cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierError {
    /// It has, or inflates to, more bytes than [`MOST`].
    TooLarge,
    /// It is no data set.
    Refused(Refusal),
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the identifier is longer than {MOST} bytes"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for IdentifierError {}

impl From<Refusal> for IdentifierError {
    fn from(refusal: Refusal) -> Self {
        match refusal.reason {
            Reason::InflatesTooFar => Self::TooLarge,
            _ => Self::Refused(refusal),
        }
    }
}

impl Identifier {
    /// Reads one in the transfer syntax of that UID. No bytes at all are one without attributes.
    ///
    /// # Errors
    ///
    /// As [`IdentifierError`] says.
    pub fn read(bytes: &[u8], transfer_syntax: &str) -> Result<Self, IdentifierError> {
        let syntax = Syntax::of(transfer_syntax).ok_or(Refusal::at(Reason::UnsupportedSyntax, 0))?;
        if bytes.len() > MOST {
            return Err(IdentifierError::TooLarge);
        }
        let mut identifier = Self::default();
        if bytes.is_empty() {
            return Ok(identifier);
        }
        let reading = Reading {
            explicit: syntax.encoding.is_explicit(),
            big: syntax.encoding.is_big(),
            encapsulated: syntax.encapsulated,
            convert_un: false,
            depth: Limits::default().depth,
        };
        let mut walker = Walker::new(reading, Dictionary::builtin());
        let mut collector = Collector::default();
        if syntax.deflated {
            let mut inflater = Inflater::new(MOST as u64);
            let fed = inflater.feed(bytes, |bytes| Ok(walker.feed(bytes, 0, &mut collector)?));
            match fed {
                Ok(()) => {}
                Err(Error::Refused(refusal)) => return Err(refusal.into()),
                // There is nothing else that could fail.
                Err(_) => return Err(Refusal::at(Reason::Deflate, 0).into()),
            }
            inflater.finish()?;
        } else {
            walker.feed(bytes, 0, &mut collector)?;
        }
        walker.finish(&mut collector)?;
        identifier.attributes = collector.attributes;
        identifier.warnings = collector.warnings;
        // Stable: of two with the same tag the first stays.
        identifier.attributes.sort_by_key(|attribute| attribute.tag);
        identifier.attributes.dedup_by_key(|attribute| attribute.tag);
        Ok(identifier)
    }

    /// The attribute with that tag.
    pub fn get(&self, tag: Tag) -> Option<&Attribute> {
        let at = self.attributes.binary_search_by_key(&tag, |attribute| attribute.tag).ok()?;
        self.attributes.get(at)
    }

    /// All of them, in the order of their tags.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// What is odd about it.
    pub fn warnings(&self) -> &Warnings {
        &self.warnings
    }
}

/// Writes attributes in a transfer syntax.
#[derive(Debug, Clone, Copy)]
pub struct Writer {
    output: Output,
    deflated: bool,
}

impl Writer {
    /// For the transfer syntax of that UID. None: nobody here knows it.
    pub fn new(transfer_syntax: &str) -> Option<Self> {
        let Syntax { encoding, deflated, .. } = Syntax::of(transfer_syntax)?;
        Some(Self { output: Output::new(&Form::default(), encoding, false), deflated })
    }

    /// Appends the data set of these attributes, which are in the order of their tags, to `out`: values padded to even length,
    /// those too long for the length field of their VR as UN, sequences empty.
    pub fn write(self, attributes: &[Attribute], out: &mut Vec<u8>) {
        if !self.deflated {
            return attributes.iter().for_each(|attribute| self.write_one(attribute, out));
        }
        let mut plain = Vec::new();
        attributes.iter().for_each(|attribute| self.write_one(attribute, &mut plain));
        let start = out.len();
        let mut deflater = Deflater::new(6, out);
        // Into memory; nothing fails.
        _ = deflater.append(&[IoSlice::new(&plain)]);
        _ = deflater.finish();
        if (out.len() - start) % 2 == 1 {
            out.push(0);
        }
    }

    fn write_one(self, attribute: &Attribute, out: &mut Vec<u8>) {
        let Attribute { tag, vr, .. } = *attribute;
        let value = if vr == Vr::SQ { &[] } else { attribute.unpadded() };
        let length = value.len().next_multiple_of(2) as u32;
        let written = self.output.vr(vr, length);
        out.extend_from_slice(self.output.header(tag, written, length).as_bytes());
        let start = out.len();
        out.extend_from_slice(value);
        if value.len() % 2 == 1 {
            out.push(if vr.padding() == Padding::Blank { b' ' } else { 0 });
        }
        if self.output.encoding.is_big() {
            swap(&mut out[start..], written.unit());
        }
    }
}

/// The data set of these attributes, which are in the order of their tags. None: nobody here knows the transfer syntax.
pub fn write(attributes: &[Attribute], transfer_syntax: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    Writer::new(transfer_syntax)?.write(attributes, &mut out);
    Some(out)
}

/// Collects attributes at the top.
#[derive(Default)]
struct Collector {
    attributes: Vec<Attribute>,
    warnings: Warnings,
    /// Open sequences, pixel data counting as one.
    depth: u32,
    /// The value that comes in pieces is of the last attribute, and this is its order.
    collecting: Option<bool>,
}

impl Collector {
    fn see(&mut self, element: &Element, value: &[u8]) {
        if self.depth > 0 {
            return;
        }
        match element.order {
            Order::Ascending => {}
            Order::Duplicate => self.warnings.add(Warning::FoundTwice(element.tag)),
            Order::Misplaced => self.warnings.add(Warning::NotAscending(element.tag)),
        }
        let mut value = value.to_vec();
        if element.big {
            swap(&mut value, element.vr.unit());
        }
        self.attributes.push(Attribute { tag: element.tag, vr: element.vr, value });
    }
}

impl Visit for Collector {
    type Error = Refusal;

    fn plain(&self) -> Option<Plain> {
        None
    }

    fn unchanged(&mut self, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn named(&mut self, _: Tag, _: Vr, _: &[u8]) {}

    fn element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Refusal> {
        self.see(element, whole.bytes.get(header..).unwrap_or_default());
        Ok(())
    }

    fn value_start(&mut self, element: &Element, _: Chunk<'_>) -> Result<(), Refusal> {
        self.see(element, &[]);
        self.collecting = (self.depth == 0).then_some(element.big);
        Ok(())
    }

    fn value(&mut self, piece: Chunk<'_>) -> Result<(), Refusal> {
        if self.collecting.is_some()
            && let Some(attribute) = self.attributes.last_mut()
        {
            attribute.value.extend_from_slice(piece.bytes);
        }
        Ok(())
    }

    fn value_end(&mut self) -> Result<(), Refusal> {
        if self.collecting.take() == Some(true)
            && let Some(Attribute { vr, value, .. }) = self.attributes.last_mut()
        {
            swap(value, vr.unit());
        }
        Ok(())
    }

    fn sequence_start(&mut self, element: &Element, _: Chunk<'_>) -> Result<(), Refusal> {
        self.see(element, &[]);
        self.depth += 1;
        Ok(())
    }

    fn sequence_end(&mut self, _: Option<Chunk<'_>>) -> Result<(), Refusal> {
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn item_start(&mut self, _: u32, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn item_end(&mut self, _: Option<Chunk<'_>>) -> Result<(), Refusal> {
        Ok(())
    }

    fn fragments_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Refusal> {
        self.sequence_start(element, header)
    }

    fn fragment(&mut self, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn fragment_start(&mut self, _: u32, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn fragments_end(&mut self, _: Chunk<'_>) -> Result<(), Refusal> {
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn dropped(&mut self) {}

    fn warn(&mut self, warning: Warning) {
        self.warnings.add(warning);
    }
}

#[cfg(test)]
mod tests;
