//! Transcripts of the group machine: a command, and the records, replies and timers that come of it.
//!
//! Every transcript is also replayed from its records, and must end in the same hard state. `UPDATE=1 cargo test` writes what came out.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test may fail loudly and list many cases"
)]

mod machine;
mod tombstones;

use std::path::Path;

use mainstem_stdx::transcript;

use machine::Machine;

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut machine = Machine::default();
    let came = transcript::run(&text, |command| machine.perform(command));
    machine.check_replay();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, came).unwrap();
        return;
    }
    assert_eq!(
        came, text,
        "{name}: run with UPDATE=1 and look at the difference"
    );
}

macro_rules! transcripts {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )*};
}

transcripts! {
    first_generation
    member_leaves
    session_expires
    static_members
    static_returns
    full_groups
    commits
    refusals
    deletion_and_expiry
    expiry_in_rebalance
}
