//! `mainstem topic …`

use std::collections::BTreeMap;

use mainstem_client::{ClientError, Cluster, ConfigChange, NewTopic, OffsetSpec, TopicDetail};
use mainstem_protocol::Str;
use serde_json::{Value, json};

use super::{connect, existing_topic};
use crate::cli::{Global, TopicCommand};
use crate::failure::Failure;
use crate::output::{Column, bytes, confirm, counted, rows, say};

pub(crate) async fn run(global: &Global, command: TopicCommand) -> Result<(), Failure> {
    let cluster = connect(global).await?;
    match command {
        TopicCommand::Create {
            name,
            partitions,
            replication_factor,
            configs,
            dry_run,
        } => {
            let configs = configs
                .iter()
                .map(|config| split("--set ", config))
                .collect::<Result<_, _>>()?;
            let topic = NewTopic {
                name,
                partitions,
                replication_factor,
                configs,
            };
            cluster.create_topic(&topic, dry_run).await?;
            let done = if dry_run { "can be created" } else { "created" };
            say(global, &format!("topic {} {done}", topic.name));
            Ok(())
        }
        TopicCommand::List { internal } => list(global, &cluster, internal).await,
        TopicCommand::Describe { name } => describe(global, &cluster, &name).await,
        TopicCommand::Alter {
            name,
            partitions,
            set,
            unset,
        } => alter(global, &cluster, &name, partitions, (&set, unset)).await,
        TopicCommand::Delete { name } => delete(global, &cluster, &name).await,
    }
}

/// Splits `KEY=VALUE`; `option` is what stands before one on the command line.
pub(super) fn split(option: &str, config: &str) -> Result<(String, String), Failure> {
    let wrong = || {
        let name = config.trim();
        let name = if name.is_empty() {
            "retention.ms"
        } else {
            name
        };
        Failure::usage(
            format!("{config:?} is not KEY=VALUE"),
            format!("write it with its value: {option}{name}=VALUE"),
        )
    };
    let split = config.split_once('=');
    let (name, value) = split
        .filter(|(name, _)| !name.trim().is_empty())
        .ok_or_else(wrong)?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// First and next offset of every partition of topics.
type Bounds = BTreeMap<(Str, i32), (i64, i64)>;

async fn bounds(cluster: &Cluster, topics: &[TopicDetail]) -> Result<Bounds, Failure> {
    let places: Vec<(Str, i32)> = topics
        .iter()
        .flat_map(|topic| {
            let name = Str::from(&topic.name);
            let partitions = topic.partitions.iter();
            partitions.map(move |partition| (name.clone(), partition.index))
        })
        .collect();
    let starts = cluster.offsets(&places, OffsetSpec::Earliest).await?;
    let mut ends = cluster.offsets(&places, OffsetSpec::Latest).await?;
    let both = starts.into_iter().map(|(place, start)| {
        let end = ends.remove(&place).unwrap_or(start);
        (place, (start, end))
    });
    Ok(both.collect())
}

/// The sum over a topic's partitions.
fn sum_of<T>(all: &BTreeMap<(Str, i32), T>, name: &str, each: impl Fn(&T) -> i64) -> i64 {
    let name = Str::from(name);
    let of_topic = all.range((name.clone(), i32::MIN)..=(name, i32::MAX));
    of_topic.map(|(_, of_partition)| each(of_partition)).sum()
}

/// The records that a topic holds: the ends minus the starts.
fn record_count(bounds: &Bounds, name: &str) -> i64 {
    sum_of(bounds, name, |(start, end)| end - start)
}

/// What partitions take on disk; `None` where a cluster does not tell this user.
async fn sizes(cluster: &Cluster) -> Result<Option<BTreeMap<(Str, i32), i64>>, Failure> {
    match cluster.partition_sizes().await {
        Ok(sizes) => Ok(Some(sizes)),
        Err(ClientError::Refused { .. } | ClientError::Unsupported { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn list(global: &Global, cluster: &Cluster, internal: bool) -> Result<(), Failure> {
    let columns = [
        Column("TOPIC", "topic", false),
        Column("PARTITIONS", "partitions", true),
        Column("REPLICAS", "replicas", true),
        Column("RECORDS", "records", true),
        Column("SIZE", "bytes", true),
    ];
    let mut table = Vec::new();
    let mut topics = cluster.topics().await?;
    topics.retain(|topic| internal || !topic.is_internal);
    topics.sort_by(|left, right| left.name.cmp(&right.name));
    let bounds = bounds(cluster, &topics).await?;
    let sizes = sizes(cluster).await?;
    for topic in topics {
        let replicas = topic
            .partitions
            .first()
            .map_or(0, |partition| partition.replicas.len());
        let records = record_count(&bounds, &topic.name);
        table.push(vec![
            json!(topic.name),
            json!(topic.partitions.len()),
            json!(replicas),
            json!(records),
            sizes.as_ref().map_or(Value::Null, |sizes| {
                bytes(global, sum_of(sizes, &topic.name, |size| *size))
            }),
        ]);
    }
    if table.is_empty() && !global.json {
        say(
            global,
            "no topics yet; create one: mainstem topic create orders",
        );
    }
    Ok(rows(global, &columns, &table)?)
}

async fn describe(global: &Global, cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let topic = existing_topic(cluster, name).await?;
    let configs = cluster.topic_config(name).await?;
    let own: Vec<String> = configs
        .iter()
        .filter(|(_, _, is_default)| !is_default)
        .map(|(name, value, _)| format!("{name}={value}"))
        .collect();
    if !global.json {
        let own = if own.is_empty() {
            "defaults".to_owned()
        } else {
            own.join(" ")
        };
        say(
            global,
            &format!(
                "{name} · {} · id {} · {own}",
                counted(
                    i64::try_from(topic.partitions.len()).unwrap_or(i64::MAX),
                    "partition"
                ),
                topic.id
            ),
        );
    }
    let columns = [
        Column("PART", "partition", true),
        Column("LEADER", "leader", true),
        Column("REPLICAS", "replicas", false),
        Column("IN SYNC", "isr", false),
        Column("START", "start", true),
        Column("END", "end", true),
        Column("RECORDS", "records", true),
    ];
    let mut table = Vec::new();
    let bounds = bounds(cluster, std::slice::from_ref(&topic)).await?;
    for partition in &topic.partitions {
        let place = (Str::from(name), partition.index);
        let (start, end) = bounds.get(&place).copied().unwrap_or_default();
        table.push(vec![
            json!(partition.index),
            json!(partition.leader),
            json!(partition.replicas),
            json!(partition.isr),
            json!(start),
            json!(end),
            json!(end - start),
        ]);
    }
    Ok(rows(global, &columns, &table)?)
}

async fn alter(
    global: &Global,
    cluster: &Cluster,
    name: &str,
    partitions: Option<i32>,
    (set, unset): (&[String], Vec<String>),
) -> Result<(), Failure> {
    if partitions.is_none() && set.is_empty() && unset.is_empty() {
        return Err(Failure::usage(
            "nothing to change was named",
            "--set KEY=VALUE, --unset KEY or --partitions N",
        ));
    }
    existing_topic(cluster, name).await?;
    let mut changes = Vec::new();
    for config in set {
        let (name, value) = split("--set ", config)?;
        changes.push(ConfigChange::Set(name, value));
    }
    changes.extend(unset.into_iter().map(ConfigChange::Delete));
    if !changes.is_empty() {
        cluster.alter_topic(name, &changes).await?;
    }
    if let Some(count) = partitions {
        cluster.add_partitions(name, count).await?;
    }
    say(global, &format!("topic {name} changed"));
    Ok(())
}

async fn delete(global: &Global, cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let topic = existing_topic(cluster, name).await?;
    let bounds = bounds(cluster, std::slice::from_ref(&topic)).await?;
    let records = record_count(&bounds, name);
    confirm(
        global,
        &format!(
            "topic {name} and its {} would be deleted",
            counted(records, "record")
        ),
    )?;
    cluster.delete_topic(name).await?;
    say(global, &format!("topic {name} deleted"));
    Ok(())
}
