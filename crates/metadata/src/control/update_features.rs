//! UpdateFeatures (key 57): which levels could be set. This build serves one level of one feature beside those that older clusters have,
//! so nothing is ever written: a level is either the one that stands, or refused with Apache Kafka's words.

use mainstem_protocol::messages::update_features_response::UpdatableFeatureResult;
use mainstem_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};
use mainstem_protocol::{ErrorCode, Str};

use super::bootstrap::{METADATA_VERSION, METADATA_VERSION_MIN};
use crate::MetadataImage;

/// The feature that says which records the metadata log may hold.
pub const METADATA_FEATURE: &str = "metadata.version";

/// Features of this build, with the lowest and the highest level of each.
pub const SUPPORTED_FEATURES: &[(&str, i16, i16)] =
    &[(METADATA_FEATURE, METADATA_VERSION_MIN, METADATA_VERSION)];

/// The way a level may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    SafeDown,
    UnsafeDown,
}

fn direction(version: i16, allow_downgrade: bool, upgrade_type: i8) -> Option<Direction> {
    match (version, allow_downgrade, upgrade_type) {
        (0, false, _) | (1.., _, 1) => Some(Direction::Up),
        (0, true, _) | (1.., _, 2) => Some(Direction::SafeDown),
        (1.., _, 3) => Some(Direction::UnsafeDown),
        _ => None,
    }
}

/// Why a feature cannot be set to a level; `None` when it stands there already.
fn refusal(
    image: &MetadataImage,
    node_id: i32,
    (feature, level): (&str, i16),
    direction: Option<Direction>,
) -> Option<String> {
    let invalid = |why: &str| {
        Some(format!(
            "Invalid update version {level} for feature {feature}. {why}"
        ))
    };
    let Some(direction) = direction else {
        return invalid("The controller does not support the given upgrade type.");
    };
    if level < 0 {
        return invalid("A feature version cannot be less than 0.");
    }
    let supported = SUPPORTED_FEATURES.iter().find(|row| row.0 == feature);
    let Some((_, min, max)) = supported else {
        return invalid(&format!(
            "Local controller {node_id} does not support this feature."
        ));
    };
    if !(*min..=*max).contains(&level) {
        return invalid(&format!(
            "Local controller {node_id} only supports versions {min}-{max}"
        ));
    }
    let current = image.feature(feature);
    match (level.cmp(&current), direction) {
        (std::cmp::Ordering::Equal, _) => None,
        (std::cmp::Ordering::Less, Direction::Up) => invalid(
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
        ),
        (std::cmp::Ordering::Less, Direction::SafeDown) => Some(format!(
            "Unsupported {feature} downgrade from {current} to {level}. Refusing to perform the requested downgrade because it might delete metadata information."
        )),
        (std::cmp::Ordering::Less, Direction::UnsafeDown) => Some(format!(
            "Unsupported {feature} downgrade from {current} to {level}. Unsafe metadata downgrade is not supported in this version."
        )),
        (std::cmp::Ordering::Greater, _) => {
            invalid("This build writes the records of the level at which a cluster was made.")
        }
    }
}

/// Answers for all features together: the first that cannot be set refuses the rest.
pub fn update_features(
    image: &MetadataImage,
    node_id: i32,
    version: i16,
    request: &UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    let refused = request.feature_updates.iter().find_map(|update| {
        let direction = direction(version, update.allow_downgrade, update.upgrade_type);
        let wanted = (update.feature.as_str(), update.max_version_level);
        refusal(image, node_id, wanted, direction)
    });
    if let Some(why) = refused {
        let message = format!(
            "The update failed for all features since the following feature had an error: {why}"
        );
        return UpdateFeaturesResponse {
            error_code: ErrorCode::InvalidUpdateVersion.code(),
            error_message: Some(Str::from(message)),
            ..UpdateFeaturesResponse::default()
        };
    }
    let results = request
        .feature_updates
        .iter()
        .filter(|_| version <= 1)
        .map(|update| UpdatableFeatureResult {
            feature: update.feature.detached(),
            error_code: 0,
            error_message: Some(Str::from_static("NONE")),
        });
    UpdateFeaturesResponse {
        error_message: None,
        results: results.collect(),
        ..UpdateFeaturesResponse::default()
    }
}
