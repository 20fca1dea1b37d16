//! Limits of the process that the system sets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Associations at a time, whatever the machine allows. Each needs a thread and two descriptors.
const MOST_ASSOCIATIONS: usize = 2048;

/// How many associations may be served at a time: as many as the files that may be open allow, once that number has been
/// raised as far as it can be.
pub fn associations() -> usize {
    raise_open_files().map_or(MOST_ASSOCIATIONS, |files| MOST_ASSOCIATIONS.min(files / 2))
}

/// Raises the number of files that may be open at a time as far as the system allows without privileges; what it is then,
/// or none for no limit. A receiver needs two descriptors for each association, and shells start programs with few.
fn raise_open_files() -> Option<usize> {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => now.maximum,
        // As it was will do.
        Err(_) => now.current,
    };
    current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}
