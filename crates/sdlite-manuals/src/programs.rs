//! A page for each program, and its completions, from its options.

use std::io;
use std::path::Path;

use clap::builder::PossibleValue;
use clap::{Arg, Command};
use clap_complete::{Shell, generate_to};

use crate::roff::Page;

/// A program: the section of its page, its options, and those of what else it is.
pub struct Program {
    pub section: &'static str,
    pub command: Command,
    /// A title, and options.
    pub others: Vec<(&'static str, Command)>,
    see: &'static str,
}

/// All of them.
pub fn all() -> Vec<Program> {
    let program = |section, command, see| Program { section, command, others: Vec::new(), see };
    vec![
        Program {
            others: vec![("UNITS", sd_activate::cli::units::options())],
            ..program(
                "1",
                sd_activate::cli::activate::options(),
                "sdctl(1), systemd-socket-activate(1), systemd.socket(5), sd_listen_fds(3)",
            )
        },
        Program {
            others: vec![("LOGS", sd_activate::sdctl::options::journalctl("sdctl logs"))],
            ..program(
                "1",
                sd_activate::sdctl::options::systemctl("sdctl"),
                "sd-activate(1), systemctl(1), journalctl(1)",
            )
        },
        program("1", sd_tools::notify::command(), "sd_notify(3), systemd-notify(1), sd-activate(1)"),
        program("1", sd_tools::cat::command(), "sd-activate(1), systemd-cat(1), sd_journal_stream_fd(3)"),
        program("8", sd_tools::proxy::command(), "sd-activate(1), systemd-socket-proxyd(8), systemd.socket(5)"),
        program("1", sdlite_box::command(), "sd-activate(1), sdctl(1), sd-notify(1), sd-cat(1), sd-proxy(8)"),
    ]
}

impl Program {
    pub fn name(&self) -> &str {
        self.command.get_name()
    }

    /// The page, in man(7).
    pub fn page(&self) -> String {
        let about = self.command.get_about().map(ToString::to_string).unwrap_or_default();
        let mut page = Page::new(self.name(), self.section, &about);
        page.section("SYNOPSIS");
        page.lines(usage(&self.command).lines().map(str::trim));
        page.section("DESCRIPTION");
        page.paragraph(&about);
        let mut status = Vec::new();
        explain(&self.command, &mut page, &mut status);
        page.section("OPTIONS");
        options(&self.command, &mut page);
        for (title, command) in &self.others {
            page.section(title);
            page.lines(usage(command).lines().map(str::trim));
            page.paragraph(&command.get_about().map(ToString::to_string).unwrap_or_default());
            explain(command, &mut page, &mut status);
            options(command, &mut page);
        }
        if !status.is_empty() {
            page.section("EXIT STATUS");
            status.iter().for_each(|text| page.paragraph(text));
        }
        page.section("SEE ALSO");
        page.paragraph(self.see);
        page.text()
    }

    /// Writes what shells complete it by.
    pub fn completions(&self, directory: &Path) -> io::Result<()> {
        let mut command = self.command.clone();
        for (_, other) in &self.others {
            // What both have is told apart by what follows, which no shell knows.
            let is_new = |argument: &Arg| {
                let is_like = |known: &Arg| {
                    known.get_long() == argument.get_long()
                        || known.get_short().is_some() && known.get_short() == argument.get_short()
                };
                !argument.is_positional() && !command.get_arguments().any(is_like)
            };
            let more = other.get_arguments().filter(|argument| is_new(argument));
            let more: Vec<_> = more.cloned().collect();
            command = command.args(more);
        }
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            generate_to(shell, &mut command, self.name().to_owned(), directory)?;
        }
        Ok(())
    }
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage:").trim().to_owned()
}

/// What stands below the options in `--help`: paragraphs and tables. What is said of the exit status is for a section of its own.
fn explain(command: &Command, page: &mut Page, status: &mut Vec<String>) {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for block in text.split("\n\n") {
        let is_table = block.lines().any(|line| line.trim_start().contains("  "));
        if let Some(text) = block.strip_prefix("Exit status:") {
            status.push(text.trim().to_owned());
        } else if is_table {
            page.lines(block.lines());
        } else {
            page.paragraph(block);
        }
    }
}

fn options(command: &Command, page: &mut Page) {
    let mut command = command.clone();
    // With --help, which it adds by itself.
    command.build();
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let values = argument.get_possible_values();
        let values: Vec<_> =
            values.iter().filter(|_| argument.get_action().takes_values()).map(PossibleValue::get_name).collect();
        let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
        page.item(&term(argument), &format!("{}{values}.", help.trim_end_matches('.')));
    }
}

/// An option as it is given.
fn term(argument: &Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default().join(" ");
    let value = match argument.get_num_args() {
        _ if !argument.get_action().takes_values() => String::new(),
        _ if argument.is_positional() => return value,
        Some(count) if count.min_values() == 0 => format!("[={value}]"),
        _ => format!("={value}"),
    };
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}{value}"));
    short.into_iter().chain(long).collect::<Vec<_>>().join(", ")
}
