//! Mistakes in profile files, in DCMTK's words, with what helps.

use std::fmt;

/// A mistake in a profile file and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// What is wrong.
    pub kind: Kind,
    /// The line it was found at, counted from 1, where there is one.
    pub line: Option<usize>,
}

/// What is wrong with a profile file. Names of lists and keys are as the file's names are compared: in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0001:0007: half an entry is empty.
    IllegalCall,
    /// 1024: neither a UID nor the name of one.
    BadTransferSyntax(String),
    /// 1025: neither a UID nor the name of one.
    BadAbstractSyntax(String),
    /// 1027: a role list has this class twice.
    RoleTwice(String),
    /// 1029: an extended negotiation list has this class twice.
    ExtendedTwice(String),
    /// 1030: two profiles have the same name.
    ProfileTwice {
        /// The list of contexts the second one refers to.
        contexts: String,
        /// Their name.
        profile: String,
    },
    /// 1031: no such transfer syntax list, or an empty one.
    NoTransferSyntaxList(String),
    /// 1032: this list has more than 128 presentation contexts.
    TooManyContexts(String),
    /// 1033: no such list of presentation contexts, or an empty one.
    NoContextList(String),
    /// 1036: no such role list, or an empty one.
    NoRoleList(String),
    /// 1038, 1041: a list of roles or extended negotiation has a class that the profile does not propose.
    StrayClass {
        /// That list.
        list: String,
        /// The profile's list of contexts.
        contexts: String,
        /// The class's UID.
        class: String,
    },
    /// 1039: no such extended negotiation list, or an empty one.
    NoExtendedList(String),
    /// 1042: the file cannot be read.
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// 1050, 1051, 1060: a mandatory section is missing.
    NoSection(&'static str),
    /// 1052: the entry with this key has no backslash.
    ContextWithoutBackslash(String),
    /// 1054: the entry with this key has no backslash.
    RoleWithoutBackslash(String),
    /// 1057: the entry with this key has no backslash.
    ExtendedWithoutBackslash(String),
    /// 1055: the entry with this key names no role.
    UnknownRole(String),
    /// 1058: the entry with this key has too much data.
    ExtendedTooLong(String),
    /// 1059: the data of the entry with this key are not pairs of hexadecimal digits.
    ExtendedUnreadable(String),
    /// 1061: this profile names no list of presentation contexts.
    ProfileWithoutContexts(String),
    /// 1062: the file has no such profile.
    NoProfile {
        /// The one wanted.
        profile: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// 1067: this list is too long for one context of a request.
    TooManyTransferSyntaxes(String),
    /// An acceptor's profile has this class in two contexts.
    DuplicateClasses {
        /// The profile.
        profile: String,
        /// The class's UID.
        class: String,
    },
}

impl Kind {
    /// With the line it was found at.
    pub(super) fn at(self, line: usize) -> ProfileError {
        ProfileError { kind: self, line: Some(line) }
    }
}

impl From<Kind> for ProfileError {
    fn from(kind: Kind) -> Self {
        Self { kind, line: None }
    }
}

impl ProfileError {
    /// DCMTK's number of this mistake in its module 0006, none for one without number there.
    pub fn code(&self) -> Option<u16> {
        Some(match &self.kind {
            Kind::IllegalCall | Kind::DuplicateClasses { .. } => return None,
            Kind::BadTransferSyntax(_) => 1024,
            Kind::BadAbstractSyntax(_) => 1025,
            Kind::RoleTwice(_) => 1027,
            Kind::ExtendedTwice(_) => 1029,
            Kind::ProfileTwice { .. } => 1030,
            Kind::NoTransferSyntaxList(_) => 1031,
            Kind::TooManyContexts(_) => 1032,
            Kind::NoContextList(_) => 1033,
            Kind::NoRoleList(_) => 1036,
            Kind::StrayClass { .. } => 1038,
            Kind::NoExtendedList(_) => 1039,
            Kind::Unreadable { .. } => 1042,
            Kind::NoSection("TRANSFERSYNTAXES") => 1050,
            Kind::NoSection("PRESENTATIONCONTEXTS") => 1051,
            Kind::NoSection(_) => 1060,
            Kind::ContextWithoutBackslash(_) => 1052,
            Kind::RoleWithoutBackslash(_) => 1054,
            Kind::UnknownRole(_) => 1055,
            Kind::ExtendedWithoutBackslash(_) => 1057,
            Kind::ExtendedTooLong(_) => 1058,
            Kind::ExtendedUnreadable(_) => 1059,
            Kind::ProfileWithoutContexts(_) => 1061,
            Kind::NoProfile { .. } => 1062,
            Kind::TooManyTransferSyntaxes(_) => 1067,
        })
    }

    /// storescp's line, at level fatal.
    pub fn acceptor_line(&self) -> String {
        match &self.kind {
            Kind::NoProfile { profile, .. } => format!("unknown configuration profile name: {profile}"),
            Kind::DuplicateClasses { .. } => self.to_string(),
            _ => format!("cannot read config file: {self}"),
        }
    }

    /// dcmqrscp's line at level fatal.
    pub fn archive_line(&self) -> String {
        match &self.kind {
            Kind::NoProfile { profile, .. } => format!("unknown configuration profile name: {profile}"),
            Kind::DuplicateClasses { .. } => self.to_string(),
            _ => format!("cannot read association config file: {self}"),
        }
    }

    /// storescu's line: at level fatal if [`Self::is_fatal`], else at level error. The program ends either way.
    pub fn requestor_line(&self) -> String {
        match self.code() {
            Some(code) if self.is_fatal() => format!("0006:{code:04x} {self}"),
            _ => format!("reading config file: {self}"),
        }
    }

    /// Whether the file is in order and only the profile asked for is missing or unusable.
    pub fn is_fatal(&self) -> bool {
        matches!(self.kind, Kind::NoProfile { .. } | Kind::TooManyTransferSyntaxes(_) | Kind::DuplicateClasses { .. })
    }

    /// What helps, with the line of the file where there is one.
    pub fn cure(&self) -> String {
        let help = self.kind.help();
        match self.line {
            Some(line) => format!("line {line}: {help}"),
            None => help,
        }
    }
}

impl Kind {
    fn help(&self) -> String {
        match self {
            Self::IllegalCall => "something has to stand on both sides of the backslash".into(),
            Self::BadTransferSyntax(_) => {
                "write a UID, or a name such as LittleEndianExplicit, without blanks at the end".into()
            }
            Self::BadAbstractSyntax(_) => {
                "write a UID, or a name such as CTImageStorage, without blanks before the backslash".into()
            }
            Self::RoleTwice(_) | Self::ExtendedTwice(_) => "remove one of the two entries".into(),
            Self::ProfileTwice { profile, .. } => format!("rename one of the two profiles [{profile}]"),
            Self::NoTransferSyntaxList(list) => lacking("TransferSyntaxes", list, "TransferSyntax1"),
            Self::TooManyContexts(_) => "an association has at most 128 presentation contexts: split the list".into(),
            Self::NoContextList(list) => lacking("PresentationContexts", list, "PresentationContext1"),
            Self::NoRoleList(list) => lacking("SCPSCURoleSelection", list, "Role1"),
            Self::NoExtendedList(list) => lacking("ExtendedNegotiation", list, "ExtendedNegotiation1"),
            Self::StrayClass { list, contexts, .. } => {
                format!("add the class to [{contexts}] or remove it from [{list}]")
            }
            Self::Unreadable { reason, .. } => reason.clone(),
            Self::NoSection(_) => "add the section: its name stands in two brackets and begins the line".into(),
            Self::ContextWithoutBackslash(_) => "write <SOP class>\\<transfer syntax list>".into(),
            Self::RoleWithoutBackslash(_) => "write <SOP class>\\SCU, \\SCP or \\BOTH".into(),
            Self::UnknownRole(_) => "the role is SCU, SCP or BOTH, with nothing around it".into(),
            Self::ExtendedWithoutBackslash(_) => "write <SOP class>\\<hexadecimal digits>".into(),
            Self::ExtendedTooLong(_) => "at most 1023 bytes can be given".into(),
            Self::ExtendedUnreadable(_) => {
                "write pairs of hexadecimal digits with nothing between, such as 0200".into()
            }
            Self::ProfileWithoutContexts(profile) => {
                format!("add PresentationContexts = <list> to [{profile}] in [[Profiles]]")
            }
            Self::NoProfile { known, .. } if known.is_empty() => "the file has no profile at all".into(),
            Self::NoProfile { known, .. } => format!("the file has: {}", known.join(", ")),
            Self::TooManyTransferSyntaxes(_) => "shorten the list, or spread it over several contexts".into(),
            Self::DuplicateClasses { class, .. } => {
                format!("an acceptor needs each class once, {} stands in two contexts", crate::names::dimse_name(class))
            }
        }
    }
}

fn lacking(section: &str, list: &str, first: &str) -> String {
    format!(
        "[[{section}]] has no [{list}] with an entry {first}; in names of lists only letters, digits, - and _ count"
    )
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::IllegalCall => f.write_str("Illegal call, perhaps wrong parameters"),
            Kind::BadTransferSyntax(text) => write!(f, "not a valid transfer syntax UID: {text}"),
            Kind::BadAbstractSyntax(text) => write!(f, "not a valid abstract syntax UID: {text}"),
            Kind::RoleTwice(class) => write!(f, "role selection defined twice for abstract syntax UID: {class}"),
            Kind::ExtendedTwice(class) => {
                write!(f, "extended negotiation defined twice for abstract syntax UID: {class}")
            }
            Kind::ProfileTwice { contexts, .. } => write!(f, "two profiles defined for key: {contexts}"),
            Kind::NoTransferSyntaxList(list) => write!(f, "transfer syntax key undefined: {list}"),
            Kind::TooManyContexts(list) => write!(f, "presentation context list too long (> 128 entries): {list}"),
            Kind::NoContextList(list) => write!(f, "presentation context key undefined: {list}"),
            Kind::NoRoleList(list) => write!(f, "role selection key undefined: {list}"),
            // DCMTK: the same words for both kinds of list
            Kind::StrayClass { list, contexts, class } => write!(
                f,
                "abstract syntax defined in role selection list '{list}' but not in presentation context list \
                 '{contexts}': {class}"
            ),
            Kind::NoExtendedList(list) => write!(f, "extended negotiation key undefined: {list}"),
            Kind::Unreadable { path, .. } => write!(f, "unable to open configuration file: {path}"),
            Kind::NoSection(name) => write!(f, "cannot find section [[{name}]] in config file"),
            Kind::ContextWithoutBackslash(key)
            | Kind::RoleWithoutBackslash(key)
            | Kind::ExtendedWithoutBackslash(key) => {
                write!(f, "syntax error: missing '\\' in entry {key} in config file")
            }
            Kind::UnknownRole(key) => write!(f, "syntax error: unknown role key in entry {key} in config file"),
            Kind::ExtendedTooLong(key) => write!(
                f,
                "extended negotiation data too long, cannot handle > 1024 bytes in entry {key} in config file"
            ),
            Kind::ExtendedUnreadable(key) => {
                write!(f, "parse error in extended negotiation data in entry {key} in config file")
            }
            // DCMTK: two blanks
            Kind::ProfileWithoutContexts(profile) => {
                write!(f, "no PRESENTATIONCONTEXTS  entry in section {profile} in config file")
            }
            Kind::NoProfile { profile, .. } => write!(f, "profile key undefined: {profile}"),
            Kind::TooManyTransferSyntaxes(list) => {
                write!(f, "transfer syntax list too long, cannot handle more than 128 entries: {list}")
            }
            Kind::DuplicateClasses { profile, .. } => {
                write!(f, "profile '{profile}' is not valid for SCP use, duplicate abstract syntaxes found")
            }
        }
    }
}

impl std::error::Error for ProfileError {}
