//! The smallest pieces of a configuration file: lines, words, tokens and numbers, cut where DCMTK cuts them.
//!
//! ```text
//! gap    = white space | '=' | ','                 any run of them separates tokens
//! quote  = '"' | ''' | '(' | ')'                   four equal characters: each closes what any other opened
//! token  = quote { any but quote } quote | { any but gap }
//! ```

/// White space as C's `isspace` knows it.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Whether this byte separates tokens.
pub(super) fn is_gap(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'=' | b',')
}

/// Whether this byte, at the start of a token, opens a quotation.
pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'(' | b')')
}

/// One line of a file.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its number, counted from 1.
    pub(super) number: usize,
    /// Its bytes, the line feed included, up to the first NUL.
    text: &'a [u8],
    /// Bytes of the line before `text`: a byte order mark.
    skipped: usize,
    /// Whether a bare token at the very end counts. It does not before a NUL, where no gap ends it.
    open_end: bool,
}

impl<'a> Line<'a> {
    /// Whether the line says nothing: it is empty or a comment. Only the very first byte tells.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.text.first(), Some(b'#' | b'\n' | b'\r'))
    }

    /// Its words: what stands between white space, `=` and `,` included.
    pub(super) fn words(&self) -> impl Iterator<Item = Token<'a>> {
        let (line, mut at) = (*self, 0);
        std::iter::from_fn(move || {
            at += run(&line.text[at..], is_space);
            let length = run(&line.text[at..], |byte| !is_space(byte));
            let word = Token { text: &line.text[at..at + length], column: line.skipped + at + 1 };
            at += length;
            (length > 0).then_some(word)
        })
    }

    /// The whole line's tokens. A gap at its very start makes an empty first one.
    pub(super) fn tokens(&self) -> Tokens<'a> {
        Tokens { text: self.text, at: 0, skipped: self.skipped, open_end: self.open_end }
    }

    /// The tokens behind the first word and the gap after it.
    pub(super) fn values(&self) -> Tokens<'a> {
        let mut at = run(self.text, is_gap);
        at += run(&self.text[at..], |byte| !is_space(byte));
        at += run(&self.text[at..], is_gap);
        Tokens { at, ..self.tokens() }
    }
}

/// The lines of a file, and the number of the last one taken.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    skipped: usize,
    /// Number of the last line taken; 0 before the first.
    pub(super) number: usize,
}

impl<'a> Lines<'a> {
    /// The lines of this file. A UTF-8 byte order mark at its start is skipped.
    pub(super) fn new(text: &'a [u8]) -> Self {
        let rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self { rest, skipped: text.len() - rest.len(), number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let (whole, rest) = self.rest.split_at(end);
        // DCMTK: lines are C strings, a NUL ends them.
        let text = &whole[..run(whole, |byte| byte != 0)];
        self.rest = rest;
        self.number += 1;
        let skipped = std::mem::take(&mut self.skipped);
        Some(Line { number: self.number, text, skipped, open_end: text.len() == whole.len() })
    }
}

/// A token or word, and the column it starts in.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    /// What it says, without quotes.
    pub(super) text: &'a [u8],
    /// Where it starts, in bytes from the line's first, which is 1.
    pub(super) column: usize,
}

impl<'a> Token<'a> {
    /// The tokens within a quotation. One that runs to its end without a gap behind it does not count.
    pub(super) fn tokens(&self) -> Tokens<'a> {
        Tokens { text: self.text, at: 0, skipped: self.column, open_end: false }
    }
}

/// Takes a text apart, token by token.
#[derive(Clone)]
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    /// Columns before `text`.
    skipped: usize,
    open_end: bool,
}

impl<'a> Tokens<'a> {
    /// What is left to read.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// The column that comes next, never behind the line's end.
    pub(super) fn column(&self) -> usize {
        let end = self.text.len() - usize::from(self.text.ends_with(b"\n"));
        self.skipped + self.at.min(end) + 1
    }

    /// Whether reading stopped at a quote that nothing closes.
    pub(super) fn unclosed(&self) -> bool {
        self.rest().first().is_some_and(|&byte| is_quote(byte))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    /// The next token and past the gap behind it. At a quote that nothing closes there is none, and never one after it.
    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let column = self.skipped + self.at + 1;
        let quoted = is_quote(*rest.first()?);
        let body = &rest[usize::from(quoted)..];
        let length = run(body, |byte| if quoted { !is_quote(byte) } else { !is_gap(byte) });
        if length == body.len() && (quoted || !self.open_end) {
            return None;
        }
        self.at += if quoted { length + 2 } else { length };
        self.at += run(self.rest(), is_gap);
        Some(Token { text: &body[..length], column })
    }
}

/// How many bytes from the start are such.
fn run(text: &[u8], such: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|&byte| !such(byte)).unwrap_or(text.len())
}

/// A number in decimal digits as C's `scanf` and `atoi` find one: white space, a sign, digits; what follows is left alone.
#[derive(Clone, Copy)]
pub(super) struct Number {
    /// Whether a minus stands before it.
    pub(super) negative: bool,
    /// Its digits' value, or `u64::MAX` if that is too large.
    pub(super) magnitude: u64,
    /// Bytes up to the end of its digits.
    pub(super) length: usize,
}

impl Number {
    /// The number at the start of a text.
    pub(super) fn at_start(text: &[u8]) -> Option<Self> {
        let blanks = run(text, is_space);
        let sign = text.get(blanks).filter(|byte| matches!(byte, b'+' | b'-'));
        let start = blanks + usize::from(sign.is_some());
        let digits = run(&text[start..], |byte| byte.is_ascii_digit());
        let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        let magnitude = text[start..start + digits].iter().fold(0, add);
        (digits > 0).then_some(Self { negative: sign == Some(&b'-'), magnitude, length: start + digits })
    }

    /// As C reads it into an `int`: first limited to 64 bits, then the low 32 of them.
    pub(super) fn int(self) -> i32 {
        let long = i64::try_from(self.magnitude);
        let long = if self.negative { long.map_or(i64::MIN, |value| -value) } else { long.unwrap_or(i64::MAX) };
        long as i32
    }

    /// As C reads it into an `unsigned long`, of which DCMTK keeps the low 32 bits.
    pub(super) fn unsigned(self) -> u32 {
        (if self.negative && self.magnitude != u64::MAX { self.magnitude.wrapping_neg() } else { self.magnitude })
            as u32
    }
}
