//! From lines to a configuration. DCMTK reads on after a problem, and so does this, to tell of all at once.

use super::problem::{Kind, MAX_PROBLEMS, Problem, Remark};
use super::token::{Line, Lines, Number, Token, Tokens, is_space};
use super::{Charset, Config, DEFAULT_MAX_PDU, DEFAULT_PORT, MAX_PEERS, Name, excerpt};
use std::collections::HashMap;

/// Least and largest `MaxPDUSize`.
const PDU_RANGE: std::ops::RangeInclusive<u32> = 4096..=131_072;

/// First words of lines outside tables, those without a meaning today last.
const MNEMONICS: [&str; 16] = [
    "NetworkTCPPort",
    "MaxPDUSize",
    "MaxAssociations",
    "SpecificCharacterSet",
    "UserName",
    "GroupName",
    "HostTable",
    "VendorTable",
    "AETable",
    "ApplicationTitle",
    "ApplicationContext",
    "ImplementationClass",
    "ImplementationVersion",
    "NetworkType",
    "Display",
    "DisplayPort",
];

/// Of [`MNEMONICS`], how many are followed by a value.
const PLAIN: usize = 6;

/// Of [`MNEMONICS`], how many have a meaning.
const MEANT: usize = 9;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Host,
    Vendor,
    Area,
}

impl Table {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Host => "HostTable",
            Self::Vendor => "VendorTable",
            Self::Area => "AETable",
        }
    }
}

/// Parses a file.
pub(super) fn read(text: &[u8]) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader { peers_left: MAX_PEERS, ..Reader::default() };
    let mut lines = Lines::new(text);
    // DCMTK: the word after a table's name is kept, and a name without one goes by that of the last table before it.
    let mut status: &[u8] = b"";
    while let Some(line) = lines.next() {
        if line.is_silent() {
            continue;
        }
        let Some(mnemonic) = line.words().next() else { continue };
        let table = match mnemonic.text {
            b"HostTable" => Table::Host,
            b"VendorTable" => Table::Vendor,
            b"AETable" => Table::Area,
            _ => {
                reader.global(&line, mnemonic);
                continue;
            }
        };
        let value = line.values();
        let (rest, column) = (value.rest(), value.column());
        match rest.split(|&byte| is_space(byte)).find(|word| !word.is_empty()) {
            Some(word) => status = word,
            None if status == b"BEGIN" => {
                let text = format!("{0} alone is read as \"{0} BEGIN\" here", table.name());
                reader.remark(line.number, column, text);
            }
            None => {}
        }
        match status {
            b"BEGIN" => reader.table(table, &line, mnemonic, &mut lines),
            b"END" => {
                let text =
                    format!("No \"{0} BEGIN\" before END in configuration file, line {1}", table.name(), line.number);
                let expected =
                    "this ends a table that was not begun; expected the line that begins it, further up in the file"
                        .to_owned();
                reader.told(line.number, mnemonic.column, text, expected);
            }
            _ => {
                let text = format!(
                    "Unknown {} status \"{}\" in configuration file, line {}",
                    table.name(),
                    excerpt(status),
                    line.number
                );
                reader.told(line.number, column, text, format!("expected \"{} BEGIN\", in capitals", table.name()));
            }
        }
    }
    reader.finish()
}

#[derive(Default)]
pub(super) struct Reader {
    pub(super) config: Config,
    /// The first row of each symbolic name.
    pub(super) symbols: HashMap<Name, usize>,
    /// Where the first row of a title stands, in the AE table being read.
    pub(super) titles: HashMap<Name, usize>,
    /// How many peers there may still be.
    pub(super) peers_left: usize,
    /// `MaxPDUSize` as written, and where.
    max_pdu: Option<(u32, usize, usize)>,
    problems: Vec<Problem>,
    /// Problems beyond the limit were left out.
    more_problems: bool,
    remarks: Vec<Remark>,
    /// Those on rows of the AE table, which go with it if another one comes.
    pub(super) area_remarks: Vec<Remark>,
    /// The lines being read are its rows.
    pub(super) in_area_table: bool,
}

impl Reader {
    fn finish(mut self) -> Result<Config, Vec<Problem>> {
        if let Some((value, line, column)) = self.max_pdu {
            self.config.max_pdu = if value == 0 { DEFAULT_MAX_PDU } else { value };
            if !PDU_RANGE.contains(&self.config.max_pdu) {
                let expected = format!(
                    "expected a MaxPDUSize from {} to {} bytes, not {value}",
                    PDU_RANGE.start(),
                    PDU_RANGE.end()
                );
                self.problem(line, column, Kind::MaxPdu, expected);
            }
        }
        if self.problems.is_empty() {
            self.remarks.append(&mut self.area_remarks);
            self.remarks.sort_by_key(|remark| (remark.line, remark.column));
            self.config.remarks = self.remarks;
            return Ok(self.config);
        }
        if self.more_problems {
            let (line, column) = self.problems.last().map_or((1, 1), |last| (last.line, last.column));
            let expected = format!("more than {MAX_PROBLEMS} problems; the rest is not listed");
            self.problems.push(Problem { line, column, kind: Kind::Silent, expected });
        }
        Err(self.problems)
    }

    fn problem(&mut self, line: usize, column: usize, kind: Kind, expected: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { line, column, kind, expected });
        } else {
            self.more_problems = true;
        }
    }

    pub(super) fn told(&mut self, line: usize, column: usize, text: String, expected: String) {
        self.problem(line, column, Kind::Told(text), expected);
    }

    pub(super) fn silent(&mut self, line: usize, column: usize, expected: impl Into<String>) {
        self.problem(line, column, Kind::Silent, expected.into());
    }

    pub(super) fn remark(&mut self, line: usize, column: usize, text: impl Into<String>) {
        let remarks = if self.in_area_table { &mut self.area_remarks } else { &mut self.remarks };
        if remarks.len() < MAX_PROBLEMS {
            remarks.push(Remark { line, column, text: text.into() });
        }
    }

    /// A line outside tables.
    fn global(&mut self, line: &Line<'_>, mnemonic: Token<'_>) {
        let values = line.values();
        let column = values.column();
        let number = Number::at_start(values.rest());
        match mnemonic.text {
            b"NetworkTCPPort" => match number.map(Number::int) {
                Some(value) => {
                    // DCMTK: 0 is no port, any other is reduced to 16 bits by the system.
                    self.config.port = if value == 0 { DEFAULT_PORT } else { value as u16 };
                    if !(0..=65535).contains(&value) {
                        let port = self.config.port;
                        self.remark(line.number, column, format!("port {value} is out of range and means {port}"));
                    }
                }
                None => self.remark(line.number, column, "no number: the port stays as it was"),
            },
            b"MaxPDUSize" => {
                self.max_pdu = Some((number.map_or(0, Number::unsigned), line.number, column));
                if number.is_none() {
                    self.remark(line.number, column, format!("no number: MaxPDUSize is {DEFAULT_MAX_PDU}"));
                }
            }
            b"MaxAssociations" => match number.map(Number::int) {
                Some(value) => {
                    self.config.max_associations = u32::try_from(value).ok();
                    if value == 0 {
                        self.remark(line.number, column, "no association at all will be accepted");
                    }
                }
                None => self.remark(line.number, column, "no number: MaxAssociations stays as it was"),
            },
            b"SpecificCharacterSet" => self.charset(line, values),
            b"UserName" => self.config.user = self.account(line, values),
            b"GroupName" => self.config.group = self.account(line, values),
            word if MNEMONICS[MEANT..].iter().any(|known| known.as_bytes() == word) => {}
            word => {
                let text =
                    format!("Unknown mnemonic \"{}\" in configuration file, line {}", excerpt(word), line.number);
                self.told(line.number, mnemonic.column, text, expected_mnemonic(word, mnemonic.column));
            }
        }
    }

    fn account(&mut self, line: &Line<'_>, mut values: Tokens<'_>) -> Option<Name> {
        let column = values.column();
        match values.next() {
            Some(name) => Some(Name::from(name.text)).filter(|name| !name.as_bytes().is_empty()),
            // DCMTK: crashes.
            None if values.unclosed() => {
                self.silent(line.number, column, "expected a name; this quote is not closed");
                None
            }
            None => {
                self.silent(line.number, column, "expected a name");
                None
            }
        }
    }

    fn charset(&mut self, line: &Line<'_>, values: Tokens<'_>) {
        let mut charset = Charset::bare();
        let mut sets = 0;
        for token in values {
            match token.text {
                b"override" => charset.override_request = true,
                b"fallback" => charset.fallback = true,
                b"abort" => charset.abort = true,
                b"discard" => charset.discard = true,
                b"transliterate" => charset.transliterate = true,
                set => {
                    charset.set = set.into();
                    sets += 1;
                    if sets == 2 {
                        let text = "a second character set; the last one counts. One with a blank in it must be quoted";
                        self.remark(line.number, token.column, text);
                    }
                }
            }
        }
        self.config.charset = charset;
    }
}

/// What should stand where an unknown word does.
fn expected_mnemonic(word: &[u8], column: usize) -> String {
    if word.starts_with(b"#") && column > 1 {
        return "expected nothing before the # of a comment".to_owned();
    }
    let head = word.split(|byte| b"=,\"'(".contains(byte)).next().unwrap_or_default();
    match MNEMONICS.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(head)) {
        Some(known) if head.len() < word.len() => format!("expected {known} and a blank behind it"),
        Some(known) => format!("expected {known}: capital and small letters count"),
        None => format!("expected the beginning of a table, or one of {}", MNEMONICS[..PLAIN].join(", ")),
    }
}
