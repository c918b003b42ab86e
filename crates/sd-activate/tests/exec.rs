//! What the commands of a unit find: systemd.exec(5), each setting read back from the service.

mod common;

use std::fs;
use std::process::Command;

use common::units::Units;
use sdlite_test_support::not_here;

/// What a service that is a shell script writes to its standard output, with these lines in its unit. DIRECTORY stands for the
/// directory of the test.
fn found(settings: &str, script: &str) -> String {
    let (found, output) = tried(settings, script);
    found.unwrap_or_else(|| panic!("{output}"))
}

/// The same, and what was said; nothing was found where the service has failed.
fn tried(settings: &str, script: &str) -> (Option<String>, String) {
    let units = Units::new(&[(
        "a.service",
        &format!(
            "[Service]\nType=oneshot\nStandardOutput=file:DIRECTORY/out\n{settings}\nExecStart=/bin/sh DIRECTORY/script\n"
        ),
    )]);
    let script = script.replace("DIRECTORY/", &units.directory.text(""));
    fs::write(units.directory.path("script"), script).unwrap();
    let (status, output) = units.run(&["a.service"]);
    (fs::read_to_string(units.directory.path("out")).ok().filter(|_| status == Some(0)), output)
}

fn is_root() -> bool {
    // SAFETY: takes nothing.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        sdlite_test_support::left_out("root, for other users, owners and roots");
    }
    root
}

#[test]
fn standard_input_is_what_the_unit_says() {
    assert_eq!(found("", "cat"), "");
    assert_eq!(found("StandardInputText=a\\tb\nStandardInputData=YwoA\n", "cat"), "a\tb\nc\n\0");
    assert_eq!(found("StandardInput=file:/etc/hostname", "cat"), fs::read_to_string("/etc/hostname").unwrap());
}

#[test]
fn variables_are_those_of_the_manual() {
    let names = |settings: &str| {
        let found = found(settings, "env");
        let names = found.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned()));
        names.filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(&name.as_str())).collect::<Vec<_>>()
    };
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(names("")), ["INVOCATION_ID", "LANG", "PATH", "SYSTEMD_EXEC_PID"]);
    assert_eq!(sorted(names("UnsetEnvironment=LANG INVOCATION_ID")), ["PATH", "SYSTEMD_EXEC_PID"]);
    assert_eq!(
        found("Environment=INVOCATION_ID=y SYSTEMD_EXEC_PID=5", "echo $INVOCATION_ID $SYSTEMD_EXEC_PID"),
        "y 5\n"
    );
    if nix::unistd::getuid().is_root() {
        assert_eq!(found("WorkingDirectory=~", "echo $HOME; pwd; echo $USER"), "/root\n/root\n\n");
    } else {
        not_here("root, to enter its home directory");
    }
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(found("", "echo $PATH"), format!("{path}\n"));
    assert_eq!(found("ExecSearchPath=/usr/bin:/bin", "echo $PATH"), "/usr/bin:/bin\n");
    assert_eq!(found("ExecSearchPath=/bin\nEnvironment=PATH=/usr/bin", "echo $PATH"), "/usr/bin\n");
}

#[test]
fn output_goes_where_the_unit_says() {
    let both =
        "StandardInput=file:DIRECTORY/both\nStandardOutput=file:DIRECTORY/both\nStandardError=file:DIRECTORY/both";
    let script = "for n in 0 1 2; do readlink /proc/$$/fd/$n; cat /proc/$$/fdinfo/$n; done | grep -E 'both|flags' >DIRECTORY/out";
    let (seen, output) = tried(both, script);
    let seen = seen.unwrap_or_else(|| panic!("{output}"));
    assert_eq!(seen.matches("/both\nflags:\t0100002\n").count(), 3, "opened once: {seen}");

    assert_eq!(
        found("UMask=0077\nStandardError=append:DIRECTORY/error", "echo x >&2; stat -c %a DIRECTORY/error"),
        "600\n"
    );
    assert_eq!(found("StandardError=null", "readlink /proc/$$/fd/2"), "/dev/null\n");
    assert_eq!(found("StandardError=inherit", "readlink /proc/$$/fd/2 | grep -c /out"), "1\n");
}

#[test]
fn a_socket_at_a_path_is_connected_to() {
    use std::io::{Read, Write};
    let directory = common::Directory::new();
    let listener = std::os::unix::net::UnixListener::bind(directory.path("socket")).unwrap();
    let socket = directory.text("socket");
    let asked = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        connection.write_all(b"question\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    });
    // Of two settings of one name, the last counts.
    let settings = format!("StandardInput=file:{socket}\nStandardOutput=file:{socket}");
    tried(&settings, "read line; echo $line, answered");
    assert_eq!(asked.join().unwrap(), "question, answered\n");
}

#[test]
fn opening_a_fifo_holds_up_nobody_else() {
    let units = Units::new(&[
        (
            "a.service",
            "[Service]\nStandardInput=file:DIRECTORY/fifo\nStandardOutput=file:DIRECTORY/out\nExecStart=/bin/cat\n",
        ),
        ("b.service", "[Service]\nType=oneshot\nStandardOutput=file:DIRECTORY/b\nExecStart=/bin/echo done\n"),
    ]);
    nix::unistd::mkfifo(&units.directory.path("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let mut activator = common::Activator::run(&units.directory, units.command(&["a.service", "b.service"]));
    let read = |name: &str| fs::read_to_string(units.directory.path(name)).unwrap_or_default();
    common::eventually("the other service", || (read("b") == "done\n").then_some(()));
    fs::write(units.directory.path("fifo"), "through\n").unwrap();
    common::eventually("what was written", || (read("out") == "through\n").then_some(()));
    activator.wait();
}

#[test]
fn limits_and_scores_are_set_or_the_nearest_that_may_be() {
    let hard: u64 = found("", "ulimit -Hn").trim().parse().unwrap();
    assert_eq!(
        found("LimitNOFILE=50:60\nLimitCPU=100\nLimitCORE=0", "ulimit -n; ulimit -Hn; ulimit -t; ulimit -c"),
        "50\n60\n100\n0\n"
    );
    let most: u64 = found("LimitNOFILE=4000000000", "ulimit -n").trim().parse().unwrap();
    assert!(most >= hard, "{most}");
    assert_eq!(found("OOMScoreAdjust=500", "cat /proc/self/oom_score_adj"), "500\n");
    assert_eq!(found("Nice=7", "nice"), "7\n");
    let signals = |setting: &str| {
        let found = found(setting, "grep -E 'SigIgn|SigBlk' /proc/$$/status | cut -f2");
        // Without those that are the C library's own.
        let own = (1 << 31) | (1 << 32);
        found.lines().map(|line| u64::from_str_radix(line, 16).unwrap() & !own).collect::<Vec<_>>()
    };
    assert_eq!(signals(""), [0, 1 << (libc::SIGPIPE - 1)]);
    assert_eq!(signals("IgnoreSIGPIPE=no"), [0, 0]);
}

#[test]
fn commands_run_as_the_unit_and_their_prefixes_say() {
    if !is_root() {
        return;
    }
    let script = "id -u; id -g; id -G; echo $USER $HOME $LOGNAME $SHELL";
    assert_eq!(found("User=daemon", script), "1\n1\n1\ndaemon /usr/sbin daemon\n");
    assert_eq!(found("User=1\nGroup=adm", script), "1\n4\n4\ndaemon /usr/sbin daemon\n");
    assert_eq!(found("User=daemon\nSupplementaryGroups=adm 5 adm", script), "1\n1\n1 4 5\ndaemon /usr/sbin daemon\n");
    assert_eq!(found("User=nobody", script), "65534\n65534\n65534\nnobody nobody\n");
    assert_eq!(found("SupplementaryGroups=adm", "id -u; id -G"), "0\n0 4\n");
    for prefix in ["!", "+"] {
        let units = Units::new(&[(
            "a.service",
            &format!(
                "[Service]\nType=oneshot\nUser=daemon\nStandardOutput=file:DIRECTORY/out\nExecStart={prefix}/bin/sh -c 'id -u; id -G; echo $$USER'\n"
            ),
        )]);
        assert_eq!(units.run(&["a.service"]).0, Some(0));
        assert_eq!(fs::read_to_string(units.directory.path("out")).unwrap(), "0\n0 1\ndaemon\n", "{prefix}");
    }
}

#[test]
fn files_of_variables_are_those_that_a_pattern_matches() {
    let directory = common::Directory::new();
    fs::write(directory.path("a.conf"), "A=1\nB=one\n").unwrap();
    fs::write(directory.path("b.conf"), "B=two\n").unwrap();
    let file = |name: &str| format!("EnvironmentFile={}", directory.text(name));
    assert_eq!(found(&file("*.conf"), "echo $A $B"), "1 two\n");
    assert_eq!(found(&format!("EnvironmentFile=-{}", directory.text("no*")), "echo $A"), "\n");
    let (found, output) = tried(&file("no*"), "");
    assert_eq!(found, None);
    assert!(
        output.contains("a.service:4: EnvironmentFile=/") && output.contains(": there is no such file: correct"),
        "{output}"
    );
    assert!(output.contains("Failed with result 'resources'"), "{output}");
}

#[test]
fn a_step_that_fails_is_said_with_the_status_that_systemd_has_for_it() {
    for (setting, status, reason) in [
        ("User=no-such-user", "217/USER", "there is no such user"),
        ("User=4294000000", "217/USER", "there is no such user"),
        ("Group=4294000000", "216/GROUP", "there is no such group"),
        ("SupplementaryGroups=no-such-group", "216/GROUP", "there is no such group"),
        ("WorkingDirectory=/nonexistent", "200/CHDIR", "there is no such directory"),
        ("StandardInput=file:/nonexistent/in", "208/STDIN", "No such file or directory"),
        ("StandardInput=tty\nTTYPath=/dev/null", "208/STDIN", "it is no terminal"),
        ("StandardError=file:/nonexistent/out", "222/STDERR", "No such file or directory"),
        ("RootDirectory=/nonexistent", "226/NAMESPACE", "there is no such directory"),
    ] {
        if setting.starts_with("RootDirectory") && !is_root() {
            continue;
        }
        let (found, output) = tried(setting, "echo x");
        assert_eq!(found, None, "{setting}: {output}");
        let (name, _) = setting.split_once('=').unwrap();
        assert!(output.contains(&format!("/units/a.service:4: {name}=")), "{setting}: {output}");
        assert!(output.contains(reason), "{setting}: {output}");
        assert!(output.contains(&format!("code=exited, status={status}\n")), "{setting}: {output}");
        assert!(output.contains("a.service: Failed with result 'exit-code'."), "{setting}: {output}");
    }
}

#[test]
fn a_service_can_have_another_root_directory() {
    if !is_root() {
        return;
    }
    let root = common::Directory::new();
    fs::create_dir(root.path("work")).unwrap();
    let source = "#include <fcntl.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
        int main(void) {\n\
            char path[99];\n\
            puts(getcwd(path, sizeof path));\n\
            if (getenv(\"STATE_DIRECTORY\"))\n\
                return chdir(getenv(\"STATE_DIRECTORY\")) || creat(\"made\", 0600) < 0;\n\
            return access(\"/etc\", F_OK) ? 0 : 9;\n\
        }\n";
    fs::write(root.path("program.c"), source).unwrap();
    let compiled = Command::new("cc").args(["-static", "-o", &root.text("program"), &root.text("program.c")]).status();
    assert!(compiled.unwrap().success(), "a C compiler and a static C library (Debian: libc6-dev)");
    let units = Units::new(&[(
        "a.service",
        &format!(
            "[Service]\nType=oneshot\nRootDirectory={}\nRootDirectoryStartOnly=yes\nWorkingDirectory=-/work\n\
             ExecSearchPath=/bin:/\nStandardOutput=append:DIRECTORY/out\nExecStartPre=/bin/ls -d /bin\nExecStart=program\n",
            root.text("")
        ),
    )]);
    let (status, output) = units.run(&["a.service"]);
    let found = fs::read_to_string(units.directory.path("out")).unwrap();
    assert_eq!((status, found.as_str()), (Some(0), "/bin\n/work\n"), "{output}");

    // What is made for it is this machine's, and is there too.
    let name = format!("sda-root-{}", std::process::id());
    let units = Units::new(&[(
        "a.service",
        &format!(
            "[Service]\nType=oneshot\nRootDirectory={}\nStateDirectory={name}/state\nExecStart=/program\n",
            root.text("")
        ),
    )]);
    let (status, output) = units.run(&["a.service"]);
    let made = fs::exists(format!("/var/lib/{name}/state/made")).unwrap();
    fs::remove_dir_all(format!("/var/lib/{name}")).unwrap();
    assert_eq!((status, made), (Some(0), true), "{output}");
    assert!(!fs::exists(root.path(&format!("var/lib/{name}/state/made"))).unwrap());
}

/// What a directory's entry is: owner, group and mode; a link with what it says.
fn shown(path: &str) -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = fs::symlink_metadata(path) else { return "-".to_owned() };
    if metadata.is_symlink() {
        return fs::read_link(path).unwrap().display().to_string();
    }
    format!("{}:{} {:o}", metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
}

#[test]
fn directories_are_made_for_the_unit_and_those_in_run_removed() {
    if !is_root() {
        return;
    }
    let name = format!("sda-test-{}", std::process::id());
    let all = ["/run", "/var/lib", "/var/cache", "/var/log", "/etc"].map(|base| format!("{base}/{name}"));
    let [run, state, cache, logs, configuration] = &all;
    let settings = format!(
        "User=daemon\nGroup=adm\nUMask=0077\nRuntimeDirectory={name}/b {name}/a:{name}/x/link\nRuntimeDirectoryMode=0710\n\
         StateDirectory={name}:{name}-link\nCacheDirectory={name}\nLogsDirectory={name}\nLogsDirectoryMode=02750\n\
         ConfigurationDirectory={name}"
    );
    let script = format!(
        "echo $RUNTIME_DIRECTORY $STATE_DIRECTORY $CACHE_DIRECTORY $LOGS_DIRECTORY $CONFIGURATION_DIRECTORY\n\
         stat -c '%u:%g %a' {run} {run}/a {run}/x; readlink {run}/x/link"
    );
    // One that is there with all that it contains becomes the unit's.
    fs::create_dir_all(format!("{state}/sub")).unwrap();
    let (seen, output) = tried(&settings, &script);
    let made = all.each_ref().map(|path| shown(path));
    let (sub, link, a) = (shown(&format!("{state}/sub")), shown(&format!("{state}-link")), shown(&format!("{run}/a")));
    let links_left = shown(&format!("{run}/x/link"));
    fs::remove_file(format!("{state}-link")).unwrap();
    all.iter().for_each(|path| fs::remove_dir_all(path).unwrap());

    let seen = seen.unwrap_or_else(|| panic!("{output}"));
    let expected = format!("{run}/a:{run}/b {state} {cache} {logs} {configuration}\n0:0 755\n1:4 710\n0:0 755\n../a\n");
    assert_eq!(seen, expected);
    assert_eq!(made, ["0:0 755", "1:4 755", "1:4 755", "1:4 2750", "1:4 755"]);
    assert_eq!((sub.as_str(), link.as_str()), ("1:4 755", name.as_str()));
    assert_eq!((a.as_str(), links_left.as_str()), ("-", "-"), "removed when it has stopped");
}

#[test]
fn runtime_directories_are_kept_as_the_unit_says() {
    if !is_root() {
        return;
    }
    let name = format!("sda-kept-{}", std::process::id());
    let path = format!("/run/{name}");
    for (preserve, restarts, left) in [("no", "1\n1\n", false), ("restart", "1\n2\n", false), ("yes", "1\n2\n", true)] {
        // Each start leaves a file, and the second succeeds.
        let units = Units::new(&[(
            "a.service",
            &format!(
                "[Unit]\nStartLimitBurst=2\n[Service]\nRestart=always\nRestartSec=10ms\nRuntimeDirectory={name}\n\
                 RuntimeDirectoryPreserve={preserve}\nStandardOutput=append:DIRECTORY/out\n\
                 ExecStart=/bin/sh -c 'mktemp {path}/XXXXXX >/dev/null; ls {path} | wc -l'\n"
            ),
        )]);
        let (_, output) = units.run(&["a.service"]);
        let is_left = fs::remove_dir_all(&path).is_ok();
        let seen = fs::read_to_string(units.directory.path("out")).unwrap_or_default();
        assert_eq!((seen.as_str(), is_left), (restarts, left), "{preserve}: {output}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_said_with_its_status() {
    if !is_root() {
        return;
    }
    for (setting, base, status) in [
        ("RuntimeDirectory", "/run", "233/RUNTIME_DIRECTORY"),
        ("StateDirectory", "/var/lib", "238/STATE_DIRECTORY"),
        ("CacheDirectory", "/var/cache", "239/CACHE_DIRECTORY"),
        ("LogsDirectory", "/var/log", "240/LOGS_DIRECTORY"),
    ] {
        let name = format!("sda-file-{}-{setting}", std::process::id());
        fs::write(format!("{base}/{name}"), "").unwrap();
        let (_, output) = tried(&format!("{setting}={name}"), "");
        fs::remove_file(format!("{base}/{name}")).unwrap();
        assert!(output.contains(&format!("a.service:4: {setting}={name}: Not a directory")), "{output}");
        assert!(output.contains(&format!("status={status}\n")), "{output}");
    }
}

/// A terminal: its master, its slave, and the path of that.
fn terminal() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd, String) {
    let opened = nix::pty::openpty(None, None).unwrap();
    let path = nix::unistd::ttyname(&opened.slave).unwrap().into_os_string().into_string().unwrap();
    (opened.master, opened.slave, path)
}

#[test]
fn a_terminal_is_the_services_as_the_unit_says() {
    let (_master, _slave, path) = terminal();
    for (setting, controls) in
        [("Input=tty", true), ("Input=tty-force", true), ("Input=tty-fail", true), ("Error=tty", false)]
    {
        let settings =
            format!("Standard{setting}\nTTYPath={path}\nTTYReset=yes\nTTYVHangup=no\nTTYRows=33\nTTYColumns=77");
        let stream = if controls { 0 } else { 2 };
        let script = format!(
            "cut -d' ' -f7 /proc/$$/stat | grep -vcx 0; readlink /proc/$$/fd/{stream}; stty size <{path}\n\
             stty -a <{path} | grep -c ' icanon'; echo $TERM"
        );
        let control = if controls { 1 } else { 0 };
        assert_eq!(found(&settings, &script), format!("{control}\n{path}\n33 77\n1\nvt220\n"), "{setting}");
    }
}

#[test]
fn a_service_waits_for_a_terminal_that_another_controls_or_fails() {
    let (_master, _slave, path) = terminal();
    let units = Units::new(&[
        (
            "a.service",
            &format!(
                "[Service]\nStandardInput=tty-force\nTTYPath={path}\nExecStart=/bin/sh -c 'echo >DIRECTORY/a; exec sleep 1000'\n"
            ),
        ),
        ("b.service", &format!("[Service]\nStandardInput=tty-fail\nTTYPath={path}\nExecStart=/bin/true\n")),
        (
            "c.service",
            &format!("[Service]\nType=oneshot\nStandardInput=tty\nTTYPath={path}\nExecStart=/bin/touch DIRECTORY/c\n"),
        ),
    ]);
    let exists = |name: &str| fs::exists(units.directory.path(name)).unwrap().then_some(());
    let mut first = common::Activator::run(&units.directory, units.command(&["a.service"]));
    common::eventually("the first", || exists("a"));
    let (_, output) = units.run(&["b.service"]);
    assert!(output.contains("another process controls the terminal"), "{output}");
    assert!(output.contains("status=208/STDIN\n"), "{output}");
    let mut waiting = units.command(&["c.service"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!((exists("c"), waiting.try_wait().unwrap()), (None, None), "it waits");
    first.stop();
    common::eventually("the one that waits", || exists("c"));
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn passed_descriptors_are_those_that_the_unit_names() {
    let script = "readlink /proc/$$/fd/0 /proc/$$/fd/4; echo $LISTEN_FDNAMES; for n in 3 4 5; do grep flags /proc/$$/fdinfo/$n; done";
    let units = Units::new(&[
        ("a.socket", "[Socket]\nListenStream=DIRECTORY/1\nListenStream=DIRECTORY/2\nFileDescriptorName=one\n"),
        ("b.socket", "[Socket]\nListenStream=DIRECTORY/3\nFileDescriptorName=two\nService=a.service\n"),
        (
            "a.service",
            &format!(
                "[Unit]\nRequires=a.socket b.socket\n[Service]\nType=oneshot\nNonBlocking=yes\nSockets=a.socket b.socket\n\
                 StandardInput=fd:one\nStandardOutput=file:DIRECTORY/out\nExecStart=/bin/sh -c '{}'\n",
                script.replace('$', "$$")
            ),
        ),
        ("c.service", "[Service]\nStandardInput=fd:none\nExecStart=/bin/true\n"),
        ("d.service", "[Service]\nStandardInput=socket\nExecStart=/bin/true\n"),
    ]);
    let mut activator = common::Activator::run(&units.directory, units.command(&["a.service"]));
    let out = common::eventually("what it found", || {
        fs::read_to_string(units.directory.path("out")).ok().filter(|out| out.matches("flags").count() == 3)
    });
    activator.stop();
    let lines: Vec<_> = out.lines().collect();
    let names: Vec<_> = lines[2].split(':').collect();
    let first = names.iter().position(|name| *name == "one").unwrap();
    assert_eq!(names.len(), 3, "{out}");
    assert!(lines[0].starts_with("socket:["), "{out}");
    assert_eq!(first == 1, lines[0] == lines[1], "the first of that name: {out}");
    assert!(lines[3..].iter().all(|flags| flags.ends_with("04002")), "O_NONBLOCK: {out}");
    for (unit, reason) in
        [("c.service", "it is passed no descriptor of this name"), ("d.service", "there is no socket")]
    {
        let (_, output) = units.run(&[unit]);
        assert!(output.contains(reason) && output.contains("Failed with result 'resources'"), "{output}");
    }
}

#[test]
fn a_users_services_find_what_is_below_the_users_directories() {
    let home = common::Directory::new();
    let units = Units::new(&[(
        "a.service",
        "[Service]\nType=oneshot\nRuntimeDirectory=r\nStateDirectory=s\nCacheDirectory=c\nLogsDirectory=l\nConfigurationDirectory=e\n\
         StandardOutput=file:DIRECTORY/out\nExecStart=/bin/sh -c 'pwd; echo $$OWN; test $$MANAGERPID = $$PPID; echo $$?; \
         env | grep -E \"^(RUNTIME|STATE|CACHE|LOGS|CONFIGURATION)_DIR\" | sort'\n",
    )]);
    let own = home.text("");
    let own = own.trim_end_matches('/');
    let mut command = Command::new(common::ACTIVATOR);
    command.args(["--user", "--no-journal", "--unit-path"]).arg(units.directory.path("units")).arg("a.service");
    command.env("HOME", own).env("XDG_RUNTIME_DIR", home.path("run")).env("OWN", "x").env("NOTIFY_SOCKET", "@nobody");
    for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let seen = fs::read_to_string(units.directory.path("out")).unwrap_or_default();
    let expected = format!(
        "{own}\nx\n0\nCACHE_DIRECTORY={own}/.cache/c\nCONFIGURATION_DIRECTORY={own}/.config/e\n\
         LOGS_DIRECTORY={own}/.config/log/l\nRUNTIME_DIRECTORY={own}/run/r\nSTATE_DIRECTORY={own}/.config/s\n"
    );
    assert_eq!(seen, expected, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn lines_are_copied_to_the_kernels_log() {
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;
    let open = || {
        let mut options = fs::File::options();
        options.read(true).append(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg")
    };
    if open().is_err() {
        return sdlite_test_support::left_out("a /dev/kmsg that may be written to, for StandardOutput=kmsg");
    }
    let line = format!("sd-activate test {}", std::process::id());
    let units = Units::new(&[(
        "a.service",
        &format!("[Service]\nType=oneshot\nStandardOutput=kmsg\nSyslogIdentifier=me\nExecStart=/bin/echo <4>{line}\n"),
    )]);
    let (_, output) = units.run(&["a.service"]);
    assert!(output.contains(&format!(": {line}\n")), "the log has it too: {output}");
    let found = common::eventually("what the kernel's log has", || {
        let mut kernel = open().unwrap();
        let mut record = [0; 8192];
        let mut records = std::iter::from_fn(|| match kernel.read(&mut record) {
            Ok(length) => Some(String::from_utf8_lossy(&record[..length]).into_owned()),
            // Others have overwritten it meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => Some(String::new()),
            Err(_) => None,
        });
        records.find(|record| record.contains(&line))
    });
    // Facility user, level warning.
    assert!(found.starts_with("12,") && found.contains(";me["), "{found}");
}

#[test]
fn lines_are_copied_to_the_console() {
    use std::io::Read;
    if !is_root() || !sdlite_test_support::has("/usr/bin/unshare", "util-linux") {
        return;
    }
    let (master, slave, path) = terminal();
    let units = Units::new(&[(
        "a.service",
        "[Service]\nType=oneshot\nStandardOutput=journal+console\nSyslogIdentifier=me\nExecStart=/bin/echo to the console\n\
         ExecStart=/bin/sh -c 'echo $$TERM'\n",
    )]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("mount --bind {path} /dev/console && exec \"$@\""), "sh"]);
    command
        .args([common::ACTIVATOR, "--no-journal", "--unit-path"])
        .arg(units.directory.path("units"))
        .arg("a.service");
    let output = command.env("TERM", "own").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("unshare:") || said.contains("mount:") {
        return sdlite_test_support::left_out("the right to mount, for StandardOutput=journal+console");
    }
    drop(slave);
    let mut seen = Vec::new();
    // The end of a terminal is an error.
    let _ = fs::File::from(master).read_to_end(&mut seen);
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(
        seen.contains("me[") && seen.contains("]: to the console\r\n") && seen.contains("]: own\r\n"),
        "{seen}: {said}"
    );
}
