//! The text form of ids.

use super::{Uuid, UuidError};

#[test]
fn text_and_bytes_agree() {
    for (bytes, text) in [
        ([0u8; 16], "AAAAAAAAAAAAAAAAAAAAAA"),
        (Uuid::METADATA_TOPIC.0, "AAAAAAAAAAAAAAAAAAAAAQ"),
        ([255; 16], "_____________________w"),
    ] {
        assert_eq!(Uuid(bytes).to_string(), text);
        assert_eq!(text.parse::<Uuid>().unwrap().0, bytes);
    }
    assert_eq!("abc".parse::<Uuid>(), Err(UuidError::Length { found: 3 }));
    assert_eq!(
        "AAAAAAAAAAA+AAAAAAAAAA".parse::<Uuid>(),
        Err(UuidError::Character { character: '+' })
    );
}

#[test]
fn random_ids_never_look_like_an_option() {
    for first in 0..=255u8 {
        let mut bytes = [7; 16];
        bytes[0] = first;
        assert!(!Uuid::from_random(bytes).to_string().starts_with('-'));
    }
}
