//! What the project says of itself holds: README, the lists beside the comparison with DCMTK and `.ci/run` agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use pacs_testing::{Object, element, free_port, uid};

use crate::receiver::storescp;
use crate::sender::{file_of, storescu, write};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rows of a tab-separated list below `tests/compat`, comments left out.
fn rows(name: &str) -> Vec<Vec<String>> {
    let lines: Vec<_> = read(&format!("tests/compat/{name}")).lines().map(str::to_owned).collect();
    let rows = lines.iter().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    rows.map(|line| line.split('\t').map(|field| field.trim().to_owned()).collect()).collect()
}

/// The text of README below a heading of the second level, up to the next one.
fn section(heading: &str) -> String {
    let readme = read("README.md");
    let mut parts = readme.split("\n## ").skip(1);
    parts.find_map(|part| part.strip_prefix(heading)?.strip_prefix('\n')).expect(heading).to_owned()
}

/// The commands in the first block of code below a heading of README, comments left out.
fn commands(heading: &str) -> Vec<String> {
    let text = section(heading);
    let block = text.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of code");
    let lines = block.lines().map(|line| line.split(" #").next().unwrap_or(line).trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Does `text` match a pattern in which `*` stands for any text and `?` for any character?
fn like(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match (first, text.chars().next()) {
        ('*', None) => like(rest, text),
        ('*', Some(c)) => like(rest, text) || like(pattern, &text[c.len_utf8()..]),
        ('?', Some(c)) => like(rest, &text[c.len_utf8()..]),
        (_, Some(c)) => first == c && like(rest, &text[c.len_utf8()..]),
        (_, None) => false,
    }
}

/// Each scenario with the words of its code: what stands between blanks, quotes, commas and brackets.
fn scenarios() -> BTreeMap<String, BTreeSet<String>> {
    let files = fs::read_dir(path("tests/compat")).expect("tests/compat").map(|entry| entry.expect("an entry").path());
    let mut found = BTreeMap::new();
    for file in files.filter(|file| file.to_string_lossy().ends_with(".py")) {
        let text = fs::read_to_string(&file).expect("a file of scenarios");
        for part in text.split("\ndef scn_").skip(1) {
            let (name, rest) = part.split_once('(').expect("a function");
            let body: Vec<_> =
                rest.lines().skip(1).take_while(|line| line.is_empty() || line.starts_with(' ')).collect();
            let body = body.join("\n");
            let code = body.trim_start().strip_prefix("\"\"\"").and_then(|doc| doc.split_once("\"\"\""));
            let (_, code) = code.unwrap_or_else(|| panic!("{name} has no docstring"));
            assert!(found.insert(name.to_owned(), words(code)).is_none(), "two scenarios are called {name}");
        }
    }
    assert!(!found.is_empty());
    found
}

fn words(code: &str) -> BTreeSet<String> {
    let apart = |c: char| c.is_whitespace() || "\"'`,()[]{}&;".contains(c);
    code.split(apart).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The code of a test given as `FILE::FUNCTION`, if there is such a test.
fn test_code(name: &str) -> Option<String> {
    let (file, function) = name.split_once("::")?;
    let text = fs::read_to_string(path(file)).ok()?;
    let (before, rest) = text.split_once(&format!("\nfn {function}("))?;
    let marked = before.lines().rev().take_while(|line| line.starts_with('#')).any(|line| line == "#[test]");
    marked.then(|| rest.split("\n}").next().unwrap_or(rest).to_owned())
}

#[test]
fn ci_runs_the_two_commands_of_readme() {
    let ci = read(".ci/run");
    for (heading, variable) in [("Build and receive", "receive"), ("Test", "test")] {
        let wanted: Vec<_> = commands(heading).iter().map(|command| format!("{variable}='{command}'")).collect();
        let found: Vec<_> = ci.lines().filter(|line| line.starts_with(&format!("{variable}="))).collect();
        assert_eq!(found, wanted, "README's commands under \"{heading}\" are what .ci/run calls {variable}");
    }
}

/// The lines of two programs, whose order is not told.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn readme_shows_what_its_everyday_uses_print() {
    let text = section("Everyday use");
    let blocks: Vec<_> = text.split("```sh\n").skip(1).collect();
    assert_eq!(blocks.len(), 5);
    std::thread::scope(|scope| {
        for block in blocks {
            scope.spawn(move || everyday_use(block));
        }
    });
}

/// Pastes a block into a shell that has the programs and files of which README speaks.
fn everyday_use(block: &str) {
    let (commands, rest) = block.split_once("```").expect("the end of the commands");
    let shown = rest.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("what they print");
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["scans", "bin"] {
        fs::create_dir(folder.path().join(part)).expect("a folder");
    }
    for (name, program) in [("storescp", storescp()), ("storescu", storescu())] {
        std::os::unix::fs::symlink(program, folder.path().join("bin").join(name)).expect("a link");
    }
    for (name, instance, study) in
        [("1", "1.2.3.11", "1.2.3.1"), ("2", "1.2.3.12", "1.2.3.1"), ("3", "1.2.3.21", "1.2.3.2")]
    {
        let data = [
            element(0x0008, 0x0016, "UI", uid::MR.as_bytes()),
            element(0x0008, 0x0018, "UI", instance.as_bytes()),
            element(0x0020, 0x000D, "UI", study.as_bytes()),
        ];
        write(&folder, &format!("scans/{name}.dcm"), &file_of(&Object::tiny(instance).with_data(data.concat())));
    }
    let port = free_port();
    // A slow machine may need longer than a second, and a shell that is used does not end behind the last line.
    let listens = format!("until grep -q ':{port:04X} .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done;");
    assert!(commands.contains("sleep 1; storescu "), "{commands}");
    let script = commands.replace("sleep 1; storescu ", &format!("{listens} storescu "));
    let script = format!("{}\nwait", script.replace("11112", &port.to_string()));
    let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = process::Command::new("bash");
    let output = shell.args(["-c", &script]).current_dir(&folder).env("PATH", path).output().expect("bash");
    let printed = [output.stdout, output.stderr].concat();
    assert_eq!(sorted(&String::from_utf8_lossy(&printed)), sorted(shown), "{commands}");
}

#[test]
fn readme_and_the_comparison_list_the_same_differences() {
    let mut in_readme = BTreeMap::new();
    for item in section("Differences from DCMTK").split("\n- ").skip(1) {
        let (key, text) = item
            .strip_prefix("**[")
            .and_then(|rest| rest.split_once("]**"))
            .unwrap_or_else(|| panic!("a difference without **[key]**: {item}"));
        assert!(in_readme.insert(key.to_owned(), text.to_owned()).is_none(), "[{key}] is listed twice");
    }
    let mut in_list = BTreeSet::new();
    for row in rows("differences.tsv") {
        let key = row.get(2).and_then(|reason| reason.strip_prefix('[')).and_then(|reason| reason.split_once(']'));
        let (key, _) = key.unwrap_or_else(|| panic!("a reason without [key]: {row:?}"));
        assert!(in_readme.contains_key(key), "README does not list [{key}] under \"Differences from DCMTK\"");
        in_list.insert(key.to_owned());
    }
    for (key, text) in in_readme {
        let mut tests = text.split('`').filter(|word| word.contains(".rs::"));
        let tested = tests.clone().count() > 0 && tests.all(|name| test_code(name).is_some());
        assert!(
            in_list.contains(&key) || tested,
            "[{key}] occurs in no line of differences.tsv, and names no test that exists as `FILE::FUNCTION`"
        );
    }
}

#[test]
fn the_lists_name_scenarios_that_exist() {
    let scenarios = scenarios();
    for (list, fields) in [("differences.tsv", 3), ("waiting.tsv", 2)] {
        for row in rows(list) {
            assert_eq!(row.len(), fields, "{list}: {row:?}");
            assert!(row.iter().all(|field| !field.is_empty()), "{list}: {row:?}");
            assert!(scenarios.keys().any(|name| like(&row[0], name)), "{list}: there is no scenario {}", row[0]);
        }
    }
}

#[test]
fn every_option_has_a_test_that_would_miss_it() {
    let scenarios = scenarios();
    let mut proofs: BTreeMap<_, _> = BTreeMap::new();
    for row in rows("coverage.tsv").into_iter().skip(1) {
        let [program, option, proof, note] = &row[..] else { panic!("coverage.tsv: not four fields: {row:?}") };
        let twice = proofs.insert((program.clone(), option.clone()), (proof.clone(), note.clone()));
        assert!(twice.is_none(), "coverage.tsv: {option} of {program} is listed twice");
    }
    let mut without = Vec::new();
    for program in ["storescp", "storescu", "dcmqrscp"] {
        let options = rows(&format!("options-{program}.tsv")).into_iter().skip(1);
        for row in options.filter(|row| row[0] != "parameters") {
            let [short, long] = [&row[2], &row[3]];
            let Some((proof, note)) = proofs.remove(&(program.to_owned(), long.clone())) else {
                without.push(format!("{program} {long}: no row in coverage.tsv"));
                continue;
            };
            let used = match scenarios.get(&proof) {
                Some(words) => Some(words.clone()),
                None => test_code(&proof).map(|code| words(&code)),
            };
            match used {
                Some(words) if words.contains(short) || words.contains(long) => {}
                Some(_) => without.push(format!("{program} {long}: {proof} does not mention it")),
                None if proof == "waiting" && !note.is_empty() => {}
                None => without.push(format!("{program} {long}: there is no scenario or test {proof}")),
            }
        }
    }
    assert!(without.is_empty(), "options without a test:\n{}", without.join("\n"));
    assert!(proofs.is_empty(), "coverage.tsv: no such options: {:?}", proofs.keys());
}
