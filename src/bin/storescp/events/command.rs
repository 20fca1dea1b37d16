//! Commands: their placeholders, and what a shell makes of what stands for them.
//!
//! DCMTK puts the values into the text, and so does this: scripts depend on it, down to the quotes that belong to a title.
//! That a value from a peer stays a value rests on three things. It has no character that a shell reads as anything but
//! itself, and does not begin like an option. The one exception, a blank, is kept only where it is within quotes for
//! certain: `x="#a"` becomes `x=""A" "B""` and not `x=""A B""`, which would run `B`. And what stands for a path or file name
//! has no blank at all in the part that comes from a peer.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::folder::sanitized;

/// A command with placeholders: `#p` folder, `#f` file, `#a` calling title, `#c` called title, `#r` peer.
#[derive(Clone, Debug)]
pub(crate) struct Template(Vec<u8>);

/// A command that lacks nothing but the name of the peer.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    text: Vec<u8>,
    /// Whether the blanks of the calling and of the called title could not be kept.
    pub(crate) joined: [bool; 2],
}

/// An application entity title that may stand in a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Title(String);

/// How a shell reads what follows a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    /// As words.
    None,
    /// Within double quotes.
    Double,
    /// Within something else, or nobody knows.
    Unsure,
}

impl Title {
    /// Cleans it as DCMTK 3.7.0 does; and it may neither begin like an option nor lead to another folder.
    pub(crate) fn new(title: &str) -> Self {
        let mut clean = sanitized(title);
        if clean.starts_with('-') || clean == "." {
            clean.replace_range(..1, "_");
        } else if clean == ".." {
            clean = "__".to_owned();
        }
        Self(clean)
    }

    /// As it stands in a command.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The same as one word, whatever is around it.
    pub(crate) fn joined(&self) -> String {
        self.0.replace(' ', "_")
    }

    /// Its text in the quotes that belong to it.
    fn quoted(&self, quoting: Quoting) -> String {
        match quoting {
            Quoting::None => format!("\"{}\"", self.0),
            Quoting::Double => format!("\"{}\"", self.0.replace(' ', "\" \"")),
            Quoting::Unsure => format!("\"{}\"", self.joined()),
        }
    }
}

impl Template {
    /// What was typed.
    pub(crate) fn new(text: OsString) -> Self {
        Self(text.into_vec())
    }

    /// Whether it has a placeholder for the peer's name.
    pub(crate) fn names_peer(&self) -> bool {
        self.0.windows(2).any(|pair| pair == b"#r")
    }

    /// Replaces all placeholders but that of the peer. What there is no value for stays as it is.
    pub(crate) fn fill(&self, path: Option<&OsStr>, name: Option<&OsStr>, calling: &Title, called: &Title) -> Filled {
        let mut joined = [false; 2];
        let mut text = self.0.clone();
        // DCMTK: one after the other, so that a placeholder in a path is replaced in its turn.
        for (letter, value) in [(b'p', path), (b'f', name)] {
            if let Some(value) = value {
                text = replaced(&text, letter, |_| value.as_bytes().to_vec());
            }
        }
        for ((letter, title), joined) in [(b'a', calling), (b'c', called)].into_iter().zip(&mut joined) {
            text = replaced(&text, letter, |before| {
                let quoting = quoting(before);
                *joined |= quoting == Quoting::Unsure && title.0.contains(' ');
                title.quoted(quoting).into_bytes()
            });
        }
        Filled { text, joined }
    }
}

impl Filled {
    /// The whole command; the peer's name is asked for only if it is wanted.
    pub(crate) fn finish(self, peer: impl FnOnce() -> String) -> OsString {
        if !self.text.windows(2).any(|pair| pair == b"#r") {
            return OsString::from_vec(self.text);
        }
        let peer = Title::new(&peer()).quoted(Quoting::Unsure).into_bytes();
        OsString::from_vec(replaced(&self.text, b'r', |_| peer.clone()))
    }
}

/// Replaces each `#` with this letter by what `value` makes of the text before it.
fn replaced(text: &[u8], letter: u8, mut value: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|pair| pair == [b'#', letter]) {
        out.extend_from_slice(&rest[..at]);
        let value = value(&out);
        out.extend(value);
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    out
}

/// How a POSIX shell reads what follows this text, as far as that can be told with ease.
fn quoting(text: &[u8]) -> Quoting {
    let mut double = false;
    let mut word_begins = true;
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let next = rest.first().copied();
        match byte {
            b'\\' if rest.is_empty() => return Quoting::Unsure,
            b'\\' => rest = &rest[1..],
            b'"' => double = !double,
            b'`' => return Quoting::Unsure,
            b'$' if matches!(next, Some(b'{')) => return Quoting::Unsure,
            b'$' if double && matches!(next, Some(b'(')) => return Quoting::Unsure,
            b'$' if !double && matches!(next, Some(b'\'' | b'"')) => return Quoting::Unsure,
            b'\'' if !double => match rest.iter().position(|&b| b == b'\'') {
                Some(end) => rest = &rest[end + 1..],
                None => return Quoting::Unsure,
            },
            b'<' if !double && next == Some(b'<') => return Quoting::Unsure,
            // A comment, unless it is a placeholder that gets its value later.
            b'#' if !double && word_begins && !matches!(next, Some(b'c' | b'r')) => return Quoting::Unsure,
            _ => {}
        }
        word_begins = byte.is_ascii_whitespace() || b";&|()<>".contains(&byte);
    }
    if double { Quoting::Double } else { Quoting::None }
}

#[cfg(test)]
mod tests;
