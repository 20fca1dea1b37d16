//! Group lengths (gggg,0000): the bytes of what follows in the group, known when the group ends (PS3.5 7.2).

use super::super::plan::Slot;
use super::super::tag::Tag;
use super::super::value::swap;
use super::super::vr::Vr;
use super::super::walk::{Chunk, Element, Order};
use super::{Error, GroupLengths, Pass, Sink, Warning, number};

/// A group length that waits for the end of its group.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLength {
    /// Where its value is.
    at: u64,
    slot: Slot,
}

/// Bytes of its value.
const VALUE: u64 = 4;

impl<S: Sink> Pass<'_, S> {
    /// An element of another group than before comes.
    pub(super) fn start_group(&mut self, group: u16) -> Result<(), Error> {
        self.end_group()?;
        let output = &self.emitter.output;
        // In order, there is no knowing yet which groups there are.
        if output.group_lengths == GroupLengths::Create && !output.hands_off && !self.emitter.level.stirred {
            self.emitter.changed = true;
            let slot = self.emitter.lengths.open(0)?;
            self.write_group_length(Tag::new(group, 0), slot, None);
        }
        Ok(())
    }

    /// The last element of a group has passed.
    pub(super) fn end_group(&mut self) -> Result<(), Error> {
        let Some(group) = self.emitter.level.group_length.take() else { return Ok(()) };
        if self.emitter.level.stirred {
            return Ok(());
        }
        let Ok(len) = u32::try_from(self.emitter.pending.position() - group.at - VALUE) else {
            // Sorting leaves it out.
            self.emitter.stir();
            return Ok(());
        };
        if self.emitter.lengths.close(group.slot, len)? {
            self.patch(len, group.at)?;
        }
        Ok(())
    }

    /// A group length to recalculate, with its value.
    pub(super) fn put_group_length(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Error> {
        let len = element.len as usize;
        if element.vr == Vr::UL && len != 4 && len != 3 && len != 0 {
            // DCMTK: the last group's keeps what follows its first value, and stays as it is if there is no whole number of
            // values; that of any other becomes one value. Which it is shows later: sorting does it.
            self.begin(element)?;
            self.emitter.stir();
            return self.put_element(element, header, whole);
        }
        if element.vr != Vr::UL || len == 0 {
            return self.replace_group_length(element);
        }
        self.begin(element)?;
        let mut value = [0; 4];
        value[..len].copy_from_slice(&whole.bytes[header..header + len]);
        if element.big {
            swap(&mut value, 4);
        }
        let slot = self.emitter.lengths.open(u32::from_le_bytes(value))?;
        self.write_group_length(element.tag, slot, Some(whole));
        self.forget_if_misplaced(element);
        Ok(())
    }

    /// A group length that is none yet.
    pub(super) fn replace_group_length(&mut self, element: &Element) -> Result<(), Error> {
        if element.vr != Vr::UL {
            self.emitter.warnings.add(Warning::GroupLengthVr);
        }
        self.begin(element)?;
        self.emitter.changed = true;
        let slot = self.emitter.lengths.open(0)?;
        self.write_group_length(element.tag, slot, None);
        self.forget_if_misplaced(element);
        Ok(())
    }

    fn begin(&mut self, element: &Element) -> Result<(), Error> {
        if element.order == Order::Ascending {
            self.end_group()?;
            self.emitter.level.group = element.tag.group().into();
        }
        Ok(())
    }

    fn forget_if_misplaced(&mut self, element: &Element) {
        if element.order != Order::Ascending {
            self.emitter.level.group_length = None;
        }
    }

    fn write_group_length(&mut self, tag: Tag, slot: Slot, read: Option<Chunk<'_>>) {
        let header = self.emitter.output.header(tag, Vr::UL, 4);
        let whole = header.with(number(slot.written, self.emitter.output.encoding.is_big()));
        self.put_header(&whole, read.unwrap_or(Chunk { bytes: &[], place: None }));
        let at = self.emitter.pending.position() - VALUE;
        self.emitter.level.group_length = Some(GroupLength { at, slot });
    }
}
