//! Managing units from their files.

use std::fs;
use std::process::{Command, Stdio};

use super::{ACTIVATOR, Activator, Directory, SDCTL, free_port, service};

/// A directory of units. In their texts, PORT stands for a port that is free, SERVICE for tests/service.c, and DIRECTORY for the
/// directory.
pub struct Units {
    pub directory: Directory,
    pub port: u16,
}

impl Units {
    pub fn new(units: &[(&str, &str)]) -> Self {
        let units_of = Self { directory: Directory::new(), port: free_port() };
        fs::create_dir(units_of.directory.path("units")).unwrap();
        for (name, text) in units {
            let text = text.replace("PORT", &units_of.port.to_string());
            let text =
                text.replace("SERVICE", service().to_str().unwrap()).replace("DIRECTORY", &units_of.directory.text(""));
            fs::write(units_of.directory.path("units").join(name), text).unwrap();
        }
        units_of
    }

    pub fn command(&self, units: &[&str]) -> Command {
        let mut command = Command::new("env");
        command.env("SD_ACTIVATE_CONTROL", self.directory.path("control"));
        command.arg("--default-signal").arg(ACTIVATOR);
        // The log of the machine that tests run on is not theirs.
        command.arg("--no-journal").arg("--unit-path").arg(self.directory.path("units")).args(units);
        command
    }

    /// The same behind another command, such as unshare(1).
    pub fn command_behind(&self, mut before: Command, units: &[&str]) -> Command {
        let manager = self.command(units);
        before.arg(manager.get_program()).args(manager.get_args());
        before.envs(manager.get_envs().filter_map(|(name, value)| Some((name, value?))));
        before
    }

    /// A command that asks the manager of these units.
    pub fn sdctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(SDCTL);
        command.env("SD_ACTIVATE_CONTROL", self.directory.path("control")).env_remove("SYSTEMD_COLORS");
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// The exit status of such a command, and what is printed to either side.
    pub fn ask(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.sdctl(arguments).output().expect("sdctl");
        let [out, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
        (output.status.code(), out, error)
    }

    /// Starts units, of which `count` are sockets.
    pub fn start(&self, units: &[&str], count: usize) -> Activator {
        Activator::run(&self.directory, self.command(units)).listening(count)
    }

    /// Starts units that end by themselves. Their exit status, and what was said.
    pub fn run(&self, units: &[&str]) -> (Option<i32>, String) {
        let output = self.command(units).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
