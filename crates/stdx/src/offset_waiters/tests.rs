//! Who is released when.

use super::OffsetWaiters;

#[test]
fn waiters_are_released_in_order_up_to_the_position() {
    let mut waiters = OffsetWaiters::default();
    for (position, name) in [(20, "b"), (10, "a"), (30, "d"), (20, "c")] {
        waiters.wait(position, name);
    }
    assert!(waiters.reached(9).is_empty());
    assert_eq!(waiters.reached(25), ["a", "b", "c"]);
    assert_eq!((waiters.len(), waiters.is_empty()), (1, false));
    assert_eq!(waiters.reached(i64::MAX), ["d"]);
    waiters.wait(5, "e");
    assert_eq!(waiters.abandon(), ["e"]);
    assert!(waiters.is_empty());
}

#[test]
fn who_went_away_is_forgotten() {
    let mut waiters = OffsetWaiters::default();
    for (position, name) in [(5, "a"), (5, "b"), (7, "c"), (9, "d")] {
        waiters.wait(position, name);
    }
    waiters.retain(|name| *name == "b" || *name == "d");
    assert_eq!(waiters.len(), 2);
    assert_eq!(waiters.reached(8), ["b"]);
    assert_eq!(waiters.abandon(), ["d"]);
    assert!(waiters.is_empty());
}
