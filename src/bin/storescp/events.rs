//! What the coming of an object or the end of a study causes: files get other names, commands run.

mod command;
mod rename;
mod run;

use std::ffi::OsStr;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use pacs_core::association::Parties;
use pacs_core::net::resolve::{Resolver, short_name};
use pacs_tools::log;
use tracing::warn;

use crate::TARGET;
use crate::desk::studies::Study;
use crate::folder::Shelf;
use crate::options::{self, FileNames};
use command::{Filled, Template, Title};
use run::Runner;

/// How long a command that wants the peer's name waits for it.
const PATIENCE_FOR_NAMES: Duration = Duration::from_secs(2);

/// What is done when an object or a study has been received.
#[derive(Debug)]
pub(crate) struct Events {
    on_reception: Option<Template>,
    on_study_end: Option<Template>,
    /// The files of a study that has ended get other names; how they were named first.
    rename: Option<FileNames>,
    /// Commands are waited for, and run one at a time.
    wait: bool,
    names: Arc<Resolver>,
    addresses_only: bool,
    runner: Runner,
}

impl Events {
    /// What the command line asks for.
    pub(crate) fn new(wanted: &options::Events, naming: FileNames, names: Arc<Resolver>, addresses_only: bool) -> Self {
        Self {
            on_reception: wanted.on_reception.clone().map(Template::new),
            on_study_end: wanted.on_study_end.clone().map(Template::new),
            rename: wanted.rename.then_some(naming),
            wait: wanted.wait,
            names,
            addresses_only,
            runner: Runner::default(),
        }
    }

    /// Whether there is a command for each object.
    pub(crate) fn on_reception(&self) -> bool {
        self.on_reception.is_some()
    }

    /// Whether files get other names.
    pub(crate) fn renames(&self) -> bool {
        self.rename.is_some()
    }

    /// Begins to look for the name of a peer, if a command will want it.
    pub(crate) fn expect(&self, peer: IpAddr) {
        let wanted = [&self.on_reception, &self.on_study_end].into_iter().flatten().any(Template::names_peer);
        if wanted && !self.addresses_only {
            self.names.name_of(peer, Duration::ZERO);
        }
    }

    /// An object is kept under this name, or was dropped as wanted, and has been answered.
    pub(crate) fn object(&self, file: Option<(&Shelf, &OsStr)>, sender: &Parties) {
        if let Some(template) = &self.on_reception {
            let (path, name) = (file.map(|(shelf, _)| shelf.path().as_os_str()), file.map(|(_, name)| name));
            self.execute(template, path, name, sender);
        }
    }

    /// A study has ended.
    pub(crate) fn study(&self, study: &Study) {
        if let Some(naming) = self.rename {
            rename::rename(study, naming);
        }
        if let Some(template) = &self.on_study_end {
            self.execute(template, Some(study.shelf.path().as_os_str()), None, &study.sender);
        }
    }

    /// Returns once every command has been started.
    pub(crate) fn settle(&self) {
        self.runner.settle();
    }

    fn execute(&self, template: &Template, path: Option<&OsStr>, name: Option<&OsStr>, sender: &Parties) {
        let title = |text: String, what: &'static str| {
            let title = Title::new(&text);
            if title.text() != text {
                warn_of_change(what, &text, title.text());
            }
            title
        };
        let calling = title(sender.calling.text(), "calling aetitle");
        let called = title(sender.called.text(), "called aetitle");
        let filled = template.fill(path, name, &calling, &called);
        for (what, title, joined) in
            [("calling aetitle", &calling, filled.joined[0]), ("called aetitle", &called, filled.joined[1])]
        {
            if joined {
                warn_of_change(what, title.text(), &title.joined());
            }
        }
        let finished = self.with_peer(filled, sender.address);
        if self.wait {
            self.runner.run(finished);
        } else {
            self.runner.start(finished);
        }
    }

    /// The rest of the text, which may have to wait for a name server.
    fn with_peer(&self, filled: Filled, address: IpAddr) -> run::Job {
        let (names, addresses_only) = (Arc::clone(&self.names), self.addresses_only);
        Box::new(move || {
            filled.finish(|| {
                if addresses_only {
                    address.to_string()
                } else {
                    short_name(&names.name_of(address, PATIENCE_FOR_NAMES)).to_owned()
                }
            })
        })
    }
}

fn warn_of_change(what: &str, from: &str, to: &str) {
    warn!(
        target: TARGET,
        "Sanitized unusual characters in {what}, converted from \"{}\" to \"{to}\".",
        log::clean(from)
    );
}
