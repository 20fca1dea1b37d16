//! A file on its way: it is read once, its context is chosen, and it is known what it will be on the wire. Nothing of that is
//! said yet, for a file may be looked at before its turn.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::Arc;

use pacs_core::association::{Association, PresentationContexts};
use pacs_core::dataset::head::{self, Head, HeadError, Object};
use pacs_core::dataset::{
    Context, Error as DataSetError, Form, Limits, OutputSyntax, Prepared, Reason, Refusal, ScratchMaker, Syntax, Wanted,
};
use pacs_core::disk::Folder;
use pacs_core::service::c_store::send::context_for;
use pacs_tools::options::output::NewVrs;

use crate::inputs::{Opened, object_in, unknown_syntax};
use crate::invent::{self, Invented, Inventor};
use crate::send::Sender;

/// Files up to so many bytes need no scratch file where their elements are out of order.
const IN_MEMORY: u64 = 16 << 20;

/// How often a file may turn out to be of another class than it seemed, before it is given up.
const TRIES: usize = 3;

/// What came of reading a file.
pub(crate) struct Reading {
    /// Its length in bytes, if it could be opened.
    pub(crate) size: Option<u64>,
    /// How it begins, if that could be read.
    pub(crate) head: Option<Head>,
    /// What can be sent, or why nothing can.
    pub(crate) result: Result<Ready, Trouble>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { size: None, head: None, result: Err(Trouble::Changed) }
    }
}

/// A file that can be sent, if there is a context for it.
pub(crate) struct Ready {
    pub(crate) file: Opened,
    pub(crate) object: Object,
    /// The file's syntax.
    pub(crate) syntax: String,
    /// None: it cannot be had in the context's syntax.
    pub(crate) data_set: Option<Prepared<'static>>,
    /// The context to send it on, and that context's syntax.
    pub(crate) context: Option<(u8, String)>,
    /// The identifiers it was given, if any.
    pub(crate) invented: Invented,
}

/// Why a file cannot be sent.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Its beginning cannot be read.
    Head(HeadError),
    /// Its data set cannot.
    DataSet(Refusal),
    /// It does not say which object it is.
    NoObject,
    /// It is not the same each time it is looked at.
    Changed,
}

impl From<HeadError> for Trouble {
    fn from(e: HeadError) -> Self {
        Self::Head(e)
    }
}

impl From<io::Error> for Trouble {
    fn from(e: io::Error) -> Self {
        Self::Head(e.into())
    }
}

/// A choice that was made: most files are like the one before.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    class: String,
    syntax: String,
    context: Option<(u8, String)>,
}

/// Where contexts are chosen from.
pub(crate) enum Chosen<'a> {
    /// An association, and what was chosen last.
    From(&'a Association, &'a RefCell<Choice>),
    /// One that is lost: what would have been is still told.
    Lost(&'a PresentationContexts),
}

impl Chosen<'_> {
    /// The context for a class, and its syntax.
    fn context(&self, class: &str, syntax: &str) -> Option<(u8, String)> {
        match self {
            Self::From(association, last) => {
                let mut last = last.borrow_mut();
                if last.class != class || last.syntax != syntax {
                    let context = context_for(association, class, syntax)
                        .map(|context| (context.id, context.transfer_syntax.clone().into_owned()));
                    *last = Choice { class: class.to_owned(), syntax: syntax.to_owned(), context };
                }
                last.context.clone()
            }
            Self::Lost(contexts) => {
                let context = contexts.of_class(class).next()?;
                Some((context.id, context.transfer_syntax.clone()))
            }
        }
    }
}

impl Reading {
    /// Reads a file. None: it has more than `longest` bytes. `buffer` is for small ones.
    pub(crate) fn of(
        path: &Path,
        sender: &Sender<'_>,
        contexts: &Chosen<'_>,
        buffer: Vec<u8>,
        longest: u64,
    ) -> Option<Self> {
        let mut reading = Self::default();
        let mut file = match Opened::open(path) {
            Ok(file) => file,
            Err(e) => return Some(Self { result: Err(e.into()), ..reading }),
        };
        if file.len() > longest {
            return None;
        }
        reading.size = Some(file.len());
        let config = sender.config;
        let head = file
            .read_whole(buffer)
            .map_err(HeadError::from)
            .and_then(|()| head::read(&file, config.input.expected, unknown_syntax(config)));
        let mut head = match head {
            Ok(head) => head,
            Err(e) => return Some(Self { result: Err(e.into()), ..reading }),
        };
        reading.result = prepare(file, &mut head, sender, contexts);
        reading.head = Some(head);
        Some(reading)
    }
}

/// Chooses a context and plans what is sent. The file meta information says first what the object is; the data set decides.
fn prepare(file: Opened, head: &mut Head, sender: &Sender<'_>, contexts: &Chosen<'_>) -> Result<Ready, Trouble> {
    let mut guess = match head.object.take() {
        Some(object) => Some(object),
        None => head::object(&file, head)?,
    };
    let native = Syntax::of(&head.read_as).is_some_and(|syntax| !syntax.encapsulated);
    // DCMTK: where the deflated syntax is wanted, native files look for it first.
    let deflates = native && sender.config.proposed.first == Syntax::DEFLATED;
    let wanted = if deflates { Syntax::DEFLATED } else { &head.syntax };
    let invented = sender.inventor.as_ref().map(Inventor::next).unwrap_or_default();
    for _ in 0..TRIES {
        let context = guess.as_ref().and_then(|object| contexts.context(&object.class, wanted));
        let output = match &context {
            Some((_, syntax)) if *syntax != head.syntax => OutputSyntax::between(&head.read_as, syntax),
            _ => Some(OutputSyntax::Same),
        };
        let form = form(sender, output.unwrap_or_default());
        let (start, replace) = (head.data_set, Arc::clone(&invented.replace));
        let prepared = Prepared::replacing(&file, start, &head.read_as, &form, needs(sender, file.len()), replace);
        let (data_set, object) = match prepared {
            Ok(data_set) => {
                let object = object_in(data_set.outcome()).ok_or(Trouble::NoObject)?;
                (output.map(|_| data_set), object)
            }
            Err(DataSetError::Refused(mut refusal)) => match (refusal.reason, &guess) {
                (Reason::PixelRepresentationNotFound, Some(object)) => (None, object.clone()),
                (Reason::Empty | Reason::PixelRepresentationNotFound, _) => return Err(Trouble::NoObject),
                (reason, _) => {
                    if reason == Reason::InvalidStream && head::ends_in_long_value(&file, head) {
                        refusal.reason = Reason::PrematureEnd;
                    }
                    return Err(Trouble::DataSet(refusal));
                }
            },
            Err(DataSetError::Io(e)) => return Err(e.into()),
            Err(DataSetError::SourceChanged) => return Err(Trouble::Changed),
        };
        if guess.as_ref().is_some_and(|guess| guess.class == object.class) {
            let syntax = head.syntax.clone();
            return Ok(Ready { file, object, syntax, data_set, context, invented });
        }
        guess = Some(object);
    }
    Err(Trouble::Changed)
}

/// What reading and writing a data set needs besides bytes.
fn needs(sender: &Sender<'_>, size: u64) -> Context<'static> {
    let scratch = if size <= IN_MEMORY {
        ScratchMaker::in_memory()
    } else {
        ScratchMaker::new(|| Ok(Box::new(Folder::open(std::env::temp_dir())?.stage()?)))
    };
    Context {
        dictionary: sender.dictionary,
        limits: Limits { inflated: sender.config.output.max_inflated, ..Limits::default() },
        scratch,
        wanted: if sender.inventor.is_some() { invent::WANTED } else { Wanted::BY_RECEIVER },
    }
}

fn form(sender: &Sender<'_>, syntax: OutputSyntax) -> Form {
    let output = &sender.config.output;
    Form {
        syntax,
        compression: u8::try_from(output.compression_level).unwrap_or(9),
        new_vrs: output.new_vrs == NewVrs::Keep,
        ..Form::default()
    }
}
