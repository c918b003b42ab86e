#!/bin/sh
# The checks, run as a service where systemd is PID 1. Each function named check_ is one run of units; every sentence that is
# printed after "ok" was checked first. With the arguments of check.sh only a part is run.
set -u

library=/usr/local/lib/libsdlite.so.0
work=/run/sdlite-check
port=8080
failed=0
units=

ok() {
    echo "  ok    $1"
}

# fail WHAT [EXPECTED SEEN]: ends the run of units it is in.
fail() {
    echo "FAILED  $1"
    if [ $# -gt 1 ]; then
        printf '%s\n' "$2" | sed 's/^/        expected: /'
        printf '%s\n' "$3" | sed 's/^/        seen:     /'
    fi
    for unit in $units; do
        echo "        journalctl -u $unit:"
        journalctl -q --no-pager -o short-monotonic -n 20 -u "$unit" | cut -c 1-160 | tail -n 30 | sed 's/^/            /'
    done
    exit 1
}

# expect WHAT EXPECTED SEEN
expect() {
    [ "$2" = "$3" ] || fail "$@"
    ok "$1"
}

. ./units/within.sh

# becomes WHAT EXPECTED COMMAND...: within a minute the command says what is expected.
becomes() {
    what=$1
    expected=$2
    shift 2
    within 60 says "$expected" "$@" || fail "$what" "$expected" "$("$@")"
    ok "$what"
}

says() {
    wanted=$1
    shift
    [ "$("$@")" = "$wanted" ]
}

# show UNIT PROPERTY
show() {
    systemctl show --value -p "$2" "$1"
}

version() {
    systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p'
}

# unit NAME: makes a unit of what stands on stdin.
unit() {
    cat >"/run/systemd/system/$1"
}

# The libraries of this name or that of libsystemd which a process has mapped.
libraries() {
    sed -n 's#.* \(/.*/lib\(sdlite\|systemd\)\.so.*\)#\1#p' "/proc/$1/maps" | sort -u
}

# The inode of the socket that takes the connections to 127.0.0.1 and the port; nothing where there is none.
port_open() {
    hex=$(printf '%04X' "$port")
    while read -r _ address _ state _ _ _ _ _ inode _; do
        # The kernel prints addresses in the machine's byte order.
        case $address/$state in 0100007F:"$hex"/0A | 7F000001:"$hex"/0A) echo "$inode" ;; esac
    done </proc/net/tcp
}

# asks: what the service behind sd-activate answers.
asks() {
    python3 -c 'import socket; s = socket.create_connection(("127.0.0.1", 8099), 10); print(s.recv(100).decode(), end="")'
}

check_nested() {
    units='nested.socket nested.service'
    mkdir -p "$work/nested"
    printf '[Socket]\nListenStream=127.0.0.1:8099\nAccept=yes\n' | tee "$work/nested/in.socket" | grep -v Accept | unit nested.socket
    printf '[Service]\nExecStart=/bin/echo inside\nStandardOutput=socket\n' >"$work/nested/in@.service"
    unit nested.service <<service
[Service]
Type=notify
WatchdogSec=2
ExecStart=/usr/local/bin/sd-activate --control=$work/nested/control --no-journal --unit-path=$work/nested in.socket
ExecReload=/usr/local/bin/sdctl --control=$work/nested/control daemon-reload
service
    systemctl daemon-reload
    systemctl start nested.socket
    expect 'sd-activate under systemd answers at the socket that it is given' inside "$(asks)"
    expect 'and tells that it is ready' active/running "$(show nested.service ActiveState)/$(show nested.service SubState)"
    expect 'and where it listens' 'Listening on 127.0.0.1:8099.' "$(show nested.service StatusText)"
    pid=$(show nested.service MainPID)
    sleep 5
    systemctl reload nested.service
    expect 'it tells its watchdog that it lives' "$pid 0" "$(show nested.service MainPID) $(show nested.service NRestarts)"
    expect 'and answers still' inside "$(asks)"
    systemctl stop nested.service nested.socket 2>/dev/null
    expect 'and stops' success "$(show nested.service Result)"
}

# holds PID INODE: the process has that socket among its descriptors.
holds() {
    case $(ls -l "/proc/$1/fd") in *"socket:[$2]"*) ;; *) false ;; esac
}

# own_fields MATCH...: what the newest entry that matches has, but for what journald has added.
own_fields() {
    journalctl --sync
    journalctl -q -n 1 -o export "$@" | grep -av '^\(_\|$\)' | LC_ALL=C sort
}

# line_of FILE TEXT: the number of the line in a source file.
line_of() {
    grep -nF "$2" "$1" | cut -d : -f 1
}

# client LABEL: runs myclient.
client() {
    myclient "$port" >"$work/$1" 2>&1
}

three_answers() {
    for _ in 1 2 3; do
        printf 'Message sent to server: Hello, Server!\nMessage received from server: %s\n' "$1"
    done
}

# expect_activation WHAT INODE: a connection starts myservice, upon the socket.
expect_activation() {
    before=$(show myservice.service MainPID)
    client answers || fail "$1: the client failed" 'Hello, client!' "$(cat "$work/answers")"
    expect "$1" "$(three_answers 'Hello, client!')" "$(cat "$work/answers")"
    pid=$(show myservice.service MainPID)
    case $before,$pid in
    0,[1-9]*) ;;
    *) fail "$1: by a new process" '0, then a process' "$before, then $pid" ;;
    esac
    holds "$pid" "$2" || fail 'the service has the socket that was open before' "socket:[$2]" "$(ls -l "/proc/$pid/fd")"
}

# expect_open WHAT INODE STATE: the service is in this state, and the port still open.
expect_open() {
    becomes "$1" "$3 $2" state_and_port
}

state_and_port() {
    echo "$(show myservice.service ActiveState) $(port_open)"
}

check_boot() {
    expect "systemd $(version) is PID 1" systemd "$(cat /proc/1/comm)"
    settled || within 120 settled || fail 'booted' 'running or degraded' "$(systemctl is-system-running)"
    ok "the system is $(systemctl is-system-running)"
}

settled() {
    case $(systemctl is-system-running) in running | degraded) ;; *) false ;; esac
}

check_build() {
    make --silent || fail 'the examples compile against what was installed'
    # shellcheck disable=SC2046 # two lists of arguments
    for program in notify store names pidfdid journal login; do
        cc -O2 -Wall -Wextra -Werror -o "$program" "$program.c" $(pkg-config --cflags --libs sdlite) ||
            fail "$program.c compiles against what was installed"
    done
    # shellcheck disable=SC2046 # the header has what an older one lacks
    cc -O2 -Wall -Wextra -Werror -o login-libsystemd $(pkg-config --cflags sdlite) login.c -l:libsystemd.so.0 ||
        fail 'login.c compiles against libsystemd'
    install myservice myservice-accept myclient /usr/local/bin
    mkdir -p /usr/local/lib/sdlite-check
    install notify store names pidfdid journal login login-libsystemd /usr/local/lib/sdlite-check
    install -m 644 ./*.service ./*.socket /etc/systemd/system
    ldconfig /usr/local/lib
    systemctl daemon-reload
    ok 'the examples compile against what was installed'
}

check_article() {
    units='myservice.socket myservice.service'

    systemctl enable --quiet --now myservice.socket || fail 'the socket starts'
    inode=$(port_open)
    [ -n "$inode" ] || fail 'the port is open' "a socket that listens on 127.0.0.1:$port" none
    expect_open 'the port is open before the service runs' "$inode" inactive

    expect_activation 'the first connection starts the service' "$inode"
    expect 'it has mapped the library that was installed, and no libsystemd' "$(readlink -f "$library")" "$(libraries "$pid")"

    for message in \
        'get_socket|Received %d file descriptor(s) from systemd|Received 1 file descriptor(s) from systemd' \
        'find_socket|this is a IPv4 TCP socket listening on port %d|this is a IPv4 TCP socket listening on port 8080' \
        'serve|Message received from client: %.*s|Message received from client: Hello, Server!'; do
        function=${message%%|*}
        format=${message#*|}
        text=${format#*|}
        expect "journalctl -u myservice: $text" "CODE_FILE=myservice.c
CODE_FUNC=$function
CODE_LINE=$(line_of myservice.c "${format%%|*}")
MESSAGE=$text
PRIORITY=6
SYSLOG_IDENTIFIER=myservice" "$(own_fields -u myservice _PID="$pid" MESSAGE="$text")"
    done

    systemctl --quiet stop myservice.service 2>/dev/null
    expect_open 'stopping the service leaves the port open' "$inode" inactive
    expect_activation 'the next connection starts it again' "$inode"

    kill -SEGV "$pid"
    expect_open 'a crash leaves the port open' "$inode" failed
    expect_activation 'the next connection starts it again after the crash' "$inode"

    systemctl stop myservice.socket
    expect_open 'stopping the socket closes it, and the service with it' '' inactive
    ! client refused || fail 'nobody answers any more' 'a connection that is refused' "$(cat "$work/refused")"
}

check_accept() {
    units='myservice-accept.socket myservice-accept@*.service'

    systemctl start myservice-accept.socket
    inode=$(port_open)
    [ -n "$inode" ] || fail 'the port is open' "a socket that listens on 127.0.0.1:$port" none
    expect 'the port is open before any service runs' 0 "$(instances | wc -w)"

    client one &
    one=$!
    client two &
    two=$!
    within 60 two_instances || fail 'two connections start two services' 2 "$(instances)"
    pids=$(for instance in $(instances); do show "$instance" MainPID; done)
    for pid in $pids; do
        holds "$pid" "$inode" && fail 'a service has its connection only' "no socket:[$inode]" "$(ls -l "/proc/$pid/fd")"
    done
    wait "$one" || fail 'the first client is answered' 'Hello, client!' "$(cat "$work/one")"
    wait "$two" || fail 'the second client is answered' 'Hello, client!' "$(cat "$work/two")"
    expect 'each connection has its own process' "$(for pid in $pids; do three_answers "Hello, client!_$pid"; done | sort)" \
        "$(sort "$work/one" "$work/two")"
    for pid in $pids; do
        expect "its message is in the journal" "CODE_FILE=myservice-accept.c
CODE_FUNC=main
CODE_LINE=$(line_of myservice-accept.c 'received client msg')
MESSAGE=server $pid  received client msg: Hello, Server!
PRIORITY=6
SYSLOG_IDENTIFIER=myservice-accept" "$(own_fields -u 'myservice-accept@*' _PID="$pid" \
            MESSAGE="server $pid  received client msg: Hello, Server!")"
    done

    becomes 'the processes end with their clients' '' instances
    expect 'and the port stays open' "$inode" "$(port_open)"
    systemctl stop myservice-accept.socket
    expect 'stopping the socket closes it' '' "$(port_open)"
}

instances() {
    systemctl list-units --plain --no-legend --state=active 'myservice-accept@*.service' | cut -d ' ' -f 1
}

two_instances() {
    [ "$(instances | wc -w)" = 2 ]
}

# notify_service ACCESS: one that is spoken to through two FIFOs, of which this shell holds both ends.
notify_service() {
    units=notify.service
    mkfifo "$work/commands" "$work/answers-to-them"
    exec 5<>"$work/commands" 6<>"$work/answers-to-them"
    unit notify.service <<unit
[Service]
Type=notify
TimeoutStartSec=90
NotifyAccess=$1
WatchdogSec=3
WatchdogSignal=SIGKILL
Restart=on-watchdog
RestartSec=0
ExecStart=/usr/local/lib/sdlite-check/notify
StandardInput=file:$work/commands
StandardOutput=file:$work/answers-to-them
unit
    systemctl daemon-reload
}

end_notify_service() {
    systemctl stop notify.service
    exec 5>&- 6>&-
    rm "$work/commands" "$work/answers-to-them"
}

# tell ANSWER COMMAND: what the service has to answer, for what returned.
tell() {
    echo "$2" >&5
    answer=$(timeout 60 head -n 1 <&6) || answer='none within a minute'
    [ "$answer" = "$1" ] || fail "notify: $2" "$1" "$answer"
}

check_notify() {
    notify_service main

    systemctl start --no-block notify.service
    becomes 'sd_booted and sd_watchdog_enabled: in systemctl show -p StatusText, by STATUS=' \
        'sd_booted 1, sd_watchdog_enabled 1, 3000000' show notify.service StatusText
    expect 'Type=notify: it is not active before it is ready' activating "$(show notify.service ActiveState)"
    tell 1 ready
    becomes 'and it is active upon READY=1' active show notify.service ActiveState
    pid=$(show notify.service MainPID)
    expect 'it has mapped the library that was installed, and no libsystemd' "$(readlink -f "$library")" "$(libraries "$pid")"

    tell 1 'status a text, äöü'
    tell 1 barrier
    expect 'after sd_notify_barrier the manager knows what was said before' 'a text, äöü' "$(show notify.service StatusText)"
    tell 1 'errno 2'
    tell 1 barrier
    expect 'ERRNO= is in StatusErrno' 2 "$(show notify.service StatusErrno)"

    tell 1 'child from a child'
    expect 'NotifyAccess=main: what another process says is not taken' 'a text, äöü' "$(show notify.service StatusText)"
    tell 1 'child-as-main from a child'
    expect 'but it is by sd_pid_notify, said for the main process' 'from a child' "$(show notify.service StatusText)"

    sleep 7
    expect 'WATCHDOG=1 keeps it alive' "$pid 0" "$(show notify.service MainPID) $(show notify.service NRestarts)"
    tell 1 reset
    ok 'sd_watchdog_enabled clears the environment when it is told to'
    echo hang >&5
    becomes 'without it the service is killed, and started again' 1 show notify.service NRestarts
    becomes 'the journal has the reason' 'notify.service: Watchdog timeout (limit 3s)!' watchdog_message
    within 60 says 'sd_booted 1, sd_watchdog_enabled 1, 3000000' show notify.service StatusText ||
        fail 'it says its status again' 'sd_booted 1, sd_watchdog_enabled 1, 3000000' "$(show notify.service StatusText)"
    tell 1 ready
    becomes 'and the new process becomes ready' active show notify.service ActiveState
    [ "$(show notify.service MainPID)" != "$pid" ] || fail 'it is a new process' "not $pid" "$pid"
    end_notify_service

    notify_service all
    systemctl start --no-block notify.service
    tell 1 ready
    for count in 1 2 3 4 5 6 7 8 9 10; do
        tell 1 "child $count of ten"
        [ "$(show notify.service StatusText)" = "$count of ten" ] ||
            fail 'NotifyAccess=all: what a child said before its barrier is taken' "$count of ten" "$(show notify.service StatusText)"
    done
    ok 'NotifyAccess=all: what ten children said is taken, each gone after its barrier'
    end_notify_service
}

watchdog_message() {
    journalctl -q -o cat -u notify.service -n 1 --grep 'Watchdog timeout'
}

check_store() {
    units=store.service
    unit store.service <<unit
[Service]
Type=notify
TimeoutStartSec=90
FileDescriptorStoreMax=2
Restart=on-failure
RestartSec=0
ExecStart=/usr/local/lib/sdlite-check/store
unit
    systemctl daemon-reload

    systemctl start store.service
    pid=$(show store.service MainPID)
    first=$(show store.service StatusText)
    case $first in
    "0 passed (): file "*", written by process $pid") ok 'it starts with nothing passed, and makes a file' ;;
    *) fail 'it starts with nothing passed' "0 passed (): file INODE, written by process $pid" "$first" ;;
    esac
    expect 'FDSTORE=1: the manager has the descriptor' 1 "$(show store.service NFileDescriptorStore)"
    again="1 passed (kept): ${first#0 passed (): }"

    systemctl restart store.service
    expect 'after a restart it is the same file, by its name' "$again" "$(show store.service StatusText)"
    pid=$(show store.service MainPID)
    kill -KILL "$pid"
    becomes 'a crash starts it again' 1 show store.service NRestarts
    becomes 'and it is the same file once more' "$again" show store.service StatusText
    becomes 'it is ready' active show store.service ActiveState

    systemctl kill --kill-who=main --signal=USR1 store.service
    becomes 'FDSTOREREMOVE=1 takes it out' 0 show store.service NFileDescriptorStore
    systemctl stop store.service
}

check_names() {
    units='names.service names-*.socket'
    # Where /dev/console is a link systemd does not follow it.
    terminal=$(readlink -f /dev/console)
    for socket in 'control|ListenStream=/run/sdlite-check/stream' 'data|ListenDatagram=@sdlite-check' \
        'pipe|ListenFIFO=/run/sdlite-check/fifo' 'queue|ListenMessageQueue=/sdlite-check' "terminal|ListenSpecial=$terminal" \
        'six|ListenStream=[::1]:8081' 'link|ListenNetlink=kobject-uevent 1'; do
        unit "names-${socket%%|*}.socket" <<unit
[Socket]
FileDescriptorName=${socket%%|*}
Service=names.service
${socket#*|}
unit
    done
    # Without a name of its own it has that of its unit.
    sed -i /FileDescriptorName/d /run/systemd/system/names-six.socket
    names_service ''
    sockets='names-control.socket names-data.socket names-pipe.socket names-queue.socket names-terminal.socket names-six.socket
        names-link.socket'
    # shellcheck disable=SC2086 # a list
    systemctl start $sockets || fail 'the sockets start'

    systemctl start names.service
    expect 'sd_listen_fds_with_names: LISTEN_FDNAMES, and each is what its unit says' \
        '7 passed, then 0
control: listening stream socket /run/sdlite-check/stream
data: datagram socket @sdlite-check
link: netlink socket
names-six.socket: listening IPv6 stream socket, port 8081
pipe: FIFO /run/sdlite-check/fifo
queue: message queue /sdlite-check
terminal: special file /dev/console' "$(LC_ALL=C sort "$work/names")"

    if [ "$(version)" -ge 258 ]; then
        names_service 'pidfdid check'
        systemctl start names.service
        expect 'LISTEN_PIDFDID is there and right' '7 passed, then 0' "$(tail -n 1 "$work/names")"
    else
        echo "        This systemd does not set LISTEN_PIDFDID, which systemd 258 does: it is set by hand."
    fi
    names_service 'pidfdid right'
    systemctl start names.service
    case $(cat "$work/names") in
    'no inode for a pidfd'*)
        echo '        Left out: LISTEN_PIDFDID; the kernel, older than Linux 6.9, has no inodes for pidfds.'
        ;;
    *)
        expect 'with its own LISTEN_PIDFDID it finds its descriptors' '7 passed, then 0' "$(tail -n 1 "$work/names")"
        names_service 'pidfdid wrong'
        systemctl start names.service
        expect "with another process's it finds none" '0 passed, then 0' "$(cat "$work/names")"
        ;;
    esac
    # shellcheck disable=SC2086 # a list
    systemctl stop $sockets
}

# names_service RUNNER: its program, by way of another.
names_service() {
    unit names.service <<unit
[Service]
Type=oneshot
ExecStartPre=rm -f $work/names
ExecStart=/usr/local/lib/sdlite-check/${1:+$1 /usr/local/lib/sdlite-check/}names
StandardOutput=append:$work/names
unit
    systemctl daemon-reload
}

check_journal() {
    # $1 is the user: an unprivileged one has smaller socket buffers, and may not make them larger.
    units="journal@$1.service"
    unit 'journal@.service' <<unit
[Service]
Type=notify
TimeoutStartSec=90
User=%i
WorkingDirectory=$work/journal-%i
ExecStart=/usr/local/lib/sdlite-check/journal
unit
    install -d -o "$1" "$work/journal-$1"
    systemctl daemon-reload
    systemctl start "$units" || fail 'it starts'
    uid=$(id -u "$1")

    expect "sd_journal_print" "$(journal_fields main 'sd_journal_print(LOG_NOTICE' 'by print, 42' PRIORITY=5)" \
        "$(entry MESSAGE='by print, 42')"
    expect "sd_journal_printv" "$(journal_fields print 'sd_journal_printv(' 'by printv, a text' PRIORITY=4)" \
        "$(entry MESSAGE='by printv, a text')"
    expect "sd_journal_send" \
        "$(journal_fields main 'MESSAGE=by send,' 'by send, 42' PRIORITY=3 'TEST_FIELD=a text')" \
        "$(entry MESSAGE='by send, 42')"
    expect "sd_journal_sendv" \
        "$(journal_fields main 'sd_journal_sendv(' 'by sendv' TEST_FIELD=one TEST_FIELD=two)" \
        "$(entry MESSAGE='by sendv')"
    expect "sd_journal_perror" \
        "$(journal_fields main 'sd_journal_perror(' 'by perror: No such file or directory' ERRNO=2 PRIORITY=3)" \
        "$(entry MESSAGE='by perror: No such file or directory')"
    expect "sd_journal_stream_fd" '3 by stream, with a level
6 by stream, without' "$(journalctl -q -o json --output-fields=PRIORITY,MESSAGE -u "$units" _UID="$uid" \
        _TRANSPORT=stdout SYSLOG_IDENTIFIER=sdlite-check-stream |
        sed 's/.*"PRIORITY":"\([^"]*\)".*/\1 &/; s/\([0-9] \).*"MESSAGE":"\([^"]*\)".*/\1\2/')"

    for name in lines 256-KiB 1-MiB 17-MiB; do
        journalctl -q -a -o cat -u "$units" _UID="$uid" _TRANSPORT=journal TEST_CASE="$name" >"$work/read"
        cmp "$work/journal-$1/$name" "$work/read" ||
            fail "a message, $name" "$(wc -c <"$work/journal-$1/$name") bytes" "$(wc -c <"$work/read") bytes"
        ok "a message of $(wc -l <"$work/read") lines, $(wc -c <"$work/read") bytes"
    done
    systemctl stop "$units"
}

# journal_fields FUNCTION TEXT-OF-ITS-LINE MESSAGE FIELD...: what an entry of journal.c has to have.
journal_fields() {
    function=$1
    line=$(line_of journal.c "$2")
    message=$3
    shift 3
    printf '%s\n' CODE_FILE=journal.c CODE_FUNC="$function" CODE_LINE="$line" MESSAGE="$message" SYSLOG_IDENTIFIER=journal "$@" |
        LC_ALL=C sort
}

entry() {
    own_fields -u "$units" _UID="$uid" _TRANSPORT=journal "$@"
}

# run TITLE FUNCTION ARGUMENT...: a command that fails ends it, too.
run() {
    echo "$1:"
    shift
    (
        set -e
        "$@"
    )
    status=$?
    [ "$status" = 0 ] || failed=$((failed + 1))
    return "$status"
}

. ./logins.sh

check_same() {
    units=
    sh units/run.sh "$@" || fail 'sd-activate does what systemd does'
}

touch started
mkdir -p "$work"
case ${1-} in
units)
    shift
    run 'The system' check_boot && run 'Units under systemd and under sd-activate' check_same "$@"
    [ "$failed" = 0 ]
    exit
    ;;
sequences)
    shift
    pairs=$(cd units && python3 sequences.py "$@") || exit 1
    # shellcheck disable=SC2086 # a list
    run 'The system' check_boot && run 'Random sequences under systemd and under sd-activate' check_same $pairs
    [ "$failed" = 0 ]
    exit
    ;;
services)
    shift
    run 'The system' check_boot && run "Debian's services under systemd and under sd-activate" python3 services/services.py "$@"
    [ "$failed" = 0 ]
    exit
    ;;
first-answers)
    run 'The system' check_boot && run 'The programs' check_build && run 'First answers' python3 first_answers.py
    [ "$failed" = 0 ]
    exit
    ;;
esac
if run 'The system' check_boot && run 'The programs' check_build; then
    run 'Accept=no: myservice' check_article
    run 'Accept=yes: myservice-accept' check_accept
    run 'Type=notify, with a watchdog' check_notify
    run 'Stored descriptors' check_store
    run 'Named descriptors' check_names
    run 'sd-activate under systemd' check_nested
    run 'The journal' check_journal root
    run 'The journal, unprivileged' check_journal nobody
    run 'Logins' check_login
    if [ "$(version)" = 252 ]; then
        run 'Units under systemd and under sd-activate' check_same
    else
        echo 'Left out: units under systemd and under sd-activate, which does what systemd 252 does.'
    fi
fi
if [ "$failed" = 0 ]; then
    echo "Everything passed under systemd $(version)."
else
    echo "FAILED  $failed of these runs."
fi
[ "$failed" = 0 ]
