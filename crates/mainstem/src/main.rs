//! The one binary: the command line, and the composition root of the node.
//!
//! Text for people is made here and nowhere below. Data goes to standard output, everything else to standard error. Exit codes: 0 done,
//! 1 the answer is no, 2 wrong use, 3 the cluster cannot be reached, 130 interrupted.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to people"
)]

mod address;
mod advice;
mod cli;
mod commands;
mod complete;
mod failure;
mod input;
mod output;
mod when;

use std::io::IsTerminal;

use tokio::signal::unix::{SignalKind, signal};

use cli::Command;
use failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // A shell that wants proposals for a line says so in a variable; it gets them, and nothing else happens.
    clap_complete::CompleteEnv::with_factory(cli::proposed)
        .var(commands::COMPLETE_VARIABLE)
        .complete();
    let cli = match cli::parsed() {
        Ok(cli) => cli,
        Err(wrong) if wrong.use_stderr() => wrong.exit(),
        Err(asked) => return shown(&asked),
    };
    let result = match cli.command {
        Command::Server(options) => commands::server::run(&options),
        other => run_client(&cli.global, other),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Prints the help or the version. clap's own printing would take a full disk for success.
fn shown(asked: &clap::Error) -> std::process::ExitCode {
    let text = asked.render();
    let printed = if output::colours(std::io::stdout().is_terminal()) {
        output::print(&text.ansi().to_string())
    } else {
        output::print(&text.to_string())
    };
    match printed {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Runs a command that talks to a cluster.
fn run_client(global: &cli::Global, command: Command) -> Result<(), Failure> {
    failure::logging(global.verbose);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::system)?;
    // A member of a group leaves it first, and so looks for the signal itself.
    let ends_itself = matches!(&command, Command::Consume(options) if options.group.is_some());
    let result = runtime.block_on(async {
        tokio::select! {
            result = commands::run(global, command) => result,
            signal = interrupted(), if !ends_itself => signal.and(Err(Failure::Interrupted)),
        }
    });
    runtime.shutdown_background();
    result
}

/// Ends when the person, or whoever started us, wants us to stop.
async fn interrupted() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::system)?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt.map_err(Failure::system),
        _ = terminate.recv() => Ok(()),
    }
}
