use super::*;
use crate::log::Level;
use crate::log::config::{Rolling, Schedule};
use jiff::ToSpan;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;

fn config(path: &Path) -> LogFile {
    LogFile { path: path.to_owned(), append: true, reopen_delay: Duration::ZERO, rolling: Rolling::Never }
}

/// Opens a file that nothing is wrong with.
fn opened(config: &LogFile) -> File {
    let (file, problems) = File::open(config);
    assert_eq!(problems, []);
    file
}

/// Writes a record of a certain time; what there is to say about it.
fn write_at(file: &File, text: &str, time: Timestamp) -> Vec<String> {
    let record = Record { time, ..Record::of_root(Level::Info, text) };
    file.take(text.as_bytes(), &record).iter().map(ToString::to_string).collect()
}

fn write(file: &File, text: &str) -> Vec<String> {
    write_at(file, text, Timestamp::now())
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.log");
    (folder, path)
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn files_are_continued_or_begun_anew() {
    let (_folder, path) = folder();
    for (append, before, after) in [(true, "old\n", "old\nnew\n"), (false, "old\n", "new\n")] {
        fs::write(&path, before).unwrap();
        let file = opened(&LogFile { append, ..config(&path) });
        assert_eq!(write(&file, "new\n"), [""; 0]);
        assert_eq!(text(&path), after);
    }
}

#[test]
fn a_file_that_was_emptied_by_others_goes_on_at_its_start() {
    let (_folder, path) = folder();
    let file = opened(&LogFile { rolling: Rolling::Size { limit: 8, backups: 1 }, ..config(&path) });
    write(&file, "first\n");
    fs::File::create(&path).unwrap();
    write(&file, "second\n");
    assert_eq!(text(&path), "second\n");
}

#[test]
fn rolling_by_size() {
    let (folder, path) = folder();
    let file = opened(&LogFile { rolling: Rolling::Size { limit: 8, backups: 2 }, ..config(&path) });
    for (record, sizes) in [
        ("12345678", [8, 0, 0]),
        ("9", [0, 9, 0]),
        ("1", [1, 9, 0]),
        ("a record beyond the limit", [0, 26, 9]),
        ("123456789", [0, 9, 26]),
        ("123", [3, 9, 26]),
    ] {
        assert_eq!(write(&file, record), [""; 0]);
        let size = |name: &str| fs::metadata(folder.path().join(name)).map_or(0, |metadata| metadata.len());
        assert_eq!([size("x.log"), size("x.log.1"), size("x.log.2")], sizes, "{record}");
    }
}

#[test]
fn what_a_file_holds_already_counts() {
    let (folder, path) = folder();
    fs::write(&path, "12345678").unwrap();
    let file = opened(&LogFile { rolling: Rolling::Size { limit: 8, backups: 1 }, ..config(&path) });
    write(&file, "9");
    assert_eq!(text(folder.path().join("x.log.1")), "123456789");
    assert_eq!(text(&path), "");
}

#[test]
fn rolling_by_time() {
    let (folder, path) = folder();
    fs::write(&path, "of a run before\n").unwrap();
    let rolling = Rolling::Time { schedule: Schedule::Monthly, backups: 3 };
    let file = opened(&LogFile { rolling, ..config(&path) });
    write(&file, "this month\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    write_at(&file, "then\n", Timestamp::now() + 40_i64.checked_mul(24).unwrap().hours());
    assert_eq!(text(&path), "then\n");
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 2);
    assert_eq!(text(&names[1]), "of a run before\nthis month\n");
}

#[test]
fn a_file_that_cannot_be_renamed_goes_on() {
    let (folder, path) = folder();
    fs::create_dir_all(folder.path().join("x.log.1/not empty")).unwrap();
    let file = opened(&LogFile { rolling: Rolling::Size { limit: 8, backups: 1 }, ..config(&path) });
    let problems = write(&file, "123456789\n");
    assert!(problems[0].starts_with("log4cplus:ERROR Failed to rename file from "), "{problems:?}");
    assert_eq!(write(&file, "x\n"), [""; 0], "said once");
    assert_eq!(text(&path), "123456789\nx\n");
}

#[test]
fn a_folder_that_comes_later() {
    let (folder, _) = folder();
    let path = folder.path().join("later/x.log");
    let (file, problems) = File::open(&config(&path));
    let shown = path.display();
    let wanted = format!("log4cplus:ERROR Unable to open file: {shown}: No such file or directory");
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted]);
    assert_eq!(write(&file, "1\n"), [""; 0]);
    assert_eq!(write(&file, "2\n"), [""; 0]);
    fs::create_dir(folder.path().join("later")).unwrap();
    let wanted = format!("log4cplus:WARN file is open again: {shown}: records lost meanwhile: 2");
    assert_eq!(write(&file, "3\n"), [wanted]);
    assert_eq!(write(&file, "4\n"), [""; 0]);
    assert_eq!(text(&path), "3\n4\n");
}

#[test]
fn opening_is_not_tried_all_the_time() {
    let (folder, _) = folder();
    let path = folder.path().join("later/x.log");
    let (file, _) = File::open(&LogFile { reopen_delay: Duration::from_secs(3600), ..config(&path) });
    fs::create_dir(folder.path().join("later")).unwrap();
    assert_eq!(write(&file, "1\n"), [""; 0]);
    assert!(!path.exists());
}

#[test]
fn a_full_disk_is_said_once_and_left_behind() {
    let (folder, path) = folder();
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("no /dev/full here");
        return;
    }
    std::os::unix::fs::symlink(full, &path).unwrap();
    let file = opened(&config(&path));
    let shown = path.display();
    let wanted = format!("log4cplus:ERROR file is not open: {shown}: No space left on device");
    assert_eq!(write(&file, "1\n"), [wanted]);
    assert_eq!(write(&file, "2\n"), [""; 0]);
    fs::remove_file(&path).unwrap();
    let again = format!("log4cplus:WARN file is open again: {shown}: records lost meanwhile: 2");
    assert_eq!(write(&file, "3\n"), [again]);
    assert_eq!(text(folder.path().join("x.log")), "3\n");
}

#[test]
fn a_record_of_which_a_part_got_there_ends_before_the_next() {
    let (_folder, path) = folder();
    let file = opened(&config(&path));
    write(&file, "whole\n");
    // As a disk leaves it that is full after three bytes.
    fs::write(&path, "whole\npar").unwrap();
    file.state.lock().unwrap().torn = true;
    write(&file, "next\n");
    write(&file, "last\n");
    assert_eq!(text(&path), "whole\npar\nnext\nlast\n");
}

#[test]
fn a_limit_on_the_size_of_files_loses_records_only() {
    let (_folder, path) = folder();
    let file = opened(&LogFile { reopen_delay: Duration::from_secs(3600), ..config(&path) });
    file.state.lock().unwrap().open.as_mut().unwrap().limit = Some(10);
    assert_eq!(write(&file, "12345678\n"), [""; 0]);
    let problems = write(&file, "12\n");
    assert!(problems[0].ends_with("x.log: File too large"), "{problems:?}");
    assert_eq!(text(&path), "12345678\n");
    // Where short records fit and long ones do not, not each change is spoken of, but no lost one is forgotten.
    let problems = write(&file, "\n");
    assert!(problems[0].ends_with("x.log: records lost meanwhile: 1"), "{problems:?}");
    for _ in 0..3 {
        assert_eq!(write(&file, "12\n"), [""; 0]);
        file.state.lock().unwrap().open.as_mut().unwrap().limit = None;
        assert_eq!(write(&file, "x\n"), [""; 0]);
        file.state.lock().unwrap().open.as_mut().unwrap().limit = Some(10);
    }
    file.state.lock().unwrap().complaint.last = None;
    assert_eq!(write(&file, "12\n").len(), 1);
    file.state.lock().unwrap().open.as_mut().unwrap().limit = None;
    let problems = write(&file, "y\n");
    assert!(problems[0].ends_with("x.log: records lost meanwhile: 4"), "{problems:?}");
    assert_eq!(text(&path), "12345678\n\nx\nx\nx\ny\n");
}

#[test]
fn records_of_many_threads_and_of_other_files_do_not_mix() {
    let (folder, path) = folder();
    let rolling = Rolling::Size { limit: 20_000, backups: 1000 };
    let file = Arc::new(opened(&LogFile { rolling, ..config(&path) }));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let file = Arc::clone(&file);
            thread::spawn(move || {
                for number in 0..200 {
                    let name = format!("{thread} {number} ");
                    assert_eq!(write(&file, &format!("{name}{}\n{name}end\n", "x".repeat(100))), [""; 0]);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut next = [0; 8];
    let backups = (1..).map(|number| folder.path().join(format!("x.log.{number}"))).take_while(|path| path.exists());
    let mut oldest_first: Vec<_> = backups.collect();
    assert!(oldest_first.len() > 5);
    oldest_first.reverse();
    oldest_first.push(path);
    for path in oldest_first {
        let text = text(path);
        let lines: Vec<_> = text.lines().collect();
        for record in lines.chunks(2) {
            let (thread, rest) = record[0].split_once(' ').unwrap();
            let (number, rest) = rest.split_once(' ').unwrap();
            let expected = &mut next[thread.parse::<usize>().unwrap()];
            assert_eq!((number.parse(), rest.len()), (Ok(*expected), 100), "each thread's records in their order");
            assert_eq!(record[1], format!("{thread} {number} end"));
            *expected += 1;
        }
    }
    assert_eq!(next, [200; 8]);
}
