#!/bin/sh
# The part of inside.sh on sd-login: systemd-logind and systemd-machined write the files, and both libraries are asked. It is read
# by inside.sh, and uses what is there.

# session NAME USER SEAT TYPE: a unit that logs a user in, whose process waits in the session.
session() {
    unit "login-$1.service" <<unit
[Service]
Type=simple
User=$2
PAMName=sdlite-check
Environment=XDG_SESSION_CLASS=user XDG_SESSION_TYPE=$4 XDG_SEAT=$3 XDG_SESSION_DESKTOP=sdlite
ExecStart=/bin/sh -c '\
    /usr/local/lib/sdlite-check/login-libsystemd pid >$work/login-$1/libsystemd; \
    /usr/local/lib/sdlite-check/login pid >$work/login-$1/libsdlite; \
    exec sleep infinity'
unit
    install -d -o "$2" "$work/login-$1"
}

# both WHAT ARGUMENT...: login.c answers the same by both libraries. The answer is left in $work/both.
both() {
    what=$1
    shift
    "$programs/login-libsystemd" "$@" >"$work/by-libsystemd" || fail "$what: by libsystemd"
    "$programs/login" "$@" >"$work/both" || fail "$what: by libsdlite"
    cmp -s "$work/by-libsystemd" "$work/both" || fail "$what" "$(cat "$work/by-libsystemd")" "$(cat "$work/both")"
    ok "$what: $(wc -l <"$work/both") lines, as by libsystemd"
}

# answer HEADING FUNCTION: what is in $work/both for that.
answer() {
    awk -v heading="$1" -v name="  $2: " '
        /^[^ ]/ { inside = $0 == heading }
        inside && index($0, name) == 1 { print substr($0, length(name) + 1); exit }' "$work/both"
}

# linked PROGRAM: the file it has its library from; "debian" for libsystemd where Debian puts it.
linked() {
    ldd "$(command -v "$1")" | sed -n '/lib\(sdlite\|systemd\)\.so/s/.* => \([^ ]*\).*/\1/p' |
        sed 's#^\(/usr\)*/lib/[^/]*/libsystemd\.so\.0$#debian#'
}

# property OBJECT INTERFACE NAME...: of logind.
property() {
    object=$1
    interface=$2
    shift 2
    busctl get-property org.freedesktop.login1 "$object" "org.freedesktop.login1.$interface" "$@"
}

# object METHOD SIGNATURE ARGUMENT: the path of what logind finds.
object() {
    busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager "$@" | cut -d '"' -f 2
}

sleeps() {
    [ "$(cat "/proc/$1/comm")" = sleep ]
}

check_login() {
    units='systemd-logind.service systemd-machined.service user@*.service
        login-seated.service login-other.service login-passing.service'
    programs=/usr/local/lib/sdlite-check
    echo 'session required pam_systemd.so
account required pam_permit.so' >/etc/pam.d/sdlite-check
    session seated daemon seat0 wayland
    session other games '' tty
    session passing games '' tty
    unit login-machine.service <<unit
[Service]
Type=exec
ExecStart=sleep infinity
unit
    mkdir -p /run/systemd/user
    cp /run/systemd/system/login-machine.service /run/systemd/user/login-user.service
    systemctl daemon-reload
    systemctl start systemd-logind.service systemd-machined.service || fail 'systemd-logind and systemd-machined start'
    systemctl start login-seated.service login-other.service login-machine.service || fail 'two users log in'
    seated=$(show login-seated.service MainPID)
    other=$(show login-other.service MainPID)
    machine=$(show login-machine.service MainPID)
    within 60 sleeps "$seated" && within 60 sleeps "$other" || fail 'the processes of the sessions'
    uid=$(id -u daemon)
    busctl --quiet call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager RegisterMachine sayssus \
        sdlite-machine 0 sdlite container "$machine" '' || fail 'a machine is registered'
    runuser -u daemon -- env XDG_RUNTIME_DIR="/run/user/$uid" systemctl --user start login-user.service ||
        fail 'a service of a user starts'
    user=$(cat "/sys/fs/cgroup$(systemctl show --value -p ControlGroup "user@$uid.service")/app.slice/login-user.service/cgroup.procs")

    for name in seated other; do
        cmp -s "$work/login-$name/libsystemd" "$work/login-$name/libsdlite" || fail 'a process in a session, of itself' \
            "$(cat "$work/login-$name/libsystemd")" "$(cat "$work/login-$name/libsdlite")"
    done
    cp "$work/login-seated/libsdlite" "$work/both"
    session=$(answer 'this process' sd_pid_get_session | cut -d ' ' -f 2)
    expect 'a process in a session, of itself and as the peer of a socket' "0 $session.0 $uid" \
        "$(answer 'this process' sd_peer_get_session).$(answer 'this process' sd_pid_get_owner_uid)"

    expect 'the two programs have their libraries, and ps has either' "$library
debian
debian
/usr/local/lib/sdlite/libsystemd.so.0" "$(
        linked "$programs/login"
        linked "$programs/login-libsystemd"
        linked ps
        LD_LIBRARY_PATH=/usr/local/lib/sdlite linked ps
    )"

    both 'sd_pid_get_...: processes of a session, a machine, a user and the system' pid "$seated" "$other" "$machine" "$user" 1
    expect 'a session, a machine, a unit of a user' "0 $session, 0 sdlite-machine, 0 login-user.service" "$(
        answer "process $seated" sd_pid_get_session
    ), $(answer "process $machine" sd_pid_get_machine_name), $(answer "process $user" sd_pid_get_user_unit)"
    "$programs/login" pidfd "$seated" "$machine" "$user" 1 | sed s/sd_pidfd/sd_pid/ >"$work/by-pidfd"
    "$programs/login" pid "$seated" "$machine" "$user" 1 | sed '/this process/,$d' >"$work/by-pid"
    expect 'sd_pidfd_get_...: the same' "$(cat "$work/by-pid")" "$(cat "$work/by-pidfd")"

    both 'all sessions, users, seats and machines' all
    expect 'the session on the seat' "yes, no, 0 active, 0 $uid, 0 seat0, 0 sdlite-check, 0 wayland, 0 user, 0 sdlite" "$(
        for function in is_active is_remote get_state get_uid get_seat get_service get_type get_class get_desktop; do
            answer "session $session" "sd_session_$function"
        done | paste -s -d , | sed 's/,/, /g')"
    expect 'the user, the seat and the machine' "0 active, 0 $session, 0 container" "$(
        answer "user $uid" sd_uid_get_state
    ), $(answer 'seat seat0' sd_seat_get_active), $(answer 'machine sdlite-machine' sd_machine_get_class)"
    expect 'the name of its user, its leader and the times, as systemd-logind says over D-Bus' "$(
        property "$(object GetSession s "$session")" Session Name Leader Timestamp
        property "$(object GetUser u "$uid")" User Timestamp
    )" "$("$programs/login" newer "$session")"

    : >"$work/monitor-login-libsystemd" >"$work/monitor-login"
    for name in login-libsystemd login; do
        "$programs/$name" monitor 2 >"$work/monitor-$name" &
    done
    within 60 watching 2 || fail 'the monitors watch'
    systemctl start login-passing.service
    within 60 watching 3 || fail 'a session comes: the monitor wakes' \
        "$(cat "$work/monitor-login-libsystemd")" "$(cat "$work/monitor-login")"
    ok 'a session comes: the monitor wakes'
    systemctl stop login-passing.service
    within 60 watching 4 || fail 'it goes: the monitor wakes' \
        "$(cat "$work/monitor-login-libsystemd")" "$(cat "$work/monitor-login")"
    wait
    expect 'it goes: the monitor wakes, with the same sessions as by libsystemd' "$(cat "$work/monitor-login-libsystemd")" \
        "$(cat "$work/monitor-login")"

    columns=pid,unit,uunit,slice,lsession,seat,machine
    processes=1,$seated,$other,$machine,$user
    ps -o "$columns" -p "$processes" >"$work/ps"
    expect "ps -o $columns, by the drop-in" "$(cat "$work/ps")" \
        "$(LD_LIBRARY_PATH=/usr/local/lib/sdlite ps -o "$columns" -p "$processes")"
    expect 'it says the session, the seat, the unit of the user and the machine' "$session seat0, login-user.service, sdlite-machine" "$(
        awk -v seated="$seated" '$1 == seated { print $5, $6 }' "$work/ps"
    ), $(awk -v user="$user" '$1 == user { print $3 }' "$work/ps"), $(awk -v machine="$machine" '$1 == machine { print $7 }' "$work/ps")"
    systemctl stop login-seated.service login-other.service login-machine.service
    # What is checked next may look into /run.
    within 60 no_user_has_a_directory || fail 'the directories of users go with their sessions' '' "$(ls /run/user)"
    ok 'the directories of users go with their sessions'
}

no_user_has_a_directory() {
    [ -z "$(ls /run/user)" ]
}

# watching LINES: both monitors have printed so many.
watching() {
    [ "$(wc -l <"$work/monitor-login")" = "$1" ] && [ "$(wc -l <"$work/monitor-login-libsystemd")" = "$1" ]
}
