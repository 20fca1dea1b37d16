//! DCMTK's `index.dat`: read to take an area over, never written.
//!
//! A header, 500 study descriptors that are passed over because their counters may be wrong, and one record of fixed length
//! for each object: a memory image of the program that wrote it. What the files say themselves is read from them; the index
//! adds where they are and when they were stored.

use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The header: magic and version.
const HEADER: &[u8; 6] = b"QRDB05";

/// How a build lays the file out: where records start, how long one is, where its time and its first parameter entry are.
#[derive(Clone, Copy, Debug)]
struct Layout {
    start: u64,
    record: usize,
    time: usize,
    entries: usize,
    big: bool,
}

/// 64-bit systems, and 32-bit ones, where numbers are aligned to four bytes.
const LAYOUTS: [Layout; 4] = [
    Layout { start: 44_006, record: 8032, time: 328, entries: 344, big: false },
    Layout { start: 42_006, record: 8024, time: 324, entries: 336, big: false },
    Layout { start: 44_006, record: 8032, time: 328, entries: 344, big: true },
    Layout { start: 42_006, record: 8024, time: 324, entries: 336, big: true },
];

/// Bytes of a file's path.
const PATH: usize = 257;

/// The first parameter of each record: Patient's Birth Date.
const FIRST_TAG: (u16, u16) = (0x0010, 0x0030);

/// An object that the index names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its file, as the index was told.
    pub(super) path: PathBuf,
    /// When it was stored, in milliseconds since 1970.
    pub(super) stored: i64,
}

/// Why an index is of no use.
#[derive(Debug)]
pub(super) enum IndexError {
    Io(io::Error),
    /// Not made by DCMTK 3.6.2 or later, or on a machine whose layout is not known.
    Unknown,
}

impl From<io::Error> for IndexError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// Reads an index to its end; a torn last record is passed over, as by DCMTK.
pub(super) fn read(file: &mut impl Read, mut each: impl FnMut(Entry)) -> Result<(), IndexError> {
    let mut header = [0; HEADER.len()];
    match fill(file, &mut header)? {
        0 => return Ok(()),
        n if n < header.len() || header != *HEADER => return Err(IndexError::Unknown),
        _ => {}
    }
    let most = LAYOUTS.iter().map(|layout| layout.start as usize + layout.record).max().unwrap_or_default();
    let mut bytes = vec![0; most - HEADER.len()];
    let n = fill(file, &mut bytes)?;
    bytes.truncate(n);
    let Some(layout) = LAYOUTS.iter().find(|layout| layout.fits(&bytes)) else {
        // Without a first record there is nothing to tell the layouts apart, and nothing to read.
        return if n < 42_006 + 8024 - HEADER.len() { Ok(()) } else { Err(IndexError::Unknown) };
    };
    bytes.drain(..layout.start as usize - HEADER.len());
    let mut record = vec![0; layout.record];
    let mut rest = io::Read::chain(&bytes[..], file);
    while fill(&mut rest, &mut record)? == record.len() {
        if let Some(entry) = layout.entry(&record) {
            each(entry);
        }
    }
    Ok(())
}

impl Layout {
    /// Whether the bytes behind the header have a record where this layout wants it.
    fn fits(&self, bytes: &[u8]) -> bool {
        let at = self.start as usize - HEADER.len() + self.entries + 12;
        let Some(&[a, b, c, d]) = bytes.get(at..at + 4) else { return false };
        let number = |bytes| if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        (number([a, b]), number([c, d])) == FIRST_TAG
    }

    /// The object of a record; none: the record is free.
    fn entry(&self, record: &[u8]) -> Option<Entry> {
        let path = record.get(..PATH)?.split(|byte| *byte == 0).next()?;
        if path.is_empty() {
            return None;
        }
        let time: [u8; 8] = record.get(self.time..self.time + 8)?.try_into().ok()?;
        let seconds = if self.big { f64::from_be_bytes(time) } else { f64::from_le_bytes(time) };
        // As much as a clock may say; else it is no time.
        let stored = if seconds.is_finite() && (0.0..1e11).contains(&seconds) { (seconds * 1000.0) as i64 } else { 0 };
        Some(Entry { path: std::ffi::OsString::from_vec(path.to_vec()).into(), stored })
    }
}

/// Reads until the buffer is full or there is no more; how much there was.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match file.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(layout: Layout, records: &[(&str, f64)]) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        bytes.resize(layout.start as usize, 0xA5);
        for (path, time) in records {
            let mut record = vec![0; layout.record];
            record[..path.len()].copy_from_slice(path.as_bytes());
            let number = |n: u16| if layout.big { n.to_be_bytes() } else { n.to_le_bytes() };
            record[layout.time..layout.time + 8].copy_from_slice(&if layout.big {
                time.to_be_bytes()
            } else {
                time.to_le_bytes()
            });
            record[layout.entries + 12..layout.entries + 14].copy_from_slice(&number(FIRST_TAG.0));
            record[layout.entries + 14..layout.entries + 16].copy_from_slice(&number(FIRST_TAG.1));
            bytes.extend(record);
        }
        bytes
    }

    fn entries(bytes: &[u8]) -> Vec<(String, i64)> {
        let mut found = Vec::new();
        read(&mut &bytes[..], |e| found.push((e.path.display().to_string(), e.stored))).unwrap();
        found
    }

    #[test]
    fn every_layout_is_told_from_the_others() {
        let records = [("/a/CT_1.dcm", 1_700_000_000.0), ("", 5.0), ("b/MR_2.dcm", f64::NAN)];
        for layout in LAYOUTS {
            let bytes = index(layout, &records);
            let wanted = vec![("/a/CT_1.dcm".to_owned(), 1_700_000_000_000), ("b/MR_2.dcm".to_owned(), 0)];
            assert_eq!(entries(&bytes), wanted, "{layout:?}");
            // A torn record is none.
            assert_eq!(entries(&bytes[..bytes.len() - 1]), wanted[..1], "{layout:?}");
        }
    }

    #[test]
    fn what_is_empty_or_foreign_is_told() {
        assert_eq!(entries(b""), []);
        assert_eq!(entries(HEADER), []);
        assert_eq!(entries(&index(LAYOUTS[0], &[])), []);
        for bytes in [&b"QRDB04xxxx"[..], b"QR", b"SQLite format 3\0"] {
            assert!(matches!(read(&mut &bytes[..], |_| ()), Err(IndexError::Unknown)), "{bytes:?}");
        }
        let mut garbled = index(LAYOUTS[0], &[("x", 1.0)]);
        garbled.truncate(HEADER.len());
        garbled.resize(60_000, 0x5A);
        assert!(matches!(read(&mut &garbled[..], |_| ()), Err(IndexError::Unknown)));
    }
}
