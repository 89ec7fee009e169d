//! The lean generator: threads that send frames made beforehand, a few in flight each, and read what comes back.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::wire;

/// An answer may not be longer.
const ANSWER_MAX: usize = 64 << 20;
/// A node that is silent for so long has failed.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes that a Fetch asks for.
const FETCH_BYTES: i32 = 1 << 20;

/// What a generator does.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    pub bootstrap: &'a str,
    pub topic: &'a str,
    pub partitions: i32,
    pub connections: i32,
    /// Requests that a connection has in flight.
    pub in_flight: usize,
    /// Requests in all.
    pub requests: usize,
    pub records_per_batch: usize,
    pub value_bytes: usize,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub seconds: f64,
    pub bytes: u64,
    /// Of each request, in no order.
    pub latencies: Vec<Duration>,
}

struct Connection(TcpStream);

impl Connection {
    fn open(bootstrap: &str) -> Result<Self> {
        let stream = TcpStream::connect(bootstrap)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        Ok(Self(stream))
    }

    fn answer(&mut self, into: &mut Vec<u8>) -> Result<()> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length))?;
        if length > ANSWER_MAX {
            bail!("an answer of {length} bytes");
        }
        into.resize(length, 0);
        self.0.read_exact(into)?;
        Ok(())
    }
}

/// Runs `work` for each connection on a thread of its own.
fn on_each(connections: i32, work: impl Fn(i32) -> Result<Outcome> + Sync) -> Result<Outcome> {
    let began = Instant::now();
    let outcomes: Vec<Result<Outcome>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|at| {
                let work = &work;
                scope.spawn(move || work(at))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(outcome) => outcome,
            Err(_) => bail!("a generator panicked"),
        });
        joined.collect()
    });
    let mut all = Outcome::default();
    for outcome in outcomes {
        let outcome = outcome?;
        all.bytes += outcome.bytes;
        all.latencies.extend(outcome.latencies);
    }
    all.seconds = began.elapsed().as_secs_f64();
    Ok(all)
}

/// Sends one batch to each partition as soon as it is led: a topic is told of before that.
pub fn wait_until_led(load: Load<'_>) -> Result<()> {
    let deadline = Instant::now() + SILENCE;
    let batch = wire::batch(1, load.value_bytes, -1);
    let mut connection = Connection::open(load.bootstrap)?;
    let mut answer = Vec::new();
    for partition in 0..load.partitions {
        let frame = wire::produce(load.topic, partition, &batch);
        loop {
            connection.0.write_all(&frame)?;
            connection.answer(&mut answer)?;
            match wire::check_produced(&answer) {
                Ok(()) => break,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
    Ok(())
}

/// Produces.
pub fn produce(load: Load<'_>) -> Result<Outcome> {
    let now_ms = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_millis();
    let batch = wire::batch(
        load.records_per_batch,
        load.value_bytes,
        i64::try_from(now_ms)?,
    );
    let each = load.requests / usize::try_from(load.connections)?;
    on_each(load.connections, |at| {
        let mine = (0..load.partitions).filter(|partition| {
            partition % load.connections == at % load.partitions.min(load.connections)
        });
        let frames: Vec<Vec<u8>> = mine
            .map(|partition| wire::produce(load.topic, partition, &batch))
            .collect();
        let mut connection = Connection::open(load.bootstrap)?;
        let mut sent = VecDeque::new();
        let mut outcome = Outcome::default();
        let mut answer = Vec::new();
        for frame in frames.iter().cycle().take(each) {
            if sent.len() == load.in_flight {
                settle(&mut connection, &mut sent, &mut outcome, &mut answer)?;
            }
            sent.push_back(Instant::now());
            connection.0.write_all(frame)?;
            outcome.bytes += u64::try_from(batch.len())?;
        }
        while !sent.is_empty() {
            settle(&mut connection, &mut sent, &mut outcome, &mut answer)?;
        }
        Ok(outcome)
    })
}

fn settle(
    connection: &mut Connection,
    sent: &mut VecDeque<Instant>,
    outcome: &mut Outcome,
    answer: &mut Vec<u8>,
) -> Result<()> {
    connection.answer(answer)?;
    wire::check_produced(answer)?;
    if let Some(began) = sent.pop_front() {
        outcome.latencies.push(began.elapsed());
    }
    Ok(())
}

/// Reads every partition from its beginning until `bytes` have come in all.
pub fn fetch(load: Load<'_>, bytes: u64) -> Result<Outcome> {
    let each = bytes / u64::try_from(load.partitions)?;
    on_each(load.connections, |at| {
        let mut connection = Connection::open(load.bootstrap)?;
        let mut outcome = Outcome::default();
        let mut answer = Vec::new();
        for partition in (0..load.partitions).filter(|index| index % load.connections == at) {
            let (mut offset, mut read) = (0, 0);
            while read < each {
                let began = Instant::now();
                let request = wire::fetch(load.topic, partition, offset, FETCH_BYTES);
                connection.0.write_all(&request)?;
                connection.answer(&mut answer)?;
                let fetched = wire::fetched(&answer)?;
                let Some(next) = fetched.next_offset else {
                    bail!("partition {partition} has nothing at {offset} after {read} bytes");
                };
                offset = next;
                read += u64::try_from(fetched.bytes)?;
                outcome.latencies.push(began.elapsed());
            }
            outcome.bytes += read;
        }
        Ok(outcome)
    })
}
