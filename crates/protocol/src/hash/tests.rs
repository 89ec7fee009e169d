//! Values that Java prints.

use super::{java_hash, murmur2, partition_of_coordinator};

#[test]
fn murmur2_is_apaches() {
    // Printed by the murmur2 of kafka-clients 4.4.0.
    for (text, hash) in [
        ("", 275_646_681_i32),
        ("m", 1_063_097_864),
        ("ma", 1_939_625_553),
        ("mainstem", -638_204_609),
        ("orders-17", -773_254_341),
        ("N14228", -1_499_626_080),
        ("größe", 588_164_084),
        ("a key of some thirty-one bytes.", 38_313_198),
    ] {
        assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
    }
}

#[test]
fn java_hash_counts_utf16_units() {
    for (text, hash) in [
        ("", 0),
        ("a", 97),
        ("hello", 99_162_322),
        ("é", 233),
        ("😀", 1_772_899),
    ] {
        assert_eq!(java_hash(text), hash, "{text}");
    }
    assert_eq!(partition_of_coordinator("polygenelubricants", 50), 0); // its hash is i32::MIN
}
