//! Names of the folders that studies are sorted into.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::name::{Sanitized, sanitized, time_stamp};

/// Bytes that a file system gives a name.
const LONGEST: usize = 255;

/// The name of a study's folder. What comes from the network is one part of it at most: it has no separator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StudyName {
    parent: Option<PathBuf>,
    name: OsString,
}

/// A patient's name as folders bear it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patient {
    folded: String,
    /// The data set had no name.
    pub(crate) is_missing: bool,
    /// The character set that the name is in, if what became of it is no more than a guess.
    pub(crate) foreign: Option<String>,
}

impl StudyName {
    /// `<prefix>_YYYYMMDD_hhmmssmmm`, local time; without a prefix the time alone.
    pub(crate) fn of_time(prefix: &OsStr, now: SystemTime) -> Self {
        Self::joined(prefix, &date_and_time(now))
    }

    /// `<prefix>_<Study Instance UID>`, without a prefix the UID alone, and whether the UID had to be cleaned for it.
    pub(crate) fn of_uid(prefix: &OsStr, uid: &[u8]) -> (Self, Option<Sanitized>) {
        let from: String = uid.iter().map(|&b| char::from(b)).collect();
        // A blank would make two words of a path in a command, and no UID has any.
        let mut to = sanitized(&from).replace(' ', "_");
        if prefix.is_empty() && to.starts_with('-') {
            // What lists the output folder with a `*` must not take it for an option.
            to.replace_range(..1, "_");
        }
        let name = Self::joined(prefix, &to);
        (name, (from != to).then_some(Sanitized { from, to }))
    }

    /// `<patient name>_YYYYMMDD_hhmmssmmm`, local time. A name that is too long for a folder is cut.
    pub(crate) fn of_patient(patient: &Patient, now: SystemTime) -> Self {
        let time = date_and_time(now);
        let longest = LONGEST.saturating_sub(time.len() + 1).min(patient.folded.len());
        Self::joined(OsStr::new(&patient.folded[..longest]), &time)
    }

    fn joined(prefix: &OsStr, rest: &str) -> Self {
        let mut whole = prefix.as_bytes().to_vec();
        if !whole.is_empty() {
            whole.push(b'_');
        }
        whole.extend_from_slice(rest.as_bytes());
        let Some(at) = whole.iter().rposition(|&b| b == b'/') else {
            return Self { parent: None, name: OsString::from_vec(whole) };
        };
        let name = OsString::from_vec(whole.split_off(at + 1));
        Self { parent: Some(OsString::from_vec(whole).into()), name }
    }

    /// The folder around it, as the prefix names it, unless that is the output folder.
    pub(crate) fn parent(&self) -> Option<&Path> {
        self.parent.as_deref()
    }

    /// The name itself.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Whether it would lead to another folder than one of its own.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.name.as_bytes(), b"" | b"." | b"..")
    }
}

impl Patient {
    /// From Patient's Name and Specific Character Set; both empty where the data set has none.
    pub(crate) fn new(name: &[u8], charset: &[u8]) -> Self {
        // DCMTK: of several values the first.
        let name = name.split(|&b| b == b'\\').next().unwrap_or_default();
        let end = name.iter().rposition(|&b| b != b' ').map_or(0, |at| at + 1);
        let name = &name[..end];
        if name.is_empty() {
            return Self { folded: "ANONYMOUS".to_owned(), is_missing: true, foreign: None };
        }
        // DCMTK: whatever else is declared, the bytes are taken for Latin-1.
        let known = matches!(charset, b"" | b"ISO_IR 100");
        let foreign = (!known && !name.is_ascii()).then(|| charset.iter().map(|&b| char::from(b)).collect());
        Self { folded: name.iter().map(|&b| folded(b)).collect(), is_missing: false, foreign }
    }
}

/// `YYYYMMDD_hhmmssmmm`, local time.
fn date_and_time(now: SystemTime) -> String {
    let mut stamp = time_stamp(now);
    stamp.insert(8, '_');
    stamp
}

/// What stands for a byte of a name in Latin-1 (ISO 8859-1).
fn folded(byte: u8) -> &'static str {
    const PLAIN: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    /// From 0xC0 on.
    const LETTERS: [&str; 64] = [
        "A", "A", "A", "A", "Ae", "A", "A", "C", "E", "E", "E", "E", "I", "I", "I", "I", //
        "D", "N", "O", "O", "O", "O", "Oe", "_", "O", "U", "U", "U", "Ue", "Y", "_", "ss", //
        "a", "a", "a", "a", "ae", "a", "a", "c", "e", "e", "e", "e", "i", "i", "i", "i", //
        "d", "n", "o", "o", "o", "o", "oe", "_", "o", "u", "u", "u", "ue", "y", "_", "y",
    ];
    match byte {
        0xC0.. => LETTERS[usize::from(byte - 0xC0)],
        _ => PLAIN.find(char::from(byte)).map_or("_", |at| &PLAIN[at..=at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn fold(name: &[u8]) -> String {
        Patient::new(name, b"ISO_IR 100").folded
    }

    #[test]
    fn latin_1_is_folded() {
        // The upper half as DCMTK 3.6.7 folds it.
        let upper: Vec<u8> = (0x80..=0xFF).collect();
        let expected = "_".repeat(64) + "AAAAAeAACEEEEIIIIDNOOOOOe_OUUUUeY_ssaaaaaeaaceeeeiiiidnoooooe_ouuuuey_y";
        assert_eq!(fold(&upper), expected);
        let lower: Vec<u8> = (0x21..0x80).filter(|b| *b != b'\\').collect();
        let kept: String = fold(&lower).chars().filter(|c| *c != '_').collect();
        assert_eq!(kept, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
        assert_eq!(fold(&lower).len(), lower.len());
    }

    #[test]
    fn patients_get_names_that_lead_nowhere() {
        for (name, folder) in [
            (&b"M\xfcller^J\xf6rg"[..], "Mueller_Joerg"),
            (b"..", "__"),
            (b"../x", "___x"),
            (b"/abs", "_abs"),
            (b"a\\b", "a"),
            (b"x\0y", "x_y"),
            (b"A^B=C ", "A_B_C"),
            (b"-rf *", "_rf__"),
            (b"$(id)", "__id_"),
        ] {
            assert_eq!(fold(name), folder);
        }
        for name in [&b""[..], b"  ", b"\\B"] {
            let patient = Patient::new(name, b"ISO_IR 192");
            assert_eq!((patient.folded.as_str(), patient.is_missing, patient.foreign), ("ANONYMOUS", true, None));
        }
    }

    #[test]
    fn a_guess_is_only_made_of_what_is_not_ascii() {
        let foreign = |name: &[u8], charset: &[u8]| Patient::new(name, charset).foreign;
        assert_eq!(foreign(b"J\xf6", b"ISO_IR 100"), None);
        assert_eq!(foreign(b"J\xf6", b""), None);
        assert_eq!(foreign(b"Jo", b"ISO_IR 192"), None);
        assert_eq!(foreign(b"J\xf6", b"ISO_IR 192").as_deref(), Some("ISO_IR 192"));
        assert_eq!(foreign(b"J\xf6", b"ISO_IR 100\\ISO 2022 IR 87").as_deref(), Some("ISO_IR 100\\ISO 2022 IR 87"));
    }

    #[test]
    fn a_uid_makes_one_folder_below() {
        for (prefix, uid, folder, changed) in [
            ("S", "1.2.3", "S_1.2.3", false),
            ("", "1.2.3", "1.2.3", false),
            ("S", "../x", "S_.._x", true),
            ("", "/abs", "_abs", true),
            ("", "a\\b", "a_b", true),
            ("", "x\0y", "x_y", true),
            ("", "-rf", "_rf", true),
            ("S", "-rf", "S_-rf", false),
            ("S", "1.2 3", "S_1.2_3", true),
            ("", ".pacs", ".pacs", false),
        ] {
            let (name, sanitized) = StudyName::of_uid(OsStr::new(prefix), uid.as_bytes());
            assert_eq!((name.name(), name.parent()), (OsStr::new(folder), None), "{uid:?}");
            assert_eq!(sanitized.is_some(), changed, "{uid:?}");
            assert!(!name.is_refused(), "{uid:?}");
        }
        for uid in ["", ".", ".."] {
            assert!(StudyName::of_uid(OsStr::new(""), uid.as_bytes()).0.is_refused(), "{uid:?}");
            assert!(!StudyName::of_uid(OsStr::new("S"), uid.as_bytes()).0.is_refused(), "{uid:?}");
        }
    }

    #[test]
    fn a_prefix_may_lead_into_a_folder() {
        let (name, _) = StudyName::of_uid(OsStr::new("sub/dir/P"), b"1.2");
        assert_eq!((name.parent(), name.name()), (Some(Path::new("sub/dir/")), OsStr::new("P_1.2")));
        let (name, _) = StudyName::of_uid(OsStr::new("sub/"), b"..");
        assert_eq!((name.parent(), name.name()), (Some(Path::new("sub/")), OsStr::new("_..")));
    }

    #[test]
    fn names_of_the_time_have_milliseconds() {
        let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_007);
        let name = StudyName::of_time(OsStr::new("P"), time).name;
        let text = name.to_str().unwrap();
        let parts: Vec<_> = text.split('_').collect();
        assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("P", 8, 9), "{text}");
        assert!(text.ends_with("007"), "{text}");
        let alone = StudyName::of_time(OsStr::new(""), time).name;
        assert_eq!(alone.to_str().unwrap(), &text[2..]);
        let patient = Patient::new(&[b'x'; 1000], b"");
        let long = StudyName::of_patient(&patient, time).name;
        assert_eq!(long.len(), 255);
        assert!(long.to_str().unwrap().ends_with(&text[1..]), "{long:?}");
    }
}
