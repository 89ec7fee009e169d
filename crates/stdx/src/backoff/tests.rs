//! How long to wait.

use std::time::Duration;

use super::Backoff;

#[test]
fn waits_double_up_to_the_longest_and_begin_anew() {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(1_000));
    let waits: Vec<u128> = (0..6).map(|_| backoff.next(20).as_millis()).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
    backoff.reset();
    assert_eq!(backoff.next(0).as_millis(), 80);
    backoff.reset();
    assert_eq!(backoff.next(40).as_millis(), 120);
}
