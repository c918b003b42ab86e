//! Specifiers: what stands for what after `%`, as "Specifiers" in systemd.unit(5) has it.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid};
use sdlite_accounts::group_by_gid;

use super::value::Invalid;
use crate::account;
use crate::spec::name::unescape;
use crate::spec::{Scope, UnitName};

/// The specifiers that names of units do not have.
const PATHS: &str = "CEIJLPSTVYdfhsty";

/// What the specifiers of a unit stand for.
#[derive(Debug)]
pub struct Specifiers<'a> {
    /// The unit's name; an instance's, where the file is a template.
    pub name: &'a UnitName,
    /// The file that the unit is in.
    pub fragment: Option<&'a Path>,
    /// Whose unit it is.
    pub scope: &'a Scope,
    uses_instance: Cell<bool>,
}

impl<'a> Specifiers<'a> {
    /// Those of a unit.
    pub fn new(name: &'a UnitName, fragment: Option<&'a Path>, scope: &'a Scope) -> Self {
        Self { name, fragment, scope, uses_instance: Cell::new(false) }
    }

    /// Notes that something depends on the unit's instance.
    pub fn use_instance(&self) {
        self.uses_instance.set(true);
    }

    /// Whether anything that was read depends on the unit's instance.
    pub fn uses_instance(&self) -> bool {
        self.uses_instance.get()
    }

    /// A text with all its specifiers replaced.
    pub fn expand(&self, text: &str) -> Result<String, Invalid> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            expanded.push_str(before);
            rest = after;
            match rest.chars().next() {
                Some('%') => {
                    expanded.push('%');
                    rest = &rest[1..];
                }
                Some(letter) if letter.is_ascii_alphanumeric() => {
                    expanded.push_str(&self.value(letter)?);
                    rest = &rest[1..];
                }
                // It stands for itself, as in "100% sure".
                _ => expanded.push('%'),
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// The same of a unit's name, in which those that could stand for a path are not replaced.
    pub fn expand_name(&self, text: &str) -> Result<String, Invalid> {
        let letters = text.replace("%%", "");
        let path =
            letters.split('%').skip(1).filter_map(|rest| rest.chars().next()).find(|letter| PATHS.contains(*letter));
        match path {
            Some(letter) => Err(Invalid::new(format_args!("%{letter} is no specifier for a unit's name"))),
            None => self.expand(text),
        }
    }

    fn value(&self, letter: char) -> Result<String, Invalid> {
        let text = |text: &str| Ok(text.to_owned());
        let path = |path: &Path| Ok(path.to_string_lossy().into_owned());
        let unescaped = |escaped: &str| {
            let bytes = unescape(escaped).and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.ok_or_else(|| {
                Invalid::new(format_args!("%{letter}: \"{escaped}\" is not escaped as by systemd-escape"))
            })
        };
        let missing = |what: &str| Invalid::new(format_args!("%{letter} cannot be replaced: there is no {what}"));
        let (name, scope) = (self.name, self.scope);
        let instance = name.instance().unwrap_or_default();
        let last_part = name.prefix().rsplit('-').next().unwrap_or_default();

        if "nNiIfd".contains(letter) {
            self.use_instance();
        }
        match letter {
            'n' => text(name.as_str()),
            'N' => text(name.stem()),
            'p' => text(name.prefix()),
            'P' => unescaped(name.prefix()),
            'i' => text(instance),
            'I' => unescaped(instance),
            'j' => text(last_part),
            'J' => unescaped(last_part),
            'f' => {
                let path = unescaped(name.instance().unwrap_or(name.prefix()))?;
                Ok(format!("/{}", path.trim_start_matches('/')))
            }
            'y' => self.fragment.map_or_else(|| Err(missing("file")), path),
            'Y' => self.fragment.and_then(Path::parent).map_or_else(|| Err(missing("file")), path),

            't' => path(&scope.runtime),
            'S' => path(&scope.state),
            'C' => path(&scope.cache),
            'L' => path(&scope.logs),
            'E' => path(&scope.configuration),
            'd' => path(&scope.runtime.join("credentials").join(name.as_str())),
            'T' => path(&temporary().unwrap_or_else(|| "/tmp".into())),
            'V' => path(&temporary().unwrap_or_else(|| "/var/tmp".into())),

            'h' => path(&scope.home),
            'u' => account::own().map(|user| user.name).ok_or_else(|| missing("user of this number")),
            'U' => Ok(Uid::current().to_string()),
            'g' => {
                let group = group_by_gid(Gid::current()).ok().flatten();
                group.map(|group| group.name).ok_or_else(|| missing("group of this number"))
            }
            'G' => Ok(Gid::current().to_string()),
            's' => account::own().map_or_else(|| Err(missing("user of this number")), |user| path(&user.shell)),

            'H' => Ok(host()),
            'l' => text(host().split('.').next().unwrap_or_default()),
            'q' => {
                let short = || host().split('.').next().unwrap_or_default().to_owned();
                Ok(Some(field("/etc/machine-info", "PRETTY_HOSTNAME"))
                    .filter(|name| !name.is_empty())
                    .unwrap_or_else(short))
            }
            'v' => Ok(nix::sys::utsname::uname()
                .map(|names| names.release().to_string_lossy().into_owned())
                .unwrap_or_default()),
            'a' => text(architecture()),
            'm' => id("/etc/machine-id").ok_or_else(|| missing("/etc/machine-id")),
            'b' => id("/proc/sys/kernel/random/boot_id").ok_or_else(|| missing("boot ID")),
            'A' => Ok(os_release("IMAGE_VERSION")),
            'B' => Ok(os_release("BUILD_ID")),
            'M' => Ok(os_release("IMAGE_ID")),
            'o' => Ok(os_release("ID")),
            'w' => Ok(os_release("VERSION_ID")),
            'W' => Ok(os_release("VARIANT_ID")),
            _ => Err(Invalid::new(format_args!("%{letter} is not a specifier: write %% for a single %"))),
        }
    }
}

/// The first of the three variables that names a directory.
fn temporary() -> Option<PathBuf> {
    let names = ["TMPDIR", "TEMP", "TMP"];
    names.iter().filter_map(std::env::var_os).map(PathBuf::from).find(|path| path.is_absolute() && path.is_dir())
}

fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What ConditionArchitecture= calls this machine.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64-le",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// A 128-bit ID as 32 digits.
fn id(file: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let digits: String = text.trim().chars().filter(|digit| *digit != '-').collect();
    (digits.len() == 32 && digits.chars().all(|digit| digit.is_ascii_hexdigit())).then(|| digits.to_ascii_lowercase())
}

/// What os-release(5) has of this name; empty where there is none.
pub fn os_release(name: &str) -> String {
    let file = ["/etc/os-release", "/usr/lib/os-release"].into_iter().find(|file| Path::new(file).exists());
    file.map(|file| field(file, name)).unwrap_or_default()
}

/// The value of a variable in a file of assignments.
fn field(file: &str, name: &str) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let assignments = crate::spec::environment_file::parse(&text);
    let found = assignments.into_iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| value.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_are_replaced_as_systemd_replaces_them() {
        let scope = Scope::system();
        let name = UnitName::new("a-b\\x2dc-d@x-y\\x20z.service").unwrap();
        let fragment = Path::new("/etc/systemd/system/a@.service");
        let specifiers = Specifiers::new(&name, Some(fragment), &scope);
        let cases = [
            ("", Some("")),
            ("a%%b 100% sure%", Some("a%b 100% sure%")),
            ("%é %- % ", Some("%é %- % ")),
            ("%n", Some("a-b\\x2dc-d@x-y\\x20z.service")),
            ("%N|%p|%P|%i|%I", Some("a-b\\x2dc-d@x-y\\x20z|a-b\\x2dc-d|a/b-c/d|x-y\\x20z|x/y z")),
            ("%j|%J|%f", Some("d|d|/x/y z")),
            ("%y|%Y", Some("/etc/systemd/system/a@.service|/etc/systemd/system")),
            ("%t|%S|%C|%L|%E", Some("/run|/var/lib|/var/cache|/var/log|/etc")),
            ("%z", None),
            ("%0", None),
            ("%c", None),
        ];
        for (text, expected) in cases {
            assert_eq!(specifiers.expand(text).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(specifiers.expand("%m").unwrap().len(), 32);

        let name = UnitName::new("a-b.socket").unwrap();
        let plain = Specifiers::new(&name, None, &scope);
        assert_eq!(plain.expand("%i|%j|%f").unwrap(), "|b|/a/b");
        assert!(plain.expand("%y").is_err());
    }
}
