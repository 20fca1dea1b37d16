//! Which files are sent: names and folders become a list, and each file of it is looked at before anything is sent.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use pacs_core::dataset::head::{self, Expected, Head, Object, UnknownSyntax};
use pacs_core::dataset::vr::Vr;
use pacs_core::dataset::{Context, Form, Outcome, Prepared, ScratchMaker, Source, Tag};
use pacs_core::names;
use pacs_tools::fatal;
use rustix::fs::OFlags;
use tracing::{info, warn};
use walkdir::WalkDir;

use crate::options::{Config, Input};
use crate::pattern;
use crate::{Failed, TARGET};

/// Longest UID in a request, in bytes.
const LONGEST_UID: usize = 64;

/// Files up to so many bytes are read at once, and once.
const SMALL: u64 = 256 * 1024;

/// A file that is open for sending.
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    len: u64,
    /// All of a small file.
    whole: Option<Vec<u8>>,
}

impl Opened {
    /// Opens a regular file. Anything else, which it may have become since it was found, is not waited for.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        match metadata.is_file() {
            true => Ok(Self { file, len: metadata.len(), whole: None }),
            false => Err(io::Error::other("not a regular file")),
        }
    }

    /// Reads it into this buffer if it is small; it is then sent as it is now.
    pub(crate) fn read_whole(&mut self, mut buffer: Vec<u8>) -> io::Result<()> {
        if self.len > SMALL {
            return Ok(());
        }
        buffer.clear();
        buffer.resize(self.len as usize, 0);
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        buffer.truncate(filled);
        self.whole = Some(buffer);
        Ok(())
    }

    /// The buffer it was read into, for the next file.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.whole.unwrap_or_default()
    }

    /// Its length in bytes when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl Source for Opened {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some(whole) = &self.whole {
            return whole.as_slice().read_at(buffer, offset);
        }
        loop {
            match FileExt::read_at(&self.file, buffer, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        self.whole.as_ref()?.in_memory(offset)
    }
}

/// All files that are named, or found in folders that are; and of each whether it was seen to be a regular file.
///
/// # Errors
/// When there is none; the log has it.
pub(crate) fn gather(config: &Config) -> Result<(Vec<PathBuf>, Vec<bool>), Failed> {
    let input = &config.input;
    if input.scan {
        info!(target: TARGET, "determining input files ...");
    }
    let (mut files, mut regular) = (Vec::new(), Vec::new());
    for name in &config.names {
        if !Path::new(name).is_dir() {
            files.push(PathBuf::from(name));
            regular.push(false);
        } else if input.scan {
            scan(name, input, |path, is_regular| {
                files.push(path);
                regular.push(is_regular);
            });
        } else {
            let shown = Path::new(name).display();
            warn!(target: TARGET, "ignoring directory because option --scan-directories is not set: {shown}");
        }
    }
    if files.is_empty() {
        fatal!(target: TARGET, "no input files to be sent");
        return Err(Failed);
    }
    Ok((files, regular))
}

/// Adds what is in a folder in the order of the folder, those in folders within at the place of the folder.
// DCMTK: the same order, which is none; but it says nothing of folders it cannot read, and follows links for ever.
fn scan(folder: &OsString, input: &Input, mut add: impl FnMut(PathBuf, bool)) {
    let depth = if input.recurse { usize::MAX } else { 1 };
    let entries = WalkDir::new(folder).follow_links(true).min_depth(1).max_depth(depth);
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => {
                let wanted = |pattern: &OsString| pattern::matches(pattern.as_bytes(), entry.file_name().as_bytes());
                if input.pattern.as_ref().is_none_or(wanted) {
                    let is_regular = entry.file_type().is_file();
                    add(entry.into_path(), is_regular);
                }
            }
            Err(e) if e.loop_ancestor().is_some() => {
                let shown = e.path().unwrap_or(Path::new("?")).display();
                warn!(target: TARGET, "ignoring a link that leads back to a folder above it: {shown}");
            }
            // A link to nowhere, or a folder that cannot be read: what is said of other files will be said of it.
            Err(e) => e.path().into_iter().for_each(|path| add(path.to_owned(), false)),
        }
    }
}

/// What looks at the head of each file while the inputs are gathered.
pub(crate) type Inspect<'a> = dyn FnMut(&Head, Object) + 'a;

/// Who wants to know what is in the files, and who hears of those that are left out.
pub(crate) struct Looking<'l> {
    /// Called with the head of each file and the object it holds, if somebody wants to know.
    pub(crate) inspect: Option<&'l mut Inspect<'l>>,
    /// Called with each file that is left out, and why.
    pub(crate) left_out: &'l mut dyn FnMut(&Path, &str),
}

/// Looks at each file, but not again at what was seen to be a regular one: those that cannot be sent end the program or, with `--no-halt`, are left out.
///
/// # Errors
/// When the program must end; the log has it.
pub(crate) fn check(
    config: &Config,
    files: &mut Vec<PathBuf>,
    regular: &[bool],
    looking: Looking<'_>,
) -> Result<(), Failed> {
    info!(target: TARGET, "checking input files ...");
    let Looking { mut inspect, left_out } = looking;
    let (mut failed, mut regular) = (false, regular.iter());
    files.retain(|path| {
        let is_regular = regular.next().is_some_and(|is_regular| *is_regular);
        if failed {
            return false;
        }
        let seen = look_at(path, is_regular, config, inspect.is_some());
        let fault = match (seen, &mut inspect) {
            (Err(fault), _) => fault,
            (Ok(Some((head, object))), Some(inspect)) => {
                inspect(&head, object);
                return true;
            }
            (Ok(_), _) => return true,
        };
        left_out(path, &fault);
        if config.no_halt {
            warn!(target: TARGET, "{fault}, ignoring file");
        } else {
            fatal!(target: TARGET, "{fault}");
            failed = true;
        }
        false
    });
    if failed { Err(Failed) } else { Ok(()) }
}

/// What is wrong with a file before it is sent, as DCMTK says it.
fn look_at(path: &Path, is_regular: bool, config: &Config, inspect: bool) -> Result<Option<(Head, Object)>, String> {
    let shown = path.display();
    if !is_regular && !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Err(format!("cannot access file: {shown}"));
    }
    if !inspect {
        return Ok(None);
    }
    let any = config.beyond.propose_from_files;
    let (head, object) = identify(path, config.input.expected, unknown_syntax(config))
        .ok_or_else(|| format!("missing SOP class (or instance) in file: {shown}"))?;
    if !any && names::storage_class(&object.class).is_none() {
        return Err(format!("unknown storage SOP class in file: {shown}: {}", names::printable(&object.class)));
    }
    Ok(Some((head, object)))
}

/// What is made of syntaxes that are not known: they can be proposed by `--propose-from-files` alone.
pub(crate) fn unknown_syntax(config: &Config) -> UnknownSyntax {
    match config.beyond.propose_from_files {
        true => UnknownSyntax::Encapsulated,
        false => UnknownSyntax::Guessed,
    }
}

/// The head of a file and what object its data set says it is. The file meta information is not asked, as by DCMTK.
fn identify(path: &Path, expected: Expected, unknown: UnknownSyntax) -> Option<(Head, Object)> {
    let file = Opened::open(path).ok()?;
    let head = head::read(&file, expected, unknown).ok()?;
    let object = match head::object(&file, &head).ok()? {
        Some(object) => object,
        // It does not stand where it should. Such files are few.
        None => {
            let context = Context::new(ScratchMaker::in_memory());
            let read = Prepared::new(&file, head.data_set, &head.read_as, &Form::default(), context).ok()?;
            object_in(read.outcome())?
        }
    };
    Some((head, object))
}

/// The object that a data set says it is, if it has both elements. UIDs are cut to what a request holds.
pub(crate) fn object_in(outcome: &Outcome) -> Option<Object> {
    let uid = |tag| {
        let found = outcome.found(tag)?;
        // DCMTK: a UID that says it is of unknown VR is none.
        let text = found.vr == Vr::UI || found.vr.is_text();
        text.then(|| found.value.iter().take(LONGEST_UID).map(|byte| char::from(*byte)).collect::<String>())
    };
    Some(Object { class: uid(Tag::SOP_CLASS)?, instance: uid(Tag::SOP_INSTANCE)? })
}
