#!/bin/sh
# Socket activation, watched from outside: every sentence printed here was checked first.
#
#   PORT              the port to listen on: 8080
#   SD_ACTIVATE       the manager: ../target/release/sd-activate
#   SDCTL             what asks it: ../target/release/sdctl
#   SDLITE_LIBDIR     where libsdlite.so is: ../target/release
#   SDLITE_INCLUDE    where systemd/sd-daemon.h is: ../include
#   CC                the C compiler: cc
#
# Only sh, /proc and the usual small tools are needed, so that it runs where there is no systemd, ss or procps. It needs no root.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
port=${PORT:-8080}
activate=${SD_ACTIVATE:-$here/../target/release/sd-activate}
sdctl=${SDCTL:-$here/../target/release/sdctl}
libdir=${SDLITE_LIBDIR:-$here/../target/release}
include=${SDLITE_INCLUDE:-$here/../include}
cc=${CC:-cc}

where=127.0.0.1:$port
tmp=
manager=

# Services log to /run, where a journald may have been before: with a /run of its own the demo shows their lines on any machine that
# lets it have one. Where none does, it shows those of the manager alone.
if [ -z "${SDLITE_DEMO_OWN_RUN-}" ]; then
    for options in --mount '--user --map-root-user --mount'; do
        # shellcheck disable=SC2086 # Options are words.
        if unshare $options mount -t tmpfs tmpfs /run 2>/dev/null; then
            exec env SDLITE_DEMO_OWN_RUN=yes unshare $options sh -c 'mount -t tmpfs tmpfs /run && exec "$0"' "$0"
        fi
    done
    SDLITE_DEMO_OWN_RUN=no
fi

# fail WHAT [LOG]: says what did not happen, and what the process concerned had to say.
fail() {
    printf 'demo: %s\n' "$1" >&2
    if [ $# -gt 1 ]; then
        printf 'demo: the output of %s:\n' "${2##*/}" >&2
        if [ -s "$2" ]; then
            sed 's/^/    /' "$2" >&2
        else
            echo '    (nothing)' >&2
        fi
    fi
    exit 1
}

# The fields of /proc/PID/stat from the third on. The second, the name, may itself contain blanks and parentheses.
stat_of() {
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
}

# A zombie no longer runs, although its directory is still there.
running() {
    stat_of "$1" && case $stat in [ZX]*) false ;; esac
}

gone() {
    ! running "$1"
}

# main_pid UNIT: the process that the manager says is the service; 0 where there is none.
main_pid() {
    "$sdctl" show --value -p MainPID "$1"
}

runs() {
    pid=$(main_pid "$1")
    [ "${pid:-0}" != 0 ] && [ "$(readlink "/proc/$pid/exe")" = "$tmp/${1%%[@.]*}" ]
}

# another UNIT PID: the service runs, and as another process.
another() {
    runs "$1" && [ "$pid" != "$2" ]
}

is_state() {
    [ "$("$sdctl" is-active "$1")" = "$2" ]
}

# instances COUNT: so many services of myservice-accept run. Their names are in a line, each of what the manager names.
instances() {
    names=$("$sdctl" list-units --no-legend --plain 'myservice-accept@*' | sed 's/ .*//')
    count=0
    for one in $names; do
        runs "$one" || return 1
        count=$((count + 1))
    done
    [ "$count" -eq "$1" ]
}

logs() {
    "$sdctl" logs --quiet -u "$@" 2>/dev/null
}

has_logged() {
    logs "$1" -o cat | grep -qxF "$2"
}

# listening_inode FILE...: the inode of the socket that takes the connections to 127.0.0.1 and the port.
listening_inode() {
    hex=$(printf '%04X' "$port")
    # The kernel prints addresses in the machine's byte order; those of IPv6 end like the IPv4 ones they stand for.
    cat "$@" 2>/dev/null | while read -r _ address _ state _ _ _ _ _ inode _; do
        case $address/$state in
        *0100007F:"$hex"/0A | *7F000001:"$hex"/0A | *00000000:"$hex"/0A) echo "$inode" ;;
        esac
    done
}

# holds PID INODE: the process has that socket among its descriptors.
holds() {
    case $(ls -l "/proc/$1/fd" 2>/dev/null) in *"socket:[$2]"*) ;; *) false ;; esac
}

listens() {
    inode=$(listening_inode /proc/net/tcp)
    [ -n "$inode" ] && holds "$manager" "$inode"
}

listens_or_gone() {
    listens || gone "$manager"
}

is_closed() {
    [ -z "$(listening_inode /proc/net/tcp)" ]
}

. "$here/../tests/units/within.sh"

stop_manager() {
    [ -n "$manager" ] || return 0
    kill "$manager" 2>/dev/null
    within 7 gone "$manager" || kill -9 "$manager" 2>/dev/null
    wait "$manager" 2>/dev/null
    manager=
}

# Whatever was compiled here runs from the temporary directory: by that it is found, whoever its parent is.
kill_programs() {
    for dir in /proc/[0-9]*; do
        case $(readlink "$dir/exe") in "$tmp"/*) kill -9 "${dir#/proc/}" 2>/dev/null ;; esac
    done
}

clean_up() {
    trap '' HUP INT PIPE TERM
    [ -n "$tmp" ] || return
    # The services before their parent, which is to reap them; and once more, as it may have started another.
    kill_programs
    stop_manager
    kill_programs
    rm -rf "$tmp"
}

# start_client LABEL: its output goes to a file of that name.
start_client() {
    "$tmp/myclient" "$port" >"$tmp/$1" 2>&1 </dev/null &
    client=$!
}

# end_client LABEL PID ANSWER: it must have got the answer three times.
end_client() {
    within 10 gone "$2" || fail "$1 still waits for its answers." "$tmp/$1"
    wait "$2" || fail "$1 failed." "$tmp/$1"
    for _ in 1 2 3; do
        echo 'Message sent to server: Hello, Server!'
        echo "Message received from server: $3"
    done >"$tmp/expected"
    cmp -s "$tmp/expected" "$tmp/$1" || fail "$1 was not answered \"$3\" three times." "$tmp/$1"
}

say() {
    printf '%s\n' "$*"
}

indented() {
    sed 's/^/       /; s/ *$//'
}

trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

case $port in
*[!0-9]* | ??????* | 0*) fail "PORT=$port is not a port: try make demo PORT=9090" ;;
esac
[ "$port" -le 65535 ] || fail "PORT=$port is not a port: try make demo PORT=9090"

activate=$(command -v "$activate") || fail "${SD_ACTIVATE:-sd-activate} is not there: build it with make, or set SD_ACTIVATE."
sdctl=$(command -v "$sdctl") || fail "${SDCTL:-sdctl} is not there: build it with make, or set SDCTL."
name=${activate##*/}
[ -e "$libdir/libsdlite.so" ] || fail "libsdlite.so is not in $libdir: build it with make, or set SDLITE_LIBDIR."

taken=$(listening_inode /proc/net/tcp /proc/net/tcp6)
if [ -n "$taken" ]; then
    by=
    for dir in /proc/[0-9]*; do
        if holds "${dir#/proc/}" "${taken%%[!0-9]*}"; then
            by=" by process ${dir#/proc/} ($(cat "$dir/comm"))"
            break
        fi
    done
    fail "port $port is taken$by. Choose another one: make demo PORT=$((port == 9090 ? 9091 : 9090))"
fi

tmp=$(mktemp -d) || fail 'there is no temporary directory: set TMPDIR.'
tmp=$(CDPATH='' cd -- "$tmp" && pwd -P)

say "Building myservice, myservice-accept and myclient with $cc and libsdlite.so."
# What is linked asks for the library's SONAME, which a build directory does not have.
ln -s "$(CDPATH='' cd -- "$libdir" && pwd)/libsdlite.so" "$tmp/libsdlite.so.0"
for program in myservice myservice-accept myclient; do
    $cc -O2 -o "$tmp/$program" "$here/$program.c" -I "$include" \
        -L "$libdir" -lsdlite -Xlinker -rpath -Xlinker "$tmp" 2>"$tmp/compiler" ||
        fail "$program does not build." "$tmp/compiler"
done

# The units are those of the tutorial. Drop-ins say where the programs are now, and on which port they listen.
drop_in() {
    mkdir "$tmp/units/$1.d"
    printf '%s\n' "$2" "$3=" "$3=$4" >"$tmp/units/$1.d/demo.conf"
}
mkdir "$tmp/units"
drop_in myservice.socket '[Socket]' ListenStream "$where"
drop_in myservice-accept.socket '[Socket]' ListenStream "$where"
drop_in myservice.service '[Service]' ExecStart "$tmp/myservice $port"
drop_in myservice-accept@.service '[Service]' ExecStart "$tmp/myservice-accept"

own_log=
[ "$SDLITE_DEMO_OWN_RUN" = yes ] || own_log=--no-journal
log=$tmp/$name
export SD_ACTIVATE_CONTROL="$tmp/control"

say
say 'One service for all connections, of myservice.socket and myservice.service:'

# shellcheck disable=SC2086 # None, or one.
"$activate" $own_log --unit-path="$tmp/units:$here" myservice.socket >"$log" 2>&1 </dev/null &
manager=$!
within 5 listens_or_gone
listens || fail "$name does not listen on $where." "$log"
say "  1. $name, process $manager, listens on $where."

# Long enough for one that starts services unasked to be caught at it.
sleep 0.3
is_state myservice inactive || fail "myservice runs before anybody connects." "$log"
say '  2. myservice is not yet running: sdctl is-active myservice says "inactive".'

start_client client
within 5 runs myservice || fail "the connection did not start myservice." "$log"
service=$pid
say "  3. myclient connects, and the connection starts myservice, process $service:"
end_client client "$client" 'Hello, client!'
sed -n '1,2p' "$tmp/client" | indented
say '       (three times)'

has_logged myservice 'Started myservice.service - My Service.' || fail "the log does not say that myservice was started." "$log"
say '  4. sdctl logs -u myservice:'
if [ "$SDLITE_DEMO_OWN_RUN" = yes ]; then
    within 5 has_logged myservice 'Message received from client: Hello, Server!' ||
        fail "what myservice logs with sd_journal_print() is not in the log." "$log"
    line='"MESSAGE":"Message received from client: Hello, Server!"'
else
    line='"MESSAGE":"Started myservice.service - My Service."'
fi
logs myservice -n 3 | indented
fields=
for field in PRIORITY SYSLOG_IDENTIFIER _PID _SYSTEMD_UNIT UNIT CODE_FUNC _EXE; do
    value=$(logs myservice -o json | grep -F "$line" | tail -n 1 | sed -n "s/.*\"$field\":\"\([^\"]*\)\".*/\1/p")
    [ -z "$value" ] || fields="$fields $field=${value##*/}"
done
case $fields in
*" PRIORITY=6 SYSLOG_IDENTIFIER=myservice _PID=$service _SYSTEMD_UNIT=myservice.service"*) ;;
*" PRIORITY=6 SYSLOG_IDENTIFIER=$name _PID=$manager UNIT=myservice.service"*) ;;
*) fail "the fields of what is in the log are not right:$fields." "$log" ;;
esac
say '     The fields of such a line:'
say "      $fields"

"$sdctl" status -n 0 myservice >"$tmp/status" || fail "sdctl status says that myservice does not run." "$tmp/status"
grep -q 'Active: active (running) since' "$tmp/status" && grep -q "Main PID: $service (myservice)" "$tmp/status" &&
    grep -q 'TriggeredBy: . myservice.socket' "$tmp/status" || fail "sdctl status does not say how myservice is." "$tmp/status"
say '  5. sdctl status myservice:'
indented <"$tmp/status"

"$sdctl" stop myservice 2>"$tmp/stop" || fail "myservice cannot be stopped." "$tmp/stop"
printf '%s\n' 'Warning: Stopping myservice.service, but it can still be activated by:' '  myservice.socket' >"$tmp/expected"
cmp -s "$tmp/expected" "$tmp/stop" || fail "sdctl stop does not warn that myservice may be started again." "$tmp/stop"
gone "$service" || fail "myservice was stopped, and process $service still runs." "$log"
listens || fail "$where was closed when myservice was stopped." "$log"
say '  6. sdctl stop myservice:'
indented <"$tmp/stop"

start_client client
within 5 another myservice "$service" || fail "the connection did not start myservice again." "$log"
end_client client "$client" 'Hello, client!'
say "  7. The port is still open. myclient connects, and starts myservice again, process $pid: Hello, client!"

service=$pid
kill -9 "$service"
within 5 is_state myservice failed || fail "process $service outlives kill -9." "$log"
sleep 0.3
is_state myservice failed || fail "myservice was started again before anybody connected." "$log"
listens || fail "$where was closed when myservice was killed." "$log"
start_client client
within 5 another myservice "$service" || fail "the connection did not start myservice again." "$log"
end_client client "$client" 'Hello, client!'
say "  8. Process $service is killed (kill -9), and the next connection starts another one, $pid: Hello, client!"

"$sdctl" stop myservice.socket myservice 2>"$tmp/stop" || fail "the socket cannot be stopped." "$tmp/stop"
gone "$pid" || fail "myservice was stopped, and process $pid still runs." "$log"
is_closed || fail "$where is still open although myservice.socket is stopped." "$log"
say "  9. sdctl stop myservice.socket myservice: port $port is closed."

say
say 'One service for each connection, of myservice-accept.socket and myservice-accept@.service:'

"$sdctl" start myservice-accept.socket 2>"$tmp/start" || fail "myservice-accept.socket cannot be started." "$tmp/start"
listens || fail "$name does not listen on $where." "$log"
instances 0 || fail "myservice-accept runs before anybody connects." "$log"
say " 10. sdctl start myservice-accept.socket: port $port is open, and no service runs."

start_client client-1
first=$client
start_client client-2
second=$client
within 5 instances 2 || fail "two clients did not start two services." "$log"
say ' 11. Two clients connect at once, and start two services:'
for one in $names; do
    say "       $one"
    pids="${pids-} $(main_pid "$one")"
done
# shellcheck disable=SC2086 # Two numbers.
set -- $pids

# Which of the two serves which client is in the answers alone.
within 10 gone "$first"
case $(cat "$tmp/client-1") in
*"Hello, client!_$1"*) one=$1 two=$2 ;;
*) one=$2 two=$1 ;;
esac
end_client client-1 "$first" "Hello, client!_$one"
end_client client-2 "$second" "Hello, client!_$two"
say "       client 1: Hello, client!_$one    client 2: Hello, client!_$two"

within 5 instances 0 || fail "a service did not end with its client." "$log"
"$sdctl" status -n 0 myservice-accept.socket >"$tmp/status" || fail "the socket does not listen any more." "$tmp/status"
grep -q 'Accepted: 2; Connected: 0;' "$tmp/status" || fail "the socket has not counted its connections." "$tmp/status"
say ' 12. The clients are gone, and so are their services. sdctl status myservice-accept.socket:'
grep -E 'Active|Listen|Accepted' "$tmp/status" | indented

stop_manager
is_closed || fail "$where is still open although $name was stopped." "$log"
say " 13. $name is stopped, and port $port is closed."
