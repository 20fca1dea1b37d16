//! What writing does to values: padding and byte order (PS3.5 6.2, 7.3). Characters are never looked at but for padding.

/// Bytes of a text value less its trailing blanks and NULs.
#[inline]
pub(crate) fn text_len(value: &[u8]) -> usize {
    match value {
        [.., last] if !is_text_pad(*last) => value.len(),
        _ => value.iter().rposition(|byte| !is_text_pad(*byte)).map_or(0, |at| at + 1),
    }
}

#[inline]
pub(crate) const fn is_text_pad(byte: u8) -> bool {
    matches!(byte, b' ' | 0)
}

/// Bytes of a value less its trailing NULs.
#[inline]
pub(crate) fn uid_len(value: &[u8]) -> usize {
    match value {
        [.., last] if *last != 0 => value.len(),
        _ => value.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1),
    }
}

/// Whether a UID loses this byte wherever it stands: blank, tab, LF, VT, FF, CR.
#[inline]
pub(crate) const fn is_uid_blank(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

/// Whether a UID has bytes that it loses, other than its padding.
#[inline]
pub(crate) fn has_uid_blank(value: &[u8]) -> bool {
    // No byte of a UID as the standard has it is below that of the dot, save its padding.
    value.iter().fold(false, |found, byte| found | (*byte < b'-' && is_uid_blank(*byte)))
}

/// Turns each whole unit of `unit` bytes round. What is left at the end stays.
pub(crate) fn swap(bytes: &mut [u8], unit: usize) {
    match unit {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|unit| unit.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|unit| unit.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|unit| unit.reverse()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_loses_trailing_blanks_and_nuls_only() {
        for (value, rest) in [
            (&b""[..], 0),
            (b"A", 1),
            (b"A   ", 1),
            (b"A\0\0\0", 1),
            (b"A\0 \0", 1),
            (b"    ", 0),
            (b"\0\0", 0),
            (b" A  ", 2),
            (b"A \\B  ", 4),
            (b"AB\0C", 4),
            (b"A\t\t ", 3),
            (b"AB\r\n", 4),
            (b"A\xA0", 2),
        ] {
            assert_eq!(text_len(value), rest, "{value:?}");
        }
    }

    #[test]
    fn units_turn_round_and_a_rest_stays() {
        let swapped = |unit| {
            let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
            swap(&mut bytes, unit);
            bytes
        };
        assert_eq!(swapped(1), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(swapped(2), [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 11]);
        assert_eq!(swapped(4), [4, 3, 2, 1, 8, 7, 6, 5, 9, 10, 11]);
        assert_eq!(swapped(8), [8, 7, 6, 5, 4, 3, 2, 1, 9, 10, 11]);
    }
}
