//! Broken data sets by the thousand: none makes the rewriter panic, take long or write more than it read.

use super::bytes::Writer;
use super::cases::cases;
use super::generate::{Ends, Random, encode, mutate, odd_data_set, shuffle, tree};
use super::*;
use std::time::{Duration, Instant};

/// How many; `PACS_DATASET_MUTATIONS` asks for more, or fewer.
fn count() -> u64 {
    std::env::var("PACS_DATASET_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// Data sets to begin with: the recorded cases, ordinary ones, and odd ones.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds: Vec<_> = cases().into_iter().map(|case| (case.syntax, case.input)).collect();
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        let syntax = random.pick(&[LEI, LEE, BEE, JPG]);
        let writer = Writer::of(syntax);
        let plain = tree(random, 0);
        let odd = shuffle(&plain, random);
        seeds.push((syntax, encode(&plain, writer, Ends::Mixed, random)));
        seeds.push((syntax, encode(&odd, writer, Ends::Mixed, random)));
        seeds.push((syntax, odd_data_set(random, writer, 0)));
        seeds.push((DFL, deflate(&encode(&plain, Writer::of(LEE), Ends::Mixed, random))));
    }
    seeds
}

const OPTIONS: [&str; 12] =
    ["", "-e", "+g", "-g", "+te +g -e", "+tb -u", "+ti", "+uc", "+uc +tb -e", "+p 64 16", "+td", "-u +te"];

#[test]
fn mutated_data_sets_do_no_harm() {
    let seeds = seeds();
    let random = &mut Random::new(20_250_101);
    let limits = Limits { inflated: 1 << 20, ..Limits::default() };
    let (mut stored, mut slowest) = (0, Duration::ZERO);
    let count = count();
    for round in 0..count {
        let (syntax, seed) = &seeds[random.below(seeds.len())];
        let mut input = seed.clone();
        mutate(&mut input, random);
        let form = form(random.pick(&OPTIONS));
        let step = random.pick(&[1, 7, 64, 1 << 16]);
        let start = Instant::now();
        let got = rewrite_behind(0, input.chunks(step), syntax, &form, Context { limits, ..context() });
        slowest = slowest.max(start.elapsed());
        match got {
            Ok(got) => {
                let most = if *syntax == DFL { 1 << 20 } else { input.len() };
                // Headers of 12 bytes for what had 8, delimiters and group lengths, and padding.
                assert!(got.bytes.len() <= 32 * most + 4096, "round {round}: {} bytes", got.bytes.len());
                stored += 1;
            }
            Err(Error::Refused(_)) => {}
            Err(other) => panic!("round {round}: {other}"),
        }
        if form.padding.file == 0 && round % 4 == 0 {
            match send(&input, syntax, &form) {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(other) => panic!("round {round} as a sender: {other}"),
            }
        }
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert!(stored > count / 10 && stored < count, "{stored} of {count} stored");
}
