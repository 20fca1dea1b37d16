//! From what a walk tells to what is written.

use super::super::refusal::{Error, Reason, Refusal, Warning};
use super::super::storage::Sink;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::super::walk::{Chunk, Element, Order, Plain, UNDEFINED, Visit};
use super::value::Streaming;
use super::{Admit, Emitter, Level, Pass};

impl<S: Sink> Visit for Pass<'_, S> {
    type Error = Error;

    #[inline]
    fn plain(&self) -> Option<Plain> {
        let Emitter { output, muted, level, watch, replace, .. } = &*self.emitter;
        (*muted == 0 && replace.is_empty()).then_some(Plain {
            explicit: output.encoding.is_explicit(),
            big: output.encoding.is_big(),
            group: level.group,
            mask: watch.mask,
        })
    }

    #[inline]
    fn unchanged(&mut self, run: Chunk<'_>) -> Result<(), Error> {
        self.put(run);
        self.make_room()
    }

    #[inline]
    fn named(&mut self, tag: Tag, vr: Vr, value: &[u8]) {
        self.emitter.changed = true;
        let header = self.emitter.output.header(tag, vr, value.len() as u32);
        self.emitter.pending.copy_both(header.as_bytes(), value, self.slices);
    }

    #[inline]
    fn element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            return Ok(());
        }
        match self.admit(element)? {
            Admit::Write => match self.replacement(element) {
                None => self.put_element(element, header, whole)?,
                Some(which) => self.put_replacement(element, which),
            },
            Admit::Drop => {}
            Admit::GroupLength => self.put_group_length(element, header, whole)?,
        }
        self.make_room()
    }

    fn value_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        self.emitter.streaming = Streaming::Skip;
        if self.emitter.muted > 0 {
            return Ok(());
        }
        match self.admit(element)? {
            Admit::Write => match self.replacement(element) {
                None => self.start_value(element, header),
                Some(which) => {
                    self.put_replacement(element, which);
                    self.make_room()
                }
            },
            Admit::Drop => Ok(()),
            Admit::GroupLength if element.vr == Vr::UL => {
                // Sixteen thousand lengths for one group: sorting takes the first.
                self.emitter.stir();
                self.start_value(element, header)
            }
            Admit::GroupLength => self.replace_group_length(element),
        }
    }

    #[inline]
    fn value(&mut self, piece: Chunk<'_>) -> Result<(), Error> {
        self.put_piece(piece)?;
        self.make_room()
    }

    fn value_end(&mut self) -> Result<(), Error> {
        self.end_value()
    }

    fn sequence_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted += 1;
            return Ok(());
        }
        match self.admit(element)? {
            Admit::Write => {}
            Admit::Drop => {
                self.emitter.muted = 1;
                return Ok(());
            }
            Admit::GroupLength => {
                self.emitter.muted = 1;
                return self.replace_group_length(element);
            }
        }
        self.emitter.see(element, None);
        if self.emitter.doubtful > 0 || element.order == Order::Misplaced {
            self.emitter.doubtful += 1;
        }
        self.open(Level::new(true, element.tag), element.len, Some(Vr::SQ), header)
    }

    fn sequence_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted -= 1;
            return Ok(());
        }
        self.emitter.doubtful = self.emitter.doubtful.saturating_sub(1);
        self.close(Tag::SEQUENCE_END, delimiter)
    }

    fn item_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            return Ok(());
        }
        self.emitter.level.items = self.emitter.level.items.saturating_add(1);
        self.open(Level::new(false, Tag::ITEM), len, None, header)
    }

    fn item_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            return Ok(());
        }
        self.end_of_elements()?;
        self.close(Tag::ITEM_END, delimiter)
    }

    fn fragments_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted += 1;
            return Ok(());
        }
        if self.admit(element)? == Admit::Drop {
            self.emitter.muted = 1;
            return Ok(());
        }
        // DCMTK: within a sequence in the disguise of UN, whose encoding is implicit, they are in another syntax.
        let implicit = header.bytes.len() == 8;
        let emitter = &mut *self.emitter;
        if !emitter.output.fragments || implicit {
            let offset = emitter.pending.position();
            let refusal = Refusal { reason: Reason::PixelRepresentationNotFound, offset, tag: Some(element.tag) };
            let may_be_dropped = emitter.doubtful > 0 || element.order == Order::Misplaced;
            if may_be_dropped && emitter.doubts.len() < DOUBTS {
                emitter.doubts.push((offset, refusal));
            } else {
                // It is read to the end all the same: what is wrong there matters more.
                emitter.doom = Some(refusal);
                emitter.muted = DOOMED;
                return Ok(());
            }
        }
        let written = self.emitter.output.header(element.tag, Vr::OB, UNDEFINED);
        self.put_header(&written, header);
        Ok(())
    }

    fn fragment(&mut self, whole: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted == 0 {
            let len = whole.bytes.len() as u32 - 8;
            let header = self.emitter.output.bare_header(Tag::ITEM, len + (len & 1));
            self.put_header(&header, whole.to(8));
            self.put(whole.from(8));
            if len & 1 == 1 {
                self.own(&[0]);
            }
        }
        self.make_room()
    }

    fn fragment_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Error> {
        self.emitter.streaming = Streaming::Skip;
        if self.emitter.muted == 0 {
            let written = self.emitter.output.bare_header(Tag::ITEM, len + (len & 1));
            self.put_header(&written, header);
            self.emitter.streaming = Streaming::Plain { odd: len & 1 == 1 };
        }
        Ok(())
    }

    fn fragments_end(&mut self, delimiter: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted -= 1;
            return Ok(());
        }
        let header = self.emitter.output.bare_header(Tag::SEQUENCE_END, 0);
        self.put_header(&header, delimiter);
        self.make_room()
    }

    fn dropped(&mut self) {
        self.emitter.changed = true;
    }

    fn warn(&mut self, warning: Warning) {
        self.emitter.warnings.add(warning);
    }
}

/// More open sequences than there can be: nothing is written any more.
const DOOMED: u32 = 1 << 31;

/// How many doubts are worth remembering.
const DOUBTS: usize = 1024;
