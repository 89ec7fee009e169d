//! Hashes that the protocol's users must share: which partition a key or a group belongs to.

const MURMUR_SEED: u32 = 0x9747_b28c;
const MURMUR_M: u32 = 0x5bd1_e995;

/// Apache Kafka's murmur2 of a key (32 bits, little endian, its own seed).
pub fn murmur2(data: &[u8]) -> u32 {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = MURMUR_SEED ^ length;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = word
            .iter()
            .rev()
            .fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
        k = k.wrapping_mul(MURMUR_M);
        k ^= k >> 24;
        k = k.wrapping_mul(MURMUR_M);
        hash = hash.wrapping_mul(MURMUR_M) ^ k;
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        hash ^= tail
            .iter()
            .rev()
            .fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(MURMUR_M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MURMUR_M);
    hash ^ (hash >> 15)
}

/// The partition of a key, as Java clients choose it: the hash without its sign, modulo the count.
pub fn partition_of_key(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

/// Java's `String.hashCode`, over UTF-16 units.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// The partition of a coordinator's topic that a group, transactional id or share key belongs to: the absolute value of the Java
/// hash (0 for `i32::MIN`), modulo the count. This is not the mask that keyed records use.
pub fn partition_of_coordinator(key: &str, partitions: u32) -> u32 {
    let hash = java_hash(key);
    let absolute = if hash == i32::MIN {
        0
    } else {
        hash.unsigned_abs()
    };
    absolute % partitions.max(1)
}

#[cfg(test)]
mod tests;
