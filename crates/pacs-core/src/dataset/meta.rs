//! The preamble and the file meta header in front of a stored data set (PS3.10 7.1).
//!
//! Written by hand: dicom-object refuses metas that DCMTK's programs write and read, and this is one small table.

use crate::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

/// Length of the preamble, all zero: nobody's program or script ever gets in front of an object (PS3.10 7.5).
const PREAMBLE: usize = 128;

/// What the file meta header says.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    /// Media Storage SOP Class UID (0002,0002).
    pub sop_class: &'a str,
    /// Media Storage SOP Instance UID (0002,0003).
    pub sop_instance: &'a str,
    /// Transfer Syntax UID (0002,0010) of the data set that follows.
    pub transfer_syntax: &'a str,
    /// Source Application Entity Title (0002,0016), at most 16 characters of Latin-1.
    pub source_title: &'a str,
}

impl Meta<'_> {
    /// Appends preamble, prefix and group 2, explicit VR little endian, with its group length.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(PREAMBLE + 384);
        out.resize(out.len() + PREAMBLE, 0);
        out.extend_from_slice(b"DICM");
        out.extend_from_slice(&[2, 0, 0, 0, b'U', b'L', 4, 0, 0, 0, 0, 0]);
        let start = out.len();
        // File Meta Information Version
        out.extend_from_slice(&[2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1]);
        element(out, 0x02, *b"UI", self.sop_class);
        element(out, 0x03, *b"UI", self.sop_instance);
        element(out, 0x10, *b"UI", self.transfer_syntax);
        element(out, 0x12, *b"UI", IMPLEMENTATION_CLASS_UID);
        element(out, 0x13, *b"SH", IMPLEMENTATION_VERSION_NAME);
        element(out, 0x16, *b"AE", self.source_title);
        let length = (out.len() - start) as u32;
        out[start - 4..start].copy_from_slice(&length.to_le_bytes());
    }
}

/// One short element of group 2; characters are bytes of Latin-1, padded to even length. A value that does not fit into the
/// length field is cut; commands with such UIDs have been refused long before.
fn element(out: &mut Vec<u8>, number: u8, vr: [u8; 2], value: &str) {
    out.extend_from_slice(&[2, 0, number, 0, vr[0], vr[1], 0, 0]);
    let start = out.len();
    out.extend(value.chars().take(0xFFFE).map(|c| u8::try_from(c).unwrap_or(b'?')));
    if (out.len() - start) % 2 == 1 {
        out.push(if vr == *b"UI" { 0 } else { b' ' });
    }
    let length = (out.len() - start) as u16;
    out[start - 2..start].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_where_ps3_10_wants_it() {
        let mut out = Vec::new();
        Meta {
            sop_class: "1.2",
            sop_instance: "1.2.34",
            transfer_syntax: "1.2.840.10008.1.2",
            source_title: "SENDER 1",
        }
        .write(&mut out);
        assert!(out[..128].iter().all(|&b| b == 0));
        assert_eq!(out[128..132], *b"DICM");
        assert_eq!(out[132..140], [2, 0, 0, 0, b'U', b'L', 4, 0]);
        let length = u32::from_le_bytes(out[140..144].try_into().unwrap()) as usize;
        assert_eq!(length, out.len() - 144);
        let rest = [
            &b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\x01"[..],
            b"\x02\0\x02\0UI\x04\x001.2\0",
            b"\x02\0\x03\0UI\x06\x001.2.34",
            b"\x02\0\x10\0UI\x12\x001.2.840.10008.1.2\0",
        ]
        .concat();
        assert_eq!(out[144..144 + rest.len()], rest);
        assert!(out.ends_with(b"\x02\0\x16\0AE\x08\0SENDER 1"));
    }
}
