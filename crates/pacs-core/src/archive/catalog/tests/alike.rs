use super::generate::{self, Random};
use super::*;
use std::collections::BTreeSet;

/// How many queries are asked: `CATALOG_QUERIES`, or 10,000.
fn queries() -> usize {
    std::env::var("CATALOG_QUERIES").ok().and_then(|number| number.parse().ok()).unwrap_or(10_000)
}

/// Where to begin: `CATALOG_SEED`, or 1.
fn seed() -> u64 {
    std::env::var("CATALOG_SEED").ok().and_then(|number| number.parse().ok()).unwrap_or(1)
}

const QUERIES_AN_ARCHIVE: usize = 50;

/// Both catalogs, to which the same is done.
struct Pair {
    scan: Scan,
    sqlite: Sqlite,
    /// Objects of earlier archives, whose numbers do not come again.
    past: usize,
    /// Files of this archive.
    files: usize,
    seed: u64,
    /// How alike the objects of this archive are.
    rare: usize,
}

impl Pair {
    fn both<T: PartialEq + std::fmt::Debug>(&self, what: impl Fn(&dyn Catalog) -> T) -> T {
        let (one, other) = (what(&self.scan), what(&self.sqlite));
        assert_eq!(one, other, "CATALOG_SEED={}", self.seed);
        one
    }

    /// Adds or removes something.
    fn change(&mut self, random: &mut Random) {
        let past = self.past;
        let ids = |random: &mut Random, most: usize, files: usize| {
            (0..random.below(most)).map(|_| Id((past + random.below(files + 2)) as i64)).collect::<Vec<_>>()
        };
        match random.below(12) {
            0 => {
                let ids = ids(random, 8, self.files);
                self.both(|catalog| catalog.remove(&ids)).unwrap();
            }
            1 => {
                let files: Vec<PathBuf> =
                    (0..random.below(4)).map(|_| format!("f{}", random.below(self.files + 1)).into()).collect();
                let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
                self.both(|catalog| catalog.remove_files(&files)).unwrap();
            }
            2 => {
                let doomed: Vec<PathBuf> = self.both(doomed).into_iter().take(random.below(4)).collect();
                let doomed: Vec<&Path> = doomed.iter().map(PathBuf::as_path).collect();
                self.both(|catalog| catalog.buried(&doomed)).unwrap();
            }
            _ => {
                let mut batch = Vec::new();
                for _ in 0..random.below(6) {
                    self.files += 1;
                    // Now and then a file that is known.
                    let file = if random.once_in(20) { random.below(self.files) } else { self.files };
                    let remove = if random.once_in(4) { ids(random, 3, self.files) } else { Vec::new() };
                    batch.push(Insertion { record: generate::record(random, self.rare, file), remove });
                }
                self.both(|catalog| catalog.insert(&batch)).unwrap();
            }
        }
    }

    /// Asks what duplicates, quota and repair ask.
    fn look(&self, random: &mut Random) {
        self.both(|catalog| catalog.totals());
        self.both(doomed);
        let uid = *random.of(&["", "1", "1.2", "1.2.3", "2"]);
        self.both(|catalog| catalog.instances_of(uid.as_bytes())).unwrap();
        self.both(|catalog| catalog.study(uid.as_bytes())).unwrap();
        let most = random.below(5);
        self.both(|catalog| catalog.oldest_studies(most)).unwrap();
        self.both(|catalog| catalog.oldest_instances(uid.as_bytes(), most)).unwrap();
        let file = format!("f{}", random.below(self.files + 1));
        self.both(|catalog| catalog.by_file(Path::new(&file))).unwrap();
        self.both(|catalog| {
            let mut files = BTreeSet::new();
            let done = catalog.files(&mut |file, size| {
                files.insert((file.to_owned(), size));
                ControlFlow::Continue(())
            });
            done.map(|()| files)
        })
        .unwrap();
    }

    /// Removes all there is, and nothing is left behind.
    fn clear(&mut self) {
        let mut all = Vec::new();
        let sink = &mut |file: &Path, _| {
            all.push(file.to_owned());
            ControlFlow::Continue(())
        };
        self.scan.files(sink).unwrap();
        let all: Vec<&Path> = all.iter().map(PathBuf::as_path).collect();
        self.both(|catalog| catalog.remove_files(&all)).unwrap();
        assert_eq!(self.sqlite.totals(), Totals::default(), "CATALOG_SEED={}", self.seed);
        assert_eq!(self.sqlite.rows(), Ok(0), "CATALOG_SEED={}", self.seed);
        let last = add(&self.scan, record(0, "", "", "", ""));
        assert_eq!(add(&self.sqlite, record(0, "", "", "", "")), last);
        self.both(|catalog| catalog.remove(&[last])).unwrap();
        let doomed = self.both(doomed);
        self.both(|catalog| catalog.buried(&doomed.iter().map(PathBuf::as_path).collect::<Vec<_>>())).unwrap();
        self.past = last.0 as usize;
        self.files = 0;
    }
}

fn doomed(catalog: &dyn Catalog) -> Vec<PathBuf> {
    let mut doomed = catalog.doomed().unwrap();
    doomed.sort();
    doomed
}

#[derive(Debug, Default)]
struct Seen {
    answers: usize,
    empty: usize,
    refused: usize,
    failed: usize,
    selected: usize,
}

#[test]
fn both_catalogs_answer_alike() {
    let mut seen = Seen::default();
    let (asked, seed) = (queries(), seed());
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(&folder.path().join("catalog")).unwrap();
    let mut pair = Pair { scan: Scan::new(), sqlite, past: 0, files: 0, seed, rare: 0 };
    for archive in 0..asked.div_ceil(QUERIES_AN_ARCHIVE) {
        pair.seed = seed + archive as u64;
        let mut random = Random(pair.seed);
        pair.rare = *random.of(&[12, 100, 1000]);
        for _ in 0..random.below(30) {
            pair.change(&mut random);
        }
        for _ in 0..QUERIES_AN_ARCHIVE {
            if random.once_in(5) {
                pair.change(&mut random);
                pair.look(&mut random);
            }
            let is_find = !random.once_in(4);
            match generate::query(&mut random, is_find) {
                Err(_) => seen.refused += 1,
                Ok(query) if is_find => ask(&pair, &query, &mut random, &mut seen),
                Ok(query) => {
                    let ids = pair.both(|catalog| catalog.select(&query)).unwrap();
                    seen.selected += ids.len();
                    pair.both(|catalog| catalog.held(&ids)).unwrap();
                }
            }
        }
        pair.look(&mut random);
        pair.clear();
    }
    println!("{asked} queries: {seen:?}");
    // The random requests are such that all of this happens.
    assert!(seen.answers > asked / 2 && seen.empty > asked / 50 && seen.selected > asked / 4, "{seen:?}");
    assert!(seen.refused > 0 && seen.failed > asked / 100, "{seen:?}");
}

fn ask(pair: &Pair, query: &Query, random: &mut Random, seen: &mut Seen) {
    let stop = if random.once_in(10) { random.below(3) } else { usize::MAX };
    let answers = pair.both(|catalog| {
        let mut answers = Vec::new();
        catalog.find(query, &mut |answer| {
            answers.push(answer);
            if answers.len() > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok::<_, Error>(answers)
    });
    match answers {
        Err(_) => seen.failed += 1,
        Ok(answers) if answers.is_empty() => seen.empty += 1,
        Ok(answers) => seen.answers += answers.len(),
    }
}
