//! Valid bytes made invalid, by the thousand, from a seed.
//!
//! The damage is that of hostile clients and bad cables: lengths and counts, nulls, tags, truncation, trailing bytes, swapped parts.

use std::time::{Duration, Instant, SystemTime};

use crate::sample::Random;

/// Values that lengths, counts and offsets go wrong with.
const EDGES: [&[u8]; 20] = [
    &[0],
    &[1],
    &[0x7f],
    &[0x80],
    &[0xff],
    &[0, 0],
    &[0x7f, 0xff],
    &[0x80, 0],
    &[0xff, 0xff],
    &[0, 0, 0, 0],
    &[0, 0, 0, 1],
    &[0, 0x0f, 0x42, 0x41],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
    &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0xff; 8],
];

fn below(random: &mut Random, bound: usize) -> usize {
    let bound = u64::try_from(bound.max(1)).unwrap();
    usize::try_from(random.below(bound)).unwrap()
}

fn byte(random: &mut Random) -> u8 {
    random.next().to_le_bytes()[0]
}

/// Damages bytes in one to four places.
pub(crate) fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        damage(random, bytes);
    }
}

fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = below(random, bytes.len());
    let end = at + below(random, (bytes.len() - at).min(64) + 1);
    match random.below(9) {
        0 => bytes.truncate(at),
        1 => {
            if let Some(place) = bytes.get_mut(at) {
                *place ^= 1 << random.below(8);
            }
        }
        2..=4 => {
            let edge = EDGES[below(random, EDGES.len())];
            for (place, edge) in bytes.iter_mut().skip(at).zip(edge) {
                *place = *edge;
            }
        }
        5 => drop(bytes.drain(at..end)),
        6 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        7 => {
            let noise: Vec<u8> = (0..random.below(20)).map(|_| byte(random)).collect();
            bytes.extend(noise);
        }
        _ => {
            let noise = byte(random);
            if let Some(place) = bytes.get_mut(at) {
                *place = noise;
            }
        }
    }
}

/// Parts that `FUZZ_SECONDS` is divided into: one for each call of [`seeds`] in all tests, of the codec, the log and the node.
const SHARES: u32 = 14;

/// The seeds of a test: as many as it wants, from 0 on. `FUZZ_ROUNDS` makes them more or fewer; `FUZZ_SEED` is the only one.
///
/// With `FUZZ_SECONDS` they begin with the clock's and go on for the test's share of that time, which it divides among `parts`.
pub(crate) fn seeds(rounds: u64, parts: u32) -> Box<dyn Iterator<Item = u64>> {
    let number = |variable: &str| std::env::var(variable).ok()?.parse::<u64>().ok();
    if let Some(seed) = number("FUZZ_SEED") {
        return Box::new(std::iter::once(seed));
    }
    let Some(seconds) = number("FUZZ_SECONDS") else {
        return Box::new(0..number("FUZZ_ROUNDS").unwrap_or(rounds));
    };
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let first = u64::try_from(since.unwrap().as_nanos()).unwrap();
    let share = Duration::from_secs(seconds) / SHARES / parts;
    let began = Instant::now();
    Box::new((first..).take_while(move |_| began.elapsed() < share))
}

/// Gives `rounds` mutations of the samples to `target`. What fails is reproduced by the printed seed alone, see [`seeds`].
pub(crate) fn drive(name: &str, rounds: u64, samples: &[Vec<u8>], target: impl Fn(&[u8])) {
    for sample in samples {
        target(sample);
    }
    let mut run = 0;
    for seed in seeds(rounds, 1) {
        let mut random = Random::new(seed);
        let mut bytes = samples[below(&mut random, samples.len())].clone();
        mutate(&mut random, &mut bytes);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&bytes)));
        if let Err(panic) = outcome {
            println!("{name}: FUZZ_SEED={seed} reproduces it");
            std::panic::resume_unwind(panic);
        }
        run += 1;
    }
    println!("{name}: {run} rounds");
}
