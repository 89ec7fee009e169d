//! Records that nothing of ours looks at yet, kept so that a snapshot says all that the log said: controllers, quotas, access control,
//! credentials, delegation tokens.
//!
//! Invariant: one record for each thing that a record can replace or remove; the latest.

use std::sync::Arc;

use imbl::OrdMap;
use mainstem_protocol::messages::{ClientQuotaRecord, MetadataRecord};
use mainstem_protocol::{Str, Uuid};

use super::written_version;

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Controller(i32),
    Quota(Vec<(Str, Option<Str>)>, Str),
    AccessControl(Uuid),
    Credential(Str, i8),
    DelegationToken(Str),
}

/// See the head of this file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct KeptRecords(OrdMap<Subject, Arc<MetadataRecord>>);

impl KeptRecords {
    /// Keeps a record, or drops what it removes; any other record is left alone.
    pub(super) fn apply(&mut self, record: &MetadataRecord) {
        let subject = match record {
            MetadataRecord::RegisterController(fields) => Subject::Controller(fields.controller_id),
            MetadataRecord::ClientQuota(fields) => quota(fields),
            MetadataRecord::AccessControlEntry(fields) => Subject::AccessControl(fields.id),
            MetadataRecord::UserScramCredential(fields) => {
                Subject::Credential(fields.name.detached(), fields.mechanism)
            }
            MetadataRecord::DelegationToken(fields) => {
                Subject::DelegationToken(fields.token_id.detached())
            }
            MetadataRecord::UnregisterController(fields) => {
                return self.remove(&Subject::Controller(fields.controller_id));
            }
            MetadataRecord::RemoveAccessControlEntry(fields) => {
                return self.remove(&Subject::AccessControl(fields.id));
            }
            MetadataRecord::RemoveUserScramCredential(fields) => {
                return self.remove(&Subject::Credential(fields.name.clone(), fields.mechanism));
            }
            MetadataRecord::RemoveDelegationToken(fields) => {
                return self.remove(&Subject::DelegationToken(fields.token_id.clone()));
            }
            _ => return,
        };
        if matches!(record, MetadataRecord::ClientQuota(quota) if quota.remove) {
            self.remove(&subject);
        } else {
            self.0.insert(subject, Arc::new(detached(record)));
        }
    }

    fn remove(&mut self, subject: &Subject) {
        self.0.remove(subject);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &MetadataRecord> {
        self.0.values().map(|record| &**record)
    }
}

/// An entity is a set of names: their order in the record says nothing.
fn quota(record: &ClientQuotaRecord) -> Subject {
    let parts = record.entity.iter().map(|part| {
        let name = part.entity_name.as_ref().map(Str::detached);
        (part.entity_type.detached(), name)
    });
    let mut entity: Vec<_> = parts.collect();
    entity.sort();
    Subject::Quota(entity, record.key.detached())
}

/// A copy in memory of its own: the record itself may be a slice of a whole segment's worth of others.
fn detached(record: &MetadataRecord) -> MetadataRecord {
    let copied = record
        .encode_value(written_version(record))
        .ok()
        .and_then(|bytes| MetadataRecord::decode_value(bytes).ok());
    debug_assert!(copied.is_some(), "a record that was read can be written");
    copied.unwrap_or_else(|| record.clone())
}
