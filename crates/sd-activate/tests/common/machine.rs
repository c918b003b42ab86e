//! Units, and a machine of their own that they are managed on: with a /run and a /dev that are nobody else's.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sdlite_test_support::with_run;

use super::units::Units;
use super::{ACTIVATOR, Activator};

/// Units, and the machine that they are managed on.
pub struct Machine(pub Units);

impl Machine {
    pub fn new(units: &[(&str, &str)]) -> Self {
        let units = Units::new(units);
        fs::create_dir(units.directory.path("run")).unwrap();
        Self(units)
    }

    /// What is in its /run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.directory.path("run").join(name)
    }

    /// Manages units there, by sd-activate behind another command. None where there can be no such machine.
    pub fn command_behind(&self, before: &[&str], options: &[&str], units: &[&str]) -> Option<Command> {
        const DEV: &str = "mkdir /run/dev && cd /run/dev && for node in null zero full random urandom; do \
            : >$node && mount --bind /dev/$node $node || exit; done; mount --rbind /run/dev /dev && exec \"$@\"";
        let mut command = with_run(&self.path(""))?;
        command.args(["sh", "-c", DEV, "sh", "env", "--default-signal"]).args(before).arg(ACTIVATOR);
        command.arg("--unit-path").arg(self.0.directory.path("units")).args(options).args(units);
        Some(command)
    }

    pub fn command(&self, options: &[&str], unit: &str) -> Option<Command> {
        self.command_behind(&[], options, &[unit])
    }

    pub fn start(&self, options: &[&str], unit: &str) -> Option<Activator> {
        self.command(options, unit).map(|command| Activator::run(&self.0.directory, command))
    }
}
