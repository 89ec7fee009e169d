//! Runs the commands of a transcript on a shard, and writes what came of them.
//!
//! Ids that the machine makes up end in a UUID; transcripts write it as `#1`, `#2`, in the order of making. Time begins at 0.

use std::fmt::Write as _;

use bytes::Bytes;
use mainstem_coordinator::group::{
    Client, CommitPartition, CommitRequest, GroupInput, GroupRecord, GroupReply, GroupSettings,
    Groups, TimerKey,
};
use mainstem_coordinator::{
    AppendError, Context, Offset, RecordAppender, RequestId, Shard, Timestamp,
};
use mainstem_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use mainstem_protocol::messages::leave_group_request::MemberIdentity;
use mainstem_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use mainstem_protocol::messages::{
    ConsumerProtocolSubscription, HeartbeatRequest, JoinGroupRequest, SyncGroupRequest,
};
use mainstem_protocol::records::encode_versioned;
use mainstem_protocol::{ErrorCode, Str, Uuid};
use mainstem_stdx::transcript::word;

/// The records so far, as bytes, so that the codec takes part in every transcript.
#[derive(Default)]
struct Log(Vec<GroupRecord>);

impl RecordAppender<GroupRecord> for Log {
    fn append(&mut self, records: &[GroupRecord]) -> Result<Offset, AppendError> {
        for record in records {
            let (key, value) = record.encode().unwrap();
            let read = GroupRecord::decode(key, value).unwrap().unwrap();
            assert_eq!(read, *record, "a record reads back as it was written");
            self.0.push(read);
        }
        Ok(Offset(i64::try_from(self.0.len()).unwrap()))
    }
}

pub(crate) struct Machine {
    shard: Shard<Groups>,
    log: Log,
    now_ms: i64,
    random: u64,
}

fn settings() -> GroupSettings {
    GroupSettings {
        members_max: 3,
        retention_ms: 60_000,
        expiry_check_ms: 10_000,
        ..GroupSettings::default()
    }
}

impl Default for Machine {
    fn default() -> Self {
        let mut machine = Self {
            shard: Shard::new(Groups::new(settings())),
            log: Log::default(),
            now_ms: 0,
            random: 0,
        };
        machine.input(GroupInput::Loaded);
        machine
    }
}

fn uuid_text(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

impl Machine {
    pub(crate) fn perform(&mut self, command: &str) -> String {
        let mut expanded = command.to_owned();
        for number in (1..=self.random).rev() {
            expanded = expanded.replace(&format!("#{number}"), &uuid_text(number));
        }
        let mut out = match expanded.split_whitespace().next() {
            Some("tick") => self.tick(&expanded),
            Some("reload") => self.reload(),
            _ => {
                let input = parse(&expanded);
                self.input(input)
            }
        };
        for number in (1..=self.random).rev() {
            out = out.replace(&uuid_text(number), &format!("#{number}"));
        }
        out
    }

    fn input(&mut self, input: GroupInput) -> String {
        let before = self.log.0.len();
        // An id takes two numbers: the high half stays 0, the low half counts.
        let mut is_low = false;
        let mut random = || {
            is_low = !is_low;
            if is_low {
                return 0;
            }
            self.random += 1;
            self.random
        };
        let mut cx = Context {
            now: Timestamp(self.now_ms),
            random: &mut random,
        };
        self.shard.handle(input, &mut cx, &mut self.log).unwrap();
        let mut out = String::new();
        for record in &self.log.0[before..] {
            writeln!(out, "record {}", show_record(record)).unwrap();
        }
        let end = Offset(i64::try_from(self.log.0.len()).unwrap());
        for (RequestId(id), reply) in self.shard.committed(end) {
            writeln!(out, "reply {id} {}", show_reply(&reply)).unwrap();
        }
        out
    }

    fn tick(&mut self, command: &str) -> String {
        let until = self.now_ms + word(command, "ms").unwrap().parse::<i64>().unwrap();
        let mut out = String::new();
        while let Some(Timestamp(at)) = self.shard.next_due()
            && at <= until
        {
            self.now_ms = at;
            for key in self.shard.due(Timestamp(at)) {
                let name = show_timer(&key);
                let came = self.input(GroupInput::Timer(key));
                if !came.is_empty() {
                    writeln!(out, "{name} at {at}").unwrap();
                    out.push_str(&came);
                }
            }
        }
        self.now_ms = until;
        out
    }

    fn replayed(&self) -> Shard<Groups> {
        let mut shard = Shard::new(Groups::new(settings()));
        for (at, record) in (1..).zip(&self.log.0) {
            shard.replay(record, Offset(at));
        }
        shard
    }

    fn reload(&mut self) -> String {
        self.shard = self.replayed();
        self.input(GroupInput::Loaded)
    }

    /// State is the fold of the records.
    pub(crate) fn check_replay(&self) {
        assert_eq!(self.replayed().state(), self.shard.state());
    }
}

fn text(command: &str, name: &str) -> Str {
    Str::from(word(command, name).unwrap_or_default())
}

fn number<T: std::str::FromStr>(command: &str, name: &str, default: T) -> T {
    word(command, name)
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn subscription(topics: &str) -> Bytes {
    let topics = topics
        .split(',')
        .filter(|topic| !topic.is_empty())
        .map(Str::from)
        .collect();
    encode_versioned(
        &ConsumerProtocolSubscription {
            topics,
            ..Default::default()
        },
        1,
    )
    .unwrap()
}

fn parse(command: &str) -> GroupInput {
    let id = RequestId(number(command, "id", 0));
    let group = text(command, "group");
    let instance = word(command, "instance").map(Str::from);
    match command.split_whitespace().next().unwrap() {
        "join" => {
            let topics = word(command, "topics").unwrap_or("orders");
            let names = word(command, "protocols")
                .unwrap_or("range")
                .split(',')
                .filter(|name| !name.is_empty());
            let protocols = names.map(|name| JoinGroupRequestProtocol {
                name: Str::from(name),
                metadata: subscription(topics),
            });
            let request = JoinGroupRequest {
                group_id: group,
                session_timeout_ms: number(command, "session", 10_000),
                rebalance_timeout_ms: number(command, "rebalance", 30_000),
                member_id: text(command, "member"),
                group_instance_id: instance,
                protocol_type: Str::from(word(command, "type").unwrap_or("consumer")),
                protocols: protocols.collect(),
                reason: None,
            };
            let client = Client {
                id: Str::from(word(command, "client").unwrap_or("c")),
                host: Str::from("/127.0.0.1"),
            };
            GroupInput::Join {
                id,
                version: number(command, "version", 9),
                client,
                request,
            }
        }
        "sync" => {
            let assign = word(command, "assign")
                .unwrap_or_default()
                .split(',')
                .filter_map(|pair| pair.split_once(':'));
            let assignments = assign.map(|(member, what)| SyncGroupRequestAssignment {
                member_id: Str::from(member),
                assignment: Bytes::copy_from_slice(what.as_bytes()),
            });
            let request = SyncGroupRequest {
                group_id: group,
                generation_id: number(command, "generation", 1),
                member_id: text(command, "member"),
                group_instance_id: instance,
                assignments: assignments.collect(),
                ..SyncGroupRequest::default()
            };
            GroupInput::Sync { id, request }
        }
        "heartbeat" => GroupInput::Heartbeat {
            id,
            request: HeartbeatRequest {
                group_id: group,
                generation_id: number(command, "generation", 1),
                member_id: text(command, "member"),
                group_instance_id: instance,
            },
        },
        "leave" => {
            let member = MemberIdentity {
                member_id: text(command, "member"),
                group_instance_id: instance,
                reason: None,
            };
            GroupInput::Leave {
                id,
                group,
                members: vec![member],
            }
        }
        "commit" => {
            let partition = CommitPartition {
                topic: Str::from(word(command, "topic").unwrap_or("orders")),
                topic_id: Uuid([7; 16]),
                partition: number(command, "partition", 0),
                offset: number(command, "offset", 0),
                leader_epoch: 0,
                metadata: Str::from("x".repeat(number(command, "metadata", 0))),
            };
            let request = CommitRequest {
                group,
                member: text(command, "member"),
                instance,
                generation: number(command, "generation", -1),
                retention_ms: number(command, "retention", -1),
                partitions: vec![partition],
            };
            GroupInput::Commit { id, request }
        }
        "offsets" => GroupInput::FetchOffsets {
            id,
            group,
            wanted: None,
        },
        "delete-offsets" => GroupInput::DeleteOffsets {
            id,
            group,
            partitions: vec![(text(command, "topic"), 0)],
        },
        "delete" => GroupInput::Delete { id, group },
        "list" => GroupInput::List { id },
        "describe" => GroupInput::Describe { id, group },
        "topic-removed" => GroupInput::TopicsRemoved {
            ids: [Uuid([7; 16])].into(),
            names: [text(command, "topic")].into(),
        },
        other => panic!("unknown command {other}"),
    }
}

fn show_record(record: &GroupRecord) -> String {
    match record {
        GroupRecord::Group { group, value: None } => format!("group {group} gone"),
        GroupRecord::Group {
            group,
            value: Some(value),
        } => {
            let members = value.members.iter().map(|member| {
                let assignment = String::from_utf8_lossy(&member.assignment);
                format!("{}:{assignment}", member.member_id)
            });
            let members: Vec<String> = members.collect();
            let protocol = value.protocol.as_deref().unwrap_or("-").to_owned();
            let leader = value.leader.as_deref().unwrap_or("-").to_owned();
            format!(
                "group {group} generation={} protocol={protocol} leader={leader} members={}",
                value.generation,
                members.join(",")
            )
        }
        GroupRecord::Offset {
            group,
            topic,
            partition,
            value,
        } => match value {
            Some(value) => format!("offset {group} {topic}-{partition} = {}", value.offset),
            None => format!("offset {group} {topic}-{partition} gone"),
        },
    }
}

fn show_code(code: i16) -> &'static str {
    ErrorCode::from_code(code).name()
}

fn show_reply(reply: &GroupReply) -> String {
    match reply {
        GroupReply::Join(join) if join.error_code != 0 => {
            format!("{} member={}", show_code(join.error_code), join.member_id)
        }
        GroupReply::Join(join) => {
            let members: Vec<&str> = join
                .members
                .iter()
                .map(|member| member.member_id.as_str())
                .collect();
            let skip = if join.skip_assignment { " skip" } else { "" };
            format!(
                "joined member={} generation={} leader={} members={}{skip}",
                join.member_id,
                join.generation_id,
                join.leader,
                members.join(",")
            )
        }
        GroupReply::Sync(sync) if sync.error_code != 0 => show_code(sync.error_code).to_owned(),
        GroupReply::Sync(sync) => format!("assigned {}", String::from_utf8_lossy(&sync.assignment)),
        GroupReply::Heartbeat(code) | GroupReply::Deleted(code) => code.name().to_owned(),
        GroupReply::Leave(code, members) => {
            let codes: Vec<&str> = members
                .iter()
                .map(|member| show_code(member.error_code))
                .collect();
            format!("{} {}", code.name(), codes.join(","))
        }
        GroupReply::Commit(codes) => codes
            .iter()
            .map(|code| code.name())
            .collect::<Vec<_>>()
            .join(","),
        GroupReply::Offsets(offsets) => {
            let each = offsets.iter().flat_map(|(topic, partitions)| {
                partitions.iter().map(move |(partition, value)| {
                    let offset = value
                        .as_ref()
                        .map_or("-".to_owned(), |value| value.offset.to_string());
                    format!("{topic}-{partition}={offset}")
                })
            });
            format!("offsets {}", each.collect::<Vec<_>>().join(","))
        }
        GroupReply::DeletedOffsets(code, codes) => {
            format!(
                "{} {}",
                code.name(),
                codes
                    .iter()
                    .map(|code| code.name())
                    .collect::<Vec<_>>()
                    .join(",")
            )
        }
        GroupReply::List(groups) => {
            let each = groups
                .iter()
                .map(|group| format!("{}:{}:{}", group.group, group.protocol_type, group.state));
            format!("groups {}", each.collect::<Vec<_>>().join(","))
        }
        GroupReply::Described(None) => "no such group".to_owned(),
        GroupReply::Described(Some(group)) => {
            let each = group.members.iter().map(|member| member.id.as_str());
            format!(
                "{} {} protocol={} members={}",
                group.state,
                group.protocol_type,
                group.protocol,
                each.collect::<Vec<_>>().join(",")
            )
        }
    }
}

fn show_timer(key: &TimerKey) -> String {
    match key {
        TimerKey::Session { group, member } => format!("session {group}/{member}"),
        TimerKey::InitialDelay { group } => format!("initial-delay {group}"),
        TimerKey::Joins { group } => format!("joins {group}"),
        TimerKey::Syncs { group } => format!("syncs {group}"),
        TimerKey::Expiry => "expiry".to_owned(),
    }
}
