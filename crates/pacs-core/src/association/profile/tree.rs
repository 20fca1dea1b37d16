//! The file as a tree of sections, subsections and entries. Nothing is an error at this level: what makes no sense is
//! joined to the next key or left out, as DCMTK does.

use std::collections::HashMap;

/// `[[NAME]]` and what follows up to the next one. Of several with the same name only the first is used.
#[derive(Debug)]
pub(super) struct Section {
    /// In upper case, only letters, digits, `-` and `_`.
    pub(super) name: String,
    pub(super) subsections: Vec<Subsection>,
}

/// `[NAME]` and its entries.
#[derive(Debug)]
pub(super) struct Subsection {
    /// In upper case, only letters, digits, `-` and `_`.
    pub(super) name: String,
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    /// By key. Of several with the same key the first counts.
    pub(super) entries: HashMap<String, Entry>,
}

/// `KEY = VALUE`.
#[derive(Debug)]
pub(super) struct Entry {
    /// In upper case, only letters, digits, `-` and `_`.
    pub(super) key: String,
    /// As it stands in the file, blanks at its end included. Continuation lines follow after a newline, without the blanks
    /// they begin with.
    pub(super) value: String,
    /// Where its key ends, counted from 1.
    pub(super) line: usize,
}

/// Reads a whole file.
pub(super) fn read(text: &[u8]) -> Vec<Section> {
    let text = lines_only(text);
    let mut scanner = Scanner { text: &text, position: 0, line: 1 };
    let mut sections: Vec<Section> = Vec::new();
    while scanner.skip_white() {
        if scanner.peek() == Some(b'[') {
            let (level, name, line) = scanner.heading();
            match sections.last_mut() {
                _ if level > 1 => sections.push(Section { name, subsections: Vec::new() }),
                Some(section) => section.subsections.push(Subsection { name, line, entries: HashMap::new() }),
                None => {}
            }
        } else {
            let entry = scanner.entry();
            // outside of any subsection an entry means nothing
            if let Some(subsection) = sections.last_mut().and_then(|s| s.subsections.last_mut()) {
                subsection.entries.entry(entry.key.clone()).or_insert(entry);
            }
        }
    }
    sections
}

/// The text with `\n` for every kind of line end, and without comments: lines that begin with `#` in their first column
/// become empty, so that lines still count.
fn lines_only(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut comment = false;
    let mut previous = b'\n';
    for &byte in text {
        let at_line_start = matches!(previous, b'\n' | b'\r');
        let follows_return = previous == b'\r';
        previous = byte;
        match byte {
            b'\n' if follows_return => {}
            b'\n' | b'\r' => {
                comment = false;
                out.push(b'\n');
            }
            b'#' if at_line_start => comment = true,
            _ if comment => {}
            0 => out.push(b' '),
            other => out.push(other),
        }
    }
    out
}

struct Scanner<'a> {
    text: &'a [u8],
    position: usize,
    line: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    /// Skips blanks, tabs and line ends; false at the end of the text.
    fn skip_white(&mut self) -> bool {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n')) {
            self.next();
        }
        self.peek().is_some()
    }

    /// A heading that begins here: how many brackets, the name, its line. It needs as many closing brackets as opening ones
    /// and takes what stands between them.
    fn heading(&mut self) -> (usize, String, usize) {
        let mut level = 0;
        while self.skip_white() && self.peek() == Some(b'[') {
            self.next();
            level += 1;
        }
        let line = self.line;
        let mut name = String::new();
        let mut closed = 0;
        while closed < level {
            match self.next() {
                None => break,
                Some(b']') => closed += 1,
                Some(byte) if closed == 0 => push_name(&mut name, byte),
                Some(_) => {}
            }
        }
        (level, name, line)
    }

    /// An entry that begins here. Its key may go over several lines; where the text ends before the `=` its value is empty.
    fn entry(&mut self) -> Entry {
        let mut key = String::new();
        while let Some(byte) = self.next().filter(|b| *b != b'=') {
            push_name(&mut key, byte);
        }
        let line = self.line;
        let value = self.value();
        Entry { key, value, line }
    }

    /// The value after `=`: the rest of the line, and every later line that begins with a blank or tab. Empty lines between
    /// them do not count.
    fn value(&mut self) -> String {
        let mut value = Vec::new();
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t')) {
                self.next();
            }
            if !matches!(self.peek(), None | Some(b'\n')) && !value.is_empty() {
                value.push(b'\n');
            }
            while self.peek().is_some_and(|b| b != b'\n') {
                value.extend(self.next());
            }
            while self.peek() == Some(b'\n') {
                self.next();
            }
            if !matches!(self.peek(), Some(b' ' | b'\t')) {
                return String::from_utf8_lossy(&value).into_owned();
            }
        }
    }
}

/// Names are compared in upper case, and only by these characters.
fn push_name(name: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
        name.push(char::from(byte.to_ascii_uppercase()));
    }
}
