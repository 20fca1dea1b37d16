//! Which callers may associate, and which contexts they get: decided from the request, the configuration and how busy the
//! archive is, without any I/O.

use pacs_core::archive::config::{self, Access, AreaRow, Caller};
use pacs_core::association::accept::{self, Acceptance, Cause, Classes, Contexts, Grant, Policy, Title, Verdict};
use pacs_core::association::context::{PresentationContext, Role, State};
use pacs_core::association::profile::AcceptProfile;
use pacs_core::names;
use pacs_core::pdu::{Abort, AssociateRj, AssociateRq};
use pacs_core::service::{c_echo, c_find, c_get, c_move};

use crate::options;

/// DCMTK's private SOP class that ends a server.
pub(crate) const SHUTDOWN: &str = "1.2.276.0.7230010.3.4.1915765545.18030.917282194.0";

/// A query/retrieve information model (PS3.4 C.3): its three SOP classes.
pub(crate) struct Model {
    /// C-FIND.
    pub(crate) find: &'static str,
    /// C-MOVE.
    pub(crate) mv: &'static str,
    /// C-GET.
    pub(crate) get: &'static str,
}

/// Patient Root, Study Root, Patient/Study Only.
pub(crate) const MODELS: [Model; 3] = [
    Model { find: c_find::PATIENT_ROOT, mv: c_move::PATIENT_ROOT, get: c_get::PATIENT_ROOT },
    Model { find: c_find::STUDY_ROOT, mv: c_move::STUDY_ROOT, get: c_get::STUDY_ROOT },
    Model { find: c_find::PATIENT_STUDY_ONLY, mv: c_move::PATIENT_STUDY_ONLY, get: c_get::PATIENT_STUDY_ONLY },
];

/// What the command line says of admission.
#[derive(Debug)]
pub(crate) struct Rules {
    policy: Policy,
    require_find: bool,
    no_parallel_store: bool,
    get: bool,
    shutdown: bool,
    limited: bool,
}

/// How busy the archive is at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// Associations that are served.
    pub(crate) associations: usize,
    /// One of them may store into the title that is called.
    pub(crate) storing: bool,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    /// It is accepted, for this area.
    Accept(Box<Acceptance>, &'a AreaRow, Remarks),
    /// It is rejected.
    Reject(AssociateRj, Why),
    /// It cannot be answered in another way.
    Abort(Abort, Cause),
    /// It is rejected, and the server ends.
    ShutDown(AssociateRj),
}

/// What the log shall say of an acceptance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// Models whose MOVE was accepted without their FIND.
    pub(crate) move_without_find: usize,
    /// Storage contexts are accepted.
    pub(crate) stores: bool,
}

/// Why a request is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// A fault of the request, or an option that refuses it.
    Cause(Cause),
    /// The configuration does not let the caller in.
    Config(config::Refusal),
    /// A called title of nothing but blanks.
    BlankCalled,
    /// So many associations are served already.
    TooMany(u32),
}

impl Why {
    /// DCMTK's word for it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Cause(Cause::BadApplicationContext(_)) => "BadAppContext",
            Self::Cause(_) => "NoReason",
            Self::Config(_) | Self::BlankCalled => "BadAEService",
            Self::TooMany(_) => "TooManyAssociations",
        }
    }
}

/// A permanent rejection by the service user, without a reason (PS3.8 9.3.4).
const NO_REASON: AssociateRj = AssociateRj { result: 1, source: 1, reason: 1 };

/// Transient, service user, application context name not supported. DCMTK: transient here, permanent in storescp.
const BAD_CONTEXT_NAME: AssociateRj = AssociateRj { result: 2, source: 1, reason: 2 };

/// Permanent, service user, called AE title not recognised. DCMTK: also for an unknown calling title or host.
const BAD_SERVICE: AssociateRj = AssociateRj { result: 1, source: 1, reason: 7 };

impl Rules {
    /// What these options mean; `profile` takes the place of the storage classes.
    pub(crate) fn new(options: &options::Config, config: &config::Config, profile: Option<AcceptProfile>) -> Self {
        let max_pdu = if options.max_pdu_given { options.network.max_pdu } else { config.max_pdu };
        let get = !options.disable_get;
        let syntaxes = options.accepted.preference.to_vec();
        let grant = |classes, role| Grant { classes, transfer_syntaxes: syntaxes.clone(), role };
        let mut classes = c_echo::SOP_CLASSES.to_vec();
        let offered = [!options.no_patient_root, !options.no_study_root, !options.no_patient_study];
        for (model, _) in MODELS.iter().zip(offered).filter(|(_, offered)| *offered) {
            classes.extend([model.find, model.mv]);
            classes.extend(get.then_some(model.get));
        }
        if options.allow_shutdown {
            classes.push(SHUTDOWN);
        }
        let mut grants = vec![grant(Classes::List(classes), Role::Default)];
        if profile.is_none() {
            // With C-GET a requestor may be a storage provider, in whatever role it proposes; else roles go unanswered.
            let role = if get { Role::ScuScp } else { Role::Default };
            grants.push(grant(Classes::Storage, role));
        }
        let contexts = Contexts { grants, profile };
        Self {
            policy: Policy {
                refuse: options.network.refuse,
                require_implementation_class: options.network.reject,
                max_pdu,
                contexts,
            },
            require_find: options.require_find,
            no_parallel_store: options.no_parallel_store && !options.single_process,
            get,
            shutdown: options.allow_shutdown,
            limited: !options.single_process,
        }
    }

    /// The longest PDU that is taken.
    pub(crate) fn max_pdu(&self) -> u32 {
        self.policy.max_pdu
    }

    /// Decides on a request, in DCMTK's order of checks.
    pub(crate) fn decide<'a>(
        &self,
        rq: &AssociateRq,
        caller: &Caller<'_>,
        config: &'a config::Config,
        load: Load,
    ) -> Decision<'a> {
        let admitted = config.admits(&rq.called.0, caller);
        let mut remarks = Remarks::default();
        let verdict = accept::judge_refined(rq, &self.policy, |contexts| {
            let writable = admitted.as_ref().is_ok_and(|row| row.access == Access::ReadWrite);
            remarks = self.refine(contexts, writable, load.storing);
        });
        let acceptance = match verdict {
            Verdict::Abort { cause: Cause::BlankTitle(Title::Called), .. } => {
                return Decision::Reject(BAD_SERVICE, Why::BlankCalled);
            }
            Verdict::Abort { abort, cause } => return Decision::Abort(abort, cause),
            Verdict::Reject { cause: cause @ Cause::BadApplicationContext(_), .. } => {
                return Decision::Reject(BAD_CONTEXT_NAME, Why::Cause(cause));
            }
            Verdict::Reject { rj, cause } => return Decision::Reject(rj, Why::Cause(cause)),
            Verdict::Accept(acceptance) => acceptance,
        };
        let row = match admitted {
            Ok(row) => row,
            Err(refusal) => return Decision::Reject(BAD_SERVICE, Why::Config(refusal)),
        };
        match config.max_associations {
            Some(limit) if self.limited && load.associations >= limit as usize => {
                return Decision::Reject(AssociateRj::LIMIT_EXCEEDED, Why::TooMany(limit));
            }
            _ => {}
        }
        if self.shutdown && rq.contexts.iter().any(|context| context.abstract_syntax == SHUTDOWN) {
            return Decision::ShutDown(NO_REASON);
        }
        Decision::Accept(acceptance, row, remarks)
    }

    /// What the table of classes cannot say: refusals that depend on the area, on other contexts and on other associations.
    fn refine(&self, contexts: &mut [PresentationContext], writable: bool, storing: bool) -> Remarks {
        let mut remarks = Remarks::default();
        for context in &mut *contexts {
            let storage = names::storage_class(&context.abstract_syntax).is_some_and(|class| class.accepted);
            if !storage {
                continue;
            }
            // DCMTK: with C-GET, a class that it knows but whose encodings it does not take counts as unknown.
            if self.get && context.state == State::TransferSyntaxesNotSupported {
                context.state = State::AbstractSyntaxNotSupported;
            }
            if !context.is_accepted() {
                continue;
            }
            // Without C-GET nobody looks at roles.
            let gets_only = self.get && context.proposed_role == Role::Scp;
            if self.get {
                context.accepted_role = context.proposed_role;
            }
            if (!writable && !gets_only) || (writable && self.no_parallel_store && storing) {
                context.state = State::UserRejection;
            } else {
                remarks.stores |= !gets_only;
            }
        }
        for model in &MODELS {
            let accepted = |class: &str, contexts: &[PresentationContext]| {
                contexts.iter().any(|context| context.is_accepted() && context.abstract_syntax == class)
            };
            if accepted(model.mv, contexts) && !accepted(model.find, contexts) {
                if !self.require_find {
                    remarks.move_without_find += 1;
                    continue;
                }
                for context in contexts.iter_mut().filter(|c| c.is_accepted() && c.abstract_syntax == model.mv) {
                    context.state = State::UserRejection;
                }
            }
        }
        remarks
    }
}
