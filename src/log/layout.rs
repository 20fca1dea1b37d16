//! DCMTK's default layout, `%P: %m%n`, before every line.

use super::clean::{escape, steers};
use std::fmt::{self, Write};

/// The bytes of a record, ready to be written.
pub(super) fn record(letter: char, message: fmt::Arguments<'_>) -> Vec<u8> {
    let mut lines = Lines { letter, out: String::with_capacity(128) };
    lines.prefix();
    // Fails only if the message does: then what there is of it is printed.
    let _ = lines.write_fmt(message);
    lines.out.push('\n');
    lines.out.into_bytes()
}

struct Lines {
    letter: char,
    out: String,
}

impl Lines {
    fn prefix(&mut self) {
        self.out.extend([self.letter, ':', ' ']);
    }
}

impl Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(steers) {
            let (plain, tail) = rest.split_at(at);
            self.out.push_str(plain);
            let mut tail = tail.chars();
            match tail.next() {
                Some('\n') => {
                    self.out.push('\n');
                    self.prefix();
                }
                Some(other) => escape(other, &mut self.out),
                None => {}
            }
            rest = tail.as_str();
        }
        self.out.push_str(rest);
        Ok(())
    }
}
