//! `mainstem group …`

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use mainstem_client::{Cluster, Consumer, ConsumerOptions, GroupDetail, OffsetSpec, Start};
use mainstem_protocol::Str;
use serde_json::{Value, json};

use super::{connect, existing_topic};
use crate::cli::{Global, GroupCommand, ResetOptions, ResetTarget};
use crate::failure::Failure;
use crate::output::{Column, confirm, did_you_mean, rows, say, thousands};
use crate::when::span;

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
                    "group {name} and its {} committed offsets would be deleted",
                    committed.len()
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

fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
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

/// A partition of a group.
struct Line {
    topic: Str,
    partition: i32,
    committed: i64,
    end: i64,
    behind_ms: i64,
    member: Option<(String, String)>,
}

async fn lines(cluster: &Cluster, group: &GroupDetail) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    let committed = cluster.committed(&group.group).await?;
    let there: BTreeSet<String> = cluster
        .topics()
        .await?
        .into_iter()
        .map(|topic| topic.name)
        .collect();
    let places = committed
        .keys()
        .filter(|(topic, _)| there.contains(topic.as_str()));
    let places: Vec<(Str, i32)> = places.cloned().collect();
    let ends = cluster.offsets(&places, OffsetSpec::Latest).await?;
    for ((topic, partition), committed) in committed {
        let Some(end) = ends.get(&(topic.clone(), partition)).copied() else {
            continue; // its topic is gone
        };
        let behind_ms = match end > committed {
            true => behind_ms(cluster, &topic, partition, committed)
                .await?
                .unwrap_or(0),
            false => 0,
        };
        let place = (topic.to_string(), partition);
        let reader = group
            .members
            .iter()
            .find(|member| member.partitions.contains(&place));
        let member = reader.map(|member| (member.client_id.clone(), member.host.clone()));
        lines.push(Line {
            topic,
            partition,
            committed,
            end,
            behind_ms,
            member,
        });
    }
    Ok(lines)
}

async fn describe(global: &Global, cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let group = existing(cluster, name).await?;
    let lines = lines(cluster, &group).await?;
    if !global.json {
        let lag: i64 = lines.iter().map(|line| line.end - line.committed).sum();
        let worst = lines.iter().map(|line| line.behind_ms).max().unwrap_or(0);
        let members = if group.members.len() == 1 {
            "1 member".to_owned()
        } else {
            format!("{} members", group.members.len())
        };
        let state = group.state.to_lowercase();
        say(
            global,
            &format!(
                "{name} · classic, {state} · coordinator {} · {members} · {} records behind = {}",
                group.coordinator,
                thousands(lag),
                span(worst)
            ),
        );
    }
    let columns = [
        Column("TOPIC", "topic", false),
        Column("PART", "partition", true),
        Column("COMMITTED", "committed", true),
        Column("END", "end", true),
        Column("LAG", "lag", true),
        Column("BEHIND", "behind_ms", true),
        Column("MEMBER", "member", false),
    ];
    let table: Vec<Vec<Value>> = lines
        .into_iter()
        .map(|line| {
            let behind = if global.json {
                json!(line.behind_ms)
            } else {
                json!(span(line.behind_ms))
            };
            let member = line.member.map_or(Value::Null, |(client, host)| {
                json!(format!("{client} ({host})"))
            });
            vec![
                json!(line.topic.as_str()),
                json!(line.partition),
                json!(line.committed),
                json!(line.end),
                json!(line.end - line.committed),
                behind,
                member,
            ]
        })
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
        let message = format!(
            "group {name} has {} members; its offsets cannot be set",
            group.members.len()
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
