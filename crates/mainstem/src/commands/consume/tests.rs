//! What a member commits.

use super::*;

#[test]
fn only_what_was_printed_is_committed() {
    let place = |partition| (Str::from("t"), partition);
    let record = |partition, offset| Record {
        topic: Str::from("t"),
        partition,
        offset,
        timestamp: 0,
        key: None,
        value: None,
        headers: Vec::new(),
    };
    let check = |ends: Option<&Ends>, records: &[Record], printed: &[(i32, i64)], expected| {
        // Two records of partition 0 were read up to 7; nothing of partition 1, which stands at 3.
        let positions = Ends::from([(place(0), 7), (place(1), 3)]);
        let printed = printed
            .iter()
            .map(|(partition, at)| (place(*partition), *at));
        let done = done(&positions, ends, records, printed.collect());
        let done: Vec<_> = done
            .into_iter()
            .map(|((_, at), offset)| (at, offset))
            .collect();
        assert_eq!(done, expected);
    };
    let both = [record(0, 5), record(0, 6)];
    check(None, &both, &[(0, 7)], vec![(0, 7), (1, 3)]);
    check(None, &both, &[(0, 6)], vec![(0, 6), (1, 3)]); // --max was reached between them
    check(None, &both, &[], vec![(1, 3)]);
    let ends = Ends::from([(place(0), 6), (place(1), 3)]);
    check(Some(&ends), &both, &[(0, 6)], vec![(0, 6), (1, 3)]);
    check(Some(&ends), &[], &[], vec![(0, 6), (1, 3)]); // the second came too late, in the round before
}
