//! Owners of stored objects, and the objects.

use crate::peers::{LEE, LEI};
use pacs_core::dataset::identifier::{Attribute, Identifier, write};
use pacs_core::dataset::meta::Meta;
use pacs_core::dataset::vr::Vr;
use pacs_core::dataset::{Context, ScratchMaker, Tag};
use pacs_core::dimse::DimseError;
use pacs_core::dimse::command::{CStoreRq, Kind, Request, Response, field};
use pacs_core::service::retrieve::{Event, Object, Retrieve};
use pacs_core::service::{Query, Refused};
use std::cell::RefCell;
use std::io;

use crate::peers::Asker;

pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(crate) const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
pub(crate) const RLE: &str = "1.2.840.10008.1.2.5";
pub(crate) const JPEG: &str = "1.2.840.10008.1.2.4.70";
pub(crate) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// An object in a made-up archive.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) class: &'static str,
    pub(crate) syntax: &'static str,
    /// The file's bytes; none: it has vanished.
    pub(crate) file: Option<Vec<u8>>,
    /// It is in the catalog no more.
    pub(crate) gone: bool,
}

/// An object of that class, encoded in that syntax: SOP Instance UID `1.2.number`, and pixels.
pub(crate) fn stored(number: usize, class: &'static str, syntax: &'static str) -> Stored {
    let mut file = Vec::new();
    let instance = format!("1.2.{number}");
    Meta { sop_class: class, sop_instance: &instance, transfer_syntax: syntax, source_title: "SENDER" }
        .write(&mut file);
    file.extend(data_set(number, class, syntax));
    Stored { class, syntax, file: Some(file), gone: false }
}

pub(crate) fn attributes(number: usize, class: &str) -> Vec<Attribute> {
    vec![
        Attribute::new(Tag::SOP_CLASS, Vr::UI, class),
        Attribute::new(Tag::SOP_INSTANCE, Vr::UI, format!("1.2.{number}")),
        Attribute::new(Tag::PATIENT_NAME, Vr::PN, "A^B"),
    ]
}

fn data_set(number: usize, class: &str, syntax: &str) -> Vec<u8> {
    let pixels = Attribute::new(Tag::new(0x7FE0, 0x0010), Vr::OW, vec![7; 100_000]);
    let mut all = attributes(number, class);
    if [RLE, JPEG].contains(&syntax) {
        let mut bytes = write(&all, LEE).unwrap();
        bytes.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0\x04\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0");
        return bytes;
    }
    all.push(pixels);
    write(&all, syntax).unwrap()
}

/// The owner of such objects. Keys are their places in the list.
pub(crate) struct Shelf {
    pub(crate) objects: Vec<Stored>,
    pub(crate) refused: Option<Refused>,
    pub(crate) seen: RefCell<Vec<String>>,
}

impl Shelf {
    pub(crate) fn of(objects: Vec<Stored>) -> Self {
        Self { objects, refused: None, seen: RefCell::default() }
    }
}

impl Retrieve for Shelf {
    type Key = usize;
    type Place = usize;
    type File = Vec<u8>;

    fn select(&self, query: &Query<'_>) -> Result<Vec<usize>, Refused> {
        assert_eq!(query.identifier.attributes().len(), 1);
        self.refused.clone().map_or_else(|| Ok((0..self.objects.len()).collect()), Err)
    }

    fn describe(&self, keys: &[usize]) -> Result<Vec<Option<Object<usize>>>, Refused> {
        let object = |key: &usize| {
            let Stored { class, syntax, gone, .. } = self.objects[*key];
            (!gone).then(|| Object {
                sop_class: class.to_owned(),
                sop_instance: format!("1.2.{key}"),
                transfer_syntax: syntax.to_owned(),
                place: *key,
            })
        };
        Ok(keys.iter().map(object).collect())
    }

    fn open(&self, object: &Object<usize>) -> io::Result<Vec<u8>> {
        self.objects[object.place].file.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn context(&self) -> Context<'static> {
        Context::new(ScratchMaker::in_memory())
    }

    fn happened(&self, event: Event<'_, usize>) {
        self.seen.borrow_mut().push(match event {
            Event::Storing { object, request, stored, context } => {
                assert_eq!(object.sop_instance, request.sop_instance);
                assert_eq!(stored, self.objects[object.place].syntax);
                format!("store {} {}", object.place, context.id)
            }
            Event::Sent(_) => return,
            Event::Answered(response) => format!("answer {:04x}", response.status),
            Event::Failed(object, why) => format!("failed {:?} {why}", object.map(|object| object.place)),
            Event::Cancelled => "cancelled".to_owned(),
            Event::Responded(number, response) => format!("response {number} {:04x}", response.status),
        });
    }
}

/// A stored object as it came in: request, context, attributes but for the pixels, and how many bytes these have.
pub(crate) struct Came {
    pub(crate) request: CStoreRq,
    pub(crate) syntax: String,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) pixels: usize,
}

/// Takes what comes until a message is no C-STORE request, which is returned; every object is answered with what `answer`
/// says, and none means that it is not answered.
pub(crate) fn take(
    asker: &mut Asker,
    mut answer: impl FnMut(&mut Asker, &Came) -> Option<u16>,
) -> Result<(Kind, Vec<u8>), DimseError> {
    loop {
        let (kind, context, bytes) = asker.receive()?;
        let Kind::Request(Request::Store(request)) = kind else { return Ok((kind, bytes)) };
        let syntax = asker.0.context(context).unwrap().transfer_syntax.clone().into_owned();
        let read = if [LEI, DEFLATED].contains(&&*syntax) { &syntax } else { LEE };
        let identifier =
            Identifier::read(&bytes, if syntax == "1.2.840.10008.1.2.2" { &syntax } else { read }).unwrap();
        let (pixels, attributes): (Vec<_>, Vec<_>) =
            identifier.attributes().iter().cloned().partition(|attribute| attribute.tag.group() == 0x7FE0);
        let pixels = pixels.first().map_or(0, |pixels| pixels.value.len());
        let attributes = attributes
            .into_iter()
            .map(|attribute| Attribute::new(attribute.tag, attribute.vr, attribute.unpadded()))
            .collect();
        let came = Came { request, syntax, attributes, pixels };
        let Some(status) = answer(asker, &came) else { continue };
        let response = Response {
            field: field::C_STORE_RSP,
            message_id: came.request.message_id,
            sop_class: Some(came.request.sop_class.clone()),
            sop_instance: Some(came.request.sop_instance.clone()),
            status,
            ..Response::default()
        };
        asker.send_bytes(context, &response.into(), None);
    }
}
