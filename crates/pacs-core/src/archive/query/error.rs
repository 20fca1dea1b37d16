use crate::archive::keys::Level;
use std::fmt;

/// Why a request cannot be answered. Its text is DCMTK's log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// Query/Retrieve Level is missing or empty.
    NoLevel,
    /// Query/Retrieve Level is none of the four words.
    UnknownLevel(String),
    /// The unique key of this level is not in the request, and a record was to be compared by it.
    NoUniqueKey(Level),
    /// A strict check failed at this level.
    Strict(Broken, Level),
}

/// A rule of the hierarchical search method (PS3.4 C.4.1.3.1) that an identifier breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The model does not have the level.
    NotInModel,
    /// Study Root, patient keys, and another level than STUDY.
    PatientKey,
    /// A key above the level that is not unique, or at it in a retrieval.
    NotUnique,
    /// No unique key of a level.
    NoUnique,
    /// A unique key without a value.
    EmptyUnique,
    /// No key at the level of the query.
    NoKey,
    /// A key below the level of the query.
    KeyBelow,
}

/// What to tell the peer (PS3.4 C.4.1.1.4, C.4.2.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Identifier does not match SOP Class.
    IdentifierMismatch,
    /// Unable to process.
    UnableToProcess,
}

impl Cause {
    /// The status code: A900 or C000.
    pub const fn status(self) -> u16 {
        match self {
            Cause::IdentifierMismatch => 0xA900,
            Cause::UnableToProcess => 0xC000,
        }
    }
}

impl QueryError {
    /// What to tell the peer.
    pub const fn cause(&self) -> Cause {
        match self {
            QueryError::NoLevel | QueryError::Strict(..) => Cause::IdentifierMismatch,
            QueryError::UnknownLevel(_) | QueryError::NoUniqueKey(_) => Cause::UnableToProcess,
        }
    }

    /// What the user may do about it: a further line for the log.
    pub fn cure(&self) -> String {
        match self {
            QueryError::NoLevel => "the request needs (0008,0052): PATIENT, STUDY, SERIES or IMAGE".into(),
            QueryError::UnknownLevel(word) => format!("'{word}' is none of PATIENT, STUDY, SERIES and IMAGE"),
            QueryError::NoUniqueKey(level) => format!(
                "the request asks for what is below {}, so it needs {}, which may be empty to select all",
                level.word(),
                level.unique()
            ),
            QueryError::Strict(..) => "strict checks are on; without them such requests are answered".into(),
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryError::NoLevel => f.write_str("missing Query/Retrieve Level"),
            QueryError::UnknownLevel(_) => f.write_str("unknown Query/Retrieve Level"),
            QueryError::NoUniqueKey(level) => {
                write!(f, "hierarchicalCompare : No UID Key found at level {}", level.number())
            }
            QueryError::Strict(broken, level) => {
                let rule = match broken {
                    Broken::NotInModel => "Level incompatible with Information Model",
                    Broken::PatientKey => "Key found in Study Root Information Model",
                    Broken::NotUnique => "Non Unique Key found",
                    Broken::NoUnique => "No Unique Key found",
                    Broken::EmptyUnique => "Unique Key value is empty",
                    Broken::NoKey => "No Key found at query level",
                    Broken::KeyBelow => "Key found beyond query level",
                };
                write!(f, "{rule} (level {})", level.number())
            }
        }
    }
}

impl std::error::Error for QueryError {}
