//! Valid bytes made invalid, by the thousand, from a seed.
//!
//! The damage is that of hostile clients and bad cables: lengths and counts, nulls, tags, truncation, trailing bytes, swapped parts.

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

/// Gives `rounds` mutations of the samples to `target`. What fails is reproduced by the printed seed alone.
///
/// `FUZZ_SEED` runs one seed, `FUZZ_ROUNDS` more or fewer.
pub(crate) fn drive(name: &str, rounds: u64, samples: &[Vec<u8>], target: impl Fn(&[u8])) {
    let number = |variable: &str| std::env::var(variable).ok()?.parse::<u64>().ok();
    for sample in samples {
        target(sample);
    }
    let rounds = number("FUZZ_ROUNDS").unwrap_or(rounds);
    let seeds = match number("FUZZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..rounds,
    };
    for seed in seeds {
        let mut random = Random::new(seed);
        let mut bytes = samples[below(&mut random, samples.len())].clone();
        mutate(&mut random, &mut bytes);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&bytes)));
        if let Err(panic) = outcome {
            println!("{name}: FUZZ_SEED={seed} reproduces it");
            std::panic::resume_unwind(panic);
        }
    }
}
