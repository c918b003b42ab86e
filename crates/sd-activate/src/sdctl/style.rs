//! Colours, for a terminal alone.

use std::env;
use std::fmt::Display;
use std::io::IsTerminal;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    on: bool,
}

/// The colours of systemctl(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the colour of this name")]
pub enum Colour {
    None,
    Green,
    Red,
    Yellow,
    Blue,
    Grey,
    Bold,
    Underlined,
}

impl Style {
    /// Those for standard output: `$SYSTEMD_COLORS` says so; otherwise where it is a terminal that has them, and `$NO_COLOR` is not set.
    pub fn of_stdout() -> Self {
        let given = env::var("SYSTEMD_COLORS").ok();
        let on = match given.as_deref() {
            Some("0" | "no" | "n" | "false" | "f" | "off") => false,
            Some(_) => true,
            None => {
                let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
                let can = env::var_os("TERM").is_some_and(|term| term != "dumb");
                std::io::stdout().is_terminal() && can && !is_set("NO_COLOR")
            }
        };
        Self { on }
    }

    /// Whether there are any.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// None, for what reads them as text.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self { on: false }
    }

    /// The text in a colour.
    pub fn paint(self, colour: Colour, text: impl Display) -> String {
        let code = match colour {
            Colour::None => return text.to_string(),
            _ if !self.on => return text.to_string(),
            Colour::Green => "0;1;32",
            Colour::Red => "0;1;31",
            Colour::Yellow => "0;1;38;5;185",
            Colour::Blue => "0;1;34",
            Colour::Grey => "0;38;5;245",
            Colour::Bold => "0;1;39",
            Colour::Underlined => "0;4",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
