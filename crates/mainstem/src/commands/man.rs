//! `mainstem man DIR`: a page for the program and for each of its commands.

use std::path::Path;

use crate::cli::{Global, proposed};
use crate::failure::Failure;
use crate::output::{counted, say};

pub(crate) fn run(global: &Global, dir: &Path) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        Failure::with_hint(
            format!("{}: {error}", dir.display()),
            "name a directory that can be written: mainstem man DIR",
        )
    };
    std::fs::create_dir_all(dir).map_err(wrong)?;
    let mut program = proposed();
    program.build();
    let count = pages(&program, "mainstem", dir).map_err(wrong)?;
    say(
        global,
        &format!("{} in {}", counted(count, "page"), dir.display()),
    );
    Ok(())
}

/// What stands before the help, examples with a headline, as a section of a page.
fn section(examples: &str) -> String {
    let mut section = ".SH EXAMPLES\n.nf\n".to_owned();
    for line in examples.lines().skip(1) {
        // A line that begins with a dot or quote would be a request to the formatter; \& before it makes it text.
        section.push_str("\\&");
        section.push_str(&line.replace('\\', "\\e").replace('-', "\\-"));
        section.push('\n');
    }
    section.push_str(".fi\n");
    section
}

/// Writes the page of a command and those of its commands; the value says how many.
fn pages(command: &clap::Command, name: &str, dir: &Path) -> std::io::Result<i64> {
    // `build` has given each command its name with those above it: mainstem-topic-create.
    let mut text = Vec::new();
    let source = concat!("mainstem ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone())
        .source(source)
        .render(&mut text)?;
    if let Some(examples) = command.get_before_help() {
        text.extend_from_slice(section(&examples.to_string()).as_bytes());
    }
    std::fs::write(dir.join(format!("{name}.1")), text)?;
    let mut count = 1;
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        count += pages(below, &format!("{name}-{}", below.get_name()), dir)?;
    }
    Ok(count)
}
