use std::ffi::OsString;
use std::fs;

use pacs_core::association::Parties;
use pacs_core::dimse::command::{CStoreRq, Priority};
use pacs_core::disk::{Call, Folder, fault};
use pacs_core::pdu::AeTitle;
use rustix::io::Errno;

use super::*;
use crate::options::{self, Config};

fn config(words: &[&str]) -> Config {
    match options::parse(["storescp"].iter().chain(words).map(OsString::from)) {
        options::Outcome::Run(config) => *config,
        options::Outcome::Stop { stderr, .. } => panic!("{stderr}"),
    }
}

/// Receives one object of a receiver that keeps bytes as they come, as the command line says; the status, and the names in the folder afterwards.
fn receive(words: &[&str]) -> (u16, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::new(Folder::open(folder.path()).unwrap(), folder.path().to_owned());
    let desk = crate::desk(&config(&[words, &["+B"]].concat()), output, Progress::at(log::Level::Off));
    let request = CStoreRq {
        message_id: 1,
        sop_class: "1.2.840.10008.5.1.4.1.1.4".to_owned(),
        sop_instance: "1.2.3".to_owned(),
        priority: Priority::Medium,
        move_originator_title: None,
        move_originator_id: None,
    };
    let parties = Parties {
        calling: AeTitle::new("A"),
        called: AeTitle::new("B"),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
    };
    let incoming =
        Incoming { request: &request, context: 1, transfer_syntax: "1.2.840.10008.1.2.1", parties: &parties };
    let (mut object, target) = desk.begin(&incoming);
    let Target::Kept { file: mut staged, .. } = target else { panic!("{target:?}") };
    staged.write_all(b"bytes").unwrap();
    let (status, turn) = desk.finish(&mut object, &incoming, Received::File(staged, Content::Unread));
    desk.answered(object, &incoming, status, Some(turn));
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    (status, names.collect())
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
