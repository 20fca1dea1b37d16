//! Asks for a password on the terminal, which does not show it meanwhile.

use std::fs::OpenOptions;
use std::io::{Read, Write};

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longer passwords are cut, as OpenSSL cuts them.
const LONGEST: usize = 1024;

/// What somebody typed.
enum Line {
    Password(Zeroizing<String>),
    /// Ctrl-C.
    Interrupt,
    /// Nothing, or what is no text.
    Nothing,
}

/// The password that somebody types; none: there is no terminal, or nobody types. Ctrl-C ends the program as it does
/// elsewhere, but only once the terminal shows again what is typed.
pub(super) fn password(form: &str) -> Option<Zeroizing<String>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let shown = tcgetattr(&terminal).ok()?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    // Without the signal its character must end the line, or it would wait for Enter.
    let interrupt = shown.special_codes[SpecialCodeIndex::VINTR];
    hidden.special_codes[SpecialCodeIndex::VEOL] = interrupt;
    tcsetattr(&terminal, OptionalActions::Flush, &hidden).ok()?;
    let asked = write!(terminal, "Enter {form} pass phrase:").and_then(|()| terminal.flush());
    let typed = asked.map_or(Line::Nothing, |()| line(&mut terminal, interrupt));
    _ = tcsetattr(&terminal, OptionalActions::Flush, &shown);
    _ = terminal.write_all(b"\n");
    match typed {
        Line::Password(password) => Some(password),
        Line::Interrupt => {
            _ = kill_process(getpid(), Signal::INT);
            None
        }
        Line::Nothing => None,
    }
}

/// Reads a line. An interrupt of 0 is none: the terminal has it switched off.
fn line(terminal: &mut impl Read, interrupt: u8) -> Line {
    let (mut bytes, mut byte) = (Zeroizing::new(Vec::with_capacity(LONGEST)), [0]);
    while bytes.len() < LONGEST {
        match terminal.read(&mut byte) {
            Ok(1) if interrupt != 0 && byte[0] == interrupt => return Line::Interrupt,
            Ok(1) if byte[0] != b'\n' => bytes.push(byte[0]),
            Ok(0) if bytes.is_empty() => return Line::Nothing,
            Ok(_) => break,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Line::Nothing,
        }
    }
    String::from_utf8(bytes.to_vec()).map_or(Line::Nothing, |text| Line::Password(Zeroizing::new(text)))
}
