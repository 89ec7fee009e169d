//! What to do about a refusal: the second line of an error, made from the broker's code and words.
//!
//! Must not know which command asked. Words are those of Apache Kafka, so the advice is the same for either.

use mainstem_broker::property_docs;
use mainstem_client::ClientError;
use mainstem_protocol::ErrorCode;

use crate::output::did_you_mean;

/// The topic that a refusal is about: `topic orders`, or a partition of it, `orders-3`.
fn topic_of(what: &str) -> &str {
    let partition = || what.rsplit_once('-').map_or(what, |(topic, _)| topic);
    what.strip_prefix("topic ").unwrap_or_else(partition)
}

/// What to do about a broker's refusal.
pub(crate) fn advice(error: &ClientError) -> Option<String> {
    let ClientError::Refused {
        what,
        message,
        code,
    } = error
    else {
        return None;
    };
    let topic = topic_of(what);
    Some(match code {
        ErrorCode::TopicAlreadyExists => format!("see it: mainstem topic describe {topic}"),
        ErrorCode::UnknownTopicOrPartition => format!(
            "see what is there: mainstem topic list   ·   create it: mainstem topic create {topic}"
        ),
        ErrorCode::InvalidTopicException => {
            "names are of letters, digits, '.', '_' and '-', at most 249 of them".to_owned()
        }
        ErrorCode::InvalidPartitions => format!(
            "a topic has at least one partition, and partitions can only be added: mainstem topic alter {topic} --partitions N"
        ),
        ErrorCode::InvalidReplicationFactor => {
            "a partition has at most one replica on each node (see them: mainstem cluster); leave --replication-factor out for the default"
                .to_owned()
        }
        ErrorCode::PolicyViolation => return of_policy(message),
        ErrorCode::InvalidConfig | ErrorCode::InvalidRequest => return of_property(message),
        ErrorCode::NonEmptyGroup => "stop its consumers first".to_owned(),
        ErrorCode::GroupIdNotFound => "see what is there: mainstem group list".to_owned(),
        ErrorCode::MessageTooLarge => format!(
            "raise max.message.bytes of the topic: mainstem topic alter {topic} --set max.message.bytes=N"
        ),
        ErrorCode::UnknownMemberId => "the group has members; stop its consumers first".to_owned(),
        ErrorCode::KafkaStorageError => "the node's disk failed; look at its log".to_owned(),
        _ => return None,
    })
}

/// What to do about a request that goes against a policy: which one, only the words tell.
fn of_policy(message: &str) -> Option<String> {
    let advice = match message {
        "Excessively large number of partitions per request."
        | "Excessively large number of additional partitions per request." => {
            "ask for fewer partitions at once: --partitions N"
        }
        "Unable to perform excessively large batch operation." => {
            "ask for less at once: each topic, partition and property counts"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// What to do about a property that was refused in these words.
fn of_property(message: &str) -> Option<String> {
    if let Some(name) = message.strip_prefix("Unknown topic config name: ") {
        return Some(unknown_property(name, true));
    }
    let at_start = message.strip_prefix("Cannot update these configs dynamically: [");
    if let Some(name) = at_start.and_then(|rest| rest.strip_suffix(']')) {
        return Some(format!(
            "a node reads it when it starts: mainstem server -o {name}=VALUE"
        ));
    }
    let value = message.strip_prefix("Invalid value ");
    let value = value.and_then(|rest| rest.split_once(" for configuration "));
    if let Some((value, rest)) = value
        && let Some(name) = rest.split(':').next()
    {
        // Where several properties are at odds there is no name, but words: "Invalid dynamic configuration".
        let docs = || format!("see what it may be: mainstem config docs {name}");
        let advice = in_unit_of(name, value).or_else(|| is_known(name).then(docs));
        if advice.is_some() {
            return advice;
        }
    }
    // Rules between properties name them somewhere.
    let words = message.split(|character: char| !character.is_alphanumeric() && character != '.');
    let named = words
        .filter(|word| word.contains('.'))
        .find(|word| is_known(word))?;
    Some(format!("see what it may be: mainstem config docs {named}"))
}

fn is_known(name: &str) -> bool {
    property_docs().any(|doc| doc.name == name)
}

/// What may have been meant with a property that there is not.
pub(crate) fn unknown_property(name: &str, of_topics: bool) -> String {
    let known = property_docs().filter(|doc| doc.of_topics == of_topics);
    match did_you_mean(name, known.map(|doc| doc.name)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if of_topics => "see all: mainstem config docs --topic".to_owned(),
        None => "see all: mainstem config docs --broker".to_owned(),
    }
}

/// The number that was meant when a property of one unit got a time with another. Example: `log.retention.hours=7d` means 168.
pub(crate) fn in_unit_of(name: &str, value: &str) -> Option<String> {
    let units = [("ms", 1), ("minutes", 60_000), ("hours", 3_600_000)];
    let (unit, milliseconds) = units
        .into_iter()
        .find(|(unit, _)| name.ends_with(&format!(".{unit}")))?;
    if value.parse::<i64>().is_ok() {
        return None; // its unit is not what is wrong
    }
    let number = crate::when::duration(value).ok()?.as_millis() / milliseconds;
    Some(format!("{unit} are meant: {number}"))
}

#[cfg(test)]
mod tests {
    //! Refusals in Apache Kafka's words, and what is advised.

    use super::*;

    #[test]
    fn refusals_name_what_can_be_done() {
        let check = |what: &str, code: ErrorCode, message: &str, expected: &str| {
            let error = ClientError::refused(what, code, Some(message));
            assert_eq!(advice(&error).unwrap_or_default(), expected, "{error}");
        };
        let config = |message: &str, expected: &str| {
            check("topic t", ErrorCode::InvalidConfig, message, expected);
        };
        config(
            "Invalid value 7d for configuration retention.ms: Not a number of type LONG",
            "ms are meant: 604800000",
        );
        config(
            "Invalid value soon for configuration retention.ms: Not a number of type LONG",
            "see what it may be: mainstem config docs retention.ms",
        );
        config(
            "Unknown topic config name: retention.m",
            "did you mean \"retention.ms\"?",
        );
        config(
            "conflict topic config setting min.compaction.lag.ms (2) > max.compaction.lag.ms (1)",
            "see what it may be: mainstem config docs min.compaction.lag.ms",
        );
        config(
            "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for num.io.threads=80: value should not be greater than double the current value 8 for configuration Invalid dynamic configuration",
            "see what it may be: mainstem config docs num.io.threads",
        );
        config(
            "Invalid value org.apache.kafka.common.config.ConfigException: No security protocol defined for listener X for configuration Invalid dynamic configuration",
            "",
        );
        config("something else", "");
        check(
            "topic a-1",
            ErrorCode::TopicAlreadyExists,
            "",
            "see it: mainstem topic describe a-1",
        );
        check(
            "a-1-0",
            ErrorCode::MessageTooLarge,
            "",
            "raise max.message.bytes of the topic: mainstem topic alter a-1 --set max.message.bytes=N",
        );
    }

    #[test]
    fn a_policy_is_told_by_the_words_of_the_broker() {
        let check = |message: Option<&str>, expected: &str| {
            let error = ClientError::refused("topic t", ErrorCode::PolicyViolation, message);
            assert_eq!(advice(&error).unwrap_or_default(), expected, "{error}");
        };
        let fewer = "ask for fewer partitions at once: --partitions N";
        check(
            Some("Excessively large number of partitions per request."),
            fewer,
        );
        check(
            Some("Excessively large number of additional partitions per request."),
            fewer,
        );
        check(
            Some("Unable to perform excessively large batch operation."),
            "ask for less at once: each topic, partition and property counts",
        );
        // Those of one's own making, which ask for anything, and records of a topic that is compacted, of which nothing is said.
        check(Some("topics here have at least 3 partitions"), "");
        check(Some("names begin with that of a team"), "");
        check(None, "");
    }
}
