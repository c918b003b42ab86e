//! `--install`: a link for each program.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sd_tools::say;

use crate::{FAILURE, PROGRAMS};

/// What could not be done, where and why.
#[derive(Debug)]
pub struct Failed {
    what: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl Display for Failed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Failed to {} {}: {}", self.what, self.path.display(), self.error)
    }
}

/// Makes the links. Returns the exit status: a failure where something else has one of the names.
pub fn links(directory: &Path) -> Result<u8, Failed> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |error| Failed { what, path, error }
    };
    let itself = std::env::current_exe().map_err(failed("find", Path::new("/proc/self/exe")))?;
    let place = directory.canonicalize().map_err(failed("find", directory))?;
    // Beside the program a link leads there wherever both are: a directory that becomes the root of a container.
    let beside = itself.parent() == Some(&place);
    let leads_to = if beside { PathBuf::from(itself.file_name().unwrap_or_default()) } else { itself };

    let mut status = 0;
    for (name, _) in PROGRAMS {
        let link = directory.join(name);
        match symlink(&leads_to, &link) {
            Ok(()) => (),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !link.read_link().is_ok_and(|other| other == leads_to) {
                    say(format_args!("{} is there already, and something else: it stays as it is.", link.display()));
                    status = FAILURE;
                }
            }
            Err(error) => return Err(failed("make", &link)(error)),
        }
    }
    Ok(status)
}
