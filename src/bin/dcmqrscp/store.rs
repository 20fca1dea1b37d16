//! C-STORE: from the receive buffer into a file of the area, and what the log says of it.

use std::io;
use std::sync::Arc;

use pacs_core::archive::config::Quota;
use pacs_core::archive::{Area, Arrival, KeepError, Kept, Reason, keys};
use pacs_core::dataset::elements::{self, Extent};
use pacs_core::dataset::{Context, Error, Form, Found, Tag};
use pacs_core::dimse::command::{Kind, Message, Response, field};
use pacs_core::dimse::dump::{self, Direction};
use pacs_core::dimse::status;
use pacs_core::disk::Staged;
use pacs_core::names;
use pacs_core::service::c_store::{Content, Destination, Incoming, Received, StoreError, Target};
use pacs_tools::log::{self, DotLine, Progress};
use tracing::{error, info, warn};

/// The logger of DCMTK's database.
const TARGET: &str = "dcmtk.dcmqrdb";

/// How objects are written; the same for all areas.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// Received bytes are written as they are.
    pub(crate) bit_preserving: bool,
    /// The form in which they are written otherwise.
    pub(crate) form: Form,
    /// Files get a meta header.
    pub(crate) meta: bool,
    /// Read and drop all objects.
    pub(crate) ignore: bool,
    /// Dictionary and limits.
    pub(crate) context: Context<'static>,
}

/// One association's storing into an area.
pub(crate) struct Reception<'a> {
    pub(crate) area: &'a Arc<Area>,
    pub(crate) quota: Quota,
    pub(crate) manner: &'a Manner,
    pub(crate) progress: &'a Progress,
    /// When the association came to the area, in seconds since 1970.
    pub(crate) opened: u32,
}

/// One object on its way.
pub(crate) struct Object {
    line: Option<DotLine>,
}

impl Reception<'_> {
    fn context(&self) -> Context<'static> {
        let mut context = self.manner.context.clone();
        context.scratch = self.area.scratch();
        context.wanted = &keys::WANTED;
        context
    }

    /// Looks into an object that was kept as it came.
    fn look_into(&self, file: &Staged, incoming: &Incoming<'_>) -> Result<Vec<Found>, u16> {
        let head = if self.manner.meta { self.head_length(file) } else { Ok(0) };
        let found = head
            .map_err(Error::Io)
            .and_then(|from| elements::read(file, from, incoming.transfer_syntax, &self.context(), Extent::Whole));
        match found {
            Ok(elements) => Ok(elements.found),
            Err(Error::Refused(refusal)) => {
                error!(target: TARGET, "Bad image file: \n{refusal}");
                Err(status::CANNOT_UNDERSTAND)
            }
            Err(Error::Io(e)) => Err(self.refuse(&e)),
            Err(Error::SourceChanged) => Err(self.refuse(&io::ErrorKind::InvalidData.into())),
        }
    }

    /// Where the data set begins: behind the meta header that was written in front of it.
    fn head_length(&self, file: &Staged) -> io::Result<u64> {
        let mut bytes = [0; 4];
        if file.read_at(&mut bytes, 140)? < bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(144 + u64::from(u32::from_le_bytes(bytes)))
    }

    /// Puts the object into the area if it is what its command says.
    fn keep_if_good(&self, file: Staged, found: Vec<Found>, incoming: &Incoming<'_>) -> u16 {
        let content = Content::Read(found);
        match (self.judge(&content, incoming), content) {
            (status::SUCCESS, Content::Read(found)) => self.keep(file, found, incoming),
            (status::CANNOT_UNDERSTAND, _) => {
                error!(target: TARGET, "Bad image file: \nIts data set has no SOP Class UID, or no SOP Instance UID.");
                status::CANNOT_UNDERSTAND
            }
            (other, _) => other,
        }
    }

    /// Puts the object into the area.
    fn keep(&self, file: Staged, found: Vec<Found>, incoming: &Incoming<'_>) -> u16 {
        let written = match self.manner.bit_preserving {
            true => incoming.transfer_syntax,
            false => self.manner.form.syntax.uid(incoming.transfer_syntax),
        };
        let arrival = Arrival {
            file,
            found,
            // Values are told as they are written.
            big_endian: written == names::EXPLICIT_BIG,
            transfer_syntax: written.to_owned(),
            prefix: names::storage_prefix(&incoming.request.sop_class).unwrap_or("XX"),
            opened: self.opened,
            quota: self.quota,
        };
        match self.area.keep(arrival) {
            Ok(kept) => {
                self.say_removed(&kept);
                status::SUCCESS
            }
            Err(KeepError::TooBig { size, limit }) => {
                error!(
                    target: TARGET,
                    "storeSCP: Database: storeRequest Failed (Refused: OutOfResources): 000c:0001 Index database error\n\
                     The object has {size} bytes, and a study of this title may have {limit}: the quota in the AETable \
                     sets this limit."
                );
                status::OUT_OF_RESOURCES
            }
            Err(KeepError::Disk(e)) => self.refuse(&e),
            Err(KeepError::Catalog(e)) => {
                error!(
                    target: TARGET,
                    "storeSCP: Database: storeRequest Failed (Refused: OutOfResources): 000c:0001 Index database error\n{e}"
                );
                status::OUT_OF_RESOURCES
            }
        }
    }

    fn say_removed(&self, kept: &Kept) {
        for removed in &kept.removed {
            let path = self.area.shown(&removed.file);
            let path = path.display();
            if removed.foreign {
                warn!(
                    target: TARGET,
                    "file delete operations are disabled, keeping file: {path} despite duplicate SOP Instance UID\n\
                     It lies outside of the storage area and is no longer served."
                );
                continue;
            }
            let why = match removed.reason {
                Reason::Duplicate => "the same SOP instance was stored again",
                Reason::StudyFull => "its study has as many bytes as the quota allows",
                Reason::AreaFull => "its study was the one stored to longest ago, and the quota allows no more studies",
            };
            warn!(target: TARGET, "Deleting file: {path} due to quota or duplicate SOP instance UID\nHere: {why}.");
            if let Some(e) = &removed.error {
                error!(
                    target: TARGET,
                    "DB ERROR: cannot delete image file: {path}\n{}; it is no longer served, and deleting is tried again \
                     at the next start.",
                    log::reason(e)
                );
            }
        }
    }

    fn refuse(&self, e: &io::Error) -> u16 {
        let cure = log::cure_of_writing(e, "storage area");
        let path = self.area.path().display();
        error!(target: TARGET, "storescp: Cannot write image file: {path}\n{}{cure}", log::reason(e));
        status::OUT_OF_RESOURCES
    }

    /// The status by what the data set says it is.
    fn judge(&self, content: &Content, incoming: &Incoming<'_>) -> u16 {
        let known = names::storage_class(&incoming.request.sop_class).is_some_and(|class| class.accepted);
        if known {
            return content.status(incoming.request);
        }
        let Content::Read(found) = content else { return status::SOP_CLASS_NOT_SUPPORTED };
        let class = found.iter().find(|found| found.tag == Tag::SOP_CLASS);
        // DCMTK: a known class in the data set shows that the command is wrong.
        match class {
            Some(class) if class.value != incoming.request.sop_class.as_bytes() => status::DATA_SET_DOES_NOT_MATCH,
            _ => status::SOP_CLASS_NOT_SUPPORTED,
        }
    }
}

impl Destination for Reception<'_> {
    type Object = Object;
    type Turn<'a>
        = ()
    where
        Self: 'a;

    fn spare(&self) -> io::Result<Staged> {
        self.area.stage()
    }

    fn begin(&self, incoming: &Incoming<'_>) -> (Object, Target) {
        let Manner { bit_preserving, form, meta, ignore, .. } = *self.manner;
        let object = Object { line: Some(self.progress.begin("RECV: ")) };
        let known = names::storage_class(&incoming.request.sop_class).is_some_and(|class| class.accepted);
        let target = if ignore {
            Target::Nowhere
        } else if !known {
            Target::Rewritten { file: None, meta, form, context: self.context() }
        } else {
            match self.area.stage() {
                Err(e) => Target::Failed(e),
                Ok(file) if bit_preserving => Target::Kept { file, meta },
                Ok(file) => Target::Rewritten { file: Some(file), meta, form, context: self.context() },
            }
        };
        (object, target)
    }

    fn progress(&self, object: &mut Object, pdvs: usize) {
        if let Some(line) = &mut object.line {
            line.dots(pdvs);
        }
    }

    fn finish(&self, object: &mut Object, incoming: &Incoming<'_>, received: Received) -> (u16, ()) {
        drop(object.line.take());
        let status = match received {
            _ if self.manner.ignore => status::SUCCESS,
            Received::File(file, Content::Read(found)) => self.keep_if_good(file, found, incoming),
            Received::File(file, Content::Unread) => match self.look_into(&file, incoming) {
                Err(status) => status,
                Ok(found) => self.keep_if_good(file, found, incoming),
            },
            Received::Dropped(content) => self.judge(&content, incoming),
            Received::Failed(e) => self.refuse(&e),
            Received::Refused(refusal) => {
                let path = self.area.path().display();
                error!(target: TARGET, "storescp: Cannot write image file: {path}\n{refusal}");
                status::OUT_OF_RESOURCES
            }
        };
        (status, ())
    }

    fn answered(&self, _object: Object, incoming: &Incoming<'_>, status: u16, _turn: Option<()>) {
        let response = Response {
            field: field::C_STORE_RSP,
            message_id: incoming.request.message_id,
            sop_class: Some(incoming.request.sop_class.clone()),
            sop_instance: Some(incoming.request.sop_instance.clone()),
            status,
            ..Response::default()
        };
        let message = Message { kind: Kind::Response(response), data_set: false };
        if status == status::SUCCESS {
            info!(target: TARGET, "Sending:\n{}", dump::dump(Direction::Outgoing, None, &message));
        } else {
            warn!(target: TARGET, "NOTICE: StoreSCP:\n{}", dump::dump(Direction::Outgoing, None, &message));
        }
    }

    fn broken(&self, mut object: Object, _incoming: &Incoming<'_>, error: &StoreError) {
        drop(object.line.take());
        match error {
            StoreError::Dimse(e) => error!(target: TARGET, "Store SCP Failed: {e}"),
            StoreError::Refused(refusal) => {
                error!(target: TARGET, "Store SCP Failed: 0006:020d DIMSE Failed to receive message\n{refusal}");
            }
            StoreError::Forced(_) => {}
        }
    }
}
