//! What is proposed: presentation contexts for the default classes, for those of the files, or as a profile says.

use std::collections::HashMap;

use pacs_core::association::profile::{self, Profile, ProfileError};
use pacs_core::names;
use pacs_core::pdu::{ExtendedNegotiation, ProposedContext, RoleSelection};
use pacs_tools::fatal;
use pacs_tools::options::syntaxes::Proposed;
use tracing::error;

use crate::options::Config;
use crate::work::Group;
use crate::{Failed, TARGET};

/// Contexts of an association: as many as there are odd identifiers (PS3.8 9.3.2.2).
const MOST_CONTEXTS: usize = 128;

/// The classes that are proposed where nothing else is said, by their prefixes, in DCMTK's order.
#[rustfmt::skip]
const DEFAULT: [&str; 64] = [
    "ECA", "SRt", "AUV", "PSb", "WVc", "SRh", "SRo", "PSc", "SRc", "CR", "CT", "DXo", "DPo", "DXm", "DPm", "DX", "DP",
    "PDF", "CTe", "MRe", "SRe", "XAe", "RFe", "ECG", "PSg", "WVh", "KO", "SRm", "MR", "MRs", "SCb", "SCw", "SCs", "SCc",
    "NM", "OPw", "OPb", "OPt", "PI", "SRp", "PSp", "RAW", "RWM", "RTb", "RTr", "RD", "RI", "RP", "RS", "RTs", "SC", "FID",
    "RGs", "OPr", "TLE", "US", "USm", "VLe", "VLm", "VLp", "VLs", "XA", "SRd", "RF",
];

/// What goes into an association request beside titles and limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// Presentation contexts.
    pub(crate) contexts: Vec<ProposedContext>,
    /// Role selections.
    pub(crate) roles: Vec<RoleSelection>,
    /// Extended negotiation.
    pub(crate) extended: Vec<ExtendedNegotiation>,
}

/// What the profile says, if one is named. That the file has no such profile, or one that cannot be proposed, is told
/// later, when DCMTK does: see [`of_profile`].
///
/// # Errors
/// When its file is wrong; the log has it.
pub(crate) fn profile(config: &Config) -> Result<Option<Result<Profile, ProfileError>>, Failed> {
    let Some((path, name)) = &config.profile else { return Ok(None) };
    match profile::load(path, name) {
        Err(e) if !e.is_fatal() => {
            error!(target: TARGET, "{}\n{}", e.requestor_line(), sentence(&e.cure()));
            Err(Failed)
        }
        loaded => Ok(Some(loaded)),
    }
}

/// What a profile proposes.
///
/// # Errors
/// When there is none; the log has it.
pub(crate) fn of_profile(loaded: Result<Profile, ProfileError>) -> Result<Proposal, Failed> {
    match loaded.and_then(|profile| profile.proposal()) {
        Ok(profile::Proposal { contexts, roles, extended }) => Ok(Proposal { contexts, roles, extended }),
        Err(e) => {
            fatal!(target: TARGET, "{}\n{}", e.requestor_line(), sentence(&e.cure()));
            Err(Failed)
        }
    }
}

/// The text with a capital at its beginning and a full stop at its end: how our own lines differ from DCMTK's.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// The classes that are proposed where nothing else is said.
pub(crate) fn default_classes() -> Vec<&'static str> {
    let uid = |prefix: &&str| {
        names::storage_classes().iter().find(|class| class.proposed && class.prefix == *prefix).map(|class| class.uid)
    };
    DEFAULT.iter().filter_map(uid).collect()
}

/// Contexts for these classes: the wanted syntax alone, then what does as well; or all in one.
///
/// # Errors
/// When there are more than fit; the log has it.
pub(crate) fn for_classes<'c>(
    classes: impl IntoIterator<Item = &'c str>,
    proposed: &Proposed,
    combine: bool,
) -> Result<Proposal, Failed> {
    let owned = |syntaxes: &[&str]| syntaxes.iter().map(|uid| (*uid).to_owned()).collect::<Vec<_>>();
    // The wanted one may be among the others.
    let otherwise: Vec<&str> = proposed.otherwise.iter().copied().filter(|uid| *uid != proposed.first).collect();
    let mut lists = vec![owned(&[proposed.first])];
    match combine {
        true => lists[0].extend(owned(&otherwise)),
        false if otherwise.is_empty() => {}
        false => lists.push(owned(&otherwise)),
    }
    let mut contexts = Vec::new();
    for class in classes {
        for syntaxes in &lists {
            if contexts.len() == MOST_CONTEXTS {
                error!(target: TARGET, "Too many presentation contexts");
                fatal!(
                    target: TARGET,
                    "0006:0101 ASC Bad presentation context ID\nThe files are of more classes than one association can \
                     carry with these options: use --combine, or --propose-from-files, which takes further associations."
                );
                return Err(Failed);
            }
            contexts.push(ProposedContext {
                id: identifier(contexts.len()),
                abstract_syntax: class.to_owned(),
                transfer_syntaxes: syntaxes.clone(),
            });
        }
    }
    Ok(Proposal { contexts, ..Proposal::default() })
}

/// The identifier of context number `n`, counted from 0.
pub(crate) fn identifier(n: usize) -> u8 {
    u8::try_from(2 * n + 1).unwrap_or(u8::MAX)
}

/// Explicit and implicit VR little endian: one of them every receiver takes.
const FALL_BACK: [&str; 2] = [names::EXPLICIT_LITTLE, names::IMPLICIT_LITTLE];

/// Collects what the files need, and which file goes with which proposal.
#[derive(Debug, Default)]
pub(crate) struct FromFiles {
    groups: Vec<NeedsOfGroup>,
    /// For each class and syntax the group that proposes it.
    known: HashMap<(String, String), u32>,
    /// For each file its group.
    of_file: Vec<u32>,
}

#[derive(Debug, Default)]
struct NeedsOfGroup {
    classes: Vec<Needs>,
    contexts: usize,
}

/// What the files of a class need.
#[derive(Debug)]
struct Needs {
    class: String,
    /// Their syntaxes, each for a context of its own.
    syntaxes: Vec<String>,
    /// Some are native, and can be sent in another syntax.
    native: bool,
}

impl FromFiles {
    /// The next file.
    pub(crate) fn add(&mut self, class: String, syntax: String, native: bool) {
        let key = (class, syntax);
        let group = match self.known.get(&key) {
            Some(group) => *group,
            None => {
                let group = self.place(&key, native);
                self.known.insert(key, group);
                group
            }
        };
        self.of_file.push(group);
    }

    /// Adds a need to the last group, or to a new one if that is full.
    fn place(&mut self, (class, syntax): &(String, String), native: bool) -> u32 {
        // A class of native files takes one context more at most, for what else does.
        let cost = |group: &NeedsOfGroup| match group.classes.iter().find(|needs| needs.class == *class) {
            None => 1 + usize::from(native),
            Some(needs) => 1 + usize::from(native && !needs.native),
        };
        if self.groups.last().is_none_or(|group| group.contexts + cost(group) > MOST_CONTEXTS) {
            self.groups.push(NeedsOfGroup::default());
        }
        let number = self.groups.len() - 1;
        if let Some(group) = self.groups.last_mut() {
            group.contexts += cost(group);
            match group.classes.iter_mut().find(|needs| needs.class == *class) {
                None => {
                    let (class, syntaxes) = (class.clone(), vec![syntax.clone()]);
                    group.classes.push(Needs { class, syntaxes, native });
                }
                Some(needs) => {
                    needs.syntaxes.push(syntax.clone());
                    needs.native |= native;
                }
            }
        }
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// The groups, each with its proposal and its files.
    pub(crate) fn groups(self) -> Vec<Group> {
        let mut groups: Vec<_> =
            self.groups.iter().map(|group| Group { proposal: group.proposal(), files: Some(Vec::new()) }).collect();
        for (file, group) in (0..).zip(self.of_file) {
            if let Some(Group { files: Some(files), .. }) = groups.get_mut(group as usize) {
                files.push(file);
            }
        }
        groups
    }
}

impl NeedsOfGroup {
    fn proposal(&self) -> Proposal {
        let mut contexts = Vec::new();
        let mut propose = |class: &str, syntaxes: Vec<String>| {
            contexts.push(ProposedContext {
                id: identifier(contexts.len()),
                abstract_syntax: class.to_owned(),
                transfer_syntaxes: syntaxes,
            });
        };
        for Needs { class, syntaxes, native } in &self.classes {
            for syntax in syntaxes {
                propose(class, vec![syntax.clone()]);
            }
            let others = FALL_BACK.iter().filter(|uid| !syntaxes.iter().any(|known| known == *uid));
            let others: Vec<_> = others.map(|uid| (*uid).to_owned()).collect();
            if *native && !others.is_empty() {
                propose(class, others);
            }
        }
        Proposal { contexts, ..Proposal::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pacs_core::dataset::Syntax;

    const JPEG: &str = "1.2.840.10008.1.2.4.50";

    #[test]
    fn the_default_classes_are_those_the_table_marks() {
        let mut ours = default_classes();
        assert_eq!(ours.len(), 64);
        ours.sort_unstable();
        let marked: Vec<_> =
            names::storage_classes().iter().filter(|class| class.proposed).map(|class| class.uid).collect();
        assert_eq!(ours, marked);
    }

    #[test]
    fn files_get_the_contexts_they_need() {
        let mut needs = FromFiles::default();
        for (class, syntax, native) in [
            ("1.1", Syntax::EXPLICIT_LITTLE, true),
            ("1.1", JPEG, false),
            ("1.2", JPEG, false),
            ("1.1", Syntax::EXPLICIT_LITTLE, true),
            ("1.3", Syntax::EXPLICIT_BIG, true),
            ("1.4", Syntax::EXPLICIT_LITTLE, true),
            ("1.4", Syntax::IMPLICIT_LITTLE, true),
        ] {
            needs.add(class.to_owned(), syntax.to_owned(), native);
        }
        let groups = needs.groups();
        let [Group { proposal, files: Some(files) }] = groups.as_slice() else { panic!() };
        let lines: Vec<_> = proposal
            .contexts
            .iter()
            .map(|context| {
                format!("{} {} {}", context.id, context.abstract_syntax, context.transfer_syntaxes.join(" "))
            })
            .collect();
        assert_eq!(
            lines,
            [
                "1 1.1 1.2.840.10008.1.2.1",
                "3 1.1 1.2.840.10008.1.2.4.50",
                "5 1.1 1.2.840.10008.1.2",
                "7 1.2 1.2.840.10008.1.2.4.50",
                "9 1.3 1.2.840.10008.1.2.2",
                "11 1.3 1.2.840.10008.1.2.1 1.2.840.10008.1.2",
                "13 1.4 1.2.840.10008.1.2.1",
                "15 1.4 1.2.840.10008.1.2",
            ]
        );
        assert_eq!(files, &[0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn what_does_not_fit_goes_into_another_association() {
        let mut needs = FromFiles::default();
        for n in 0..100 {
            needs.add(format!("1.{}", n % 70), Syntax::EXPLICIT_LITTLE.to_owned(), true);
        }
        needs.add("1.0".to_owned(), JPEG.to_owned(), false);
        let groups = needs.groups();
        let contexts: Vec<_> = groups.iter().map(|group| group.proposal.contexts.len()).collect();
        assert_eq!(contexts, [128, 13]);
        let files: Vec<_> = groups.iter().map(|group| group.files.as_ref().unwrap().len()).collect();
        assert_eq!(files, [94, 7], "a file goes where its class and syntax are proposed");
    }
}
