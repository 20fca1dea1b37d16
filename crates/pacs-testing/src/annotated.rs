//! Bytes written down with their explanation beside them.

/// The bytes of an annotated text: pairs of hexadecimal digits, blanks anywhere between pairs, `#` starts the
/// explanation that ends with the line; `"…"` stands for the ASCII characters within.
///
/// # Panics
/// When the text holds anything else.
pub fn bytes_of(annotated: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, line) in annotated.lines().enumerate() {
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            if let Some(quoted) = rest.strip_prefix('"') {
                let end = quoted.find('"').unwrap_or_else(|| panic!("line {}: unterminated text", number + 1));
                bytes.extend_from_slice(&quoted.as_bytes()[..end]);
                rest = &quoted[end + 1..];
            } else {
                let pair = rest.get(..2).unwrap_or_else(|| panic!("line {}: half a byte: {line}", number + 1));
                let byte = u8::from_str_radix(pair, 16);
                bytes.push(byte.unwrap_or_else(|_| panic!("line {}: not a byte: {pair}", number + 1)));
                rest = &rest[2..];
            }
            rest = rest.trim_start();
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::bytes_of;

    #[test]
    fn explanations_are_left_out() {
        assert_eq!(bytes_of("01 00ff # type\n# a line\n\"A B\" 20 # title\n"), [1, 0, 255, b'A', b' ', b'B', 32]);
    }
}
