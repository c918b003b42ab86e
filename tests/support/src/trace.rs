//! What strace(1) writes about a program that marks with `write(-1, "begin")` and `write(-1, "end")` what is looked at.

/// A system call.
pub struct Call<'a> {
    /// As strace has it.
    pub variant: &'a str,
    /// As in the manual: which variant is called depends on the C library and the architecture.
    pub name: &'a str,
    /// As strace writes them, and the rest of its line.
    pub arguments: &'a str,
    /// What it returned, where that is a number.
    pub result: Option<i64>,
    /// Whether strace did not let the kernel do it.
    pub injected: bool,
}

/// The system calls of each case.
pub fn between_marks(trace: &str) -> impl Iterator<Item = Vec<Call<'_>>> {
    trace.split("write(-1, \"begin\"").skip(1).map(|from| {
        let case = from.split("write(-1, \"end\"").next().unwrap_or_default();
        case.lines().skip(1).filter_map(call).collect()
    })
}

/// Those that were made before the first case.
pub fn before_marks(trace: &str) -> Vec<Call<'_>> {
    trace.split("write(-1, \"begin\"").next().unwrap_or_default().lines().filter_map(call).collect()
}

fn call(line: &str) -> Option<Call<'_>> {
    // Where strace follows forks, the process comes first.
    let line = line.trim_start_matches(|byte: char| byte.is_ascii_digit() || byte == ' ');
    let (variant, arguments) = line.split_once('(')?;
    let of_descriptor = arguments.contains("AT_EMPTY_PATH");
    let name = match variant {
        "newfstatat" | "fstatat64" | "statx" if of_descriptor => "fstat",
        "newfstatat" | "fstatat64" | "statx" | "stat64" => "stat",
        "fstat64" => "fstat",
        "fstatfs64" => "fstatfs",
        "fcntl64" => "fcntl",
        variant => variant,
    };
    let result = arguments.rsplit_once(" = ").and_then(|(_, result)| result.split(' ').next()?.parse().ok());
    Some(Call { variant, name, arguments, result, injected: arguments.ends_with("(INJECTED)") })
}

/// The names of the system calls, in the order in which they were made; the same several times in a row is counted.
pub fn counted(calls: &[String]) -> String {
    let runs = calls.chunk_by(|a, b| a == b);
    let runs = runs.map(|run| if run.len() == 1 { run[0].clone() } else { format!("{} {}", run.len(), run[0]) });
    runs.collect::<Vec<_>>().join(", ")
}

/// The names alone.
pub fn names(calls: &[Call<'_>]) -> Vec<String> {
    calls.iter().map(|call| call.name.to_owned()).collect()
}
