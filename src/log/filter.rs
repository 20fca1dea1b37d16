//! Filters of an appender, as log4cplus has them.

use super::Level;
use super::record::Record;

/// What a filter looks at, and what it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Nothing passes.
    DenyAll,
    /// One level; without a level it has no opinion.
    LevelMatch { level: Option<Level>, accept: bool },
    /// What is outside is denied. What is inside passes at once, or has to pass the filters that follow.
    LevelRange { least: Option<Level>, most: Option<Level>, accept: bool },
    /// Messages that hold this text; an empty one is never found.
    Text { text: String, accept: bool },
}

impl Filter {
    /// Whether a record passes; none: the next filter is to decide.
    fn decide(&self, record: &Record<'_>) -> Option<bool> {
        match self {
            Self::DenyAll => Some(false),
            Self::LevelMatch { level, accept } => (*level == Some(record.level)).then_some(*accept),
            Self::LevelRange { least, most, accept } => {
                let below = least.is_some_and(|least| record.level < least);
                let above = most.is_some_and(|most| record.level > most);
                if below || above { Some(false) } else { accept.then_some(true) }
            }
            Self::Text { text, accept } => (!text.is_empty() && record.message.contains(text)).then_some(*accept),
        }
    }
}

/// Whether a record passes a chain of filters.
pub(super) fn passes(filters: &[Filter], record: &Record<'_>) -> bool {
    filters.iter().find_map(|filter| filter.decide(record)).unwrap_or(true)
}
