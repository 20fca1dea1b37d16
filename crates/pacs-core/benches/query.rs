//! What the catalog costs: adding objects one by one as it grows, and finding some, or all, of them.
//!
//! `cargo bench -p pacs-core --bench query [FOLDER] [STUDIES]`: the catalog is made in FOLDER (by default the system's
//! temporary one; a memory file system shows our own cost best), of STUDIES (10,000) with ten objects each.

#![allow(clippy::expect_used, reason = "a bench that cannot run must say so")]

use pacs_core::archive::catalog::sqlite::Sqlite;
use pacs_core::archive::catalog::{Catalog, Insertion};
use pacs_core::archive::keys::{
    ACCESSION_NUMBER, Level, MODALITY, PATIENT_ID, QUERY_LEVEL, SERIES_INSTANCE, STUDY_DATE, key,
};
use pacs_core::archive::query::{Element, Model, Query, Rules};
use pacs_core::archive::record::{Record, Stored};
use pacs_core::dataset::Tag;
use pacs_core::dataset::vr::Vr;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

const OBJECTS: usize = 10;
const STUDY_TIME: Tag = Tag::new(0x0008, 0x0030);
const MODALITIES: Tag = Tag::new(0x0008, 0x0061);
const SERIES_OF_STUDY: Tag = Tag::new(0x0020, 0x1206);
const INSTANCES_OF_STUDY: Tag = Tag::new(0x0020, 0x1208);

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let folder = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let studies = arguments.next().map_or(10_000, |number| number.parse().expect("a number of studies"));
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let path = folder.path().join("catalog");
    let catalog = Sqlite::open(&path).expect("a catalog");
    fill(&catalog, studies, &path);
    println!("resident: {} KiB", resident());
    ask(&catalog, studies);
    println!("resident: {} KiB", resident());
    batches(&catalog, studies);
    evictions(&catalog);
}

/// Adds the objects one by one. The last tenth is added by turns with the first tenth of another catalog, so that whatever
/// else goes on on this machine bears on both alike.
fn fill(catalog: &Sqlite, studies: usize, path: &Path) {
    let all = studies * OBJECTS;
    let tenth = all / 10;
    for part in 0..9 {
        let (start, busy) = (Instant::now(), processor());
        add(catalog, part * tenth..(part + 1) * tenth);
        let rate = |time: Duration| tenth as f64 / time.as_secs_f64();
        let (wall, busy) = (rate(start.elapsed()), rate(processor() - busy));
        println!(
            "adding, one a commit: {:>8} objects, {wall:>8.0}/s, {busy:>8.0}/s of the processor",
            (part + 1) * tenth
        );
    }
    let other = Sqlite::open(&path.with_extension("other")).expect("a catalog");
    let (mut last, mut first) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..tenth / 50 {
        let start = processor();
        add(catalog, 9 * tenth + turn * 50..9 * tenth + (turn + 1) * 50);
        last += processor() - start;
        let start = processor();
        add(&other, turn * 50..(turn + 1) * 50);
        first += processor() - start;
    }
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / tenth as f64;
    println!(
        "adding, by turns: first tenth {:.1} us, last tenth {:.1} us an object: {:+.1} %",
        micros(first),
        micros(last),
        100.0 * (last.as_secs_f64() / first.as_secs_f64() - 1.0)
    );
    let size = std::fs::metadata(path).expect("the file").len();
    println!("file: {} bytes an object", size / all as u64);
}

fn add(catalog: &Sqlite, objects: std::ops::Range<usize>) {
    for number in objects {
        let insertion = Insertion { record: record(number / OBJECTS, number % OBJECTS), remove: Vec::new() };
        catalog.insert(&[insertion]).expect("added");
    }
}

fn ask(catalog: &Sqlite, studies: usize) {
    let middle = studies / 2;
    let uid = study_uid(middle);
    let study = |keys: &[(Tag, &str)]| query(Level::Study, keys);
    let plain = [(Tag::PATIENT_NAME, ""), (PATIENT_ID, ""), (STUDY_DATE, ""), (STUDY_TIME, ""), (ACCESSION_NUMBER, "")];
    let with = |tag: Tag, value: &str| {
        let mut keys = vec![(Tag::STUDY_INSTANCE, String::new())];
        keys.extend(plain.iter().map(|(tag, _)| (*tag, String::new())));
        keys.iter_mut().filter(|(key, _)| *key == tag).for_each(|(_, old)| *old = value.to_owned());
        let keys: Vec<(Tag, &str)> = keys.iter().map(|(tag, value)| (*tag, value.as_str())).collect();
        study(&keys)
    };
    for (name, query) in [
        ("one study by its UID", with(Tag::STUDY_INSTANCE, &uid)),
        ("by patient ID", with(PATIENT_ID, &format!("PID{middle:07}"))),
        ("by accession number", with(ACCESSION_NUMBER, &format!("ACC{middle:07}"))),
        ("by a name's beginning", with(Tag::PATIENT_NAME, &format!("{}*", name(middle)))),
        ("by a day", with(STUDY_DATE, &date(middle))),
        ("none, by patient ID", with(PATIENT_ID, "NOBODY")),
        ("all studies", with(PATIENT_ID, "")),
        (
            "all studies, with counts and modalities",
            study(&[(Tag::STUDY_INSTANCE, ""), (MODALITIES, ""), (SERIES_OF_STUDY, ""), (INSTANCES_OF_STUDY, "")]),
        ),
        ("none, by what has no index", study(&[(Tag::STUDY_INSTANCE, ""), (Tag::new(0x0008, 0x1030), "nothing")])),
        ("series of a study", query(Level::Series, &[(Tag::STUDY_INSTANCE, &uid), (SERIES_INSTANCE, "")])),
        (
            "images of a study",
            query(Level::Image, &[(Tag::STUDY_INSTANCE, &uid), (SERIES_INSTANCE, ""), (Tag::SOP_INSTANCE, "")]),
        ),
    ] {
        let (time, answers) = best(|| {
            let mut answers = 0;
            catalog
                .find(&query, &mut |answer| {
                    answers += usize::from(!answer.values.is_empty());
                    ControlFlow::Continue(())
                })
                .expect("answers");
            answers
        });
        println!(
            "find {name:<42} {:>10.1} us, {answers:>6} answers, {:>9.0}/s",
            time.as_secs_f64() * 1e6,
            answers as f64 / time.as_secs_f64()
        );
    }
    let query = study(&[(Tag::STUDY_INSTANCE, &uid)]);
    let (time, ids) = best(|| catalog.select(&query).expect("objects").len());
    println!("select {:<40} {:>10.1} us, {ids:>6} objects", "one study by its UID", time.as_secs_f64() * 1e6);
}

/// Adds as many objects a commit as finish together.
fn batches(catalog: &Sqlite, studies: usize) {
    for size in [8, 64] {
        let start = processor();
        let mut added = 0;
        while added < 20_000 {
            let records =
                (added..added + size).map(|number| record(studies * size + number / OBJECTS, number % OBJECTS));
            let batch: Vec<Insertion> = records.map(|record| Insertion { record, remove: Vec::new() }).collect();
            added += catalog.insert(&batch).expect("added").len();
        }
        println!("adding, {size} a commit: {:.0}/s", added as f64 / (processor() - start).as_secs_f64());
    }
}

/// Removes the oldest studies, one a commit.
fn evictions(catalog: &Sqlite) {
    let start = processor();
    let mut removed = 0;
    for _ in 0..500 {
        let oldest = catalog.oldest_studies(1).expect("a study");
        let Some((uid, summary)) = oldest.first() else { break };
        let held = catalog.oldest_instances(uid, summary.instances as usize).expect("objects");
        removed += catalog.remove(&held.iter().map(|held| held.id).collect::<Vec<_>>()).expect("removed").len();
    }
    println!("evicting: {:.0} objects/s", removed as f64 / (processor() - start).as_secs_f64());
}

/// The shortest of many runs, in time of the processor, for there is nothing to wait for; and what they give.
fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let until = Instant::now() + Duration::from_millis(700);
    let mut shortest = Duration::MAX;
    loop {
        let start = processor();
        let done = run();
        shortest = shortest.min(processor() - start);
        if Instant::now() > until {
            return (shortest, done);
        }
    }
}

fn query(level: Level, keys: &[(Tag, &str)]) -> Query {
    let level = Element { tag: QUERY_LEVEL, vr: Vr::CS, value: level.word().as_bytes() };
    let keys = keys.iter().map(|(tag, value)| Element {
        tag: *tag,
        vr: key(*tag).expect("a key").vr,
        value: value.as_bytes(),
    });
    let identifier: Vec<Element<'_>> = std::iter::once(level).chain(keys).collect();
    Query::find(Model::StudyRoot, &identifier, Rules::default()).expect("a query")
}

/// Studies are not stored in the order of their names and dates.
fn shuffled(study: usize) -> usize {
    study.wrapping_mul(7_919) % 1_000_003
}

fn name(study: usize) -> String {
    const FAMILIES: [&str; 8] = ["Adams", "Brown", "Clark", "Davis", "Müller", "Novák", "Ortiz", "Young"];
    format!("{}{:06}", FAMILIES[study % 8], shuffled(study))
}

fn date(study: usize) -> String {
    let day = shuffled(study) % 3_600;
    format!("{:04}{:02}{:02}", 2010 + day / 360, 1 + day / 30 % 12, 1 + day % 30)
}

fn study_uid(study: usize) -> String {
    format!("1.2.826.0.1.3680043.8.498.{:020}", shuffled(study) as u64 * 1_000_003)
}

fn record(study: usize, object: usize) -> Record {
    let uid = study_uid(study);
    let series = object * 2 / OBJECTS;
    let values = [
        (Tag::SPECIFIC_CHARACTER_SET, "ISO_IR 192".to_owned()),
        (Tag::SOP_CLASS, "1.2.840.10008.5.1.4.1.1.2".to_owned()),
        (Tag::SOP_INSTANCE, format!("{uid}.{series}.{object}")),
        (STUDY_DATE, date(study)),
        (STUDY_TIME, format!("{:02}{:02}{:02}", study % 24, study % 60, study % 59)),
        (ACCESSION_NUMBER, format!("ACC{study:07}")),
        (MODALITY, if series == 0 { "CT" } else { "SR" }.to_owned()),
        (Tag::new(0x0008, 0x0090), "Referring^Physician".to_owned()),
        (Tag::new(0x0008, 0x1030), "CT Thorax with contrast".to_owned()),
        (Tag::new(0x0008, 0x103E), format!("Series {series}")),
        (Tag::PATIENT_NAME, format!("{}^Given", name(study))),
        (PATIENT_ID, format!("PID{study:07}")),
        (Tag::new(0x0010, 0x0030), "19700101".to_owned()),
        (Tag::new(0x0010, 0x0040), "F".to_owned()),
        (Tag::new(0x0018, 0x0015), "CHEST".to_owned()),
        (Tag::STUDY_INSTANCE, uid.clone()),
        (SERIES_INSTANCE, format!("{uid}.{series}")),
        (Tag::new(0x0020, 0x0010), format!("{study}")),
        (Tag::new(0x0020, 0x0011), format!("{series}")),
        (Tag::new(0x0020, 0x0013), format!("{object}")),
    ];
    let stored = Stored {
        file: format!("CT_{:08x}{:08x}.dcm", shuffled(study), object).into(),
        size: 530_000,
        at: 1_700_000_000_000 + (study * OBJECTS + object) as i64,
        syntax: "1.2.840.10008.1.2.1".into(),
    };
    Record::from_values(stored, values.map(|(tag, value)| (tag, value.into_bytes())))
}

/// Time that this process has had, which others on the same machine do not stretch.
fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}
