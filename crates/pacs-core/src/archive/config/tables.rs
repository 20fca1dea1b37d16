//! The three tables: their rows, the peers in them, and the quota of a storage area.

use super::read::{Reader, Table};
use super::token::{Line, Lines, Number, Token, Tokens, is_space};
use super::{Access, AreaRow, MAX_PEERS, Name, Peer, Peers, Quota, Row, readable};
use std::collections::hash_map::Entry;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Longest AE title in bytes (PS3.5 6.2).
const TITLE_LENGTH: usize = 16;

/// What a peer looks like.
const PEER: &str = "(AETITLE, host, port)";

impl Reader {
    /// A table's rows, up to its end.
    pub(super) fn table(&mut self, table: Table, begin: &Line<'_>, keyword: Token<'_>, lines: &mut Lines<'_>) {
        if table == Table::Area {
            // DCMTK: the last table counts, those before it are forgotten.
            if !self.config.rows.is_empty() {
                self.remark(begin.number, keyword.column, "this AETable replaces the one before it");
            }
            self.config.rows.clear();
            self.titles.clear();
            self.area_remarks.clear();
            self.in_area_table = true;
        }
        if !self.rows(table, lines) {
            let name = table.name();
            let text = format!("No \"{name} END\" in configuration file, line {}", lines.number);
            let expected = format!("the table that begins here is not closed; expected \"{name} END\" after its rows");
            self.told(begin.number, keyword.column, text, expected);
        }
        self.in_area_table = false;
    }

    /// Reads rows; whether the table's end was found.
    fn rows(&mut self, table: Table, lines: &mut Lines<'_>) -> bool {
        let name = table.name();
        // DCMTK: a line without second word keeps that of the row before it.
        let mut status: &[u8] = b"";
        for line in lines {
            if line.is_silent() {
                continue;
            }
            let mut words = line.words();
            let (first, second) = (words.next(), words.next());
            status = second.map_or(status, |word| word.text);
            let Some(first) = first else {
                let expected = "expected a row; within a table an empty line must not have blanks in it";
                self.silent(line.number, 1, expected);
                continue;
            };
            if first.text != name.as_bytes() {
                self.row(table, &line);
                continue;
            }
            if status == b"END" {
                return true;
            }
            let shown = readable(status);
            let text = format!("Illegal {name} status \"{shown}\" in configuration file, line {}", line.number);
            let column = second.unwrap_or(first).column;
            self.told(line.number, column, text, format!("expected \"{name} END\", in capitals and nothing between"));
            return false;
        }
        false
    }

    fn row(&mut self, table: Table, line: &Line<'_>) {
        let mut tokens = line.tokens();
        match table {
            Table::Host => self.host(line, &mut tokens),
            Table::Vendor => {
                let name = tokens.next().map_or_else(Name::default, |name| name.text.into());
                let peers = self.peers(line, &mut tokens);
                self.config.vendors.push(Row { name, peers });
            }
            Table::Area => {
                if let Err((column, expected)) = self.area(line, &mut tokens) {
                    self.silent(line.number, column, expected);
                }
            }
        }
    }

    fn host(&mut self, line: &Line<'_>, tokens: &mut Tokens<'_>) {
        let token = tokens.next();
        let name = token.map_or_else(Name::default, |name| name.text.into());
        let index = self.config.hosts.len();
        // DCMTK: a name is known from its own row on, where it has no peers yet; of several rows it stands for the first.
        match self.symbols.entry(name.clone()) {
            Entry::Vacant(entry) => _ = entry.insert(index),
            Entry::Occupied(_) => {
                let text = format!("\"{name}\" has a row already, and stands for that one's peers");
                self.remark(line.number, token.map_or(1, |token| token.column), text);
            }
        }
        self.config.hosts.push(Row { name, peers: Vec::new() });
        let peers = self.peers(line, tokens);
        if let Some(row) = self.config.hosts.get_mut(index) {
            row.peers = peers;
        }
    }

    /// A row of the AE table. Fails with the column of a field that is missing, and what was expected there.
    fn area(&mut self, line: &Line<'_>, tokens: &mut Tokens<'_>) -> Result<(), (usize, String)> {
        let title = field(tokens, "an AE title")?;
        let directory = field(tokens, "a storage directory")?;
        let word = field(tokens, "an access word")?;
        let quota = field(tokens, "a quota like (100, 1gb)")?;
        let quota = read_quota(quota.text).unwrap_or_else(|expected| {
            self.silent(line.number, quota.column, format!("{expected}, in a quota like (100, 1gb)"));
            // Stands in while the row is read on: the file is bad.
            Quota { studies: 1, bytes_per_study: 1 }
        });
        let peers = match tokens.clone().next() {
            Some(any) if any.text == b"ANY" => Peers::Any,
            _ => Peers::Listed(self.peers(line, tokens)),
        };
        if let Some(why) = never_matches(title.text) {
            let text = format!("no caller can name the title \"{}\": {why}", readable(title.text));
            self.remark(line.number, title.column, text);
        }
        let access = match word.text {
            b"RW" | b"WR" | b"W" => Access::ReadWrite,
            b"R" => Access::ReadOnly,
            // DCMTK: any other word too.
            other => {
                let text = format!("access \"{}\" is none of R, RW, WR and W, and means R", readable(other));
                self.remark(line.number, word.column, text);
                Access::ReadOnly
            }
        };
        let directory = PathBuf::from(OsStr::from_bytes(directory.text));
        let row = AreaRow { title: title.text.into(), directory, access, quota, peers, line: line.number };
        match self.titles.entry(row.title.clone()) {
            Entry::Vacant(entry) => _ = entry.insert(line.number),
            Entry::Occupied(first) => {
                let text = format!(
                    "\"{}\" has a row already, in line {}, whose directory, access and quota count; this one adds peers",
                    row.title,
                    first.get()
                );
                self.remark(line.number, title.column, text);
            }
        }
        self.config.rows.push(row);
        Ok(())
    }

    /// The peers in the rest of a row; none when there is a problem with them.
    fn peers(&mut self, line: &Line<'_>, tokens: &mut Tokens<'_>) -> Vec<Arc<Peer>> {
        let mut peers = Vec::new();
        let mut bad = false;
        for token in tokens.by_ref() {
            let before = peers.len();
            if token.text.contains(&b',') {
                match self.peer(line, token) {
                    Some(peer) => peers.push(Arc::new(peer)),
                    None => bad = true,
                }
            } else {
                match self.symbol(token.text) {
                    Ok(row) => peers.extend(row.peers.iter().cloned()),
                    Err((text, expected)) => {
                        self.told(line.number, token.column, text, expected);
                        return Vec::new();
                    }
                }
            }
            let Some(left) = self.peers_left.checked_sub(peers.len() - before) else {
                self.silent(line.number, token.column, format!("expected no more than {MAX_PEERS} peers in all rows"));
                return Vec::new();
            };
            self.peers_left = left;
        }
        if bad {
            return Vec::new();
        }
        if peers.is_empty() {
            let open = if tokens.unclosed() { "; this quote is not closed" } else { "" };
            self.silent(line.number, tokens.column(), format!("expected peers like {PEER}, or symbolic names{open}"));
        } else if tokens.unclosed() {
            self.remark(line.number, tokens.column(), "this quote is not closed: the rest of the line is ignored");
        }
        peers
    }

    /// The row a symbolic name stands for, or DCMTK's words and ours for why there is none.
    fn symbol(&self, symbol: &[u8]) -> Result<&Row, (String, String)> {
        let shown = readable(symbol);
        let row = self.symbols.get(symbol).and_then(|&index| self.config.hosts.get(index));
        match row {
            _ if self.config.hosts.is_empty() => Err(("No symbolic names defined".to_owned(), expected_symbol(symbol))),
            None => Err((format!("Symbolic name \"{shown}\" not defined"), expected_symbol(symbol))),
            Some(row) if row.peers.is_empty() => {
                let expected = "expected a name with peers: this one's row has none, or is this one".to_owned();
                Err((format!("No peers for symbolic name \"{shown}\" defined"), expected))
            }
            Some(row) => Ok(row),
        }
    }

    /// A peer's title, host and port.
    fn peer(&mut self, line: &Line<'_>, token: Token<'_>) -> Option<Peer> {
        let mut fields = token.tokens();
        let (title, host) = (fields.next(), fields.next());
        let (Some(title), Some(host)) = (title, host) else {
            // DCMTK: accepts it and crashes when the host is needed.
            self.silent(line.number, token.column, format!("expected a peer like {PEER}, with all three of them"));
            return None;
        };
        let number = Number::at_start(fields.rest());
        let value = number.map_or(0, Number::int);
        if title.text.is_empty() {
            let text = format!("this peer has no title: a peer looks like {PEER}, without blank after the parenthesis");
            self.remark(line.number, token.column, text);
        } else if let Some(why) = never_matches(title.text) {
            let text = format!("no peer can have the title \"{}\": {why}", readable(title.text));
            self.remark(line.number, title.column, text);
        } else if number.is_none() {
            self.remark(line.number, fields.column(), format!("no number for a port: a peer looks like {PEER}"));
        } else if !(0..=65535).contains(&value) {
            let text = format!("port {value} is out of range and means {}", value as u16);
            self.remark(line.number, fields.column(), text);
        }
        // DCMTK: the port is reduced to 16 bits when it is used.
        Some(Peer { title: title.text.into(), host: host.text.into(), port: value as u16 })
    }
}

fn field<'a>(tokens: &mut Tokens<'a>, name: &str) -> Result<Token<'a>, (usize, String)> {
    let token = tokens.next();
    let open = if tokens.unclosed() { "; this quote is not closed" } else { "" };
    token.ok_or_else(|| (tokens.column(), format!("expected {name}{open}")))
}

/// Why no association can carry a title, if none can.
fn never_matches(title: &[u8]) -> Option<&'static str> {
    if title.len() > TITLE_LENGTH {
        Some("it has more than 16 characters")
    } else if title.iter().all(|&byte| byte == b' ') {
        Some("it is blank")
    } else if title.ends_with(b" ") {
        Some("blanks at the end of a title do not count")
    } else {
        None
    }
}

/// What should stand where an unknown symbolic name does.
fn expected_symbol(symbol: &[u8]) -> String {
    if symbol.eq_ignore_ascii_case(b"ANY") {
        "expected ANY in capitals, and alone, for everyone".to_owned()
    } else if symbol.starts_with(b"#") {
        "expected nothing behind a row: a comment is a line of its own".to_owned()
    } else if symbol == b"\\" {
        "expected nothing behind a row: it cannot go on in the next line".to_owned()
    } else if symbol.iter().any(|&byte| is_space(byte)) {
        format!("expected a peer like {PEER}, with commas")
    } else {
        format!("expected a peer like {PEER}, or a name that has a row in HostTable, further up in the file")
    }
}

/// A quota as DCMTK takes it since 3.6.8: a number of studies, a comma, a number of bytes with a unit that ends in b, both of
/// them positive. Says what was expected where it is not.
fn read_quota(text: &[u8]) -> Result<Quota, &'static str> {
    let positive = |number: Number| (!number.negative && number.magnitude > 0).then_some(number.magnitude);
    let studies = Number::at_start(text).ok_or("expected a number of studies")?;
    let mut words = text[studies.length..].split(|&byte| is_space(byte)).filter(|word| !word.is_empty());
    // The comma may touch the number before it, the bytes after it, or neither.
    let bytes =
        match words.next().and_then(|word| word.strip_prefix(b",")).ok_or("expected a comma behind the studies")? {
            b"" => words.next().unwrap_or_default(),
            bytes => bytes,
        };
    let studies = positive(studies).ok_or("expected at least one study")?;
    let factor = match bytes {
        [.., b'k' | b'K', b'b' | b'B'] => 1 << 10,
        [.., b'm' | b'M', b'b' | b'B'] => 1 << 20,
        [.., b'g' | b'G', b'b' | b'B'] => 1 << 30,
        [.., b'b' | b'B'] => 1,
        _ => return Err("expected a number of bytes with b, kb, mb or gb directly behind it"),
    };
    let bytes = Number::at_start(bytes).and_then(positive).ok_or("expected a positive number of bytes per study")?;
    Ok(Quota { studies, bytes_per_study: bytes.saturating_mul(factor) })
}
