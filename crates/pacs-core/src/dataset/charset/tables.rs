//! The coded character sets behind DICOM's terms: which character each code means, and back.
//!
//! Multi-byte sets are those of encoding_rs, pair by pair. Single-byte sets are DICOM's own where encoding_rs has what web
//! pages mean by their names: windows-1252 for ISO 8859-1, windows-1254 for ISO 8859-9, windows-874 for TIS 620.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8,
    ISO_8859_15,
};
use std::collections::HashMap;
use std::sync::OnceLock;

/// What stands for a code without character.
const NONE: char = '\0';

/// A set of the bytes from 80H on (PS3.3 table C.12-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Single {
    /// ISO-IR 100, ISO 8859-1.
    Latin1,
    /// ISO-IR 101, ISO 8859-2.
    Latin2,
    /// ISO-IR 109, ISO 8859-3.
    Latin3,
    /// ISO-IR 110, ISO 8859-4.
    Latin4,
    /// ISO-IR 148, ISO 8859-9.
    Latin5,
    /// ISO-IR 203, ISO 8859-15.
    Latin9,
    /// ISO-IR 144, ISO 8859-5.
    Cyrillic,
    /// ISO-IR 127, ISO 8859-6.
    Arabic,
    /// ISO-IR 126, ISO 8859-7.
    Greek,
    /// ISO-IR 138, ISO 8859-8.
    Hebrew,
    /// ISO-IR 166, TIS 620-2533.
    Thai,
    /// ISO-IR 13, JIS X 0201.
    Katakana,
}

impl Single {
    const ALL: [Self; 12] = [
        Self::Latin1,
        Self::Latin2,
        Self::Latin3,
        Self::Latin4,
        Self::Latin5,
        Self::Latin9,
        Self::Cyrillic,
        Self::Arabic,
        Self::Greek,
        Self::Hebrew,
        Self::Thai,
        Self::Katakana,
    ];

    /// The character of a byte from 80H on.
    pub(super) fn decode(self, byte: u8) -> Option<char> {
        self.half().get(usize::from(byte & 0x7F)).copied().filter(|c| byte >= 0x80 && *c != NONE)
    }

    /// The byte of a character, from 80H on.
    pub(super) fn encode(self, c: char) -> Option<u8> {
        if c < '\u{80}' {
            return None;
        }
        let at = self.half().iter().position(|known| *known == c)?;
        u8::try_from(at).ok().map(|low| low | 0x80)
    }

    fn half(self) -> &'static [char; 128] {
        static HALVES: OnceLock<[[char; 128]; 12]> = OnceLock::new();
        let halves = HALVES.get_or_init(|| {
            let mut halves = [[NONE; 128]; 12];
            for single in Self::ALL {
                for (low, slot) in (0_u8..128).zip(&mut halves[single as usize]) {
                    *slot = single.define(low | 0x80).unwrap_or(NONE);
                }
            }
            halves
        });
        &halves[self as usize]
    }

    fn define(self, byte: u8) -> Option<char> {
        let web = |encoding: &'static Encoding| one_char(encoding, &[byte]);
        let from = |first: u32, base: u8| char::from_u32(first + u32::from(byte - base));
        match self {
            Self::Latin1 => Some(char::from(byte)),
            Self::Latin2 => web(ISO_8859_2),
            Self::Latin3 => web(ISO_8859_3),
            Self::Latin4 => web(ISO_8859_4),
            Self::Latin5 => Some(match byte {
                0xD0 => 'Ğ',
                0xDD => 'İ',
                0xDE => 'Ş',
                0xF0 => 'ğ',
                0xFD => 'ı',
                0xFE => 'ş',
                other => char::from(other),
            }),
            Self::Latin9 => web(ISO_8859_15),
            Self::Cyrillic => web(ISO_8859_5),
            Self::Arabic => web(ISO_8859_6),
            Self::Greek => web(ISO_8859_7),
            Self::Hebrew => web(ISO_8859_8),
            Self::Thai => match byte {
                0xA1..=0xDA => from(0x0E01, 0xA1),
                0xDF..=0xFB => from(0x0E3F, 0xDF),
                _ => None,
            },
            Self::Katakana => match byte {
                0xA1..=0xDF => from(0xFF61, 0xA1),
                _ => None,
            },
        }
    }
}

/// A set of pairs of bytes (PS3.3 table C.12-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Double {
    /// ISO-IR 87, JIS X 0208.
    Jis0208,
    /// ISO-IR 159, JIS X 0212.
    Jis0212,
    /// ISO-IR 149, KS X 1001.
    Ksx1001,
    /// ISO-IR 58, GB 2312.
    Gb2312,
}

/// Codes of a set of pairs: 94 rows of 94 cells.
const CELLS: usize = 94 * 94;

struct Pairs {
    to: Box<[char]>,
    from: HashMap<char, [u8; 2]>,
}

impl Double {
    /// The character of a pair, each byte of which is 21H to 7EH: the high bit is not part of the code.
    pub(super) fn decode(self, pair: [u8; 2]) -> Option<char> {
        let [row, cell] = pair.map(|byte| usize::from(byte).wrapping_sub(0x21));
        if row >= 94 || cell >= 94 {
            return None;
        }
        self.pairs().to.get(row * 94 + cell).copied().filter(|c| *c != NONE)
    }

    /// The pair of a character, without high bits.
    pub(super) fn encode(self, c: char) -> Option<[u8; 2]> {
        if c < '\u{80}' {
            return None;
        }
        self.pairs().from.get(&c).copied()
    }

    fn pairs(self) -> &'static Pairs {
        static ALL: [OnceLock<Pairs>; 4] = [const { OnceLock::new() }; 4];
        ALL[self as usize].get_or_init(|| self.define())
    }

    fn define(self) -> Pairs {
        let mut pairs = Pairs { to: vec![NONE; CELLS].into_boxed_slice(), from: HashMap::new() };
        for (row, cell) in (0x21_u8..0x7F).flat_map(|row| (0x21_u8..0x7F).map(move |cell| (row, cell))) {
            let Some(c) = self.define_pair(row, cell) else { continue };
            pairs.to[usize::from(row - 0x21) * 94 + usize::from(cell - 0x21)] = c;
            // Of two codes for one character the first is the set's own.
            if self.is_standard_row(row) {
                pairs.from.entry(c).or_insert([row, cell]);
            }
        }
        pairs
    }

    fn define_pair(self, row: u8, cell: u8) -> Option<char> {
        let (high, low) = (row | 0x80, cell | 0x80);
        match self {
            // As the set defines them, where web pages mean Microsoft's.
            Self::Jis0208 => match (row, cell) {
                (0x21, 0x41) => Some('\u{301C}'),
                (0x21, 0x42) => Some('\u{2016}'),
                (0x21, 0x5D) => Some('\u{2212}'),
                (0x21, 0x71) => Some('\u{A2}'),
                (0x21, 0x72) => Some('\u{A3}'),
                (0x22, 0x4C) => Some('\u{AC}'),
                _ => one_char(EUC_JP, &[high, low]),
            },
            Self::Jis0212 => one_char(EUC_JP, &[0x8F, high, low]),
            Self::Ksx1001 => one_char(EUC_KR, &[high, low]),
            Self::Gb2312 => one_char(GBK, &[high, low]),
        }
    }

    /// Whether the row is of the set proper. Those that vendors added are read, but not written.
    fn is_standard_row(self, row: u8) -> bool {
        match self {
            Self::Jis0208 => matches!(row, 0x21..=0x28 | 0x30..=0x74),
            Self::Jis0212 => true,
            Self::Ksx1001 => matches!(row, 0x21..=0x2C | 0x30..=0x48 | 0x4A..=0x7D),
            Self::Gb2312 => matches!(row, 0x21..=0x29 | 0x30..=0x77),
        }
    }
}

/// The one character that these bytes are.
fn one_char(encoding: &'static Encoding, bytes: &[u8]) -> Option<char> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_byte_sets_are_those_of_the_standard() {
        for byte in 0x80..=0xFF_u8 {
            assert_eq!(Single::Latin1.decode(byte), Some(char::from(byte)));
        }
        for (single, byte, c) in [
            (Single::Latin2, 0xA3, Some('Ł')),
            (Single::Latin3, 0xA6, Some('Ĥ')),
            (Single::Latin3, 0xA5, None),
            (Single::Latin4, 0xA2, Some('ĸ')),
            (Single::Latin5, 0xFD, Some('ı')),
            (Single::Latin5, 0x80, Some('\u{80}')),
            (Single::Latin9, 0xA4, Some('€')),
            (Single::Cyrillic, 0xBB, Some('Л')),
            (Single::Arabic, 0xE2, Some('ق')),
            (Single::Arabic, 0xA1, None),
            (Single::Greek, 0xC4, Some('Δ')),
            (Single::Hebrew, 0xF9, Some('ש')),
            (Single::Thai, 0xA1, Some('ก')),
            (Single::Thai, 0xDF, Some('฿')),
            (Single::Thai, 0xFB, Some('๛')),
            (Single::Thai, 0xDB, None),
            (Single::Thai, 0x80, None),
            (Single::Katakana, 0xD4, Some('ﾔ')),
            (Single::Katakana, 0xE0, None),
        ] {
            assert_eq!(single.decode(byte), c, "{single:?} {byte:x}");
        }
        for single in Single::ALL {
            for byte in 0..=255 {
                let c = single.decode(byte);
                assert!(c.is_none_or(|c| single.encode(c) == Some(byte)), "{single:?} {byte:x}");
                assert!(c.is_none() || byte >= 0x80);
            }
            assert_eq!(single.encode('A'), None);
        }
    }

    #[test]
    fn pairs_go_both_ways() {
        for (double, pair, c) in [
            (Double::Jis0208, *b";3", '山'),
            (Double::Jis0208, *b"!A", '〜'),
            (Double::Jis0208, *b"!B", '‖'),
            (Double::Jis0212, [0x30, 0x21], '丂'),
            (Double::Ksx1001, [0x7B, 0x73], '洪'),
            (Double::Gb2312, [0x4D, 0x75], '王'),
        ] {
            assert_eq!(double.decode(pair), Some(c), "{double:?}");
            assert_eq!(double.encode(c), Some(pair), "{double:?}");
        }
        for (double, known) in
            [(Double::Jis0208, 6879), (Double::Jis0212, 6067), (Double::Ksx1001, 8200), (Double::Gb2312, 7400)]
        {
            let mut count = 0;
            for (row, cell) in (0..=255).flat_map(|row| (0..=255).map(move |cell| (row, cell))) {
                if let Some(c) = double.decode([row, cell]) {
                    count += 1;
                    let again = double.encode(c).and_then(|pair| double.decode(pair));
                    assert!(again.is_none_or(|again| again == c), "{double:?} {row:x}{cell:x}");
                }
            }
            assert!(count >= known, "{double:?}: {count}");
        }
    }
}
