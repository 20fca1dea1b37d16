//! Association negotiation profiles: the files that `-xf FILE PROFILE` names.
//!
//! A file has sections `[[NAME]]`, in them subsections `[NAME]`, in them entries `KEY = VALUE`; [`parse`] checks the whole
//! file, not only the profile wanted, and finds the first mistake that DCMTK would find. Sections `TransferSyntaxes` and
//! `PresentationContexts` hold named lists, `SCPSCURoleSelection` and `ExtendedNegotiation` too if there, and `Profiles`
//! puts them together.

mod error;
mod tree;

pub use error::{Kind, ProfileError};

use super::context::Role;
use crate::names::uid_of_name;
use crate::pdu::{ExtendedNegotiation, ProposedContext, RoleSelection};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tree::{Entry, Section, Subsection};

/// Longest profile file that is read, in bytes.
pub const MAX_FILE_LENGTH: u64 = 4 << 20;

/// Most presentation contexts in one list: as many as an association has odd identifiers (PS3.8 9.3.2.2).
pub const MAX_CONTEXTS: usize = 128;

/// Digits of extended negotiation data from which on DCMTK refuses them: 1023 bytes are the most it takes.
const MAX_EXTENDED_DIGITS: usize = 2048;

/// A profile of a file, everything it refers to put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name as the file's names are compared: upper case, without white space.
    pub name: String,
    /// Its presentation contexts in the order of the file. A requestor proposes each line as a context of its own.
    pub contexts: Vec<Context>,
    /// Role selections, each for a class of `contexts`; no class twice.
    pub roles: Vec<(String, Role)>,
    /// Extended negotiation, each for a class of `contexts`; no class twice.
    pub extended: Vec<ExtendedNegotiation>,
}

/// One line of a presentation context list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The SOP class UID.
    pub abstract_syntax: String,
    /// Transfer syntax UIDs, most wanted first. Contexts that name the same list share it.
    pub transfer_syntaxes: Arc<Vec<String>>,
    /// The list they come from, for messages.
    transfer_syntax_list: String,
}

/// A profile as an acceptor uses it: what it grants for each class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptProfile {
    classes: HashMap<String, AcceptedClass>,
    /// Extended negotiation to answer for classes with an accepted context, in the order of the file.
    pub extended: Vec<ExtendedNegotiation>,
}

/// What a profile grants for one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedClass {
    /// Acceptable transfer syntaxes, most wanted first.
    pub transfer_syntaxes: Arc<Vec<String>>,
    /// Roles the requestor may take; [`Role::Default`] where the profile selects none.
    pub role: Role,
}

impl AcceptProfile {
    /// What is granted for this class, if it is listed at all.
    pub fn class(&self, abstract_syntax: &str) -> Option<&AcceptedClass> {
        self.classes.get(abstract_syntax)
    }
}

/// A profile as a requestor uses it: what goes into the A-ASSOCIATE-RQ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Contexts with identifiers 1, 3, 5 and so on.
    pub contexts: Vec<ProposedContext>,
    /// Role selections.
    pub roles: Vec<RoleSelection>,
    /// Extended negotiation.
    pub extended: Vec<ExtendedNegotiation>,
}

impl Profile {
    /// For an acceptor.
    ///
    /// # Errors
    /// When a class stands in two contexts, so that its encodings would not be clear.
    pub fn acceptor(&self) -> Result<AcceptProfile, ProfileError> {
        let mut classes = HashMap::new();
        for context in &self.contexts {
            let role =
                self.roles.iter().find(|(uid, _)| *uid == context.abstract_syntax).map_or(Role::Default, |r| r.1);
            let class = AcceptedClass { transfer_syntaxes: Arc::clone(&context.transfer_syntaxes), role };
            if classes.insert(context.abstract_syntax.clone(), class).is_some() {
                let kind =
                    Kind::DuplicateClasses { profile: self.name.clone(), class: context.abstract_syntax.clone() };
                return Err(kind.into());
            }
        }
        Ok(AcceptProfile { classes, extended: self.extended.clone() })
    }

    /// For a requestor.
    ///
    /// # Errors
    /// When a context has more than 128 transfer syntaxes.
    pub fn proposal(&self) -> Result<Proposal, ProfileError> {
        let contexts = (1..=u8::MAX).step_by(2).zip(&self.contexts);
        let contexts = contexts.map(|(id, context)| match context.transfer_syntaxes.len() {
            n if n > super::accept::MAX_TRANSFER_SYNTAXES => {
                Err(Kind::TooManyTransferSyntaxes(context.transfer_syntax_list.clone()).into())
            }
            _ => Ok(ProposedContext {
                id,
                abstract_syntax: context.abstract_syntax.clone(),
                transfer_syntaxes: context.transfer_syntaxes.to_vec(),
            }),
        });
        let role = |(class, role): &(String, Role)| RoleSelection {
            sop_class: class.clone(),
            scu: role.scu(),
            scp: role.scp(),
        };
        Ok(Proposal {
            contexts: contexts.collect::<Result<_, ProfileError>>()?,
            roles: self.roles.iter().map(role).collect(),
            extended: self.extended.clone(),
        })
    }
}

/// Reads a profile file and takes one profile from it.
///
/// # Errors
/// Those of [`parse`], and when the file cannot be read or is longer than [`MAX_FILE_LENGTH`].
pub fn load(path: &Path, profile: &str) -> Result<Profile, ProfileError> {
    let unreadable = |reason: String| Kind::Unreadable { path: path.display().to_string(), reason };
    let read = || -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        std::fs::File::open(path)?.take(MAX_FILE_LENGTH + 1).read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|e| unreadable(e.to_string()))?;
    if text.len() as u64 > MAX_FILE_LENGTH {
        return Err(unreadable(format!("it is longer than {MAX_FILE_LENGTH} bytes")).into());
    }
    parse(&text, profile)
}

/// Reads the text of a profile file and takes one profile from it.
///
/// # Errors
/// The first mistake in the file, wherever it stands, or that it has no such profile.
pub fn parse(text: &[u8], profile: &str) -> Result<Profile, ProfileError> {
    let file = tree::read(text);
    let section = |name: &'static str| file.iter().find(|s| s.name == name);
    let required = |name: &'static str| section(name).ok_or(Kind::NoSection(name));

    let syntaxes = transfer_syntaxes(required("TRANSFERSYNTAXES")?)?;
    let contexts = presentation_contexts(required("PRESENTATIONCONTEXTS")?, syntaxes)?;
    let roles = section("SCPSCUROLESELECTION").map_or_else(|| Ok(Lists::default()), roles)?;
    let extended = section("EXTENDEDNEGOTIATION").map_or_else(|| Ok(Lists::default()), extended_negotiation)?;
    let profiles = required("PROFILES")?;
    let wanted = reference(profile);
    let mut found = None;
    let mut names = HashSet::new();
    for subsection in &profiles.subsections {
        // every profile is checked, one is kept
        let profile = assemble(subsection, &contexts, &roles, &extended, &names)?;
        names.insert(subsection.name.as_str());
        if profile.name == wanted {
            found = Some(profile);
        }
    }
    found.ok_or_else(|| {
        let mut known: Vec<_> = names.into_iter().map(str::to_owned).collect();
        known.sort();
        Kind::NoProfile { profile: wanted, known }.into()
    })
}

/// The named lists of one section. Subsections of the same name go into one list.
type Lists<T> = HashMap<String, Vec<T>>;

fn transfer_syntaxes(section: &Section) -> Result<Lists<String>, ProfileError> {
    numbered(section, "TRANSFERSYNTAX", |_, entry, _| {
        uid(&entry.value).ok_or_else(|| Kind::BadTransferSyntax(entry.value.clone()))
    })
}

fn presentation_contexts(section: &Section, syntaxes: Lists<String>) -> Result<Lists<Context>, ProfileError> {
    let syntaxes: HashMap<_, _> = syntaxes.into_iter().map(|(name, list)| (name, Arc::new(list))).collect();
    numbered(section, "PRESENTATIONCONTEXT", |list: &[Context], entry, place| {
        let (class, syntax_list) = pair(entry, Kind::ContextWithoutBackslash)?;
        let syntax_list = reference(syntax_list);
        if class.is_empty() {
            return Err(Kind::IllegalCall);
        }
        let transfer_syntaxes =
            syntaxes.get(&syntax_list).ok_or_else(|| Kind::NoTransferSyntaxList(syntax_list.clone()))?;
        if list.len() >= MAX_CONTEXTS {
            return Err(Kind::TooManyContexts(place.to_owned()));
        }
        let abstract_syntax = uid(class).ok_or_else(|| Kind::BadAbstractSyntax(class.to_owned()))?;
        Ok(Context {
            abstract_syntax,
            transfer_syntaxes: Arc::clone(transfer_syntaxes),
            transfer_syntax_list: syntax_list,
        })
    })
}

fn roles(section: &Section) -> Result<Lists<(String, Role)>, ProfileError> {
    numbered(section, "ROLE", |list: &[(String, Role)], entry, _| {
        let (class, role) = pair(entry, Kind::RoleWithoutBackslash)?;
        let role = match role.to_ascii_uppercase().as_str() {
            "SCU" => Role::Scu,
            "SCP" => Role::Scp,
            "BOTH" => Role::ScuScp,
            _ => return Err(Kind::UnknownRole(entry.key.clone())),
        };
        let uid = uid(class).ok_or_else(|| Kind::BadAbstractSyntax(class.to_owned()))?;
        if list.iter().any(|(known, _)| *known == uid) {
            return Err(Kind::RoleTwice(class.to_owned()));
        }
        Ok((uid, role))
    })
}

fn extended_negotiation(section: &Section) -> Result<Lists<ExtendedNegotiation>, ProfileError> {
    numbered(section, "EXTENDEDNEGOTIATION", |list: &[ExtendedNegotiation], entry, _| {
        let (class, digits) = pair(entry, Kind::ExtendedWithoutBackslash)?;
        if digits.len() >= MAX_EXTENDED_DIGITS {
            return Err(Kind::ExtendedTooLong(entry.key.clone()));
        }
        let information = hex(digits).ok_or_else(|| Kind::ExtendedUnreadable(entry.key.clone()))?;
        if information.is_empty() {
            return Err(Kind::IllegalCall);
        }
        let sop_class = uid(class).ok_or_else(|| Kind::BadAbstractSyntax(class.to_owned()))?;
        if list.iter().any(|e| e.sop_class == sop_class) {
            return Err(Kind::ExtendedTwice(class.to_owned()));
        }
        Ok(ExtendedNegotiation { sop_class, information })
    })
}

/// Puts the lists of one profile together.
fn assemble(
    profile: &Subsection,
    contexts: &Lists<Context>,
    roles: &Lists<(String, Role)>,
    extended: &Lists<ExtendedNegotiation>,
    known: &HashSet<&str>,
) -> Result<Profile, ProfileError> {
    let list = |key: &str| profile.entries.get(key).map(|e| (reference(&e.value), e.line));
    let Some((context_list, line)) = list("PRESENTATIONCONTEXTS") else {
        return Err(Kind::ProfileWithoutContexts(profile.name.clone()).at(profile.line));
    };
    let Some(contexts) = contexts.get(&context_list) else {
        return Err(Kind::NoContextList(context_list).at(line));
    };
    let classes: HashSet<_> = contexts.iter().map(|c| c.abstract_syntax.as_str()).collect();
    let optional = |key, missing: fn(String) -> Kind| Optional {
        list: list(key),
        missing,
        classes: &classes,
        context_list: &context_list,
    };
    let roles = optional("SCPSCUROLESELECTION", Kind::NoRoleList).take(roles, |r| &r.0)?;
    let extended = optional("EXTENDEDNEGOTIATION", Kind::NoExtendedList).take(extended, |e| &e.sop_class)?;
    if known.contains(profile.name.as_str()) {
        // DCMTK: the message names the list of contexts, not the profile
        let kind = Kind::ProfileTwice { contexts: context_list, profile: profile.name.clone() };
        return Err(kind.at(profile.line));
    }
    Ok(Profile { name: profile.name.clone(), contexts: contexts.clone(), roles, extended })
}

/// A list that a profile may name and whose classes its contexts must have.
struct Optional<'a> {
    list: Option<(String, usize)>,
    missing: fn(String) -> Kind,
    classes: &'a HashSet<&'a str>,
    context_list: &'a str,
}

impl Optional<'_> {
    fn take<T: Clone>(self, lists: &Lists<T>, class: impl Fn(&T) -> &String) -> Result<Vec<T>, ProfileError> {
        let Some((name, line)) = self.list else { return Ok(Vec::new()) };
        let Some(items) = lists.get(&name) else {
            return Err((self.missing)(name).at(line));
        };
        if let Some(stray) = items.iter().map(class).find(|uid| !self.classes.contains(uid.as_str())) {
            let kind = Kind::StrayClass { list: name, contexts: self.context_list.to_owned(), class: stray.clone() };
            return Err(kind.at(line));
        }
        Ok(items.clone())
    }
}

/// Reads the entries `<key>1`, `<key>2` and so on of each subsection; those behind a gap are not looked at. `read` gets what
/// the list holds already, the entry, and the list's name.
fn numbered<T>(
    section: &Section,
    key: &str,
    read: impl Fn(&[T], &Entry, &str) -> Result<T, Kind>,
) -> Result<Lists<T>, ProfileError> {
    let mut lists = Lists::new();
    for Subsection { name, entries, .. } in &section.subsections {
        for entry in (1_u32..).map_while(|n| entries.get(&format!("{key}{n}"))) {
            let list: &mut Vec<T> = lists.entry(name.clone()).or_default();
            let item = read(list, entry, name).map_err(|kind| kind.at(entry.line))?;
            list.push(item);
        }
    }
    Ok(lists)
}

/// The two halves of `<class>\<value>`.
fn pair(entry: &Entry, missing: fn(String) -> Kind) -> Result<(&str, &str), Kind> {
    entry.value.split_once('\\').ok_or_else(|| missing(entry.key.clone()))
}

/// How the name of a list or profile is compared: upper case, white space dropped. Other characters stay, though the names
/// of subsections lose them: `[U.x]` is not found as `U.x`.
fn reference(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace() && *c != '\u{b}').map(|c| c.to_ascii_uppercase()).collect()
}

/// A UID given by its digits or by its name, with or without `=` before the name.
fn uid(text: &str) -> Option<String> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        // DCMTK: cut, not refused
        return Some(text[..text.len().min(super::accept::MAX_UID_LENGTH)].to_owned());
    }
    uid_of_name(text.strip_prefix('=').unwrap_or(text)).map(str::to_owned)
}

/// Bytes from pairs of hexadecimal digits without anything between.
fn hex(digits: &str) -> Option<Vec<u8>> {
    let value = |b: &u8| char::from(*b).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(value(high)? * 16 + value(low)?).ok(),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests;
