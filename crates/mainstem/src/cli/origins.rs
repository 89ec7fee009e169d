//! The command line as it was parsed, with where each of the global options comes from.

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::{Cli, program};

/// A global option, what it is, and where that comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) option: String,
    pub(crate) value: String,
    pub(crate) from: String,
}

/// Parses the command line.
pub(crate) fn parsed() -> Result<Cli, clap::Error> {
    let matches = program().try_get_matches()?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    cli.global.origins = origins(&matches);
    Ok(cli)
}

fn origins(matches: &ArgMatches) -> Vec<Origin> {
    let program = Cli::command();
    let global = program.get_arguments().filter(|arg| arg.is_global_set());
    let origin = |arg: &clap::Arg| {
        let id = arg.get_id().as_str();
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        let variable = arg.get_env().unwrap_or_default().to_string_lossy();
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "command line".to_owned(),
            Some(ValueSource::EnvVariable) => format!("environment, {variable}"),
            _ => "default".to_owned(),
        };
        Origin {
            option: format!("--{id}"),
            value: values.join(" "),
            from,
        }
    };
    global.map(origin).collect()
}
