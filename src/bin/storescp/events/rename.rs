//! The files of a study that has ended get numbers for names.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use pacs_tools::log;
use tracing::warn;

use crate::TARGET;
use crate::desk::studies::Study;
use crate::options::FileNames;

/// Renames each file to the first two letters of its prefix and a number of six digits, in the order they came. Where a
/// folder has such names already the numbers go on behind them; DCMTK begins anew, and what was there is lost.
pub(crate) fn rename(study: &Study, naming: FileNames) {
    let shelf = &study.shelf;
    let mut number = next_number(shelf.path());
    for from in study.files() {
        loop {
            let to = numbered(from, naming, number);
            number += 1;
            match shelf.rename_new(from, &to) {
                Ok(true) => break,
                Ok(false) => {}
                Err(e) => {
                    warn!(
                        target: TARGET,
                        "cannot rename file '{}' to '{}'\n{}",
                        shelf.shown(from),
                        shelf.shown(&to),
                        log::reason(&e)
                    );
                    break;
                }
            }
        }
    }
}

/// The name that a file gets.
fn numbered(name: &OsStr, naming: FileNames, number: u64) -> OsString {
    let bytes = name.as_bytes();
    let prefix = match naming {
        FileNames::Instance | FileNames::Unique => bytes,
        // Behind the time and its serial number.
        FileNames::Time => bytes.iter().position(|&b| b == b'.').map_or(bytes, |dot| &bytes[dot + 1..]),
    };
    let mut new = prefix[..prefix.len().min(2)].to_vec();
    new.extend(format!("{number:06}").bytes());
    OsString::from_vec(new)
}

/// The number of a name that [`numbered`] gave.
fn number_of(name: &OsStr) -> Option<u64> {
    let digits = name.as_bytes().get(2..).filter(|digits| (6..=12).contains(&digits.len()))?;
    digits.iter().all(u8::is_ascii_digit).then(|| str::from_utf8(digits).ok()?.parse().ok())?
}

/// The first number that no name in the folder has, nor a lower one. If it cannot be listed, taken names show later.
fn next_number(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 1 };
    let numbers = entries.filter_map(|entry| number_of(&entry.ok()?.file_name()));
    numbers.max().map_or(1, |last| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_the_prefix() {
        for (name, naming, new) in [
            ("MR.1.2.3", FileNames::Instance, "MR000007"),
            ("DXm.1.2.3.dcm", FileNames::Instance, "DX000007"),
            ("UNKNOWN.X.2.25.1", FileNames::Unique, "UN000007"),
            ("20261124233213416.CT.dcm", FileNames::Time, "CT000007"),
            ("20261124233213416_0001.MR", FileNames::Time, "MR000007"),
        ] {
            assert_eq!(numbered(OsStr::new(name), naming, 7), new);
        }
        assert_eq!(numbered(OsStr::new("MR.1"), FileNames::Instance, 1_234_567), "MR1234567");
    }

    #[test]
    fn numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(next_number(folder.path()), 1);
        for name in ["MR000002", "CT000011", "MR.1.2.3", "XX12345", "MR00001x", "MR"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(next_number(folder.path()), 12);
        fs::write(folder.path().join("MR1234567"), "").unwrap();
        assert_eq!(next_number(folder.path()), 1_234_568);
        assert_eq!(next_number(&folder.path().join("none")), 1);
    }
}
