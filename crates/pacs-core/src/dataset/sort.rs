//! Sorting the elements of a data set or item of any size in bounded memory.

use super::spill::{READ_AHEAD, Spill, numbers_from_bytes, numbers_to_bytes};
use super::storage::ScratchMaker;
use super::tag::Tag;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

/// An element as it was written in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Written {
    pub(crate) tag: Tag,
    /// Where it is. Of two with one tag, the first is the earlier.
    pub(crate) at: u64,
    /// Where it ends.
    pub(crate) end: u64,
    /// Bytes of it in its final form.
    pub(crate) len: u64,
    /// Whether an element with a larger tag was before it.
    pub(crate) misplaced: bool,
    /// The first stirred item within it.
    pub(crate) child: u64,
}

const BYTES: usize = 40;
const MISPLACED: u64 = 1 << 32;

impl Written {
    fn to_bytes(self) -> [u8; BYTES] {
        let tag = u64::from(self.tag.number()) | if self.misplaced { MISPLACED } else { 0 };
        numbers_to_bytes([tag, self.at, self.end, self.len, self.child])
    }

    fn from_bytes(bytes: [u8; BYTES]) -> Written {
        let [tag, at, end, len, child] = numbers_from_bytes(bytes);
        Written { tag: Tag::from_number(tag as u32), at, end, len, misplaced: tag & MISPLACED != 0, child }
    }
}

/// Takes elements in order of arrival and gives them in order of tags: sorted in memory, or, if they are many, in runs in a
/// scratch file that are merged.
pub(crate) struct Sorter {
    memory: Vec<Written>,
    room: usize,
    runs: Vec<Run>,
    filed: Spill<BYTES>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    next: u64,
    end: u64,
}

impl Sorter {
    /// A sorter of at most about `bytes` bytes of memory.
    pub(crate) fn new(bytes: usize, scratch: ScratchMaker) -> Sorter {
        let room = (bytes / 2 / size_of::<Written>()).max(16);
        Sorter { memory: Vec::new(), room, runs: Vec::new(), filed: Spill::new(bytes / 2, scratch) }
    }

    pub(crate) fn push(&mut self, element: Written) -> io::Result<()> {
        if self.memory.len() == self.room {
            self.file_run()?;
        }
        self.memory.push(element);
        Ok(())
    }

    fn file_run(&mut self) -> io::Result<()> {
        self.memory.sort_unstable();
        let next = self.filed.len();
        for element in self.memory.drain(..) {
            self.filed.push(element.to_bytes())?;
        }
        self.runs.push(Run { next, end: self.filed.len() });
        Ok(())
    }

    /// Hands all elements to `take`, in order.
    pub(crate) fn drain<E: From<io::Error>>(
        &mut self,
        mut take: impl FnMut(Written) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.runs.is_empty() {
            self.memory.sort_unstable();
            return self.memory.drain(..).try_for_each(take);
        }
        self.file_run()?;
        let mut runs = std::mem::take(&mut self.runs);
        let mut readers: Vec<Reader> = runs.iter().map(|_| Reader::default()).collect();
        let mut heads = BinaryHeap::new();
        for (number, (run, reader)) in runs.iter_mut().zip(&mut readers).enumerate() {
            if let Some(element) = reader.next(run, &mut self.filed)? {
                heads.push(Reverse((element, number)));
            }
        }
        while let Some(Reverse((element, number))) = heads.pop() {
            take(element)?;
            let (Some(run), Some(reader)) = (runs.get_mut(number), readers.get_mut(number)) else { break };
            if let Some(next) = reader.next(run, &mut self.filed)? {
                heads.push(Reverse((next, number)));
            }
        }
        self.filed.clear();
        Ok(())
    }
}

/// Reads a run some elements at a time.
#[derive(Debug, Default)]
struct Reader {
    ahead: std::collections::VecDeque<Written>,
}

impl Reader {
    fn next(&mut self, run: &mut Run, filed: &mut Spill<BYTES>) -> io::Result<Option<Written>> {
        if self.ahead.is_empty() {
            let count = (run.end - run.next).min(READ_AHEAD);
            for number in run.next..run.next + count {
                self.ahead.push_back(Written::from_bytes(filed.get(number)?));
            }
            run.next += count;
        }
        Ok(self.ahead.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(numbers: impl Iterator<Item = u32>, memory: usize) -> Vec<(u32, u64)> {
        let mut sorter = Sorter::new(memory, ScratchMaker::in_memory());
        for (at, number) in (0..).zip(numbers) {
            let tag = Tag::from_number(number);
            sorter.push(Written { tag, at, end: at + 1, len: 1, misplaced: at & 1 == 1, child: u64::MAX }).unwrap();
        }
        let mut all = Vec::new();
        sorter
            .drain(|element| {
                assert_eq!((element.len, element.misplaced, element.child), (1, element.at & 1 == 1, u64::MAX));
                all.push((element.tag.number(), element.at));
                Ok::<_, io::Error>(())
            })
            .unwrap();
        all
    }

    #[test]
    fn few_and_many_are_sorted_by_tag_and_then_by_arrival() {
        for count in [0u32, 1, 17, 1000, 40_000] {
            let numbers = || (0..count).map(|n| n.wrapping_mul(2_654_435_761) % (count / 2 + 1));
            let mut expected: Vec<(u32, u64)> = numbers().zip(0..).collect();
            expected.sort_unstable();
            assert_eq!(sorted(numbers(), 64 * 1024), expected);
            assert_eq!(sorted((0..count).rev(), 64 * 1024).len(), count as usize);
        }
    }
}
