//! Numbers as C's `scanf` reads them, which is how DCMTK reads its command line: leading blanks and anything after the
//! digits are ignored, and what 64 bits cannot hold is the largest they can.

/// Signed: decimal, `0x` hexadecimal or leading-`0` octal. `None` if there is no digit.
pub(super) fn signed(text: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(text);
    let (base, digits) = match digits {
        // DCMTK: `0x` without a digit behind it reads as 0.
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', ..] => (8, digits),
        [b'1'..=b'9', ..] => (10, digits),
        _ => return None,
    };
    let mut number: i64 = 0;
    for digit in digits.iter().map_while(|byte| char::from(*byte).to_digit(base)) {
        let digit = i64::from(digit);
        number = number.saturating_mul(base.into()).saturating_add(if negative { -digit } else { digit });
    }
    Some(number)
}

/// Unsigned: decimal only. Whether it has a minus sign, and the number without it. `None` if there is no digit.
pub(super) fn unsigned(text: &[u8]) -> Option<(bool, u64)> {
    let (negative, digits) = sign(text);
    digits.first().filter(|byte| byte.is_ascii_digit())?;
    let number = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0u64, |number, byte| number.saturating_mul(10).saturating_add(u64::from(byte - b'0')));
    Some((negative, number))
}

/// Leading blanks and the sign taken off; true if that is a minus.
fn sign(text: &[u8]) -> (bool, &[u8]) {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r');
    let text = text.get(text.iter().take_while(|byte| blank(byte)).count()..).unwrap_or_default();
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

#[cfg(test)]
mod tests {
    use super::{signed, unsigned};

    #[test]
    fn signed_reads_three_bases() {
        for (text, number) in [
            ("0x10", 16),
            ("-0x5", -5),
            ("010", 8),
            ("08", 0),
            ("0", 0),
            ("0x", 0),
            ("0xg", 0),
            ("+5", 5),
            ("\n\x0b5zz", 5),
            (" -5", -5),
            ("9223372036854775808", i64::MAX),
            ("-99999999999999999999", i64::MIN),
        ] {
            assert_eq!(signed(text.as_bytes()), Some(number), "{text:?}");
        }
        for text in ["", "   ", "x", "-", "--5", "+ 5", "-x"] {
            assert_eq!(signed(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn unsigned_reads_decimals_only() {
        for (text, number) in [
            ("04096", (false, 4096)),
            (" 8192zz", (false, 8192)),
            ("0x4000", (false, 0)),
            ("9-000", (false, 9)),
            ("+8192", (false, 8192)),
            (" -5", (true, 5)),
            ("99999999999999999999999", (false, u64::MAX)),
        ] {
            assert_eq!(unsigned(text.as_bytes()), Some(number), "{text:?}");
        }
        for text in ["", "   ", "-", "+ 8192", "x5"] {
            assert_eq!(unsigned(text.as_bytes()), None, "{text:?}");
        }
    }
}
