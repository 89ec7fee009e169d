//! DescribeUserScramCredentials (key 50): there are none, since none can be made yet (KIP-554).

use std::collections::BTreeSet;

use mainstem_protocol::messages::describe_user_scram_credentials_request::UserName;
use mainstem_protocol::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult;
use mainstem_protocol::messages::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

/// What the answer about a user takes beside the name.
const ENTRY_BYTES: usize = 384;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeUserScramCredentialsRequest,
) -> Staged<DescribeUserScramCredentialsResponse> {
    Staged::pending(async move {
        let users = request.users.unwrap_or_default();
        let bytes = users.iter().map(|user| ENTRY_BYTES + 2 * user.name.len());
        match cx.answer.take(bytes.sum()).await {
            true => described(&users),
            false => DescribeUserScramCredentialsResponse::default(),
        }
    })
}

fn described(users: &[UserName]) -> DescribeUserScramCredentialsResponse {
    let mut seen = BTreeSet::new();
    let repeated: BTreeSet<Str> = users
        .iter()
        .filter(|user| !seen.insert(&user.name))
        .map(|user| user.name.clone())
        .collect();
    let mut told = BTreeSet::new();
    let once = users.iter().filter(|user| told.insert(&user.name));
    let results = once.map(|user| {
        let name = &user.name;
        let (code, what) = if repeated.contains(name) {
            let what = format!("Cannot describe SCRAM credentials for the same user twice in a single request: {name}");
            (ErrorCode::DuplicateResource, what)
        } else {
            let what = format!("Attempt to describe a user credential that does not exist: {name}");
            (ErrorCode::ResourceNotFound, what)
        };
        DescribeUserScramCredentialsResult {
            user: name.clone(),
            error_code: code.code(),
            error_message: Some(Str::from(what)),
            ..DescribeUserScramCredentialsResult::default()
        }
    });
    DescribeUserScramCredentialsResponse {
        results: results.collect(),
        error_message: Some(Str::EMPTY),
        ..DescribeUserScramCredentialsResponse::default()
    }
}
