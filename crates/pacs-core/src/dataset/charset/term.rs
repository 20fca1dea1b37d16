//! The defined terms of Specific Character Set (PS3.3 C.12.1.1.2) and what each designates (PS3.3 tables C.12-2 to C.12-5).

use super::tables::{Double, Single};

/// What the bytes 21H to 7EH mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Left {
    /// ISO-IR 6.
    Ascii,
    /// ISO-IR 14: ASCII but for two characters.
    Romaji,
    /// Pairs.
    Pairs(Double),
}

/// What the bytes from 80H on mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Right {
    /// Nothing.
    Nothing,
    /// One each.
    Single(Single),
    /// Pairs.
    Pairs(Double),
}

/// Half of the codes is given another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Designation {
    /// G0.
    Left(Left),
    /// G1.
    Right(Right),
}

/// What follows ESC, and what it designates (PS3.3 tables C.12-3 and C.12-4).
#[rustfmt::skip]
const ESCAPES: [(&[u8], Designation); 18] = [
    (b"(B",  Designation::Left(Left::Ascii)),
    (b"(J",  Designation::Left(Left::Romaji)),
    (b"$B",  Designation::Left(Left::Pairs(Double::Jis0208))),
    (b"$(D", Designation::Left(Left::Pairs(Double::Jis0212))),
    (b"$)C", Designation::Right(Right::Pairs(Double::Ksx1001))),
    (b"$)A", Designation::Right(Right::Pairs(Double::Gb2312))),
    (b")I",  Designation::Right(Right::Single(Single::Katakana))),
    (b"-A",  Designation::Right(Right::Single(Single::Latin1))),
    (b"-B",  Designation::Right(Right::Single(Single::Latin2))),
    (b"-C",  Designation::Right(Right::Single(Single::Latin3))),
    (b"-D",  Designation::Right(Right::Single(Single::Latin4))),
    (b"-F",  Designation::Right(Right::Single(Single::Greek))),
    (b"-G",  Designation::Right(Right::Single(Single::Arabic))),
    (b"-H",  Designation::Right(Right::Single(Single::Hebrew))),
    (b"-L",  Designation::Right(Right::Single(Single::Cyrillic))),
    (b"-M",  Designation::Right(Right::Single(Single::Latin5))),
    (b"-T",  Designation::Right(Right::Single(Single::Thai))),
    (b"-b",  Designation::Right(Right::Single(Single::Latin9))),
];

impl Designation {
    /// The escape sequence at the start of what follows an ESC, and how many bytes it has.
    pub(super) fn of(bytes: &[u8]) -> Option<(Self, usize)> {
        let (sequence, designation) = ESCAPES.iter().find(|(sequence, _)| bytes.starts_with(sequence))?;
        Some((*designation, sequence.len()))
    }

    /// What follows ESC to make it so. None: nothing does, for there is nothing to be designated.
    pub(super) fn escape(self) -> Option<&'static [u8]> {
        ESCAPES.iter().find(|(_, designation)| *designation == self).map(|(sequence, _)| *sequence)
    }
}

/// What a term means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Meaning {
    /// UTF-8.
    Unicode,
    /// GB18030, of which GBK is a part.
    Gb18030,
    /// GBK.
    Gbk,
    /// As value 1, these mean what no escape sequence says otherwise.
    Sets(Left, Right),
}

/// What a term means, and whether it is one of those that announce escape sequences.
pub(super) fn meaning(term: &[u8]) -> Option<(Meaning, bool)> {
    let term: String =
        term.iter().map(|byte| if matches!(byte, b'_' | b'-') { ' ' } else { char::from(*byte) }).collect();
    let single = |single| Meaning::Sets(Left::Ascii, Right::Single(single));
    let (number, extends) = match term.as_str() {
        "" => return Some((Meaning::Sets(Left::Ascii, Right::Nothing), false)),
        "ISO IR 192" => return Some((Meaning::Unicode, false)),
        "GB18030" => return Some((Meaning::Gb18030, false)),
        "GBK" => return Some((Meaning::Gbk, false)),
        other => match (other.strip_prefix("ISO IR "), other.strip_prefix("ISO 2022 IR ")) {
            (Some(number), _) => (number, false),
            (_, Some(number)) => (number, true),
            _ => return None,
        },
    };
    let meaning = match number {
        "6" => Meaning::Sets(Left::Ascii, Right::Nothing),
        "100" => single(Single::Latin1),
        "101" => single(Single::Latin2),
        "109" => single(Single::Latin3),
        "110" => single(Single::Latin4),
        "148" => single(Single::Latin5),
        "203" => single(Single::Latin9),
        "144" => single(Single::Cyrillic),
        "127" => single(Single::Arabic),
        "126" => single(Single::Greek),
        "138" => single(Single::Hebrew),
        "166" => single(Single::Thai),
        "13" => Meaning::Sets(Left::Romaji, Right::Single(Single::Katakana)),
        "87" if extends => Meaning::Sets(Left::Pairs(Double::Jis0208), Right::Nothing),
        "159" if extends => Meaning::Sets(Left::Pairs(Double::Jis0212), Right::Nothing),
        "149" if extends => Meaning::Sets(Left::Ascii, Right::Pairs(Double::Ksx1001)),
        "58" if extends => Meaning::Sets(Left::Ascii, Right::Pairs(Double::Gb2312)),
        _ => return None,
    };
    Some((meaning, extends))
}
