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

#[cfg(test)]
mod tests {
    use super::*;

    /// The first letters of the levels whose records pass; all say `directory A`.
    fn passing(filters: &[Filter]) -> String {
        let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];
        let passing = levels.iter().filter(|level| passes(filters, &Record::of_root(**level, "directory A")));
        passing.map(|level| &level.name()[..1]).collect()
    }

    #[test]
    fn the_first_with_an_opinion_decides() {
        let matching = |level, accept| Filter::LevelMatch { level, accept };
        let range = |least, most, accept| Filter::LevelRange { least, most, accept };
        let text = |text: &str, accept| Filter::Text { text: text.to_owned(), accept };
        let (info, warn, fatal) = (Some(Level::Info), Some(Level::Warn), Some(Level::Fatal));
        let deny = Filter::DenyAll;
        let cases = [
            (vec![], "TDIWEF"),
            (vec![deny.clone()], ""),
            (vec![matching(info, true)], "TDIWEF"),
            (vec![matching(info, true), deny.clone()], "I"),
            (vec![matching(info, false)], "TDWEF"),
            (vec![matching(info, false), deny.clone()], ""),
            (vec![matching(None, false)], "TDIWEF"),
            (vec![range(warn, fatal, true)], "WEF"),
            (vec![range(warn, fatal, true), deny.clone()], "WEF"),
            (vec![range(warn, fatal, false), deny.clone()], ""),
            (vec![range(None, info, false)], "TDI"),
            (vec![range(warn, None, false), matching(fatal, false)], "WE"),
            (vec![range(None, None, false)], "TDIWEF"),
            (vec![text("directory", true), deny.clone()], "TDIWEF"),
            (vec![text("directory", false)], ""),
            (vec![text("Directory", false)], "TDIWEF"),
            (vec![text("", false)], "TDIWEF"),
            (vec![matching(warn, true), text("A", false)], "W"),
        ];
        for (filters, wanted) in cases {
            assert_eq!(passing(&filters), wanted, "{filters:?}");
        }
    }
}
