//! Where bytes come from and go to: small traits, so that nothing here knows a path or a socket.

use crate::disk::Staged;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// Takes bytes one after the other: a socket, a compressor, a file.
pub trait Append {
    /// Takes all bytes of all slices.
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()>;
}

/// An [`Append`] whose bytes can be written over: what streaming needs, for lengths are known late.
pub trait Sink: Append {
    /// Writes over bytes appended before, at that offset from the first byte the sink ever took.
    fn patch(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Bytes appended so far, those before ours included.
    fn position(&self) -> u64;
}

/// Bytes that can be read anywhere and as often as needed.
pub trait Source {
    /// Reads at most a buffer full from `offset` on. 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// All bytes from `offset` on, where they are in memory already: nothing needs to be copied then.
    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        _ = offset;
        None
    }
}

/// A file of our own for a while.
pub trait Scratch: Sink + Source + Send {}

impl<T: Sink + Source + Send> Scratch for T {}

/// Makes scratch files where an object needs more room than memory is given. Few objects ever do.
#[derive(Clone)]
pub struct ScratchMaker(Arc<MakeScratch>);

type MakeScratch = dyn Fn() -> io::Result<Box<dyn Scratch>> + Send + Sync;

impl ScratchMaker {
    /// From a function that makes one. A file without a name in the output folder will do.
    pub fn new(make: impl Fn() -> io::Result<Box<dyn Scratch>> + Send + Sync + 'static) -> ScratchMaker {
        ScratchMaker(Arc::new(make))
    }

    /// Scratch "files" in memory: for tests, and for callers that bound objects by other means.
    pub fn in_memory() -> ScratchMaker {
        ScratchMaker::new(|| Ok(Box::new(Vec::new())))
    }

    pub(crate) fn make(&self) -> io::Result<Box<dyn Scratch>> {
        (self.0)()
    }
}

impl std::fmt::Debug for ScratchMaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScratchMaker")
    }
}

/// Fills the whole buffer.
pub(crate) fn read_exact_at(source: &(impl Source + ?Sized), buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..)
        && !rest.is_empty()
    {
        match source.read_at(rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}

impl<T: Append + ?Sized> Append for Box<T> {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        (**self).append(slices)
    }
}

impl<T: Sink + ?Sized> Sink for Box<T> {
    fn patch(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        (**self).patch(bytes, offset)
    }

    fn position(&self) -> u64 {
        (**self).position()
    }
}

impl<T: Source + ?Sized> Source for Box<T> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        (**self).in_memory(offset)
    }
}

impl Append for Staged {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        self.write_all_vectored(slices)
    }
}

impl Sink for Staged {
    fn patch(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn position(&self) -> u64 {
        self.len()
    }
}

impl Source for Staged {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Staged::read_at(self, buffer, offset)
    }
}

impl Append for Vec<u8> {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        slices.iter().for_each(|slice| self.extend_from_slice(slice));
        Ok(())
    }
}

impl Sink for Vec<u8> {
    fn patch(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let place = start.and_then(|start| self.get_mut(start..start.checked_add(bytes.len())?));
        place.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
        Ok(())
    }

    fn position(&self) -> u64 {
        self.len() as u64
    }
}

impl Source for std::fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

impl Source for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buffer, offset)
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        self.as_slice().in_memory(offset)
    }
}

impl Source for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.in_memory(offset).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        Some(usize::try_from(offset).ok().and_then(|start| self.get(start..)).unwrap_or_default())
    }
}

impl<T: Source + ?Sized> Source for &T {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        (**self).in_memory(offset)
    }
}
