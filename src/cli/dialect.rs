//! DCMTK's way of writing a command line: what is an option, what is a parameter, and command files.
//!
//! Two or more characters that begin with `+` or `-`, the second no digit, are an option, looked up by its exact text;
//! anything else is a parameter. Values are separate arguments and taken blindly. There are no abbreviations, no
//! `--name=value`, no clustered letters and no `--`. Options and parameters mix in any order.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// An option as it stands on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Which row of the program's table.
    pub row: usize,
    /// Its values, as typed.
    pub values: Vec<OsString>,
}

/// A command line that has been read: every option known, every value there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The options, left to right.
    pub options: Vec<Occurrence>,
    /// The positional parameters, left to right.
    pub parameters: Vec<OsString>,
    /// All arguments with the options' long names.
    pub long: Vec<OsString>,
}

/// What reading needs of a row.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// Its number in the program's table.
    pub row: usize,
    /// Its long name.
    pub long: &'a str,
    /// How many values it takes.
    pub values: usize,
}

/// Replace each `@name` of two or more characters by the arguments in that file; also where a value is expected.
///
/// # Errors
/// The file that cannot be read, as a usage error.
pub fn expand(arguments: impl Iterator<Item = OsString>) -> Result<Vec<OsString>, String> {
    let mut expanded = Vec::new();
    for argument in arguments {
        match argument.as_bytes() {
            [b'@', name @ ..] if !name.is_empty() => {
                let name = OsStr::from_bytes(name);
                match std::fs::read(name) {
                    Ok(content) => expanded.append(&mut split(&content)),
                    Err(_) => return Err(format!("Cannot open command file '{}'", name.to_string_lossy())),
                }
            }
            _ => expanded.push(argument),
        }
    }
    Ok(expanded)
}

/// The arguments in a command file. Blank, tab, LF and CR separate them; `"` or `'` starts a quoted piece, and the
/// closing quote ends the argument at once. No escapes, no comments, no nesting.
pub fn split(content: &[u8]) -> Vec<OsString> {
    let mut arguments = Vec::new();
    let mut word = Vec::new();
    let mut bytes = content.iter().copied();
    let mut end = |word: &mut Vec<u8>| arguments.push(OsString::from_vec(std::mem::take(word)));
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                if !word.is_empty() {
                    end(&mut word);
                }
            }
            b'"' | b'\'' => {
                // DCMTK: without a closing quote the rest of the file is the argument, and no rest is none.
                let closed = bytes.clone().any(|next| next == byte);
                word.extend(bytes.by_ref().take_while(|next| *next != byte));
                if closed || !word.is_empty() {
                    end(&mut word);
                }
            }
            _ => word.push(byte),
        }
    }
    if !word.is_empty() {
        end(&mut word);
    }
    arguments
}

/// Read the expanded arguments left to right; `find` knows the options.
///
/// # Errors
/// The first unknown option or missing value, as a usage error.
pub fn read<'a>(arguments: Vec<OsString>, find: impl Fn(&OsStr) -> Option<Name<'a>>) -> Result<Line, String> {
    let mut line = Line::default();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        if !is_option(&argument) {
            line.long.push(argument.clone());
            line.parameters.push(argument);
            continue;
        }
        let Some(name) = find(&argument) else {
            return Err(format!("Unknown option {}", argument.to_string_lossy()));
        };
        let values: Vec<_> = rest.by_ref().take(name.values).collect();
        if values.len() < name.values {
            return Err(format!("Missing value for option {}", name.long));
        }
        line.long.push(name.long.into());
        line.long.extend(values.iter().cloned());
        line.options.push(Occurrence { row: name.row, values });
    }
    Ok(line)
}

/// `-5`, `+3.7`, `-` and the empty text are parameters.
fn is_option(argument: &OsStr) -> bool {
    matches!(argument.as_bytes(), [b'+' | b'-', second, ..] if !second.is_ascii_digit())
}

impl Line {
    /// The call as `--arguments` logs it; the blank at its end is DCMTK's.
    pub fn call(&self, program: &OsStr) -> String {
        let program = program.to_string_lossy();
        // DCMTK: empty arguments are counted, but not shown.
        let shown = self.long.iter().filter(|word| !word.is_empty());
        let arguments: String = shown.map(|word| format!("'{}' ", word.to_string_lossy())).collect();
        format!("calling '{program}' with {} arguments: {arguments}", self.long.len())
    }
}

#[cfg(test)]
mod tests;
