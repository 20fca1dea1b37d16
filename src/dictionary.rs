//! The dictionary that gives elements of implicit VR their representation.

use pacs_core::dataset::vr::{Dictionary, Loaded};
use tracing::error;

/// The files of `DCMDICTPATH`, else the built-in one. When they cannot all be read `warn` gets the lines for the program's
/// log, and the built-in dictionary is used.
// DCMTK: goes on without any, and storescp then aborts each association at its first message.
pub fn of_environment(warn: impl FnOnce(&str)) -> &'static Dictionary {
    let Some(paths) = std::env::var_os("DCMDICTPATH").filter(|paths| !paths.is_empty()) else {
        return Dictionary::builtin();
    };
    let loaded = Dictionary::load(&paths);
    for complaint in &loaded.complaints {
        error!(target: "dcmtk.dcmdata", "{complaint}");
    }
    if !loaded.complete {
        warn(&format!("{}\nThe built-in dictionary is used in its place.", Loaded::NOT_LOADED));
        return Dictionary::builtin();
    }
    // Once, and as long as the program runs.
    Box::leak(Box::new(loaded.dictionary))
}
