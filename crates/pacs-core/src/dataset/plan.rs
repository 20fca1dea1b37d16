//! Lengths that stand before what they measure, in the order of their headers.
//!
//! A receiver writes a guess and corrects it once the end has passed. Who cannot go back, because the bytes are already on
//! the network or compressed, reads the source twice: the first time lengths are noted, the second time they are known.

use super::refusal::Error;
use super::spill::Spill;
use super::storage::ScratchMaker;

/// Every length of a data set that its input does not tell: one for each sequence, item and group length, and one for each
/// text too long to look at as a whole.
pub(crate) struct Plan {
    lengths: Spill<4>,
}

impl Plan {
    pub(crate) fn new(memory: usize, scratch: ScratchMaker) -> Plan {
        Plan { lengths: Spill::new(memory, scratch) }
    }
}

/// What is known of a length when its header is written.
pub(crate) enum Lengths {
    /// Nothing: it is patched if the guess was wrong.
    Guessed,
    /// Nothing, but it will be for the next time.
    Noted(Plan),
    /// All.
    Known { plan: Plan, next: u64 },
}

/// A length that is measured, to be [closed](Lengths::close) when its end is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    number: u64,
    /// What the header says.
    pub(crate) written: u32,
}

impl Lengths {
    /// The length to write, as good as it is known.
    #[inline]
    pub(crate) fn open(&mut self, guess: u32) -> Result<Slot, Error> {
        match self {
            Lengths::Guessed => Ok(Slot { number: 0, written: guess }),
            Lengths::Noted(plan) => {
                plan.lengths.push(guess.to_le_bytes())?;
                Ok(Slot { number: plan.lengths.len() - 1, written: guess })
            }
            Lengths::Known { plan, next } => {
                if *next >= plan.lengths.len() {
                    return Err(Error::SourceChanged);
                }
                let written = u32::from_le_bytes(plan.lengths.get(*next)?);
                *next += 1;
                Ok(Slot { number: *next - 1, written })
            }
        }
    }

    /// Whether what was written must be corrected to `length`.
    #[inline]
    pub(crate) fn close(&mut self, slot: Slot, length: u32) -> Result<bool, Error> {
        let wrong = length != slot.written;
        match self {
            Lengths::Guessed => {}
            Lengths::Noted(plan) if wrong => plan.lengths.set(slot.number, length.to_le_bytes())?,
            Lengths::Noted(_) => {}
            Lengths::Known { .. } if wrong => return Err(Error::SourceChanged),
            Lengths::Known { .. } => {}
        }
        Ok(wrong)
    }

    /// Whether lengths are written once and for all.
    pub(crate) fn are_known(&self) -> bool {
        matches!(self, Lengths::Known { .. })
    }
}
