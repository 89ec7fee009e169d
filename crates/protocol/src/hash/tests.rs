//! Values that Java prints.

use super::{java_hash, murmur2, partition_of_coordinator};

#[test]
fn murmur2_is_apaches() {
    // Computed by org.apache.kafka.common.utils.Utils.murmur2 on these texts.
    for (text, hash) in [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        (
            "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
            -58_897_971,
        ),
        ("abc", 479_470_107),
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
