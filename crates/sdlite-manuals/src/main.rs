//! Writes the manual pages and the shell completions: `sdlite-manuals DIRECTORY HEADER…`.
//!
//! Pages of programs come from their options, those of functions from the comments of the headers, which come from the sources: they
//! cannot disagree.

mod functions;
mod programs;
mod roff;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let Some(directory) = arguments.next() else {
        eprintln!("Usage: sdlite-manuals DIRECTORY HEADER...");
        return ExitCode::FAILURE;
    };
    match write(&directory, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &Path, headers: impl Iterator<Item = PathBuf>) -> io::Result<()> {
    let pages = |section: &str| -> io::Result<PathBuf> {
        let pages = directory.join(format!("man{}", section.trim_end_matches(char::is_alphabetic)));
        fs::create_dir_all(&pages)?;
        Ok(pages)
    };
    let completions = directory.join("completions");
    fs::create_dir_all(&completions)?;
    for program in programs::all() {
        fs::write(pages(program.section)?.join(format!("{}.{}", program.name(), program.section)), program.page())?;
        program.completions(&completions)?;
    }
    for header in headers {
        let name = header.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for function in functions::of_header(&name, &fs::read_to_string(&header)?) {
            fs::write(pages("3sdlite")?.join(format!("{}.3sdlite", function.name)), function.page())?;
        }
    }
    Ok(())
}
