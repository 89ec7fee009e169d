//! A file of properties that may be anything. A plain function: a test calls it with mutated samples, `fuzz/` with what a fuzzer finds.

use mainstem_broker::Properties;

/// Taken, or refused with the name of the file and the line.
pub(crate) fn properties(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(error) = Properties::default().read("server.properties", &text) {
        let text = error.to_string();
        assert!(text.starts_with("server.properties line "), "{text}");
    }
}
