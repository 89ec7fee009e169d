//! Values that make sense where they stand, and some that do not: what a request asks for is there, is not there, or cannot be.

use std::fmt::Debug;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::{Message, RecordBatches, Str, Uuid};

/// A small deterministic generator (SplitMix64) that knows whose value is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
    place: &'static str,
    /// Ids of topics that are there.
    pub(crate) ids: Vec<Uuid>,
}

const TOPICS: &[&str] = &[
    "orders",
    "orders",
    "payments",
    "compacted",
    "nobody",
    "",
    "bad name",
    "..",
    "__consumer_offsets",
];
const GROUPS: &[&str] = &["live", "live", "idle", "nobody", ""];
const CONFIGS: &[&str] = &[
    "retention.ms",
    "cleanup.policy",
    "max.message.bytes",
    "nope",
    "log.retention.ms",
    "num.io.threads",
    "node.id",
    "min.insync.replicas",
];
const VALUES: &[&str] = &[
    "1000",
    "-1",
    "x",
    "delete",
    "compact",
    "",
    "2",
    "delete,compact",
];

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d,
            place: "",
            ids: Vec::new(),
        }
    }

    pub(crate) fn of(&mut self, place: &'static str) -> &mut Self {
        self.place = place;
        self
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count)
    }

    fn among<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    fn parts(&self) -> (&'static str, &'static str) {
        self.place.split_once('.').unwrap_or(("", ""))
    }

    pub(crate) fn records(&mut self) -> RecordBatches {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for _ in 0..=self.below(3) {
            builder.append(1_700_000_000_000, None, Some(b"value"), &[]);
        }
        let mut bytes = builder.build().expect("a small batch").to_vec();
        match self.below(12) {
            0 => bytes.clear(),
            1 => bytes.truncate(40),
            2 => bytes[30] ^= 1,
            3 => bytes[16] = 1,
            _ => {}
        }
        RecordBatches::Memory(Bytes::from(bytes))
    }

    fn integer(&mut self) -> i64 {
        let (owner, field) = self.parts();
        match field {
            "PartitionIndex" | "Partition" | "PartitionId" | "Index" | "Partitions"
            | "PartitionIndexes" => self.among(&[0, 0, 1, 2, 3, -1, 100]),
            "ReplicaId" => self.among(&[-1, -1, -1, 1]),
            "Timestamp" => {
                self.among(&[-1, -2, -3, -4, -5, -6, -9, 0, 1_700_000_000_000, i64::MAX])
            }
            "FetchOffset" | "Offset" | "CommittedOffset" | "StartOffset" | "LogStartOffset" => {
                self.among(&[0, 1, 3, 9, 10, 11, -1, -2])
            }
            "CurrentLeaderEpoch" | "LeaderEpoch" | "LastFetchedEpoch" | "CommittedLeaderEpoch" => {
                self.among(&[-1, -1, -1, 0, 100])
            }
            "MaxWaitMs" | "TimeoutMs" | "timeoutMs" => self.among(&[1, 5]),
            "MaxBytes" | "PartitionMaxBytes" => self.among(&[0, 1, 200, 1 << 20]),
            "MinBytes" => self.among(&[0, 1]),
            "SessionId" => 0,
            "SessionEpoch" => self.among(&[-1, -1, -1, 1]),
            "ResourceType" | "ResourceTypeFilter" | "ResourceTypes" => {
                self.among(&[2, 2, 4, 8, 32, 0, 99])
            }
            "ConfigOperation" => self.among(&[0, 0, 1, 2, 3, 9]),
            "NumPartitions" | "Count" => self.among(&[1, 2, 4, -1, 0]),
            "ReplicationFactor" => self.among(&[1, 1, -1, 2, 0]),
            "KeyType" => self.among(&[0, 0, 1, 3]),
            "BrokerIds" | "Replicas" | "ReplicaIds" | "BrokerId" => self.among(&[1, 1, 2]),
            "IsolationLevel" => self.among(&[0, 1]),
            "Acks" => self.among(&[-1, 1, 2]),
            "GenerationIdOrMemberEpoch" | "MemberEpoch" | "GenerationId" => {
                self.among(&[-1, -1, 0, 1])
            }
            "RetentionTimeMs" | "CommitTimestamp" => -1,
            "ResponsePartitionLimit" => self.among(&[1, 2, 2000]),
            "UpgradeType" => self.among(&[1, 2, 3]),
            "MaxVersionLevel" => self.among(&[33, 32, 1, 0, 100]),
            "PatternType" | "PatternTypeFilter" | "Operation" | "PermissionType" => {
                self.among(&[1, 2, 3])
            }
            "MatchType" => self.among(&[0, 1, 2]),
            "EndpointType" => self.among(&[1, 1, 2]),
            "ProducerId" => self.among(&[-1, -1, 5]),
            "ProducerEpoch" => self.among(&[-1, -1, 0]),
            _ if owner.starts_with("Describe") => self.among(&[0, 1, -1]),
            _ => self.among(&[0, 1, 2, -1]),
        }
    }

    fn text(&mut self) -> &'static str {
        let (owner, field) = self.parts();
        let is_config = owner.contains("Config");
        match field {
            "Topic" | "TopicName" | "Topics" | "TopicNames" => self.among(TOPICS),
            "Name" if is_config => self.among(CONFIGS),
            "Name" if owner.contains("Topic") => match owner {
                "CreatableTopic" => self.among(&[
                    "made-1", "made-2", "made.3", "made_3", "orders", "", "bad name",
                ]),
                "DeleteTopicState" => self.among(&["made-1", "made-2", "nobody", "bad name"]),
                _ => self.among(TOPICS),
            },
            "ConfigurationKeys" => self.among(CONFIGS),
            "Value" => self.among(VALUES),
            "ResourceName" => self.among(&["orders", "payments", "nobody", "1", "2", "", "live"]),
            "GroupId" | "Groups" | "Key" | "CoordinatorKeys" => self.among(GROUPS),
            "GroupsNames" => self.among(&["nobody", "", "never"]),
            "StatesFilter" => self.among(&["Empty", "Stable", "Nope", "empty"]),
            "TypesFilter" => self.among(&["classic", "consumer", "Nope"]),
            "MemberId" => self.among(&["", "m", "stranger"]),
            "GroupInstanceId" | "ProtocolType" => self.among(&["", "i", "consumer"]),
            "Feature" => self.among(&["metadata.version", "nope", "kraft.version"]),
            "Path" => self.among(&["/nowhere"]),
            "CommittedMetadata" => self.among(&["", "m"]),
            "ClientSoftwareName" | "ClientSoftwareVersion" => {
                self.among(&["test", "1", "", "bad one"])
            }
            "ComponentName" | "Principal" => self.among(&["nobody"]),
            _ => self.among(&["", "s"]),
        }
    }
}

/// A type with values that a version of its message can carry.
pub(crate) trait Sample: Sized {
    fn sample(random: &mut Random, version: i16) -> Self;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what does not fit is as good as what does")]
            fn sample(random: &mut Random, _: i16) -> Self {
                random.integer() as $type
            }
        }
    )*};
}

integers! { i8 i16 u16 i32 u32 i64 }

impl Sample for bool {
    fn sample(random: &mut Random, _: i16) -> Self {
        random.one_in(2)
    }
}

impl Sample for f64 {
    fn sample(_: &mut Random, _: i16) -> Self {
        1.0
    }
}

impl Sample for Uuid {
    fn sample(random: &mut Random, _: i16) -> Self {
        let known = random.ids.clone();
        match random.below(6) {
            0 => Self::ZERO,
            1 => Self([9; 16]),
            _ if known.is_empty() => Self([8; 16]),
            _ => random.among(&known),
        }
    }
}

impl Sample for Str {
    fn sample(random: &mut Random, _: i16) -> Self {
        Self::from_static(random.text())
    }
}

impl Sample for Bytes {
    fn sample(random: &mut Random, _: i16) -> Self {
        Self::from_static(random.among(&[b"".as_slice(), b"xy"]))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(random: &mut Random, version: i16) -> Self {
        let count = random.among(&[0, 1, 1, 1, 2, 3]);
        let place = random.place;
        (0..count)
            .map(|_| T::sample(random.of(place), version))
            .collect()
    }
}

/// Something that wants to see every message of the schema once.
pub(crate) trait Visit {
    /// `kind` as in the schema; `key` is the API key, -1 if there is none; `jar` is where the definition is from.
    fn message<M: Message + Sample + PartialEq + Debug>(
        &mut self,
        kind: &'static str,
        key: i16,
        jar: &'static str,
    );
}
