//! The grammar as it is parsed and shown: each command's help names those of the global options alone that it heeds.
//!
//! Invariant: every global option is taken everywhere, so that a line of a script may be changed from one command to another.

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// What a command does with the global options; `path` are its words, `topic create`.
fn heeded(path: &str) -> &'static [&'static str] {
    match path {
        "server" | "completions" => &[],
        "man" => &["quiet"],
        "config docs" | "log" | "log dump" | "storage random-uuid" => &["json"],
        "storage" | "storage info" | "storage format" => &["json", "quiet"],
        "topic" | "topic delete" | "group" | "group delete" | "group reset" | "config where" => {
            &["bootstrap", "timeout", "json", "quiet", "verbose", "yes"]
        }
        _ => &["bootstrap", "timeout", "json", "quiet", "verbose"],
    }
}

/// The whole grammar, as it is parsed.
pub(crate) fn program() -> Command {
    let (program, global) = parts();
    below(program, "", &|path| {
        let own = global.iter().cloned().map(|arg| {
            let is_shown = heeded(path).contains(&arg.get_id().as_str());
            arg.hide(!is_shown)
        });
        own.collect()
    })
}

/// The grammar as it is proposed: completion scripts offer what is hidden too, so here each command has what it heeds and no more.
pub(crate) fn proposed() -> Command {
    let (program, global) = parts();
    let program = program.mut_args(|arg| arg.global(false));
    below(program, "", &|path| {
        let own = global.iter().cloned().map(|arg| arg.global(false));
        own.filter(|arg| heeded(path).contains(&arg.get_id().as_str()))
            .collect()
    })
}

/// The grammar with its global options, and these once more.
fn parts() -> (Command, Vec<Arg>) {
    let program = Cli::command();
    let global = program.get_arguments().filter(|arg| arg.is_global_set());
    let global = global.cloned().collect();
    (program, global)
}

/// Gives each command below global options of its own: clap hands on those alone that a command does not have.
fn below(mut command: Command, path: &str, own: &dyn Fn(&str) -> Vec<Arg>) -> Command {
    let names = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned());
    let names: Vec<String> = names.collect();
    for name in names {
        let path = format!("{path} {name}");
        let path = path.trim();
        command = command.mut_subcommand(&name, |sub| below(sub.args(own(path)), path, own));
    }
    command
}

#[cfg(test)]
mod tests {
    //! What is shown can be typed.

    use super::*;

    /// The command of an example, without what a shell makes of the rest of the line.
    fn words(example: &str) -> Vec<String> {
        let ours = example
            .split(" | ")
            .find(|part| part.trim().starts_with("mainstem "));
        let ours = ours.unwrap_or_else(|| panic!("{example}"));
        let ours = ours.split(['<', '>']).next().unwrap_or_default();
        let ours = ours.replace("$(mainstem storage random-uuid)", "id");
        ours.split_whitespace().map(str::to_owned).collect()
    }

    fn check_examples(command: &Command, count: &mut usize) {
        if let Some(examples) = command.get_before_help() {
            for example in examples.to_string().lines().skip(1) {
                let parsed = program().try_get_matches_from(words(example));
                assert!(parsed.is_ok(), "{example}: {parsed:?}");
                *count += 1;
            }
        }
        for below in command.get_subcommands() {
            check_examples(below, count);
        }
    }

    #[test]
    fn every_example_can_be_typed() {
        let mut count = 0;
        check_examples(&program(), &mut count);
        assert!(count > 40, "{count} examples");
    }

    #[test]
    fn the_grammar_is_sound() {
        program().debug_assert();
        proposed().debug_assert();
    }
}
