//! Every command has a man page.

use std::process::Command;

use crate::node::{BINARY, run};

#[test]
fn every_command_has_a_page_with_its_options() {
    let dir = tempfile::tempdir().unwrap();
    let into = dir.path().join("man1");
    let mut command = Command::new(BINARY);
    command.arg("man").arg(&into);
    let done = run(command, "");
    assert_eq!(done.code, Some(0), "{done:?}");
    let page = |name: &str| std::fs::read_to_string(into.join(name)).unwrap();
    assert!(
        page("mainstem.1").contains("mainstem\\-topic"),
        "{}",
        page("mainstem.1")
    );
    let create = page("mainstem-topic-create.1");
    assert!(create.starts_with(".ie"), "{create}");
    assert!(create.contains(".TH mainstem-topic-create 1"), "{create}");
    assert!(create.contains("\\-\\-replication\\-factor"), "{create}");
    let footer = concat!("\"mainstem ", env!("CARGO_PKG_VERSION"), "\"");
    let title = create.lines().find(|line| line.starts_with(".TH "));
    assert!(title.unwrap().contains(footer), "{create}");
    assert!(create.contains("\\-\\-bootstrap"), "{create}");
    let man = page("mainstem-man.1");
    assert!(!man.contains("\\-\\-bootstrap"), "{man}");
    for name in [
        "server",
        "consume",
        "config-set",
        "storage-format",
        "log-dump",
    ] {
        assert!(
            page(&format!("mainstem-{name}.1")).contains("SYNOPSIS"),
            "{name}"
        );
    }
    let server = page("mainstem-server.1");
    assert!(server.contains(".SH EXAMPLES\n.nf\n"), "{server}");
    assert!(
        server.contains("mainstem server \\-\\-data\\-dir"),
        "{server}"
    );

    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut command = Command::new(BINARY);
    command.arg("man").arg(file.join("below"));
    assert_eq!(run(command, "").code, Some(1));
}
