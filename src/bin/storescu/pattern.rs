//! Shell wildcard patterns, as `--scan-pattern` takes them: those of POSIX 2.13, in the C locale.

/// Whether a name matches a pattern: `*` any text, `?` any byte, `[…]` one of some bytes, `\` the next byte as it is.
///
/// Takes time in proportion to the product of both lengths at most.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go on when what follows the last star does not fit: the star takes one byte more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        if p == pattern.len() && n == name.len() {
            return true;
        }
        let fits = name.get(n).and_then(|&byte| one(&pattern[p..], byte));
        match (fits, star) {
            (Some(used), _) => {
                p += used;
                n += 1;
            }
            (None, Some((after, from))) if from < name.len() => {
                star = Some((after, from + 1));
                (p, n) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

/// Bytes of the pattern that stand for this byte of the name.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', rest @ ..] => match bracket(rest, byte) {
            Some((true, used)) => Some(used + 1),
            Some((false, _)) => None,
            // An opening bracket that is never closed is a byte like others.
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// Whether a bracket expression names the byte, and its length behind the opening bracket. None: it is none.
fn bracket(rest: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let (first, mut found) = (at, false);
    loop {
        match *rest.get(at..)? {
            [b']', ..] if at > first => return Some((found != negated, at + 1)),
            [b'[', b':', ..] => {
                let end = rest.get(at + 2..)?.windows(2).position(|two| two == b":]")?;
                found |= class(&rest[at + 2..at + 2 + end], byte);
                at += end + 4;
            }
            _ => {
                let (low, used) = member(&rest[at..])?;
                at += used;
                let high = match *rest.get(at..)? {
                    [b'-', next, ..] if next != b']' => {
                        let (high, used) = member(&rest[at + 1..])?;
                        at += used + 1;
                        high
                    }
                    _ => low,
                };
                found |= (low..=high).contains(&byte);
            }
        }
    }
}

/// A byte of a bracket expression, and how many it takes to write it.
fn member(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'\\', literal, ..] => Some((*literal, 2)),
        [literal, ..] => Some((*literal, 1)),
        [] => None,
    }
}

fn class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0B,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_the_shell() {
        for (pattern, names, others) in [
            ("*", &["", "a", ".hid"][..], &[][..]),
            ("*.dcm", &["a.dcm", ".dcm", ".hid.dcm"], &["a.DCM", "a.dcm2"]),
            ("t*", &["t", "two.img"], &["at"]),
            ("?", &["a"], &["", "ab"]),
            ("[ot]??.*", &["one.dcm", "two.img"], &["xne.dcm", "one"]),
            ("[!a-c]x", &["dx", "-x"], &["ax", "bx", "x"]),
            ("[^a-c]x", &["dx"], &["cx"]),
            ("[]a]", &["]", "a"], &["b"]),
            ("[a-]", &["a", "-"], &["b"]),
            ("[[:digit:][:upper:]]*", &["1", "Zz"], &["z"]),
            ("\\*x", &["*x"], &["ax"]),
            ("[\\]]", &["]"], &["\\"]),
            ("[x", &["[x"], &["x"]),
            ("a*b*c", &["abc", "aXbYbZc"], &["ab", "acb"]),
            ("*a*a*a*a*b", &["aaaab"], &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"]),
        ] {
            for name in names {
                assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
            }
            for name in others {
                assert!(!matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
            }
        }
    }
}
