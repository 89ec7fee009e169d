//! Tests written as transcripts: a command, a line of dashes, and what came of it.
//!
//! ```text
//! join group=g member=a
//! ----
//! reply member=a generation=1
//! ```
//!
//! A file is a run of such blocks with empty lines between them; lines that begin with `#` are comments. The runner calls a
//! function for each command and compares. Updating writes what came instead.

/// A block of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Comment lines before it.
    pub comments: Vec<String>,
    /// The command's lines.
    pub command: String,
    /// What is expected.
    pub expected: String,
}

/// Reads the blocks of a transcript.
pub fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for paragraph in text
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
    {
        let lines = paragraph.lines();
        let comments: Vec<String> = lines
            .clone()
            .take_while(|line| line.starts_with('#') || line.is_empty())
            .map(str::to_owned)
            .collect();
        let rest: Vec<&str> = lines.skip(comments.len()).collect();
        if rest.is_empty() {
            continue;
        }
        let cut = rest
            .iter()
            .position(|line| *line == "----")
            .unwrap_or(rest.len());
        let command = rest.get(..cut).unwrap_or_default().join("\n");
        let expected = rest.get(cut + 1..).unwrap_or_default().join("\n");
        let comments = comments
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        blocks.push(Block {
            comments,
            command,
            expected,
        });
    }
    blocks
}

/// Runs each command and writes the transcript as it came out.
pub fn run(text: &str, mut perform: impl FnMut(&str) -> String) -> String {
    let mut out = String::new();
    for block in parse(text) {
        if !out.is_empty() {
            out.push('\n');
        }
        for comment in &block.comments {
            out.push_str(comment);
            out.push('\n');
        }
        out.push_str(&block.command);
        out.push_str("\n----\n");
        let came = perform(&block.command);
        out.push_str(came.trim_end());
        if !came.trim_end().is_empty() {
            out.push('\n');
        }
    }
    out
}

/// The value of `name=value` in a command's words.
pub fn word<'a>(command: &'a str, name: &str) -> Option<&'a str> {
    command
        .split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests;
