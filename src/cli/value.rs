//! The values of options and parameters: what they may be, and how they are read.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::number;

/// What an option or parameter may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text, the empty one included.
    Text,
    /// A signed number in C notation (decimal, `0x` hexadecimal, leading `0` octal) that is not below the bound.
    Int {
        /// Smallest value allowed.
        min: i64,
    },
    /// An unsigned decimal number within the bounds.
    Uint {
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed; `u64::MAX` for no bound.
        max: u64,
    },
    /// One of some words, in any case.
    Word {
        /// The words shown in the usage.
        shown: &'static [&'static str],
        /// Words that are accepted, but not shown.
        hidden: &'static [&'static str],
        /// The error text for anything else.
        wrong: &'static str,
    },
}

/// One value of an option, or a positional parameter: what it stands for, and what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueSpec {
    /// One word that names the value in the usage.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
}

/// A value that may be any text.
pub const fn text(name: &'static str) -> ValueSpec {
    ValueSpec { name, kind: Kind::Text }
}

/// A signed number, `min` or more.
pub const fn int(name: &'static str, min: i64) -> ValueSpec {
    ValueSpec { name, kind: Kind::Int { min } }
}

/// An unsigned number, `min` to `max`.
pub const fn uint(name: &'static str, min: u64, max: u64) -> ValueSpec {
    ValueSpec { name, kind: Kind::Uint { min, max } }
}

/// One of the words shown, or of those accepted silently; `wrong` is the error text for any other.
pub const fn word(
    name: &'static str,
    shown: &'static [&'static str],
    hidden: &'static [&'static str],
    wrong: &'static str,
) -> ValueSpec {
    ValueSpec { name, kind: Kind::Word { shown, hidden, wrong } }
}

impl fmt::Display for ValueSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match self.kind {
            Kind::Text => write!(f, "{name}: string"),
            Kind::Int { min } => write!(f, "{name}: integer, {min} or more"),
            Kind::Uint { min: 0, max: u64::MAX } => write!(f, "{name}: integer"),
            Kind::Uint { min, max: u64::MAX } => write!(f, "{name}: integer, {min} or more"),
            Kind::Uint { min, max } => write!(f, "{name}: integer ({min}..{max})"),
            Kind::Word { shown, .. } => write!(f, "{name}: {}", shown.join(", ")),
        }
    }
}

/// A value that has been read and is within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// As typed; words are in lower case.
    Text(OsString),
    /// From [`Kind::Int`]. Saturated where the text says more than 64 bits hold.
    Int(i64),
    /// From [`Kind::Uint`]. Saturated likewise.
    Uint(u64),
}

/// The values of one occurrence of an option, for its assignment. Asking for one that its row does not state, or for
/// another kind, gives an empty one: rows and assignments stand side by side, and each is tested.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    pub(super) given: &'a [Value],
    pub(super) call: &'a str,
}

impl Values<'_> {
    /// Value `n` as typed.
    pub fn text(&self, n: usize) -> OsString {
        match self.given.get(n) {
            Some(Value::Text(text)) => text.clone(),
            _ => OsString::new(),
        }
    }

    /// Value `n` as a path.
    pub fn path(&self, n: usize) -> PathBuf {
        self.text(n).into()
    }

    /// Value `n` as a string; bytes that are no UTF-8 become replacement characters.
    pub fn string(&self, n: usize) -> String {
        self.text(n).to_string_lossy().into_owned()
    }

    /// Value `n` of a signed option.
    pub fn int(&self, n: usize) -> i64 {
        match self.given.get(n) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }

    /// Value `n` of an unsigned option.
    pub fn uint(&self, n: usize) -> u64 {
        match self.given.get(n) {
            Some(Value::Uint(number)) => *number,
            _ => 0,
        }
    }

    /// The whole call in long form, as `--arguments` logs it: `calling 'storescp' with 2 arguments: '--quiet' '104' `.
    pub fn call(&self) -> &str {
        self.call
    }
}

/// What is wrong with a value.
pub(super) enum Wrong {
    Invalid,
    Underflow,
    Overflow,
    Word(&'static str),
}

impl Wrong {
    pub(super) fn option(&self, long: &str, raw: &OsStr) -> String {
        let raw = raw.to_string_lossy();
        let detail = match self {
            Wrong::Word(text) => return (*text).to_owned(),
            Wrong::Invalid if raw.is_empty() => String::new(),
            Wrong::Invalid => format!(" ({raw})"),
            Wrong::Underflow => format!(" (underflow: {raw})"),
            Wrong::Overflow => format!(" (overflow: {raw})"),
        };
        format!("Invalid value for option {long}{detail}")
    }

    pub(super) fn parameter(&self, raw: &OsStr) -> String {
        let raw = raw.to_string_lossy();
        match self {
            Wrong::Word(text) => (*text).to_owned(),
            Wrong::Invalid => format!("Invalid parameter value {raw}"),
            Wrong::Underflow => format!("Invalid parameter value {raw} (underflow)"),
            Wrong::Overflow => format!("Invalid parameter value {raw} (overflow)"),
        }
    }
}

/// Read one value. A negative number is invalid for an unsigned option; for a parameter it counts as a huge one (DCMTK).
pub(super) fn read(kind: Kind, raw: &OsStr, parameter: bool) -> Result<Value, Wrong> {
    match kind {
        Kind::Text => Ok(Value::Text(raw.to_owned())),
        Kind::Word { shown, hidden, wrong } => {
            let word = raw.to_string_lossy().to_lowercase();
            let known = shown.iter().chain(hidden).any(|known| *known == word);
            if known { Ok(Value::Text(word.into())) } else { Err(Wrong::Word(wrong)) }
        }
        Kind::Int { min } => match number::signed(raw.as_bytes()).ok_or(Wrong::Invalid)? {
            number if number < min => Err(Wrong::Underflow),
            number => Ok(Value::Int(number)),
        },
        Kind::Uint { min, max } => {
            let number = match number::unsigned(raw.as_bytes()).ok_or(Wrong::Invalid)? {
                (true, _) if !parameter => return Err(Wrong::Invalid),
                (true, number) => number.wrapping_neg(),
                (false, number) => number,
            };
            match number {
                _ if number < min => Err(Wrong::Underflow),
                _ if number > max => Err(Wrong::Overflow),
                _ => Ok(Value::Uint(number)),
            }
        }
    }
}
