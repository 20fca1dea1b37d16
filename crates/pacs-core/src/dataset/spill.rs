//! A list of small records that moves to a scratch file when it outgrows its memory.

use super::storage::{Scratch, ScratchMaker, read_exact_at};
use std::io::{self, IoSlice};

/// Records of `N` bytes, by number. What is in memory is the end of the list; the rest is in the file.
pub(crate) struct Spill<const N: usize> {
    memory: Vec<u8>,
    /// Records that fit into memory.
    room: usize,
    file: Option<Box<dyn Scratch>>,
    maker: ScratchMaker,
    /// Records in the file.
    filed: u64,
    /// Some records of the file, from number `cached_from` on.
    cache: Vec<u8>,
    cached_from: u64,
}

/// Records read at once from the file.
pub(crate) const READ_AHEAD: u64 = 256;

impl<const N: usize> Spill<N> {
    /// A list that keeps at most `bytes` of memory.
    pub(crate) fn new(bytes: usize, maker: ScratchMaker) -> Self {
        let room = (bytes / N).max(1);
        Self { memory: Vec::new(), room, file: None, maker, filed: 0, cache: Vec::new(), cached_from: 0 }
    }

    pub(crate) fn len(&self) -> u64 {
        self.filed + (self.memory.len() / N) as u64
    }

    pub(crate) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        if self.memory.len() >= self.room * N {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(self.maker.make()?),
            };
            file.append(&[IoSlice::new(&self.memory)])?;
            self.filed = self.len();
            self.memory.clear();
        }
        self.memory.extend_from_slice(&record);
        Ok(())
    }

    /// Forgets all records.
    pub(crate) fn clear(&mut self) {
        self.memory.clear();
        self.cache.clear();
        self.file = None;
        self.filed = 0;
    }

    pub(crate) fn get(&mut self, number: u64) -> io::Result<[u8; N]> {
        match number.checked_sub(self.filed) {
            Some(in_memory) => record(&self.memory, in_memory).ok_or(io::ErrorKind::InvalidInput.into()),
            None => self.get_filed(number),
        }
    }

    fn get_filed(&mut self, number: u64) -> io::Result<[u8; N]> {
        if let Some(at) = number.checked_sub(self.cached_from)
            && let Some(found) = record(&self.cache, at)
        {
            return Ok(found);
        }
        let count = READ_AHEAD.min(self.filed - number) as usize;
        self.cache.resize(count * N, 0);
        let file = self.file.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        if let Err(error) = read_exact_at(file, &mut self.cache, number * N as u64) {
            self.cache.clear();
            return Err(error);
        }
        self.cached_from = number;
        record(&self.cache, 0).ok_or(io::ErrorKind::InvalidInput.into())
    }

    pub(crate) fn set(&mut self, number: u64, new: [u8; N]) -> io::Result<()> {
        let at = match number.checked_sub(self.filed) {
            Some(in_memory) => place::<N>(&mut self.memory, in_memory),
            None => {
                let file = self.file.as_mut().ok_or(io::ErrorKind::InvalidInput)?;
                file.patch(&new, number * N as u64)?;
                match number.checked_sub(self.cached_from).and_then(|at| place::<N>(&mut self.cache, at)) {
                    Some(cached) => Some(cached),
                    None => return Ok(()),
                }
            }
        };
        at.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(&new);
        Ok(())
    }
}

/// A record of numbers.
pub(crate) fn numbers_to_bytes<const COUNT: usize, const N: usize>(numbers: [u64; COUNT]) -> [u8; N] {
    let mut bytes = [0; N];
    for (place, number) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
        *place = number.to_le_bytes();
    }
    bytes
}

/// The numbers of a record.
pub(crate) fn numbers_from_bytes<const COUNT: usize, const N: usize>(bytes: [u8; N]) -> [u64; COUNT] {
    let mut numbers = [0; COUNT];
    for (number, place) in numbers.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *number = u64::from_le_bytes(*place);
    }
    numbers
}

fn record<const N: usize>(bytes: &[u8], number: u64) -> Option<[u8; N]> {
    let start = usize::try_from(number).ok()?.checked_mul(N)?;
    bytes.get(start..start + N)?.try_into().ok()
}

fn place<const N: usize>(bytes: &mut [u8], number: u64) -> Option<&mut [u8]> {
    let start = usize::try_from(number).ok()?.checked_mul(N)?;
    bytes.get_mut(start..start + N)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_filed_is_read_and_changed_like_the_rest() {
        let mut list = Spill::<4>::new(64 * 4, ScratchMaker::in_memory());
        for number in 0..10_000u32 {
            list.push(number.to_le_bytes()).unwrap();
        }
        assert_eq!(list.len(), 10_000);
        assert!(list.memory.len() <= 64 * 4);
        for number in [0u32, 63, 64, 700, 9_983, 9_984, 9_999] {
            assert_eq!(list.get(number.into()).unwrap(), number.to_le_bytes());
            list.set(number.into(), (number ^ 0xFFFF_FFFF).to_le_bytes()).unwrap();
            assert_eq!(list.get(number.into()).unwrap(), (number ^ 0xFFFF_FFFF).to_le_bytes());
        }
        for number in (0..10_000u32).rev() {
            let changed = [0u32, 63, 64, 700, 9_983, 9_984, 9_999].contains(&number);
            let expected = if changed { number ^ 0xFFFF_FFFF } else { number };
            assert_eq!(list.get(number.into()).unwrap(), expected.to_le_bytes());
        }
        assert!(list.get(10_000).is_err());
    }
}
