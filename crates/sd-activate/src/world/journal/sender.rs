//! Who has sent an entry, by the kernel's word: the fields that a service cannot send.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::socket::UnixCredentials;
use nix::unistd::{Pid, getgid, gethostname, getsid, getuid};

use serde::{Deserialize, Serialize};

use super::super::children;
use super::super::groups::Names;
use super::copies::Copies;
use crate::log::command_line::quoted;
use crate::log::entry::Fields;
use crate::saved::{self, Saved};
use crate::spec::Log;

/// What is known of a process is asked anew after this time: it may have executed another program.
const FRESH: Duration = Duration::from_secs(1);
/// Of so many processes at most something is known.
const KNOWN_MAX: usize = 512;
/// So many main processes that have ended are still known by the sessions that they have left.
const LEFT_MAX: usize = 256;
/// What `_SYSTEMD_INVOCATION_ID` takes, and the name of `_SYSTEMD_UNIT`.
const ROOM: usize = 80;
/// A longer command line is cut.
const COMMAND_LINE_MAX: u64 = 64 * 1024;

/// A unit, as entries of its processes show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unit {
    /// `_SYSTEMD_UNIT`, `_SYSTEMD_INVOCATION_ID` and LogExtraFields=.
    fields: Fields,
    /// LogLevelMax=.
    level_max: u8,
    /// Where its lines are copied to.
    copies: Copies,
}

impl Unit {
    /// The unit of this name as it was started this time, and what it says of its log.
    pub fn new(name: &str, invocation: Option<&str>, log: &Log) -> Self {
        let mut fields = Fields::with_room(ROOM + name.len());
        fields.push("_SYSTEMD_UNIT", name);
        invocation.into_iter().for_each(|id| fields.push("_SYSTEMD_INVOCATION_ID", id));
        for (name, value) in log.extra_fields.iter().filter_map(|field| field.split_once('=')) {
            fields.push_sent(name.as_bytes(), value.as_bytes());
        }
        let level_max = log.level_max.and_then(|level| u8::try_from(level).ok()).unwrap_or(7);
        Self { fields, level_max, copies: Copies::default() }
    }

    /// The same, with its lines copied to where its commands' outputs say.
    pub fn with_copies(self, copies: Copies) -> Self {
        Self { copies, ..self }
    }

    /// Whether it wants entries of this level.
    pub fn wants(&self, level: u8) -> bool {
        level <= self.level_max
    }

    /// How much memory its fields take.
    pub fn size(&self) -> usize {
        self.fields.size()
    }

    /// Adds what says that the manager speaks of it: UNIT and INVOCATION_ID.
    pub fn add_as_subject(&self, fields: &mut Fields) {
        for (name, of) in [("UNIT", "_SYSTEMD_UNIT"), ("INVOCATION_ID", "_SYSTEMD_INVOCATION_ID")] {
            self.fields.values(of).for_each(|value| fields.push(name, value));
        }
    }
}

/// A process that sends entries.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The fields of all its entries.
    pub fields: Arc<Fields>,
    /// Entries that are less important than that are dropped.
    pub level_max: u8,
    /// Where the lines of its streams are copied to.
    pub copies: Copies,
}

/// What is known of processes.
pub struct Senders {
    /// `_HOSTNAME`, `_MACHINE_ID` and `_BOOT_ID`.
    machine: Fields,
    /// This process.
    own: Sender,
    /// The control groups of units, where there are any.
    groups: Option<Names>,
    /// The processes that units have started.
    units: BTreeMap<Pid, Rc<Unit>>,
    /// Those that have ended: their sessions may have outlived them.
    left: VecDeque<(Pid, Rc<Unit>)>,
    known: BTreeMap<Pid, Known>,
}

struct Known {
    uid: libc::uid_t,
    gid: libc::gid_t,
    /// The unit that it is taken for; none where that is found out from the process.
    unit: Option<Rc<Unit>>,
    sender: Sender,
    since: Instant,
}

/// What cannot be found out anew: which processes are whose.
#[derive(Serialize, Deserialize)]
pub struct SavedSenders {
    #[serde(with = "saved")]
    units: BTreeMap<Pid, Rc<Unit>>,
    left: Vec<(i32, Unit)>,
}

impl Saved for Rc<Unit> {
    type Form = Unit;

    fn save(&self) -> Unit {
        Unit::clone(self)
    }

    fn restore(unit: Unit) -> Option<Self> {
        Some(Self::new(unit))
    }
}

impl Senders {
    /// Writes it down.
    pub fn save(&self) -> SavedSenders {
        let Self { machine: _, own: _, groups: _, units, left, known: _ } = self;
        SavedSenders { units: units.clone(), left: left.iter().map(|(pid, unit)| (pid.save(), unit.save())).collect() }
    }

    /// What was written down.
    pub fn restore(SavedSenders { units, left }: SavedSenders) -> Self {
        let left = left.into_iter().map(|(pid, unit)| (Pid::from_raw(pid), Rc::new(unit)));
        Self { units, left: left.collect(), ..Self::new() }
    }

    /// Nobody is known yet.
    pub fn new() -> Self {
        let mut machine = Fields::default();
        let host = gethostname().unwrap_or_default();
        machine.push("_HOSTNAME", host.as_bytes());
        for (name, file) in [("_MACHINE_ID", "/etc/machine-id"), ("_BOOT_ID", "/proc/sys/kernel/random/boot_id")] {
            let id = fs::read_to_string(file).unwrap_or_default().trim().replace('-', "");
            if !id.is_empty() {
                machine.push(name, id);
            }
        }
        let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
        let mut fields = Fields::default();
        of_process(&libc::ucred { pid: Pid::this().as_raw(), uid, gid }.into(), &mut fields);
        fields.append(&machine);
        let own = Sender { fields: Arc::new(fields), level_max: 7, copies: Copies::default() };
        Self { machine, own, groups: None, units: BTreeMap::new(), left: VecDeque::new(), known: BTreeMap::new() }
    }

    /// From now on it is told by a process's control group which unit it is of.
    pub fn tell_units_by(&mut self, groups: Names) {
        self.groups = Some(groups);
    }

    /// This process.
    pub fn own(&self) -> &Sender {
        &self.own
    }

    /// A unit has started this process.
    pub fn started(&mut self, pid: Pid, unit: Rc<Unit>) {
        self.known.remove(&pid);
        self.units.insert(pid, unit);
    }

    /// This process has ended, and what it sent has been read.
    pub fn ended(&mut self, pid: Pid) {
        self.known.remove(&pid);
        if let Some(unit) = self.units.remove(&pid) {
            self.left.truncate(LEFT_MAX - 1);
            self.left.push_front((pid, unit));
        }
    }

    /// The process with these credentials; `unit` where it is known by what the process writes to.
    pub fn sender(&mut self, credentials: &UnixCredentials, unit: Option<&Rc<Unit>>, now: Instant) -> Sender {
        let pid = Pid::from_raw(credentials.pid());
        let same = |unit: &Rc<Unit>, known: &Known| known.unit.as_ref().is_some_and(|known| Rc::ptr_eq(known, unit));
        if let Some(known) = self.known.get(&pid) {
            let fresh = now.saturating_duration_since(known.since) < FRESH;
            let still = (known.uid, known.gid) == (credentials.uid(), credentials.gid());
            if fresh && still && unit.map_or(known.unit.is_none(), |unit| same(unit, known)) {
                return known.sender.clone();
            }
        }
        let left = || self.left(pid).filter(|_| children::is_zombie(pid.as_raw())).cloned();
        let found = unit.cloned().or_else(|| self.unit_of(pid)).or_else(left);
        let mut fields = Fields::default();
        of_process(credentials, &mut fields);
        let (mut level_max, mut copies) = (7, Copies::default());
        if let Some(unit) = found {
            fields.append(&unit.fields);
            (level_max, copies) = (unit.level_max, unit.copies);
        }
        fields.append(&self.machine);
        let sender = Sender { fields: self.unless_the_same(pid, fields), level_max, copies };
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        let (uid, gid) = (credentials.uid(), credentials.gid());
        self.known.insert(pid, Known { uid, gid, unit: unit.cloned(), sender: sender.clone(), since: now });
        sender
    }

    /// Entries share the fields of their sender as long as these stay the same.
    fn unless_the_same(&self, pid: Pid, fields: Fields) -> Arc<Fields> {
        let before = self.known.get(&pid).map(|known| &known.sender.fields);
        before.filter(|before| ***before == fields).cloned().unwrap_or_else(|| Arc::new(fields))
    }

    /// The unit that a process belongs to: it has started the process, or the process is in its control group.
    fn unit_of(&self, pid: Pid) -> Option<Rc<Unit>> {
        match &self.groups {
            None => self.unit_of_lineage(pid),
            Some(groups) => {
                self.units.get(&pid).cloned().or_else(|| Some(self.unit_called(groups.unit_of(pid)?.as_str())))
            }
        }
    }

    /// The unit of this name, as it was started last.
    fn unit_called(&self, name: &str) -> Rc<Unit> {
        let is_called = |unit: &&Rc<Unit>| unit.fields.values("_SYSTEMD_UNIT").any(|own| own == name.as_bytes());
        let known = self.all_units().find(is_called).cloned();
        known.unwrap_or_else(|| Rc::new(Unit::new(name, None, &Log::default())))
    }

    /// Those that run, and then those that ran, the last one first.
    fn all_units(&self) -> impl Iterator<Item = &Rc<Unit>> {
        self.units.values().chain(self.left.iter().map(|left| &left.1))
    }

    /// Without control groups, the unit that has started the process, or its session, or one of its ancestors; or, where it was
    /// left to this process, as daemons are, the one whose `$INVOCATION_ID` it was executed with.
    fn unit_of_lineage(&self, pid: Pid) -> Option<Rc<Unit>> {
        let mut next = pid;
        // A process has fewer ancestors, and if /proc changes while it is read, this ends all the same.
        for _ in 0..64 {
            if let Some(unit) = self.units.get(&next).or_else(|| self.unit_of_session(next)) {
                return Some(unit.clone());
            }
            match parent(next) {
                Some(parent) if parent == Pid::this() => return self.unit_of_invocation(next).cloned(),
                Some(parent) if parent.as_raw() > 1 => next = parent,
                _ => return None,
            }
        }
        None
    }

    fn unit_of_invocation(&self, pid: Pid) -> Option<&Rc<Unit>> {
        let id = children::invocation(pid.as_raw())?;
        let is_its = |unit: &&Rc<Unit>| unit.fields.values("_SYSTEMD_INVOCATION_ID").any(|own| own == id.as_bytes());
        self.all_units().find(is_its)
    }

    fn unit_of_session(&self, pid: Pid) -> Option<&Rc<Unit>> {
        let session = getsid(Some(pid)).ok().filter(|session| *session != pid)?;
        // As long as processes are in a session, its number is no other process's.
        self.units.get(&session).or_else(|| self.left(session))
    }

    /// The unit that had started a process that has ended.
    fn left(&self, pid: Pid) -> Option<&Rc<Unit>> {
        self.left.iter().find(|left| left.0 == pid).map(|left| &left.1)
    }
}

/// `_PID`, `_UID` and `_GID`, and as long as it runs `_COMM`, `_EXE` and `_CMDLINE`.
fn of_process(credentials: &UnixCredentials, fields: &mut Fields) {
    let pid = credentials.pid();
    fields.push("_UID", credentials.uid().to_string());
    fields.push("_GID", credentials.gid().to_string());
    // It has no number here where it is in another PID namespace, which this process does not see into.
    if pid <= 0 {
        return;
    }
    fields.push("_PID", pid.to_string());
    if let Ok(name) = fs::read(format!("/proc/{pid}/comm")) {
        fields.push("_COMM", name.strip_suffix(b"\n").unwrap_or(&name));
    }
    if let Ok(program) = fs::read_link(format!("/proc/{pid}/exe")) {
        fields.push("_EXE", program.as_os_str().as_bytes());
    }
    let mut arguments = Vec::new();
    let file = File::open(format!("/proc/{pid}/cmdline"));
    let read = file.and_then(|file| file.take(COMMAND_LINE_MAX).read_to_end(&mut arguments));
    let line = quoted(&arguments);
    if read.is_ok() && !line.is_empty() {
        fields.push("_CMDLINE", line);
    }
}

fn parent(pid: Pid) -> Option<Pid> {
    children::parent(pid.as_raw()).map(Pid::from_raw)
}
