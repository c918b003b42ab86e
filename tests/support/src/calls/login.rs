//! sd-login(3).

use super::{Case, Compared, call};

/// What a process is in, and the files of its session, user, seat and machine.
const LOGGED_IN: &str = "logged_in()";

const fn here(text: &'static str, answer: i32, costs: &'static str) -> Case {
    call(text, answer, costs).given(LOGGED_IN)
}

/// Of a function that libsystemd has had since the release with that node.
const fn since(node: &'static str, text: &'static str, answer: i32, costs: &'static str) -> Case {
    here(text, answer, costs).compared(Compared::Since(node))
}

const ENXIO: i32 = -libc::ENXIO;
const ENODATA: i32 = -libc::ENODATA;
const EINVAL: i32 = -libc::EINVAL;

const FILE: &str = "openat, 2 read, close";
const CGROUP: &str = "openat, read, close";
/// Of the process and of process 1.
const CGROUPS: &str = "openat, read, close, openat, read, close";
const CGROUP_OF_PIDFD: &str = "ioctl, openat, read, close, ioctl";
const CGROUPS_OF_PIDFD: &str = "ioctl, openat, read, close, openat, read, close, ioctl";
const CGROUP_OF_PEER: &str = "getsockopt, ioctl, openat, read, close, ioctl, close";
const CGROUPS_OF_PEER: &str = "getsockopt, ioctl, openat, read, close, openat, read, close, ioctl, close";
const DIRECTORY: &str = "openat, 2 getdents64, close";

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    here("sd_pid_get_session(0, &word)", 0, CGROUPS),
    here("sd_pid_get_owner_uid(0, &uid)", 0, CGROUPS),
    here("sd_pid_get_unit(0, &word)", 0, CGROUPS),
    here("sd_pid_get_user_unit(0, &word)", ENODATA, CGROUPS),
    here("sd_pid_get_slice(0, &word)", 0, CGROUPS),
    here("sd_pid_get_user_slice(0, &word)", 0, CGROUPS),
    here("sd_pid_get_machine_name(0, &word)", 0, "openat, read, close, openat, read, close, readlink"),
    here("sd_pid_get_cgroup(0, &word)", 0, CGROUP),
    here("sd_pid_get_cgroup(-1, &word)", EINVAL, ""),
    since("LIBSYSTEMD_253", "sd_pidfd_get_session(pidfd, &word)", 0, CGROUPS_OF_PIDFD),
    since("LIBSYSTEMD_253", "sd_pidfd_get_owner_uid(pidfd, &uid)", 0, CGROUPS_OF_PIDFD),
    since("LIBSYSTEMD_253", "sd_pidfd_get_unit(pidfd, &word)", 0, CGROUPS_OF_PIDFD),
    since("LIBSYSTEMD_253", "sd_pidfd_get_user_unit(pidfd, &word)", ENODATA, "ioctl, openat, read, close, openat, read, close"),
    since("LIBSYSTEMD_253", "sd_pidfd_get_slice(pidfd, &word)", 0, CGROUPS_OF_PIDFD),
    since("LIBSYSTEMD_253", "sd_pidfd_get_user_slice(pidfd, &word)", 0, CGROUPS_OF_PIDFD),
    since("LIBSYSTEMD_253", "sd_pidfd_get_machine_name(pidfd, &word)", 0, "ioctl, openat, read, close, openat, read, close, readlink, ioctl"),
    since("LIBSYSTEMD_253", "sd_pidfd_get_cgroup(pidfd, &word)", 0, CGROUP_OF_PIDFD),
    since("LIBSYSTEMD_253", "sd_pidfd_get_cgroup(null, &word)", -libc::ENOTTY, "ioctl, openat, read, close"),
    here("sd_peer_get_session(peer, &word)", 0, CGROUPS_OF_PEER),
    here("sd_peer_get_owner_uid(peer, &uid)", 0, CGROUPS_OF_PEER),
    here("sd_peer_get_unit(peer, &word)", 0, CGROUPS_OF_PEER),
    here("sd_peer_get_user_unit(peer, &word)", ENXIO, "getsockopt, ioctl, openat, read, close, openat, read, 2 close"),
    here("sd_peer_get_slice(peer, &word)", 0, CGROUPS_OF_PEER),
    here("sd_peer_get_user_slice(peer, &word)", 0, CGROUPS_OF_PEER),
    here("sd_peer_get_machine_name(peer, &word)", 0, "getsockopt, ioctl, openat, read, close, openat, read, close, readlink, ioctl, close"),
    here("sd_peer_get_cgroup(peer, &word)", 0, CGROUP_OF_PEER),
    here("sd_peer_get_cgroup(null, &word)", -libc::ENOTSOCK, "getsockopt"),

    here("sd_uid_get_state(1000, &word)", 0, FILE),
    here("sd_uid_get_state(7, &word)", 0, "openat"),
    here("sd_uid_get_display(1000, &word)", 0, FILE),
    since("LIBSYSTEMD_254", "sd_uid_get_login_time(1000, &usec)", 0, FILE),
    here("sd_uid_is_on_seat(1000, 1, \"seat0\")", 1, FILE),
    here("sd_uid_get_sessions(1000, 0, &names)", 2, FILE),
    here("sd_uid_get_seats(1000, 0, &names)", 1, FILE),

    here("sd_session_is_active(\"c1\")", 1, FILE),
    here("sd_session_is_active(\"c2\")", ENXIO, "openat"),
    here("sd_session_is_active(NULL)", 1, "openat, read, close, openat, read, close, openat, 2 read, close"),
    here("sd_session_is_remote(\"c1\")", 0, FILE),
    here("sd_session_get_state(\"c1\", &word)", 0, FILE),
    here("sd_session_get_uid(\"c1\", &uid)", 0, FILE),
    since("LIBSYSTEMD_254", "sd_session_get_username(\"c1\", &word)", 0, FILE),
    here("sd_session_get_seat(\"c1\", &word)", 0, FILE),
    since("LIBSYSTEMD_254", "sd_session_get_start_time(\"c1\", &usec)", 0, FILE),
    here("sd_session_get_service(\"c1\", &word)", 0, FILE),
    here("sd_session_get_type(\"c1\", &word)", 0, FILE),
    here("sd_session_get_class(\"c1\", &word)", 0, FILE),
    here("sd_session_get_desktop(\"c1\", &word)", 0, FILE),
    here("sd_session_get_display(\"c1\", &word)", 0, FILE),
    since("LIBSYSTEMD_254", "sd_session_get_leader(\"c1\", &leader)", 0, FILE),
    here("sd_session_get_remote_host(\"c1\", &word)", ENODATA, FILE),
    here("sd_session_get_remote_user(\"c1\", &word)", ENODATA, FILE),
    here("sd_session_get_tty(\"c1\", &word)", 0, FILE),
    here("sd_session_get_vt(\"c1\", &uid)", 0, FILE),
    since("LIBSYSTEMD_260", "sd_session_get_extra_device_access(\"c1\", &names)", 2, FILE),
    here("sd_session_get_state(\"../c1\", &word)", EINVAL, ""),

    here("sd_seat_get_active(\"seat0\", &word, &uid)", 0, FILE),
    here("sd_seat_get_active(NULL, &word, &uid)", 0, "openat, read, close, openat, read, close, openat, 2 read, close, openat, 2 read, close"),
    here("sd_seat_get_sessions(\"seat0\", &names, &uids, &uid)", 2, FILE),
    here("sd_seat_can_multi_session(\"seat0\")", 1, ""),
    here("sd_seat_can_tty(\"seat0\")", 1, FILE),
    here("sd_seat_can_graphical(\"seat0\")", 0, FILE),

    here("sd_machine_get_class(\"m\", &word)", 0, FILE),
    here("sd_machine_get_class(\".host\", &word)", 0, ""),
    here("sd_machine_get_ifindices(\"m\", &ifindices)", 2, FILE),

    here("sd_get_seats(&names)", 1, DIRECTORY),
    here("sd_get_sessions(&names)", 1, DIRECTORY),
    here("sd_get_uids(&uids)", 1, DIRECTORY),
    here("sd_get_machine_names(&names)", 1, DIRECTORY),

    here("sd_login_monitor_new(NULL, &monitor)", 0, "inotify_init1, 4 inotify_add_watch"),
    here("sd_login_monitor_new(\"session\", &monitor)", 0, "inotify_init1, inotify_add_watch"),
    here("sd_login_monitor_new(\"sessions\", &monitor)", EINVAL, "inotify_init1, close"),
    call("sd_login_monitor_get_fd(monitor) >= 0", 1, "").given("monitoring()"),
    call("sd_login_monitor_get_events(monitor)", libc::POLLIN as i32, "").given("monitoring()"),
    call("sd_login_monitor_get_timeout(monitor, &usec)", 0, "").given("monitoring()"),
    call("sd_login_monitor_flush(monitor)", 0, "read").given("monitoring()"),
    call("sd_login_monitor_flush(monitor)", 0, "read").given("monitoring(); logged_in()"),
    call("(monitor = sd_login_monitor_unref(monitor)) != NULL", 0, "close").given("monitoring()"),
];
