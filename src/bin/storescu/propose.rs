//! What is proposed: presentation contexts for the default classes, for those of the files, or as a profile says.

use pacs_core::association::profile::{self, Profile, ProfileError};
use pacs_core::names;
use pacs_core::pdu::{ExtendedNegotiation, ProposedContext, RoleSelection};
use pacs_tools::fatal;
use pacs_tools::options::syntaxes::Proposed;
use tracing::error;

use crate::options::Config;
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
