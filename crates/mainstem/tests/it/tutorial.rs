//! `docs/tutorial.md` works by copy and paste.

use std::path::Path;
use std::process::Command;

use crate::node::{BINARY, Node, run};

/// Blocks that need what a test does not have: another tool, a build, the node itself.
const NOT_RUN: [&str; 4] = ["cargo", "mainstem server", "kcat", "kill"];

#[test]
fn the_tutorial_works() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```").skip(1).step_by(2);
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let bin = Path::new(BINARY).parent().unwrap().display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let mut last = String::new();
    let mut count = 0;
    for block in blocks.filter(|block| !NOT_RUN.iter().any(|word| block.contains(word))) {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", block]);
        shell
            .env("PATH", &path)
            .env("MAINSTEM_BOOTSTRAP", &node.address);
        let done = run(shell, "");
        assert_eq!(done.code, Some(0), "{block}\n{done:?}");
        last = done.out;
        count += 1;
    }
    assert!(count >= 4, "the page's blocks were not found");
    // The last block resets a group and reads all that the page has produced.
    for total in ["12", "7", "3", "5"] {
        assert!(last.contains(&format!("{{\"total\": {total}}}")), "{last}");
    }
}
