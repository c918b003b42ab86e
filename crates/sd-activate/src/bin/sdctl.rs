//! Asks and tells the manager that sd-activate is: systemctl(1), and journalctl(1) where it is called by that name.

use std::process::ExitCode;

fn main() -> ExitCode {
    sd_activate::sdctl::main(std::env::args_os().collect()).into()
}
