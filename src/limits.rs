//! Limits of the process that the system sets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of files that may be open at a time as far as the system allows without privileges; what it is then,
/// or none for no limit. A receiver needs two descriptors for each association, and shells start programs with few.
pub fn raise_open_files() -> Option<usize> {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => now.maximum,
        // As it was will do.
        Err(_) => now.current,
    };
    current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}
