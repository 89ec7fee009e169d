//! Bytes as text and back, for what a person must be able to read and paste.

use bytes::Bytes;

/// Bytes of hexadecimal digits; white space between them is ignored.
pub(crate) fn bytes(text: &str) -> Bytes {
    let digits: Vec<u8> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| {
            let value = character.to_digit(16).expect("a hexadecimal digit");
            u8::try_from(value).expect("a digit is below 16")
        })
        .collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect::<Vec<u8>>()
        .into()
}

/// Hexadecimal digits of bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
