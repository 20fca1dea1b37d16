//! A configuration as a file.

use super::token::{is_gap, is_quote};
use super::{Access, Charset, Config, Peer, Peers, Quota};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

impl Config {
    /// The configuration as understood, as a file that means the same: every value is written, and symbolic names are
    /// replaced by their peers. Bytes, for names need not be UTF-8.
    pub fn print(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // A vector takes everything.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        writeln!(out, "NetworkTCPPort  = {}", if self.port == 0 { 65536 } else { u32::from(self.port) })?;
        writeln!(out, "MaxPDUSize      = {}", self.max_pdu)?;
        match self.max_associations {
            Some(most) => writeln!(out, "MaxAssociations = {most}")?,
            None => writeln!(out, "MaxAssociations = -1")?,
        }
        charset(out, &self.charset)?;
        for (name, value) in [("UserName ", &self.user), ("GroupName", &self.group)] {
            if let Some(value) = value {
                write!(out, "{name}       = ")?;
                token(out, value.as_bytes())?;
                writeln!(out)?;
            }
        }
        for (table, rows) in [("HostTable", &self.hosts), ("VendorTable", &self.vendors)] {
            writeln!(out, "\n{table} BEGIN")?;
            for row in rows {
                token(out, row.name.as_bytes())?;
                write!(out, " =")?;
                peers(out, &row.peers)?;
            }
            writeln!(out, "{table} END")?;
        }
        writeln!(out, "\nAETable BEGIN")?;
        for row in &self.rows {
            token(out, row.title.as_bytes())?;
            write!(out, " ")?;
            token(out, row.directory.as_os_str().as_bytes())?;
            write!(out, " {} ", if row.access == Access::ReadWrite { "RW" } else { "R" })?;
            quota(out, row.quota)?;
            match &row.peers {
                Peers::Any => writeln!(out, " ANY")?,
                Peers::Listed(listed) => peers(out, listed)?,
            }
        }
        writeln!(out, "AETable END")
    }
}

fn charset(out: &mut Vec<u8>, charset: &Charset) -> io::Result<()> {
    write!(out, "SpecificCharacterSet = ")?;
    token(out, charset.set.as_bytes())?;
    for (word, on) in [
        ("override", charset.override_request),
        ("fallback", charset.fallback),
        ("abort", charset.abort),
        ("discard", charset.discard),
        ("transliterate", charset.transliterate),
    ] {
        if on {
            write!(out, " {word}")?;
        }
    }
    writeln!(out)
}

fn peers(out: &mut Vec<u8>, peers: &[Arc<Peer>]) -> io::Result<()> {
    for peer in peers {
        write!(out, " (")?;
        out.write_all(peer.title.as_bytes())?;
        write!(out, ", ")?;
        out.write_all(peer.host.as_bytes())?;
        write!(out, ", {})", peer.port)?;
    }
    writeln!(out)
}

fn quota(out: &mut Vec<u8>, quota: Quota) -> io::Result<()> {
    let bytes = quota.bytes_per_study;
    let units = [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    let (factor, unit) = units.into_iter().find(|(factor, _)| bytes.is_multiple_of(*factor)).unwrap_or((1, "b"));
    write!(out, "({}, {}{unit})", quota.studies, bytes / factor)
}

/// A token that reads as this. Quoted unless it has a quote in it: then it was bare, and has no gap.
fn token(out: &mut Vec<u8>, text: &[u8]) -> io::Result<()> {
    if text.iter().any(|&byte| is_quote(byte)) && !text.iter().any(|&byte| is_gap(byte)) {
        return out.write_all(text);
    }
    write!(out, "\"")?;
    out.write_all(text)?;
    write!(out, "\"")
}
