use std::ffi::OsString;
use std::fs;

use pacs_core::dataset::vr::{Dictionary, Vr};
use pacs_core::dataset::{Found, Tag};
use pacs_core::dimse::command::{CStoreRq, Priority};
use pacs_core::disk::{Call, Folder, fault};
use pacs_core::pdu::AeTitle;
use pacs_core::service::c_store::{Destination, Received, Target};
use rustix::io::Errno;

use super::*;
use crate::options::{self, Config};

fn config(words: &[&str]) -> Config {
    match options::parse(["storescp"].iter().chain(words).map(OsString::from)) {
        options::Outcome::Run(config) => *config,
        options::Outcome::Stop { stderr, .. } => panic!("{stderr}"),
    }
}

/// A desk in front of a folder, as the command line says.
struct Office {
    folder: tempfile::TempDir,
    desk: Arc<Desk>,
}

impl Office {
    fn open(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(words);
        let output = Output::new(Folder::open(folder.path()).unwrap(), folder.path().to_owned(), config.sync);
        let progress = Progress::at(log::Level::Off);
        let desk = crate::desk(&config, output, Dictionary::builtin(), progress, &Arc::default());
        Self { folder, desk }
    }

    /// Receives an object of a study over an association of its own; the status.
    fn receive(&self, instance: &str, study: &str) -> u16 {
        let parties = parties();
        self.receive_over(&self.desk.visit(&parties), instance, study)
    }

    fn receive_over(&self, visit: &Visit<'_>, instance: &str, study: &str) -> u16 {
        let request = CStoreRq {
            message_id: 1,
            sop_class: MR.to_owned(),
            sop_instance: instance.to_owned(),
            priority: Priority::Medium,
            move_originator_title: None,
            move_originator_id: None,
        };
        let parties = parties();
        let incoming =
            Incoming { request: &request, context: 1, transfer_syntax: "1.2.840.10008.1.2.1", parties: &parties };
        let (mut object, target) = visit.begin(&incoming);
        let (mut staged, content) = match target {
            Target::Kept { file, .. } => (file, Content::Unread),
            Target::Rewritten { file, .. } => (file.unwrap(), content(instance, study)),
            other => panic!("{other:?}"),
        };
        staged.write_all(b"bytes").unwrap();
        let (status, turn) = visit.finish(&mut object, &incoming, Received::File(staged, content));
        visit.answered(object, &incoming, status, Some(turn));
        status
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    let path = entry.path();
                    names.push(path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        names.sort();
        names
    }
}

const MR: &str = "1.2.840.10008.5.1.4.1.1.4";

fn parties() -> Parties {
    Parties { calling: AeTitle::new("A"), called: AeTitle::new("B"), address: std::net::Ipv4Addr::LOCALHOST.into() }
}

fn content(instance: &str, study: &str) -> Content {
    let found = |tag, vr, value: &str| Found { tag, vr, depth: 0, value: value.into(), cut: false };
    Content::Read(vec![
        found(Tag::SOP_CLASS, Vr::UI, MR),
        found(Tag::SOP_INSTANCE, Vr::UI, instance),
        found(Tag::STUDY_INSTANCE, Vr::UI, study),
        found(Tag::PATIENT_NAME, Vr::PN, "Doe^Jane"),
    ])
}

/// Receives one object of a receiver that keeps bytes as they come, as the command line says; the status, and the names in
/// the folder afterwards.
fn receive(words: &[&str]) -> (u16, Vec<String>) {
    let office = Office::open(&[words, &["+B"]].concat());
    (office.receive("1.2.3", ""), office.names())
}

#[test]
fn sync_waits_for_the_disk() {
    fault::clear();
    assert_eq!(receive(&["11112"]), (status::SUCCESS, vec!["MR.1.2.3".to_owned()]));
    assert_eq!((fault::made().get(&Call::Sync), fault::made().get(&Call::SyncFolder)), (None, None));

    fault::clear();
    assert_eq!(receive(&["--sync", "11112"]), (status::SUCCESS, vec!["MR.1.2.3".to_owned()]));
    assert_eq!((fault::made().get(&Call::Sync), fault::made().get(&Call::SyncFolder)), (Some(&1), Some(&1)));

    // What the disk does not take is not acknowledged, and has no name.
    fault::clear();
    fault::arm(Call::Sync, 0, Errno::NOSPC);
    assert_eq!(receive(&["--sync", "11112"]), (status::OUT_OF_RESOURCES, vec![]));
    fault::clear();
    fault::arm(Call::SyncFolder, 0, Errno::IO);
    assert_eq!(receive(&["--sync", "11112"]).0, status::OUT_OF_RESOURCES);
    fault::clear();
}

#[test]
fn sync_waits_for_new_folders_too() {
    fault::clear();
    let office = Office::open(&["-su", "S", "--sync", "11112"]);
    assert_eq!(office.receive("1.1", "1"), status::SUCCESS);
    assert_eq!(fault::made().get(&Call::SyncFolder), Some(&2), "the study's folder and the one it was made in");
    assert_eq!(office.receive("1.2", "1"), status::SUCCESS);
    assert_eq!(fault::made().get(&Call::SyncFolder), Some(&3));
    fault::clear();
}

#[test]
fn what_cannot_be_sorted_is_refused_and_changes_nothing() {
    let office = Office::open(&["-su", "S", "-rns", "11112"]);
    assert_eq!(office.receive("1.1", "1"), status::SUCCESS);
    // Neither an object without a study nor one whose folder cannot be made is of another study.
    assert_eq!(office.receive("1.2", ""), status::CANNOT_UNDERSTAND);
    fault::clear();
    fault::arm(Call::MakeFolder, 0, Errno::NOSPC);
    assert_eq!(office.receive("1.2", "2"), status::CANNOT_UNDERSTAND);
    fault::clear();
    assert_eq!(office.names(), ["S_1/MR.1.1"]);
    // One that cannot be written is, but what has no file is no study of its own.
    let visit = office.desk.visit(&parties());
    for (instance, study, lost) in [("1.3", "1", false), ("1.4", "3", true), ("1.5", "2", false)] {
        if lost {
            fault::arm(Call::LinkByDescriptor, 0, Errno::NOSPC);
            fault::arm(Call::LinkByProc, 0, Errno::NOSPC);
        }
        let expected = if lost { status::OUT_OF_RESOURCES } else { status::SUCCESS };
        assert_eq!(office.receive_over(&visit, instance, study), expected);
        fault::clear();
    }
    assert_eq!(office.names(), ["S_1/MR000001", "S_1/MR000002", "S_2/MR.1.5"]);
}

#[test]
fn a_folder_that_is_removed_comes_again() {
    let office = Office::open(&["-su", "S", "11112"]);
    assert_eq!(office.receive("1.1", "1"), status::SUCCESS);
    fs::remove_dir_all(office.folder.path().join("S_1")).unwrap();
    assert_eq!(office.receive("1.2", "1"), status::SUCCESS);
    // And one that was moved away gets no more.
    fs::rename(office.folder.path().join("S_1"), office.folder.path().join("kept")).unwrap();
    assert_eq!(office.receive("1.3", "1"), status::SUCCESS);
    assert_eq!(office.names(), ["S_1/MR.1.3", "kept/MR.1.2"]);
}

#[test]
fn no_two_studies_share_a_folder_of_the_time() {
    for words in [&["-ss", "P", "11112"][..], &["-sp", "11112"], &["-ss", "", "--fork", "11112"]] {
        let office = Office::open(words);
        for n in 0..50 {
            assert_eq!(office.receive("1.1", &n.to_string()), status::SUCCESS);
        }
        let names = office.names();
        let folders: std::collections::BTreeSet<_> = names.iter().map(|name| name.split('/').next()).collect();
        assert_eq!((names.len(), folders.len()), (50, 50), "{names:?}");
    }
}

#[test]
fn numbers_go_on_where_a_study_was_completed_before() {
    let office = Office::open(&["-su", "S", "-rns", "11112"]);
    let visit = office.desk.visit(&parties());
    for (instance, study) in [("1.1", "1"), ("1.2", "1"), ("1.3", "2"), ("1.1", "1"), ("1.4", "1"), ("1.5", "3")] {
        assert_eq!(office.receive_over(&visit, instance, study), status::SUCCESS);
    }
    let expected = ["S_1/MR000001", "S_1/MR000002", "S_1/MR000003", "S_1/MR000004", "S_2/MR000001", "S_3/MR.1.5"];
    assert_eq!(office.names(), expected);
}

#[test]
fn with_fork_each_association_has_its_own_studies() {
    let office = Office::open(&["-ss", "P", "--fork", "11112"]);
    let (a, b) = (office.desk.visit(&parties()), office.desk.visit(&parties()));
    for visit in [&a, &b, &a, &b] {
        assert_eq!(office.receive_over(visit, &format!("1.{}", office.names().len()), "1"), status::SUCCESS);
    }
    let names = office.names();
    let folders: Vec<_> = names.iter().map(|name| name.split('/').next().unwrap()).collect();
    assert!(folders[0] == folders[1] && folders[1] != folders[2] && folders[2] == folders[3], "{names:?}");
}

#[test]
fn without_anybody_who_waits_silence_is_seen_when_the_next_object_comes() {
    let office = Office::open(&["-ss", "P", "-tos", "0", "--fork", "11112"]);
    let visit = office.desk.visit(&parties());
    assert_eq!(office.receive_over(&visit, "1.1", "1"), status::SUCCESS);
    assert_eq!(office.receive_over(&visit, "1.1", "1"), status::SUCCESS);
    assert_eq!(office.names().len(), 2, "{:?}", office.names());
}
