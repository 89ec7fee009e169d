//! Incremental fetch sessions (KIP-227): a client names its partitions once, then only what changes; we answer only what changed.
//!
//! | session id | epoch | meaning |
//! |---|---|---|
//! | 0 | -1 | no session: a full request, a full answer |
//! | any | 0 | a full request that begins a session (and ends the one named) |
//! | n | -1 | a full request that ends session n |
//! | n | e > 0 | an incremental request; e must be the epoch that is expected; a session that has nothing left ends |
//!
//! Invariants: at most [`SESSION_PARTITIONS_MAX`] partitions in all sessions together, at most `max.incremental.fetch.session.cache.slots` sessions; when all slots are taken a session that was silent for two
//! minutes gives way, otherwise the client gets none. Partitions that had data go to the end of the order, so none starves.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mainstem_protocol::messages::FetchRequest;
use mainstem_protocol::{ErrorCode, Str, Uuid};

use super::Wanted;
use crate::limits::SESSION_PARTITIONS_MAX;

const FINAL_EPOCH: i32 = -1;
const INITIAL_EPOCH: i32 = 0;
/// A session must have been silent for this long to give way.
const EVICTABLE_AFTER: Duration = Duration::from_secs(120);

/// How a client names a topic: by name up to version 12, by id from 13 on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum TopicKey {
    Name(Str),
    Id(Uuid),
}

/// A partition in a session.
#[derive(Clone, Debug)]
struct Member {
    wanted: Wanted,
    place: u64,
    /// What was told last; a partition that is new was told nothing.
    told: Option<(i64, i64)>,
}

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    id: i32,
    next_epoch: i32,
    uses_ids: bool,
    last_used: Instant,
    members: HashMap<(TopicKey, i32), Member>,
    order: BTreeMap<u64, (TopicKey, i32)>,
    next_place: u64,
    /// Counts the partitions of all sessions.
    held: Arc<AtomicUsize>,
}

/// Why a request does not fit its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionError(pub(crate) ErrorCode);

/// What a request is about.
pub(crate) enum Opened {
    /// Every partition is named, and every partition is answered.
    Full(Vec<Wanted>),
    /// A session; the flag says whether only changes are answered.
    Session(Arc<Mutex<Session>>, bool),
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    slots: usize,
    sessions: Mutex<HashMap<i32, Arc<Mutex<Session>>>>,
    held: Arc<AtomicUsize>,
}

fn key_of(version: i16, name: &Str, id: Uuid) -> TopicKey {
    if version >= 13 {
        TopicKey::Id(id)
    } else {
        TopicKey::Name(name.detached())
    }
}

/// The partitions that a request names.
fn named(version: i16, request: &FetchRequest) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for topic in &request.topics {
        let key = key_of(version, &topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            wanted.push(Wanted {
                topic: key.clone(),
                index: partition.partition,
                offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                // Every negative one says nothing, as with Apache Kafka.
                current_leader_epoch: partition.current_leader_epoch.max(-1),
            });
        }
    }
    wanted
}

/// Each partition once, where it is named first. What is said last counts: Apache Kafka keeps them in a map.
fn each_once(mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    let mut places: HashMap<(TopicKey, i32), usize> = HashMap::with_capacity(wanted.len());
    let mut kept = 0;
    for at in 0..wanted.len() {
        let key = (wanted[at].topic.clone(), wanted[at].index);
        let place = *places.entry(key).or_insert(kept);
        wanted.swap(place, at);
        kept = kept.max(place + 1);
    }
    wanted.truncate(kept);
    wanted
}

impl FetchSessions {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            sessions: Mutex::new(HashMap::new()),
            held: Arc::default(),
        }
    }

    /// Finds out what a request is about. `new_id` is a random number for a session that begins.
    pub(crate) fn open(
        &self,
        version: i16,
        request: &FetchRequest,
        new_id: i32,
    ) -> Result<Opened, SessionError> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, epoch) = (request.session_id, request.session_epoch);
        if epoch == FINAL_EPOCH || epoch == INITIAL_EPOCH {
            sessions.remove(&id);
            let wanted = each_once(named(version, request));
            let fits = self.fits(wanted.len());
            if epoch == FINAL_EPOCH || wanted.is_empty() || !fits || !self.make_room(&mut sessions)
            {
                return Ok(Opened::Full(wanted));
            }
            let mut id = new_id.wrapping_abs().max(1);
            while sessions.contains_key(&id) {
                id = id.wrapping_add(1).wrapping_abs().max(1);
            }
            let session = Arc::new(Mutex::new(Session::new(
                id,
                version >= 13,
                wanted,
                self.held.clone(),
            )));
            sessions.insert(id, session.clone());
            return Ok(Opened::Session(session, false));
        }
        let session = sessions
            .get(&id)
            .cloned()
            .ok_or(SessionError(ErrorCode::FetchSessionIdNotFound))?;
        let added: usize = request
            .topics
            .iter()
            .map(|topic| topic.partitions.len())
            .sum();
        if !self.fits(added) {
            // The client begins anew, with a full request.
            sessions.remove(&id);
            return Err(SessionError(ErrorCode::FetchSessionIdNotFound));
        }
        drop(sessions);
        let is_empty = {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            session.update(version, request)?;
            session.members.is_empty()
        };
        if is_empty {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.remove(&id);
            return Ok(Opened::Full(each_once(named(version, request))));
        }
        Ok(Opened::Session(session, true))
    }

    fn fits(&self, partitions: usize) -> bool {
        self.held.load(Ordering::Relaxed).saturating_add(partitions) <= SESSION_PARTITIONS_MAX
    }

    fn make_room(&self, sessions: &mut HashMap<i32, Arc<Mutex<Session>>>) -> bool {
        if sessions.len() < self.slots {
            return true;
        }
        let silent = sessions.iter().filter_map(|(id, session)| {
            let last_used = session.try_lock().ok()?.last_used;
            (last_used.elapsed() > EVICTABLE_AFTER).then_some((last_used, *id))
        });
        match silent.min() {
            Some((_, id)) => sessions.remove(&id).is_some(),
            None => false,
        }
    }
}

impl Session {
    fn new(id: i32, uses_ids: bool, wanted: Vec<Wanted>, held: Arc<AtomicUsize>) -> Self {
        let mut session = Self {
            id,
            next_epoch: 1,
            uses_ids,
            last_used: Instant::now(),
            members: HashMap::new(),
            order: BTreeMap::new(),
            next_place: 0,
            held,
        };
        for wanted in wanted {
            session.put(wanted);
        }
        session
    }

    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    fn put(&mut self, wanted: Wanted) {
        let key = (wanted.topic.clone(), wanted.index);
        if let Some(member) = self.members.get_mut(&key) {
            member.wanted = wanted;
            return;
        }
        let place = self.next_place;
        self.next_place += 1;
        self.held.fetch_add(1, Ordering::Relaxed);
        self.order.insert(place, key.clone());
        self.members.insert(
            key,
            Member {
                wanted,
                place,
                told: None,
            },
        );
    }

    /// Takes an incremental request into the session.
    fn update(&mut self, version: i16, request: &FetchRequest) -> Result<(), SessionError> {
        if request.session_epoch != self.next_epoch {
            return Err(SessionError(ErrorCode::InvalidFetchSessionEpoch));
        }
        if self.uses_ids != (version >= 13) {
            return Err(SessionError(ErrorCode::FetchSessionTopicIdError));
        }
        self.next_epoch = if self.next_epoch == i32::MAX {
            1
        } else {
            self.next_epoch + 1
        };
        self.last_used = Instant::now();
        for wanted in named(version, request) {
            self.put(wanted);
        }
        for topic in &request.forgotten_topics_data {
            let key = key_of(version, &topic.topic, topic.topic_id);
            for index in &topic.partitions {
                if let Some(member) = self.members.remove(&(key.clone(), *index)) {
                    self.order.remove(&member.place);
                    self.held.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// The partitions in order.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let in_order = self.order.values().filter_map(|key| self.members.get(key));
        in_order.map(|member| member.wanted.clone()).collect()
    }

    /// Whether an answer about a partition is worth telling: data, an error, or offsets that moved. Notes what is told.
    pub(crate) fn tell(
        &mut self,
        topic: &TopicKey,
        index: i32,
        offsets: (i64, i64),
        has_data: bool,
        has_error: bool,
    ) -> bool {
        let Some(member) = self.members.get_mut(&(topic.clone(), index)) else {
            return true;
        };
        let moved = member.told != Some(offsets);
        // An error is told again next time, since nothing says that the client saw it.
        member.told = if has_error { None } else { Some(offsets) };
        if has_data {
            self.order.remove(&member.place);
            member.place = self.next_place;
            self.next_place += 1;
            self.order.insert(member.place, (topic.clone(), index));
        }
        moved || has_data || has_error
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.held.fetch_sub(self.members.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
