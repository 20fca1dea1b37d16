//! The dictionary that gives elements of implicit VR their representation.

use pacs_core::dataset::vr::{Dictionary, Loaded};
use tracing::{error, warn};

/// The files of `DCMDICTPATH`, else the built-in one. `target` is the program's logger.
pub fn of_environment(target: &'static str) -> &'static Dictionary {
    match std::env::var_os("DCMDICTPATH").filter(|paths| !paths.is_empty()) {
        None => Dictionary::builtin(),
        Some(paths) => {
            let loaded = Dictionary::load(&paths);
            for complaint in &loaded.complaints {
                error!(target: "dcmtk.dcmdata", "{complaint}");
            }
            if !loaded.complete {
                // A target must be known where it is compiled; the loggers of both programs have the same parent.
                match target {
                    "dcmtk.apps.storescu" => warn!(target: "dcmtk.apps.storescu", "{}", Loaded::NOT_LOADED),
                    _ => warn!(target: "dcmtk.apps.storescp", "{}", Loaded::NOT_LOADED),
                }
            }
            // Once, and as long as the program runs.
            Box::leak(Box::new(loaded.dictionary))
        }
    }
}
