//! Specific character sets (PS3.5 6.1, PS3.3 C.12.1.1.2): text values as characters, and characters as values.
//!
//! Code extensions (ISO 2022 escape sequences) are taken in both directions. Neither direction ever loses a character
//! unless that is asked for: what cannot be decoded or encoded is said to be so.

mod respond;
mod tables;
mod term;

use super::vr::Vr;
use encoding_rs::{GB18030, GBK};
pub use respond::{Converted, NotConverted, Note, ResponseSets, convert};
use std::borrow::Cow;
use std::fmt;
use term::{Designation, Left, Meaning, Right, meaning};

const ESCAPE: u8 = 0x1B;

/// What becomes of characters that a set does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Loss {
    /// The text is not encoded at all.
    #[default]
    Refuse,
    /// A question mark stands for each.
    Transliterate,
    /// They are left out.
    Discard,
}

/// How text is encoded: what Specific Character Set (0008,0005) says. The default is ASCII, as where that element is missing.
#[derive(Debug, Clone)]
pub struct CharacterSets {
    /// The terms as they are written into an element.
    value: Vec<u8>,
    kind: Kind,
    /// A term that means nothing to us.
    unknown: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Unicode,
    Gb18030,
    Gbk,
    Iso(Iso),
}

/// Sets by ISO 2022.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Iso {
    /// What is meant where no escape sequence says otherwise: value 1.
    initial: State,
    /// Whether there may be escape sequences.
    extended: bool,
    /// What may be designated by them, in the order of the terms.
    others: Vec<Designation>,
}

/// What bytes mean at a place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    left: Left,
    right: Right,
}

impl State {
    const ASCII: Self = Self { left: Left::Ascii, right: Right::Nothing };
}

/// Two are equal if they mean the same, whatever the wording.
impl PartialEq for CharacterSets {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.unknown == other.unknown
    }
}

impl Eq for CharacterSets {}

impl Default for CharacterSets {
    fn default() -> Self {
        Self::parse(b"")
    }
}

impl fmt::Display for CharacterSets {
    /// The terms, or `ASCII` where there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.value {
            [] => f.write_str("ASCII"),
            value => f.write_str(&String::from_utf8_lossy(value)),
        }
    }
}

impl CharacterSets {
    /// What the value of Specific Character Set says: terms between backslashes, of which the first may be empty. Underscores,
    /// hyphens and blanks within terms are one. A term that we do not know counts as ASCII, see [`CharacterSets::unknown`];
    /// a set that knows no escape sequences stands alone.
    pub fn parse(value: &[u8]) -> Self {
        let terms: Vec<&[u8]> = value.split(|byte| *byte == b'\\').map(trimmed).collect();
        let several = terms.len() > 1;
        let mut sets = Self {
            value: terms.join(&b'\\'),
            kind: Kind::Iso(Iso { initial: State::ASCII, extended: several, others: Vec::new() }),
            unknown: None,
        };
        for (number, term) in terms.into_iter().enumerate() {
            let known = meaning(term);
            if known.is_none() && sets.unknown.is_none() {
                sets.unknown = Some(String::from_utf8_lossy(term).into_owned());
            }
            let Some((meaning, extends)) = known else { continue };
            let alone = match meaning {
                Meaning::Sets(left, right) => {
                    sets.add(number == 0, left, right, extends);
                    continue;
                }
                Meaning::Unicode => Kind::Unicode,
                Meaning::Gb18030 => Kind::Gb18030,
                Meaning::Gbk => Kind::Gbk,
            };
            if number == 0 {
                sets.kind = alone;
                break;
            }
        }
        sets
    }

    fn add(&mut self, first: bool, left: Left, right: Right, extends: bool) {
        let Kind::Iso(iso) = &mut self.kind else { return };
        iso.extended |= extends;
        // A set of pairs cannot be value 1 (PS3.3 C.12.1.1.2); where it is, only escape sequences lead to it.
        if first && !matches!((left, right), (Left::Pairs(_), _) | (_, Right::Pairs(_))) {
            iso.initial = State { left, right };
        }
        for designation in [Designation::Left(left), Designation::Right(right)] {
            let nothing = matches!(designation, Designation::Left(Left::Ascii) | Designation::Right(Right::Nothing));
            if !nothing && !iso.others.contains(&designation) {
                iso.others.push(designation);
            }
        }
    }

    /// Whether this is the default repertoire and nothing else.
    pub fn is_ascii(&self) -> bool {
        matches!(&self.kind, Kind::Iso(iso) if iso.initial == State::ASCII && iso.others.is_empty())
            && self.unknown.is_none()
    }

    /// Whether all text can be encoded (PS3.5 6.1.2.3).
    pub fn is_unicode(&self) -> bool {
        self.kind == Kind::Unicode
    }

    /// The first term that is none of the standard's.
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// What to write into Specific Character Set, without padding. Empty: the element is not needed.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The text of a value of that VR, padding and delimiters included. None: it is not encoded as these sets say, or has
    /// bytes beyond ASCII though its VR has nothing but ASCII.
    pub fn decode<'v>(&self, value: &'v [u8], vr: Vr) -> Option<Cow<'v, str>> {
        if !is_affected(vr) {
            return ascii(value);
        }
        match &self.kind {
            Kind::Unicode => std::str::from_utf8(value).ok().map(Cow::Borrowed),
            Kind::Gb18030 => GB18030.decode_without_bom_handling_and_without_replacement(value),
            Kind::Gbk => GBK.decode_without_bom_handling_and_without_replacement(value),
            Kind::Iso(iso) => iso.decode(value, vr),
        }
    }

    /// The value of that VR for a text, without padding. None: a character cannot be encoded, and `loss` refuses it.
    pub fn encode(&self, text: &str, vr: Vr, loss: Loss) -> Option<Vec<u8>> {
        if is_affected(vr) {
            match &self.kind {
                Kind::Unicode => return Some(text.as_bytes().to_vec()),
                Kind::Iso(iso) => return iso.encode(text, vr, loss),
                Kind::Gb18030 | Kind::Gbk => {}
            }
        }
        let mut out = Vec::with_capacity(text.len());
        for c in text.chars() {
            let encoded = match self.kind {
                Kind::Gb18030 if is_affected(vr) => chinese(GB18030, c),
                // 80H is Microsoft's.
                Kind::Gbk if is_affected(vr) && c != '€' => chinese(GBK, c),
                _ => None,
            };
            match encoded {
                _ if c.is_ascii() => out.push(c as u8),
                Some(bytes) => out.extend(bytes),
                None => lose(&mut out, loss)?,
            }
        }
        Some(out)
    }
}

/// Whether Specific Character Set bears on values of a VR (PS3.5 6.1.2.2).
pub fn is_affected(vr: Vr) -> bool {
    matches!(vr, Vr::SH | Vr::LO | Vr::ST | Vr::LT | Vr::UC | Vr::UT | Vr::PN)
}

/// Whether a character ends what escape sequences began (PS3.5 6.1.2.5.3): control characters, delimiters of values, and
/// those of components and groups of a name.
fn is_delimiter(byte: u8, vr: Vr) -> bool {
    match byte {
        0..0x20 | 0x7F => byte != ESCAPE,
        b'\\' => matches!(vr, Vr::SH | Vr::LO | Vr::UC | Vr::PN),
        b'^' | b'=' => vr == Vr::PN,
        _ => false,
    }
}

fn trimmed(term: &[u8]) -> &[u8] {
    let start = term.iter().position(|byte| !matches!(byte, b' ' | 0)).unwrap_or(term.len());
    let end = term.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(start, |at| at + 1);
    &term[start..end]
}

fn ascii(value: &[u8]) -> Option<Cow<'_, str>> {
    if value.is_ascii() { std::str::from_utf8(value).ok().map(Cow::Borrowed) } else { None }
}

/// A character that has no code.
fn lose(out: &mut Vec<u8>, loss: Loss) -> Option<()> {
    match loss {
        Loss::Refuse => return None,
        Loss::Transliterate => out.push(b'?'),
        Loss::Discard => {}
    }
    Some(())
}

/// A character beyond ASCII in one of the Chinese encodings, if it has it: what it gives must be the character again.
fn chinese(encoding: &'static encoding_rs::Encoding, c: char) -> Option<Vec<u8>> {
    let mut buffer = [0; 4];
    let text = c.encode_utf8(&mut buffer);
    let (bytes, _, lost) = encoding.encode(text);
    let again = encoding.decode_without_bom_handling_and_without_replacement(&bytes);
    (!lost && again.is_some_and(|again| *again == *text)).then(|| bytes.into_owned())
}

impl Iso {
    fn decode<'v>(&self, value: &'v [u8], vr: Vr) -> Option<Cow<'v, str>> {
        if self.initial.left == Left::Ascii && !(self.extended && value.contains(&ESCAPE)) && value.is_ascii() {
            return ascii(value);
        }
        let mut text = String::with_capacity(value.len() * 2);
        let (mut state, mut rest) = (self.initial, value);
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte == ESCAPE && self.extended {
                let (designation, length) = Designation::of(after)?;
                match designation {
                    Designation::Left(left) => state.left = left,
                    Designation::Right(right) => state.right = right,
                }
                rest = &after[length..];
                continue;
            }
            let c = match (byte, state) {
                (0..=0x20 | 0x7F, _) => char::from(byte),
                (0x80.., State { right: Right::Single(single), .. }) => single.decode(byte)?,
                (0x80.., State { right: Right::Nothing, .. }) => return None,
                (_, State { left: Left::Ascii, .. }) if byte < 0x80 => char::from(byte),
                (_, State { left: Left::Romaji, .. }) if byte < 0x80 => match romaji(byte) {
                    _ if is_delimiter(byte, vr) => char::from(byte),
                    c => c,
                },
                (_, State { left: Left::Pairs(double), .. }) if byte < 0x80 => {
                    let (&second, after) = rest.split_first()?;
                    rest = after;
                    text.push(double.decode([byte, second])?);
                    continue;
                }
                (_, State { right: Right::Pairs(double), .. }) => {
                    let (&second, after) = rest.split_first().filter(|(second, _)| **second >= 0x80)?;
                    rest = after;
                    double.decode([byte & 0x7F, second & 0x7F])?
                }
                _ => return None,
            };
            text.push(c);
            if is_delimiter(byte, vr) {
                state = self.initial;
            }
        }
        Some(Cow::Owned(text))
    }

    fn encode(&self, text: &str, vr: Vr, loss: Loss) -> Option<Vec<u8>> {
        if text.is_ascii() && self.initial.left == Left::Ascii && !(self.extended && text.contains('\x1B')) {
            return Some(text.as_bytes().to_vec());
        }
        let mut out = Vec::with_capacity(text.len());
        let mut state = self.initial;
        for c in text.chars() {
            if let Ok(byte) = u8::try_from(c)
                && (is_delimiter(byte, vr) || (byte == ESCAPE && !self.extended))
            {
                self.restore(&mut state, &mut out, true);
                out.push(byte);
            } else if state.put(c, vr, &mut out) || self.switch(c, vr, &mut state, &mut out) {
                // Done.
            } else {
                if loss == Loss::Transliterate && !matches!(state.left, Left::Ascii | Left::Romaji) {
                    self.restore(&mut state, &mut out, false);
                }
                lose(&mut out, loss)?;
            }
        }
        self.restore(&mut state, &mut out, false);
        Some(out)
    }

    /// Goes back to what value 1 says; of the right half only where more follows.
    fn restore(&self, state: &mut State, out: &mut Vec<u8>, more: bool) {
        if state.left != self.initial.left {
            escape(Designation::Left(self.initial.left), out);
        }
        if more && state.right != self.initial.right {
            escape(Designation::Right(self.initial.right), out);
        }
        *state = self.initial;
    }

    /// Designates another set that has the character, and writes it.
    fn switch(&self, c: char, vr: Vr, state: &mut State, out: &mut Vec<u8>) -> bool {
        if !self.extended {
            return false;
        }
        let own = [Designation::Left(self.initial.left), Designation::Right(self.initial.right)];
        let ascii = [Designation::Left(Left::Ascii)];
        for designation in own.iter().chain(&self.others).chain(&ascii) {
            let mut other = *state;
            match designation {
                Designation::Left(left) => other.left = *left,
                Designation::Right(right) => other.right = *right,
            }
            let mut bytes = Vec::new();
            if other != *state && other.put(c, vr, &mut bytes) {
                escape(*designation, out);
                out.extend(bytes);
                *state = other;
                return true;
            }
        }
        false
    }
}

fn escape(designation: Designation, out: &mut Vec<u8>) {
    if let Some(sequence) = designation.escape() {
        out.push(ESCAPE);
        out.extend_from_slice(sequence);
    }
}

impl State {
    /// Writes a character that is no delimiter, if it is in one of the two sets.
    fn put(self, c: char, vr: Vr, out: &mut Vec<u8>) -> bool {
        let byte = u8::try_from(c).ok().filter(|byte| (0x20..0x7F).contains(byte));
        match (self.left, byte) {
            (Left::Ascii, Some(byte)) => out.push(byte),
            (Left::Romaji, _) if unromaji(c, vr).is_some() => out.extend(unromaji(c, vr)),
            (Left::Pairs(double), None) if double.encode(c).is_some() => {
                out.extend(double.encode(c).unwrap_or_default())
            }
            _ => return self.put_right(c, out),
        }
        true
    }

    fn put_right(self, c: char, out: &mut Vec<u8>) -> bool {
        let (single, pair) = match self.right {
            Right::Single(single) => (single.encode(c), None),
            Right::Pairs(double) => (None, double.encode(c)),
            Right::Nothing => (None, None),
        };
        out.extend(single);
        out.extend(pair.map(|pair| pair.map(|byte| byte | 0x80)).into_iter().flatten());
        single.is_some() || pair.is_some()
    }
}

/// A character of ISO-IR 14, which differs from ASCII in two.
fn romaji(byte: u8) -> char {
    match byte {
        b'\\' => '¥',
        b'~' => '\u{203E}',
        other => char::from(other),
    }
}

fn unromaji(c: char, vr: Vr) -> Option<u8> {
    match c {
        '¥' if !is_delimiter(b'\\', vr) => Some(b'\\'),
        '\u{203E}' => Some(b'~'),
        '\\' | '~' => None,
        other => u8::try_from(other).ok().filter(|byte| (0x20..0x7F).contains(byte)),
    }
}

#[cfg(test)]
mod tests;
