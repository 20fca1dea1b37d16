//! Asks for a password on the terminal, which does not show it meanwhile.

use std::fs::OpenOptions;
use std::io::{Read, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longer passwords are cut, as OpenSSL cuts them.
const LONGEST: usize = 1024;

/// The password that somebody types; none: there is no terminal, or nobody types.
pub(super) fn password(form: &str) -> Option<Zeroizing<String>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let shown = tcgetattr(&terminal).ok()?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &hidden).ok()?;
    let asked = write!(terminal, "Enter {form} pass phrase:").and_then(|()| terminal.flush());
    let typed = asked.ok().and_then(|()| line(&mut terminal));
    _ = tcsetattr(&terminal, OptionalActions::Flush, &shown);
    _ = terminal.write_all(b"\n");
    typed
}

fn line(terminal: &mut impl Read) -> Option<Zeroizing<String>> {
    let (mut bytes, mut byte) = (Zeroizing::new(Vec::with_capacity(LONGEST)), [0]);
    while bytes.len() < LONGEST {
        match terminal.read(&mut byte) {
            Ok(1) if byte[0] != b'\n' => bytes.push(byte[0]),
            Ok(0) if bytes.is_empty() => return None,
            Ok(_) => break,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    String::from_utf8(bytes.to_vec()).ok().map(Zeroizing::new)
}
