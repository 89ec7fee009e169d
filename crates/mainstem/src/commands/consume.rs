//! `mainstem consume`: prints records, alone or as a member of a group.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::time::Duration;

use mainstem_client::{
    Cluster, Consumer, ConsumerOptions, GroupConsumer, GroupOptions, OffsetSpec, Record, Start,
};
use mainstem_protocol::Str;
use serde_json::{Value, json};

use super::{chosen_partitions, connect, existing_topic};
use crate::cli::{ConsumeOptions, Global};
use crate::failure::Failure;
use crate::output::thousands;
use crate::when::rfc3339;

/// How long to wait after a failure that may pass.
const PAUSE: Duration = Duration::from_millis(200);
/// How long leaving a group may take.
const LEAVE: Duration = Duration::from_secs(2);

type Ends = BTreeMap<(Str, i32), i64>;

pub(crate) async fn run(global: &Global, options: &ConsumeOptions) -> Result<(), Failure> {
    let cluster = connect(global).await?;
    let topic = existing_topic(&cluster, &options.topic).await?;
    let name = Str::from(&options.topic);
    let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let partitions = chosen_partitions(&options.topic, count, options.partition)?;
    let ends = match options.until_end {
        true => Some(ends(&cluster, &name, &partitions).await?),
        false => None,
    };
    let printer = Printer {
        json: global.json,
        left: options.max.unwrap_or(u64::MAX),
        out: BufWriter::new(std::io::stdout()),
    };
    match &options.group {
        Some(group) => in_group(cluster, options, (&name, group), ends, printer).await,
        None => alone(cluster, options, (&name, &partitions), ends, printer).await,
    }
}

/// Where each partition ends now.
async fn ends(cluster: &Cluster, topic: &Str, partitions: &[i32]) -> Result<Ends, Failure> {
    let places = partitions
        .iter()
        .map(|partition| (topic.clone(), *partition));
    let places: Vec<_> = places.collect();
    Ok(cluster.offsets(&places, OffsetSpec::Latest).await?)
}

/// Where each partition begins for `--offset N`: there, or at the nearest that it holds. Some partition must hold it.
async fn from_offset(
    cluster: &Cluster,
    topic: &Str,
    partitions: &[i32],
    offset: i64,
) -> Result<Ends, Failure> {
    let ends = ends(cluster, topic, partitions).await?;
    let places: Vec<_> = ends.keys().cloned().collect();
    let starts = cluster.offsets(&places, OffsetSpec::Earliest).await?;
    let kept = ends.into_iter().map(|(place, end)| {
        let start = starts.get(&place).copied().unwrap_or(0).min(end);
        (place, start, end)
    });
    let kept: Vec<_> = kept.collect();
    if !kept
        .iter()
        .any(|(_, start, end)| (*start..=*end).contains(&offset))
    {
        let first = kept.iter().map(|(_, start, _)| *start).min().unwrap_or(0);
        let next = kept.iter().map(|(_, _, end)| *end).max().unwrap_or(0);
        return Err(Failure::with_hint(
            format!("topic {topic} has no offset {}", thousands(offset)),
            format!(
                "it holds {} up to {}; a time can be named too: --from-time -1h",
                thousands(first),
                thousands(next)
            ),
        ));
    }
    let begin = kept.into_iter();
    Ok(begin
        .map(|(place, start, end)| (place, offset.clamp(start, end)))
        .collect())
}

fn start(options: &ConsumeOptions) -> Start {
    match options.from_time {
        Some(time) => Start::Time(time),
        // With --until-end what is there now is meant, so the beginning is where to start.
        None if options.from_beginning || options.until_end => Start::Earliest,
        None => Start::Latest,
    }
}

/// True when every partition that is read has reached what was its end.
fn reached(ends: Option<&Ends>, positions: &Ends) -> bool {
    ends.is_some_and(|ends| {
        positions
            .iter()
            .all(|(place, position)| ends.get(place).is_none_or(|end| position >= end))
    })
}

async fn alone(
    cluster: Cluster,
    options: &ConsumeOptions,
    (topic, partitions): (&Str, &[i32]),
    ends: Option<Ends>,
    mut printer: Printer,
) -> Result<(), Failure> {
    let mut consumer = Consumer::new(cluster.clone(), ConsumerOptions::default());
    match options.offset {
        Some(offset) => {
            let places = from_offset(&cluster, topic, partitions, offset).await?;
            for ((topic, partition), offset) in places {
                consumer
                    .assign(&topic, partition, Start::Offset(offset))
                    .await?;
            }
        }
        None => {
            for partition in partitions {
                consumer.assign(topic, *partition, start(options)).await?;
            }
        }
    }
    loop {
        if reached(ends.as_ref(), consumer.positions()) || printer.left == 0 {
            return Ok(printer.out.flush()?);
        }
        let records = match consumer.poll().await {
            Err(error) if error.is_retriable() => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            polled => polled?,
        };
        printer.print(&records, ends.as_ref())?;
    }
}

async fn in_group(
    cluster: Cluster,
    options: &ConsumeOptions,
    (topic, group): (&Str, &str),
    ends: Option<Ends>,
    mut printer: Printer,
) -> Result<(), Failure> {
    let group_options = GroupOptions {
        start: start(options),
        ..GroupOptions::new(group)
    };
    let mut consumer = GroupConsumer::new(cluster, group_options, vec![topic.clone()]);
    let read = tokio::select! {
        read = read_in_group(&mut consumer, ends.as_ref(), &mut printer) => read,
        signal = crate::interrupted() => signal.and(Err(Failure::Interrupted)),
    };
    // Whatever ended it, the others take over at once; a coordinator that does not answer drops us by itself.
    match tokio::time::timeout(LEAVE, consumer.leave()).await {
        Ok(Err(error)) if read.is_ok() => return Err(error.into()),
        _ => {}
    }
    printer.out.flush()?;
    read
}

/// Prints what this member gets, and commits what was printed: it may be printed again after a crash, never lost.
async fn read_in_group(
    consumer: &mut GroupConsumer,
    ends: Option<&Ends>,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let mut committed = Ends::new();
    loop {
        let records = match consumer.poll().await {
            Err(error) if error.is_retriable() => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            polled => polled?,
        };
        let printed = printer.print(&records, ends)?;
        let done = done(consumer.positions(), ends, &records, printed);
        if done != committed {
            match consumer.commit_offsets(&done).await {
                Ok(()) => committed = done,
                Err(error) => tracing::warn!(%error, "the commit failed; the group rebalances"),
            }
        }
        let at_end = reached(ends, consumer.positions()) && !consumer.must_rejoin();
        if printer.left == 0 || at_end {
            return Ok(());
        }
    }
}

/// What a member may commit: of partitions that it reads now, behind what was printed, or where it stands if nothing came. Records that
/// came and were not printed hold their partition back. So a partition without records is committed too, and its lag is known.
/// Example: a partition ended at 5 when the command began, and 7 records came: 5 is committed.
fn done(positions: &Ends, ends: Option<&Ends>, records: &[Record], printed: Ends) -> Ends {
    let mut done = positions.clone();
    for (place, position) in &mut done {
        let end = ends.and_then(|ends| ends.get(place));
        *position = (*position).min(end.copied().unwrap_or(i64::MAX));
    }
    for record in records {
        done.remove(&(record.topic.clone(), record.partition));
    }
    done.extend(printed);
    done
}

struct Printer {
    json: bool,
    left: u64,
    out: BufWriter<std::io::Stdout>,
}

/// Bytes as text; what is not UTF-8 is shown with replacement characters.
fn text(bytes: Option<&bytes::Bytes>) -> Value {
    bytes.map_or(Value::Null, |bytes| json!(String::from_utf8_lossy(bytes)))
}

impl Printer {
    /// Prints records up to the limit and the ends; returns the next offset of each partition of which something was printed.
    fn print(&mut self, records: &[Record], ends: Option<&Ends>) -> Result<Ends, Failure> {
        let mut printed = Ends::new();
        for record in records {
            if self.left == 0 {
                break;
            }
            let place = (record.topic.clone(), record.partition);
            let end = ends.and_then(|ends| ends.get(&place));
            if end.is_some_and(|end| record.offset >= *end) {
                continue; // came after the command began
            }
            self.left -= 1;
            self.print_one(record)?;
            printed.insert(place, record.offset + 1);
        }
        self.out.flush()?;
        Ok(printed)
    }

    fn print_one(&mut self, record: &Record) -> std::io::Result<()> {
        if !self.json {
            self.out
                .write_all(record.value.as_deref().unwrap_or_default())?;
            return self.out.write_all(b"\n");
        }
        let headers: Vec<Value> = record
            .headers
            .iter()
            .map(|(key, value)| json!({"key": String::from_utf8_lossy(key), "value": text(value.as_ref())}))
            .collect();
        let object = json!({
            "topic": record.topic.as_str(),
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": rfc3339(record.timestamp),
            "key": text(record.key.as_ref()),
            "value": text(record.value.as_ref()),
            "headers": headers,
        });
        writeln!(self.out, "{object}")
    }
}

#[cfg(test)]
mod tests;
