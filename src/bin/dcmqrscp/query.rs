//! C-FIND: a query is put to the catalog of the area, and its answers are put into the character set that is wanted.

use std::ops::ControlFlow;

use pacs_core::archive::catalog::Error;
use pacs_core::archive::query::{Answer, Element, Model, Query, QueryError, Rules};
use pacs_core::archive::{Area, keys};
use pacs_core::dataset::Tag;
use pacs_core::dataset::charset::{CharacterSets, ResponseSets};
use pacs_core::dataset::identifier::{Attribute, Identifier};
use pacs_core::dataset::vr::Vr;
use pacs_core::dimse::command::{Kind, Message, Response};
use pacs_core::dimse::dump::{self, Direction};
use pacs_core::dimse::status::{self, Service, short};
use pacs_core::service;
use pacs_core::service::Refused;
use pacs_core::service::c_find::Matches;
use tracing::{Level, debug, enabled, error, info, warn};

use crate::admit::MODELS;
use crate::dump as text;

/// The logger of DCMTK's database.
const TARGET: &str = "dcmtk.dcmqrdb";

/// Retrieve AE Title.
const RETRIEVE_AE_TITLE: Tag = Tag::new(0x0008, 0x0054);

/// One association's queries.
pub(crate) struct Asking<'a> {
    pub(crate) area: &'a Area,
    /// The title that was called: it is where the objects can be had.
    pub(crate) called: &'a [u8],
    pub(crate) rules: Rules,
    pub(crate) sets: &'a ResponseSets,
    /// The encoding of the context, for the log.
    pub(crate) transfer_syntax: &'a str,
}

/// The model of one of its SOP classes.
pub(crate) fn model_of(sop_class: &str) -> Model {
    let place = MODELS.iter().position(|model| [model.find, model.mv, model.get].contains(&sop_class));
    match place {
        Some(0) => Model::PatientRoot,
        Some(1) => Model::StudyRoot,
        _ => Model::PatientStudyOnly,
    }
}

/// An identifier's attributes as a query takes them.
pub(crate) fn elements(identifier: &Identifier) -> Vec<Element<'_>> {
    let attributes = identifier.attributes().iter();
    attributes.map(|attribute| Element { tag: attribute.tag, vr: attribute.vr, value: &attribute.value }).collect()
}

impl Asking<'_> {
    /// An answer with what the service adds to it.
    fn attributes(&self, answer: Answer, level: &str) -> Vec<Attribute> {
        let Answer { character_set, values } = answer;
        let mut attributes: Vec<_> = values.into_iter().map(|(tag, vr, value)| Attribute::new(tag, vr, value)).collect();
        if !character_set.is_empty() {
            attributes.push(Attribute::new(Tag::SPECIFIC_CHARACTER_SET, Vr::CS, character_set));
        }
        attributes.push(Attribute::new(keys::QUERY_LEVEL, Vr::CS, level));
        attributes.push(Attribute::new(RETRIEVE_AE_TITLE, Vr::AE, self.called));
        attributes.sort_by_key(|attribute| attribute.tag);
        attributes.dedup_by_key(|attribute| attribute.tag);
        attributes
    }
}

impl Matches for Asking<'_> {
    fn find(
        &self,
        query: &service::Query<'_>,
        found: &mut dyn FnMut(&[Attribute]) -> ControlFlow<()>,
    ) -> Result<(), Refused> {
        if enabled!(target: TARGET, Level::INFO) {
            let dump = text::identifier(query.identifier.attributes(), query.transfer_syntax);
            info!(target: TARGET, "Find SCP Request Identifiers:\n{dump}");
        }
        let asked = Query::find(model_of(query.sop_class), &elements(query.identifier), self.rules)
            .map_err(|e| refused("find", "startFindRequest", &e, Service::Find))?;
        let requested = CharacterSets::parse(asked.character_set());
        let level = asked.level().word();
        let outcome = self.area.catalog().find(&asked, &mut |answer| {
            let converted = self.sets.apply(self.attributes(answer, level), &requested);
            for note in &converted.notes {
                if note.is_warning() {
                    warn!(target: TARGET, "{note}");
                } else {
                    info!(target: TARGET, "{note}");
                }
            }
            found(&converted.attributes)
        });
        outcome.map_err(|e| catalog_refused("find", "nextFindResponse", &e, Service::Find))
    }

    fn responded(&self, number: u64, response: &Response, attributes: &[Attribute]) {
        if !enabled!(target: TARGET, Level::INFO) {
            return;
        }
        let words = short(Service::Find, response.status);
        info!(target: TARGET, "Find SCP Response {number} [status: {words}]");
        if enabled!(target: TARGET, Level::DEBUG) {
            let message = Message { kind: Kind::Response(response.clone()), data_set: response.data_set };
            debug!(target: TARGET, "{}", dump::dump(Direction::Outgoing, None, &message));
            if !attributes.is_empty() {
                let dump = text::identifier(attributes, self.transfer_syntax);
                debug!(target: TARGET, "Find SCP Response Identifiers:\n{dump}");
            }
        }
    }
}

/// DCMTK's lines for a request that cannot be answered, and what helps; the status.
pub(crate) fn refused(service: &str, step: &str, e: &QueryError, of: Service) -> Refused {
    let code = e.cause().status();
    match e {
        QueryError::NoLevel => {
            let start = if of == Service::Find { "DB_startFindRequest" } else { "DB_startMoveRequest" };
            warn!(target: TARGET, "{start}(): missing Query/Retrieve Level");
        }
        QueryError::Strict(..) => debug!(target: TARGET, "{e}"),
        QueryError::NoUniqueKey(_) => warn!(target: TARGET, "{e}"),
        QueryError::UnknownLevel(_) => {}
    }
    error!(target: TARGET, "{service}SCP: Database: {step} Failed ({}):\n{e}; {}", short(of, code), e.cure());
    Refused::with(code)
}

/// The same where the catalog says so.
pub(crate) fn catalog_refused(service: &str, step: &str, e: &Error, of: Service) -> Refused {
    match e {
        Error::Query(e) => refused(service, step, e, of),
        other => {
            let code = if of == Service::Find { status::OUT_OF_RESOURCES } else { status::CANNOT_UNDERSTAND };
            error!(target: TARGET, "{service}SCP: Database: {step} Failed ({}):\n{other}", short(of, code));
            Refused::with(code)
        }
    }
}
