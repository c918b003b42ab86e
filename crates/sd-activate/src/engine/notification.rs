//! What a service tells by sd_notify(3), and who may.

use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::Action;
use super::event::Claim;
use super::service::{Awaited, Happening, Service, State};
use super::turn::{Level, Turn};
use crate::saved::{self, Saved};
use crate::spec::{NotifyAccess, Phase, ServiceType, Timeout};

/// A notification. It is anybody's: what in it could not be read is complained of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// READY=1, RELOADING=1 or STOPPING=1: the last of them.
    pub told: Option<Told>,
    /// MONOTONIC_USEC=: when that was, in microseconds.
    pub since: Option<u64>,
    /// STATUS=; an empty one, or what is no text, takes it back.
    pub status: Option<Option<String>>,
    /// ERRNO=.
    pub errno: Option<i32>,
    /// BUSERROR=; an empty one takes it back.
    pub bus_error: Option<Option<String>>,
    /// MAINPID=.
    pub main: Option<Pid>,
    /// MAINPIDFDID=: the inode of a pidfd of that.
    pub main_pidfd_id: Option<u64>,
    /// WATCHDOG=.
    pub watchdog: Option<Watchdog>,
    /// WATCHDOG_USEC=.
    pub watchdog_interval: Option<Timeout>,
    /// EXTEND_TIMEOUT_USEC=.
    pub extension: Option<Duration>,
    /// NOTIFYACCESS=.
    pub access: Option<NotifyAccess>,
    /// FDSTORE=1: the descriptors that came with it are to be stored.
    pub store: bool,
    /// FDSTOREREMOVE=1: those of this name are to be removed.
    pub remove: bool,
    /// FDNAME=.
    pub name: Option<String>,
    /// FDPOLL=0: they are stored even where nobody is on the other side any more.
    pub unpolled: bool,
    /// BARRIER=1: it is asked whether all that was said before has been heard. Nothing else counts then.
    pub barrier: bool,
    /// What could not be read.
    pub complaints: Vec<String>,
}

/// What a service is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// READY=1: it has started or reloaded.
    Ready,
    /// RELOADING=1.
    Reloading,
    /// STOPPING=1.
    Stopping,
}

/// WATCHDOG=.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watchdog {
    /// `1`: it is alive.
    Alive,
    /// `trigger`: it wants to be taken for one that is not.
    Trigger,
}

/// What a service has told of itself since it was started.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// STATUS=.
    pub status: Option<String>,
    /// ERRNO=.
    pub errno: i32,
    /// BUSERROR=.
    pub bus_error: Option<String>,
    /// NOTIFYACCESS=, in place of NotifyAccess=.
    pub access: Option<NotifyAccess>,
    /// WATCHDOG_USEC=, in place of WatchdogSec=.
    pub watchdog: Option<Timeout>,
    /// When WATCHDOG=1 has come last.
    #[serde(with = "saved")]
    pub alive: Option<Instant>,
    /// What it was about to do last.
    pub told: Option<Told>,
}

impl Service {
    /// NotifyAccess=, as it is now.
    pub(super) fn notify_access(&self) -> NotifyAccess {
        self.report.access.unwrap_or(self.spec.notify_access)
    }

    /// Whether a process may say something. If not, that is said.
    fn may_notify(&self, sender: Pid, turn: &mut Turn) -> bool {
        let access = self.notify_access();
        let (main, control) = (self.main == Some(sender), self.control == Some(sender));
        let heard = match access {
            NotifyAccess::None => false,
            NotifyAccess::Main => main,
            NotifyAccess::Exec => main || control,
            NotifyAccess::All => true,
        };
        if heard {
            return true;
        }
        let control = self.control.filter(|_| access == NotifyAccess::Exec);
        let only = match (self.main, control) {
            _ if access == NotifyAccess::None => "reception is disabled.".to_owned(),
            (Some(main), None) => format!("reception only permitted for main PID {main}"),
            (None, Some(control)) => format!("reception only permitted for control PID {control}"),
            (Some(main), Some(control)) => {
                format!("reception only permitted for main PID {main} and control PID {control}")
            }
            (None, None) => "reception only permitted for main PID which is currently not known".to_owned(),
        };
        self.log(Level::Warning, format_args!("Got notification message from PID {sender}, but {only}"), turn);
        false
    }

    /// Takes in what a process says that may. Another main process is looked for first.
    pub(super) fn hear(
        &mut self,
        sender: Pid,
        notification: Box<Notification>,
        claim: Option<Claim>,
        turn: &mut Turn,
    ) -> Option<Happening> {
        if !self.may_notify(sender, turn) {
            return None;
        }
        match claim.filter(|claim| self.main != Some(claim.pid)) {
            None => self.heard(&notification, turn),
            Some(claim) => {
                self.wait_first(Happening::Heard(notification));
                self.inspect(Awaited::Claimed(claim), turn);
                None
            }
        }
    }

    /// Takes it in; what there is besides that for the table of states.
    pub(super) fn heard(&mut self, notification: &Notification, turn: &mut Turn) -> Option<Happening> {
        for complaint in &notification.complaints {
            self.log(Level::Warning, complaint, turn);
        }
        let report = &mut self.report;
        report.errno = notification.errno.unwrap_or(report.errno);
        report.access = notification.access.or(report.access);
        if let Some(status) = &notification.status {
            report.status.clone_from(status);
        }
        if let Some(error) = &notification.bus_error {
            report.bus_error.clone_from(error);
        }
        if let Some(extension) = notification.extension {
            self.extend_deadline(extension, turn);
        }
        if notification.watchdog_interval.is_some() {
            self.report.watchdog = notification.watchdog_interval;
            self.watch(turn);
        }
        if notification.watchdog == Some(Watchdog::Alive) {
            self.watch(turn);
        }
        self.keep(notification, turn);
        if notification.watchdog == Some(Watchdog::Trigger) {
            return Some(Happening::WatchdogTriggered);
        }
        let told = notification.told?;
        if self.reloads_since.is_some() && !(told == Told::Reloading && self.answers_signal(notification.since)) {
            return None;
        }
        self.report.told = Some(told);
        Some(Happening::Told(told))
    }

    /// FDSTORE=1 and FDSTOREREMOVE=1.
    fn keep(&mut self, notification: &Notification, turn: &mut Turn) {
        let name = notification.name.clone();
        if notification.remove {
            match name {
                Some(name) => turn.act(Action::Unstore { unit: self.id, name }),
                None => {
                    let message = "FDSTOREREMOVE=1 requested, but no valid file descriptor name passed, ignoring.";
                    self.log(Level::Warning, message, turn);
                }
            }
        } else if notification.store {
            let name = name.unwrap_or_else(|| "stored".to_owned());
            let max = self.spec.descriptor_store_max;
            turn.act(Action::Store { unit: self.id, name, polled: !notification.unpolled, max });
        }
    }

    /// So many descriptors are stored, and some more could not be.
    pub(super) fn stored(&mut self, count: usize, full: bool, turn: &mut Turn) {
        self.stored = count;
        if full {
            let max = self.spec.descriptor_store_max;
            let message = format!("Cannot store more fds than FileDescriptorStoreMax={max}, closing remaining.");
            self.log(Level::Warning, message, turn);
        }
    }

    /// READY=1 where it is being started.
    pub(super) fn ready(&mut self, turn: &mut Turn) -> State {
        if self.spec.says_ready() { self.enter(Phase::StartPost, turn) } else { State::Start }
    }

    /// RELOADING=1: READY=1 is to follow.
    pub(super) fn reloads_by_itself(&mut self, turn: &mut Turn) -> State {
        self.wait_until(self.spec.timeout_start, turn);
        if self.spec.service_type == ServiceType::NotifyReload { State::ReloadNotify } else { State::Reload }
    }

    /// Type=notify-reload: it has got a signal to reload, and has to say so.
    pub(super) fn await_reloading(&mut self, turn: &mut Turn) -> State {
        match self.report.told {
            Some(Told::Reloading) => self.reloads_by_itself(turn),
            _ if self.reloads_since.is_none() => self.settle(turn),
            _ => {
                self.wait_until(self.spec.timeout_start, turn);
                State::ReloadSignal
            }
        }
    }

    /// RELOADING=1 after such a signal, unless it was said before that.
    fn answers_signal(&mut self, since: Option<u64>) -> bool {
        let signalled = self.reloads_since.map(|signalled| signalled.save() / 1000);
        let answers = since.zip(signalled).is_some_and(|(since, signalled)| since >= signalled);
        self.reloads_since.take_if(|_| answers).is_some()
    }

    /// READY=1 where it reloads. It may do so by a command, which has not ended yet.
    pub(super) fn has_reloaded(&mut self, turn: &mut Turn) -> State {
        if self.control.is_some() { State::Reload } else { self.settle(turn) }
    }

    /// STOPPING=1: it needs no signal.
    pub(super) fn stops_by_itself(&mut self, turn: &mut Turn) -> State {
        self.wait_until(self.spec.timeout_stop, turn);
        State::StopSigterm
    }
}
