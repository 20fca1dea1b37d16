//! Stored files and the folder they are in, read without the code under test.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// A DICOM file as it is on disk (PS3.10 7.1).
#[derive(Clone, Debug)]
pub struct Part10 {
    /// The 128 bytes in front of `DICM`.
    pub preamble: Vec<u8>,
    /// The elements of group 0002 in their order: number, VR, value.
    pub meta: Vec<(u16, String, Vec<u8>)>,
    /// Where the data set begins.
    pub data_at: u64,
    /// Whether (0002,0000) says where the data set begins.
    pub group_length_right: bool,
}

impl Part10 {
    /// Reads preamble and meta header; the data set stays where it is.
    ///
    /// # Panics
    /// When the file cannot be read or does not begin with a preamble, `DICM` and a meta header.
    pub fn open(path: &Path) -> Self {
        let mut file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut head = Vec::new();
        file.by_ref().take(1 << 16).read_to_end(&mut head).expect("read");
        assert!(head.len() > 144 && &head[128..132] == b"DICM", "{}: no DICOM file", path.display());
        let (mut at, mut meta) = (132, Vec::new());
        while head.len() >= at + 8 && head[at..at + 2] == [2, 0] {
            let vr = String::from_utf8_lossy(&head[at + 4..at + 6]).into_owned();
            let (start, length) = if vr == "OB" {
                (at + 12, u32::from_le_bytes(head[at + 8..at + 12].try_into().expect("four bytes")) as usize)
            } else {
                (at + 8, usize::from(u16::from_le_bytes([head[at + 6], head[at + 7]])))
            };
            let value = head.get(start..start + length).expect("a meta header within 64 KiB").to_vec();
            meta.push((u16::from_le_bytes([head[at + 2], head[at + 3]]), vr, value));
            at = start + length;
        }
        let declared = match meta.first() {
            Some((0, vr, value)) if vr == "UL" && value.len() == 4 => {
                u32::from_le_bytes([value[0], value[1], value[2], value[3]]) as usize
            }
            other => panic!("{}: the meta header begins with {other:?}", path.display()),
        };
        let group_length_right = 132 + 12 + declared == at;
        Self { preamble: head[..128].to_vec(), meta, data_at: at as u64, group_length_right }
    }

    /// Value of an element of group 0002 as it is.
    pub fn value(&self, element: u16) -> Option<&[u8]> {
        self.meta.iter().find(|(number, ..)| *number == element).map(|(.., value)| value.as_slice())
    }

    /// Value of an element of group 0002 as text, padding left away.
    pub fn text(&self, element: u16) -> Option<String> {
        self.value(element).map(|value| String::from_utf8_lossy(value).trim_end_matches(['\0', ' ']).to_owned())
    }

    /// The data set of a file, read into memory.
    ///
    /// # Panics
    /// As [`Part10::open`].
    pub fn data(path: &Path) -> Vec<u8> {
        let mut data = Vec::new();
        Self::data_reader(path).read_to_end(&mut data).expect("read");
        data
    }

    /// The data set of a file, to be read.
    ///
    /// # Panics
    /// As [`Part10::open`].
    pub fn data_reader(path: &Path) -> File {
        let at = Self::open(path).data_at;
        let mut file = File::open(path).expect("open again");
        file.seek(SeekFrom::Start(at)).expect("seek");
        file
    }
}

/// Names of everything in a folder, hidden ones too, sorted. Bytes that are no text are replaced.
///
/// # Panics
/// When the folder cannot be read.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Names in a folder without those that begin with a dot, sorted.
///
/// # Panics
/// When the folder cannot be read.
pub fn visible(folder: &Path) -> Vec<String> {
    files(folder).into_iter().filter(|name| !name.starts_with('.')).collect()
}
