//! Sessions as KIP-227 has them.

use mainstem_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};

use super::*;

fn request(session_id: i32, session_epoch: i32, partitions: &[(i32, i64)]) -> FetchRequest {
    let partitions = partitions
        .iter()
        .map(|(partition, fetch_offset)| FetchPartition {
            partition: *partition,
            fetch_offset: *fetch_offset,
            partition_max_bytes: 1_000,
            ..FetchPartition::default()
        });
    let topic = FetchTopic {
        topic: Str::from("orders"),
        partitions: partitions.collect(),
        ..FetchTopic::default()
    };
    let topics = if topic.partitions.is_empty() {
        vec![]
    } else {
        vec![topic]
    };
    FetchRequest {
        session_id,
        session_epoch,
        topics,
        ..FetchRequest::default()
    }
}

fn session(opened: Result<Opened, SessionError>) -> (Arc<Mutex<Session>>, bool) {
    match opened {
        Ok(Opened::Session(session, incremental)) => (session, incremental),
        _ => panic!("no session"),
    }
}

#[test]
fn a_partition_that_is_named_again_is_kept_once_where_it_came_first() {
    let sessions = FetchSessions::new(10);
    let named = [(0, 1), (1, 2), (0, 3), (2, 4), (1, 5), (0, 6)];
    let Ok(Opened::Full(wanted)) = sessions.open(12, &request(0, -1, &named), 0) else {
        panic!("no full request");
    };
    let kept: Vec<_> = wanted
        .iter()
        .map(|wanted| (wanted.index, wanted.offset))
        .collect();
    assert_eq!(kept, [(0, 6), (1, 5), (2, 4)]);
}

#[test]
fn a_session_remembers_what_was_named_and_forgets_what_is_dropped() {
    let sessions = FetchSessions::new(10);
    let (begun, incremental) = session(sessions.open(12, &request(0, 0, &[(0, 5), (1, 7)]), 99));
    assert!(!incremental);
    let id = begun.lock().unwrap().id();
    let mut next = request(id, 1, &[(1, 8)]);
    next.forgotten_topics_data = vec![ForgottenTopic {
        topic: Str::from("orders"),
        partitions: vec![0],
        ..ForgottenTopic::default()
    }];
    let (same, incremental) = session(sessions.open(12, &next, 0));
    assert!(incremental);
    let wanted = same.lock().unwrap().wanted();
    assert_eq!(
        wanted
            .iter()
            .map(|wanted| (wanted.index, wanted.offset))
            .collect::<Vec<_>>(),
        [(1, 8)]
    );
}

#[test]
fn what_does_not_fit_has_its_code() {
    let sessions = FetchSessions::new(10);
    let (begun, _) = session(sessions.open(12, &request(0, 0, &[(0, 0)]), 5));
    let id = begun.lock().unwrap().id();
    let code = |request: &FetchRequest, version: i16| match sessions.open(version, request, 1) {
        Err(SessionError(code)) => code,
        Ok(_) => ErrorCode::None,
    };
    assert_eq!(
        code(&request(id + 1, 1, &[]), 12),
        ErrorCode::FetchSessionIdNotFound
    );
    assert_eq!(
        code(&request(id, 2, &[]), 12),
        ErrorCode::InvalidFetchSessionEpoch
    );
    assert_eq!(
        code(&request(id, 1, &[]), 13),
        ErrorCode::FetchSessionTopicIdError
    );
    assert_eq!(code(&request(id, 1, &[]), 12), ErrorCode::None);
    assert_eq!(
        code(&request(id, FINAL_EPOCH, &[(0, 0)]), 12),
        ErrorCode::None
    );
    assert_eq!(
        code(&request(id, 2, &[]), 12),
        ErrorCode::FetchSessionIdNotFound
    );
}

#[test]
fn only_changes_are_told_and_busy_partitions_go_last() {
    let sessions = FetchSessions::new(10);
    let (begun, _) = session(sessions.open(12, &request(0, 0, &[(0, 0), (1, 0)]), 5));
    let mut session = begun.lock().unwrap();
    let topic = TopicKey::Name(Str::from("orders"));
    assert!(session.tell(&topic, 0, (0, 10), true, false));
    assert!(session.tell(&topic, 1, (0, 0), false, false));
    assert!(!session.tell(&topic, 1, (0, 0), false, false));
    assert!(session.tell(&topic, 1, (0, 1), false, false));
    let order: Vec<i32> = session.wanted().iter().map(|wanted| wanted.index).collect();
    assert_eq!(order, [1, 0]);
}

#[test]
fn slots_are_bounded() {
    let sessions = FetchSessions::new(1);
    session(sessions.open(12, &request(0, 0, &[(0, 0)]), 5));
    assert!(matches!(
        sessions.open(12, &request(0, 0, &[(0, 0)]), 6),
        Ok(Opened::Full(_))
    ));
}

#[test]
fn partitions_of_all_sessions_are_bounded() {
    let sessions = FetchSessions::new(10);
    let many: Vec<(i32, i64)> = (0..600_000).map(|index| (index, 0)).collect();
    let (first, _) = session(sessions.open(12, &request(0, 0, &many), 1));
    assert!(matches!(
        sessions.open(12, &request(0, 0, &many), 2),
        Ok(Opened::Full(wanted)) if wanted.len() == many.len()
    ));
    let id = first.lock().unwrap().id();
    drop(first);
    let refused = sessions.open(12, &request(id, 1, &many), 3);
    assert!(matches!(
        refused,
        Err(SessionError(ErrorCode::FetchSessionIdNotFound))
    ));
    // It gave way, and its room is free again.
    session(sessions.open(12, &request(0, 0, &many), 4));
}
