//! Tiny data sets, explicit VR little endian.

use std::collections::BTreeMap;

use crate::uid;

/// A data set as it travels. [`Object::tiny`] is one that every receiver keeps byte for byte: its elements are in order,
/// of even length, padded as the standard says, without group lengths and sequences.
#[derive(Clone, Debug)]
pub struct Object {
    /// Class of the request.
    pub sop_class: String,
    /// Instance of the request.
    pub instance: String,
    /// The encoded data set.
    pub data: Vec<u8>,
}

impl Object {
    /// An MR image without pixels, of study 1.2.3.
    pub fn tiny(instance: &str) -> Self {
        Self::of(uid::MR, instance)
    }

    /// The same of another class.
    pub fn of(sop_class: &str, instance: &str) -> Self {
        let data = [
            element(0x0008, 0x0016, "UI", sop_class.as_bytes()),
            element(0x0008, 0x0018, "UI", instance.as_bytes()),
            element(0x0008, 0x0060, "CS", b"MR"),
            element(0x0010, 0x0010, "PN", b"Doe^Jane"),
            element(0x0010, 0x0020, "LO", b"P1"),
            element(0x0020, 0x000D, "UI", b"1.2.3"),
        ]
        .concat();
        Self { sop_class: sop_class.to_owned(), instance: instance.to_owned(), data }
    }

    /// A tiny object with so many bytes of pixel data behind it; which bytes they are depends on `seed`.
    pub fn with_pixels(instance: &str, length: usize, seed: u64) -> Self {
        let mut object = Self::tiny(instance);
        let mut pixels = vec![0; length];
        crate::generated::fill(seed, 0, &mut pixels);
        object.data.extend(element(0x7FE0, 0x0010, "OW", &pixels));
        object
    }

    /// The same object with other bytes as its data set.
    #[must_use]
    pub fn with_data(mut self, data: Vec<u8>) -> Self {
        self.data = data;
        self
    }
}

/// An element, explicit VR little endian (PS3.5 7.1.2). A text is padded to an even length, a UID and bytes with NUL.
pub fn element(group: u16, number: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    let pad = if matches!(vr, "UI" | "OB" | "OW" | "UN") { 0 } else { b' ' };
    value.resize(value.len().next_multiple_of(2), pad);
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend_from_slice(vr.as_bytes());
    if matches!(vr, "OB" | "OW" | "OF" | "SQ" | "UN" | "UT" | "UC" | "UR") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&(value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

/// The elements at the top of a data set in explicit VR little endian without sequences of undefined length: group,
/// element number, value without its padding, as text.
///
/// # Panics
/// When the bytes are no such data set.
pub fn values(mut data: &[u8]) -> BTreeMap<(u16, u16), String> {
    let mut found = BTreeMap::new();
    while !data.is_empty() {
        assert!(data.len() >= 8, "{} bytes behind the last element", data.len());
        let two = |at: usize| u16::from_le_bytes([data[at], data[at + 1]]);
        let long = matches!(&data[4..6], b"OB" | b"OW" | b"OF" | b"SQ" | b"UN" | b"UT" | b"UC" | b"UR");
        let (start, length) = if long {
            (12, u32::from_le_bytes([data[8], data[9], data[10], data[11]]) as usize)
        } else {
            (8, usize::from(two(6)))
        };
        assert!(data.len() >= start + length, "({:04x},{:04x}) is longer than the data set", two(0), two(2));
        let text = String::from_utf8_lossy(&data[start..start + length]).trim_end_matches(['\0', ' ']).to_owned();
        found.insert((two(0), two(2)), text);
        data = &data[start + length..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{element, values};

    #[test]
    fn what_was_put_into_a_data_set_is_read_from_it() {
        let data = [element(0x0008, 0x0005, "CS", b"X"), element(0x0020, 0x4000, "UT", b"odd")].concat();
        let found: Vec<_> = values(&data).into_iter().collect();
        assert_eq!(found, [((8, 5), "X".to_owned()), ((0x20, 0x4000), "odd".to_owned())]);
    }
}
