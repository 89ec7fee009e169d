//! Patience while descriptors are short, for what cannot be refused: the node's own records, whose role ends when they are not written.
//!
//! It holds up the thread that asks, for two seconds at most, while nothing could be opened anyway.

use std::thread::sleep;

use crate::limits::{DESCRIPTOR_RETRY, DESCRIPTOR_TRIES};

/// Tries until there is a descriptor, a number of times.
pub(crate) fn patiently<R, E>(
    is_short: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<R, E>,
) -> Result<R, E> {
    for _ in 1..DESCRIPTOR_TRIES {
        match attempt() {
            Err(error) if is_short(&error) => sleep(DESCRIPTOR_RETRY),
            done => return done,
        }
    }
    attempt()
}

#[cfg(test)]
mod tests {
    //! How long it lasts.

    use super::*;

    #[test]
    fn only_what_is_short_is_tried_again_and_not_for_ever() {
        let check = |answers: &[Result<i32, &'static str>], tries: usize| {
            let mut tried = 0;
            let result = patiently(
                |error| *error == "short",
                || {
                    tried += 1;
                    answers.get(tried - 1).copied().unwrap_or(Err("short"))
                },
            );
            assert_eq!(tried, tries);
            result
        };
        assert_eq!(check(&[Err("short"), Err("short"), Ok(7)], 3), Ok(7));
        assert_eq!(check(&[Err("short"), Err("gone")], 2), Err("gone"));
        assert_eq!(
            check(&[], DESCRIPTOR_TRIES.try_into().unwrap()),
            Err("short")
        );
    }
}
