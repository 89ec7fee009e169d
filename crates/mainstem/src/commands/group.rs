//! `mainstem group …`

use std::collections::{BTreeMap, BTreeSet};

use mainstem_client::{Cluster, Consumer, ConsumerOptions, GroupDetail, Member, OffsetSpec, Start};
use mainstem_protocol::Str;
use serde_json::{Value, json};

use super::{connect, existing_topic};
use crate::cli::{Global, GroupCommand, ResetOptions, ResetTarget};
use crate::failure::Failure;
use crate::output::{Column, confirm, counted, did_you_mean, rows, say};
use crate::when::{now_ms, span};

pub(crate) async fn run(global: &Global, command: GroupCommand) -> Result<(), Failure> {
    let cluster = connect(global).await?;
    match command {
        GroupCommand::List => list(global, &cluster).await,
        GroupCommand::Describe { name } => describe(global, &cluster, &name).await,
        GroupCommand::Reset(options) => reset(global, &cluster, &options).await,
        GroupCommand::Delete { name } => {
            existing(&cluster, &name).await?;
            let committed = cluster.committed(&name).await?;
            confirm(
                global,
                &format!(
                    "group {name} and its {} would be deleted",
                    counted(
                        i64::try_from(committed.len()).unwrap_or(i64::MAX),
                        "committed offset"
                    )
                ),
            )?;
            cluster.delete_group(&name).await?;
            say(global, &format!("group {name} deleted"));
            Ok(())
        }
    }
}

async fn existing(cluster: &Cluster, name: &str) -> Result<GroupDetail, Failure> {
    if let Some(group) = cluster.describe_group(name).await? {
        return Ok(group);
    }
    let groups = cluster.groups().await?;
    let hint = match did_you_mean(name, groups.iter().map(|group| group.group.as_str())) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "see what is there: mainstem group list".to_owned(),
    };
    Err(Failure::with_hint(
        format!("group \"{name}\" does not exist on {}", cluster.bootstrap()),
        hint,
    ))
}

async fn list(global: &Global, cluster: &Cluster) -> Result<(), Failure> {
    let columns = [
        Column("GROUP", "group", false),
        Column("STATE", "state", false),
        Column("TYPE", "type", false),
        Column("PROTOCOL", "protocol", false),
    ];
    let mut groups = cluster.groups().await?;
    groups.sort_by(|left, right| left.group.cmp(&right.group));
    let table: Vec<Vec<Value>> = groups
        .into_iter()
        .map(|group| {
            vec![
                json!(group.group),
                json!(group.state),
                json!(group.kind),
                json!(group.protocol_type),
            ]
        })
        .collect();
    if table.is_empty() && !global.json {
        say(
            global,
            "no groups yet; one begins with: mainstem consume TOPIC --group NAME",
        );
    }
    Ok(rows(global, &columns, &table)?)
}

/// How long ago the next record to be read was written: what people mean by "behind".
async fn behind_ms(
    cluster: &Cluster,
    topic: &Str,
    partition: i32,
    offset: i64,
) -> Result<Option<i64>, Failure> {
    let options = ConsumerOptions {
        partition_max_bytes: 1,
        ..ConsumerOptions::default()
    };
    let mut consumer = Consumer::new(cluster.clone(), options);
    consumer
        .assign(topic, partition, Start::Offset(offset))
        .await?;
    let records = consumer.poll().await?;
    Ok(records
        .first()
        .map(|record| (now_ms() - record.timestamp).max(0)))
}

/// A partition that a group has committed, or that a member reads.
struct Line {
    topic: Str,
    partition: i32,
    committed: Option<i64>,
    end: i64,
    behind_ms: Option<i64>,
    member: Option<Member>,
}

impl Line {
    fn lag(&self) -> Option<i64> {
        self.committed
            .map(|committed| (self.end - committed).max(0))
    }

    fn row(self, json: bool) -> Vec<Value> {
        let lag = self.lag();
        let behind = match self.behind_ms {
            Some(behind) if !json => json!(span(behind)),
            behind => json!(behind),
        };
        let name = |member: &Member| format!("{} ({})", member.client_id, member.host);
        let mut row = vec![
            json!(self.topic.as_str()),
            json!(self.partition),
            json!(self.committed),
            json!(self.end),
            json!(lag),
            behind,
            json!(self.member.as_ref().map(name)),
        ];
        if json {
            row.push(json!(self.member.map(|member| member.id)));
        }
        row
    }
}

async fn lines(cluster: &Cluster, group: &GroupDetail) -> Result<Vec<Line>, Failure> {
    let committed = cluster.committed(&group.group).await?;
    let mut readers: BTreeMap<(Str, i32), &Member> = BTreeMap::new();
    for member in &group.members {
        for (topic, partition) in &member.partitions {
            readers.insert((Str::from(topic), *partition), member);
        }
    }
    let there = cluster.topics().await?.into_iter().map(|topic| topic.name);
    let there: BTreeSet<String> = there.collect();
    // What was of a topic that is gone is passed over.
    let places: BTreeSet<(Str, i32)> = committed
        .keys()
        .chain(readers.keys())
        .filter(|(topic, _)| there.contains(topic.as_str()))
        .cloned()
        .collect();
    let places: Vec<(Str, i32)> = places.into_iter().collect();
    let mut lines = Vec::new();
    for ((topic, partition), end) in cluster.offsets(&places, OffsetSpec::Latest).await? {
        let place = (topic, partition);
        let committed = committed.get(&place).copied();
        let behind_ms = match committed {
            Some(committed) if end > committed => {
                behind_ms(cluster, &place.0, partition, committed).await?
            }
            Some(_) => Some(0),
            None => None,
        };
        lines.push(Line {
            partition,
            committed,
            end,
            behind_ms,
            member: readers.get(&place).copied().cloned(),
            topic: place.0,
        });
    }
    Ok(lines)
}

async fn describe(global: &Global, cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let group = existing(cluster, name).await?;
    let lines = lines(cluster, &group).await?;
    if !global.json {
        let lag = lines.iter().filter_map(Line::lag).sum();
        let worst = lines.iter().filter_map(|line| line.behind_ms).max();
        let members = i64::try_from(group.members.len()).unwrap_or(i64::MAX);
        say(
            global,
            &format!(
                "{name} · classic, {} · coordinator {} · {} · {} behind = {}",
                group.state.to_lowercase(),
                group.coordinator,
                counted(members, "member"),
                counted(lag, "record"),
                span(worst.unwrap_or(0))
            ),
        );
    }
    let mut columns = vec![
        Column("TOPIC", "topic", false),
        Column("PART", "partition", true),
        Column("COMMITTED", "committed", true),
        Column("END", "end", true),
        Column("LAG", "lag", true),
        Column("BEHIND", "behind_ms", true),
        Column("MEMBER", "member", false),
    ];
    if global.json {
        columns.push(Column("MEMBER ID", "member_id", false));
    }
    let table: Vec<Vec<Value>> = lines
        .into_iter()
        .map(|line| line.row(global.json))
        .collect();
    Ok(rows(global, &columns, &table)?)
}

/// Where a partition is to go on; within what the log holds.
async fn target(
    cluster: &Cluster,
    target: &ResetTarget,
    topic: &Str,
    partition: i32,
    committed: Option<i64>,
) -> Result<i64, Failure> {
    let start = cluster
        .offset(topic, partition, OffsetSpec::Earliest)
        .await?
        .map_or(0, |found| found.0);
    let end = cluster
        .offset(topic, partition, OffsetSpec::Latest)
        .await?
        .map_or(0, |found| found.0);
    let wanted = if target.to_earliest {
        start
    } else if target.to_latest {
        end
    } else if let Some(offset) = target.to_offset {
        offset
    } else if let Some(time) = target.to_time {
        cluster
            .offset(topic, partition, OffsetSpec::Time(time))
            .await?
            .map_or(end, |found| found.0)
    } else {
        committed
            .unwrap_or(start)
            .saturating_add(target.shift_by.unwrap_or(0))
    };
    Ok(wanted.clamp(start, end))
}

async fn reset(global: &Global, cluster: &Cluster, options: &ResetOptions) -> Result<(), Failure> {
    let name = &options.name;
    if let Some(group) = cluster.describe_group(name).await?
        && !group.members.is_empty()
    {
        let members = i64::try_from(group.members.len()).unwrap_or(i64::MAX);
        let message = format!(
            "group {name} has {}; its offsets cannot be set",
            counted(members, "member")
        );
        return Err(Failure::with_hint(message, "stop its consumers first"));
    }
    let committed = cluster.committed(name).await?;
    let places: Vec<(Str, i32)> = match &options.topic {
        Some(topic) => {
            let count = existing_topic(cluster, topic).await?.partitions.len();
            let topic = Str::from(topic);
            (0..i32::try_from(count).unwrap_or(i32::MAX))
                .map(|partition| (topic.clone(), partition))
                .collect()
        }
        None => committed.keys().cloned().collect(),
    };
    if places.is_empty() {
        return Err(Failure::with_hint(
            format!("group {name} has committed nothing"),
            "name a topic: --topic NAME",
        ));
    }
    let mut wanted = BTreeMap::new();
    let mut table = Vec::new();
    for place in places {
        let before = committed.get(&place).copied();
        let after = target(cluster, &options.target, &place.0, place.1, before).await?;
        table.push(vec![
            json!(place.0.as_str()),
            json!(place.1),
            before.map_or(Value::Null, Value::from),
            json!(after),
        ]);
        wanted.insert(place, after);
    }
    let columns = [
        Column("TOPIC", "topic", false),
        Column("PART", "partition", true),
        Column("COMMITTED", "committed", true),
        Column("NEW", "new", true),
    ];
    rows(global, &columns, &table)?;
    if options.dry_run {
        say(global, "nothing was changed (--dry-run)");
        return Ok(());
    }
    confirm(
        global,
        &format!("group {name} would go on reading from there"),
    )?;
    cluster.set_committed(name, &wanted).await?;
    say(global, &format!("group {name} set"));
    Ok(())
}
