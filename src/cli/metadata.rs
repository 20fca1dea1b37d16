//! The rows as a [`clap::Command`]: names, values, help and headings for man pages and shell completions.
//!
//! It describes, it does not parse: `clap` knows no `+` options and no short names of several letters, so these stand
//! at the end of the help text, and rules and order stay with [`Program`].

use clap::{Arg, ArgAction, Command};

use super::program::{Logging, Program};

impl<C: Default + Logging + 'static> Program<C> {
    /// The program as `clap` describes it.
    pub fn command(&self) -> Command {
        let mut command =
            Command::new(self.name).about(self.title).version(env!("CARGO_PKG_VERSION")).disable_help_flag(true);
        command = command.disable_version_flag(true).args_override_self(true);
        for parameter in &self.parameters {
            let action = if parameter.many { ArgAction::Append } else { ArgAction::Set };
            let arg = Arg::new(parameter.spec.name).help(parameter.help).required(!parameter.optional).action(action);
            command = command.arg(arg);
        }
        for entry in &self.entries {
            let row = &entry.row;
            let long = row.long.trim_start_matches('-');
            let mut arg = Arg::new(long).long(long).help_heading(entry.heading);
            let mut help = row.help.to_owned();
            match row.short.strip_prefix('-').map(|short| short.chars().collect::<Vec<_>>()).as_deref() {
                Some([letter]) => arg = arg.short(*letter),
                _ if row.short.is_empty() => {}
                _ => help += &format!(" [also {}]", row.short),
            }
            arg = if row.values.is_empty() {
                arg.action(ArgAction::SetTrue)
            } else {
                let action = if row.repeatable { ArgAction::Append } else { ArgAction::Set };
                arg.action(action).num_args(row.values.len()).value_names(row.values.iter().map(|value| value.name))
            };
            command = command.arg(arg.help(help).allow_hyphen_values(!row.values.is_empty()));
        }
        command
    }
}
