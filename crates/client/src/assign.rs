//! The range assignor: each topic's partitions in equal runs over the members that read it, in the order of member ids.
//!
//! Example: 7 partitions, members a, b, c → a 0-2, b 3-4, c 5-6.

use std::collections::BTreeMap;

use mainstem_protocol::Str;

/// Partitions by topic.
pub(crate) type Assignment = BTreeMap<Str, Vec<i32>>;

/// Assigns. `subscriptions` says which topics each member reads, `counts` how many partitions each topic has.
pub(crate) fn range(
    subscriptions: &BTreeMap<Str, Vec<Str>>,
    counts: &BTreeMap<Str, i32>,
) -> BTreeMap<Str, Assignment> {
    let mut assigned: BTreeMap<Str, Assignment> = subscriptions
        .keys()
        .map(|member| (member.clone(), Assignment::new()))
        .collect();
    for (topic, count) in counts {
        let readers: Vec<&Str> = subscriptions
            .iter()
            .filter(|(_, topics)| topics.contains(topic))
            .map(|(member, _)| member)
            .collect();
        let readers_count = i32::try_from(readers.len()).unwrap_or(i32::MAX).max(1);
        let (share, more) = (count / readers_count, count % readers_count);
        let mut next = 0;
        for (at, member) in (0..).zip(readers) {
            let length = share + i32::from(at < more);
            if let Some(assignment) = assigned.get_mut(member)
                && length > 0
            {
                assignment.insert(topic.clone(), (next..next + length).collect());
            }
            next += length;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    //! Who gets what.

    use super::*;

    #[test]
    fn partitions_go_in_equal_runs() {
        let check = |members: &[(&str, &[&str])], count: i32, expected: &[(&str, &[i32])]| {
            let subscriptions = members.iter().map(|(member, topics)| {
                (
                    Str::from(*member),
                    topics.iter().map(|topic| Str::from(*topic)).collect(),
                )
            });
            let counts = BTreeMap::from([(Str::from("orders"), count)]);
            let assigned = range(&subscriptions.collect(), &counts);
            for (member, partitions) in expected {
                let got = assigned[*member].get("orders").cloned().unwrap_or_default();
                assert_eq!(got, *partitions, "{member}");
            }
        };
        let all: &[&str] = &["orders"];
        check(
            &[("a", all), ("b", all), ("c", all)],
            7,
            &[("a", &[0, 1, 2]), ("b", &[3, 4]), ("c", &[5, 6])],
        );
        check(&[("a", all), ("b", all)], 1, &[("a", &[0]), ("b", &[])]);
        check(
            &[("a", all), ("b", &["payments"])],
            3,
            &[("a", &[0, 1, 2]), ("b", &[])],
        );
    }
}
