#!/bin/sh
# Socket activation, watched from outside: every sentence printed here was checked first.
#
#   PORT              the port to listen on: 8080
#   SD_ACTIVATE       the activator: ../target/release/sd-activate
#   SDLITE_LIBDIR     where libsdlite.so is: ../target/release
#   SDLITE_INCLUDE    where systemd/sd-daemon.h is: ../include
#   CC                the C compiler: cc
#
# Only sh, /proc and the usual small tools are needed, so that it runs where there is no systemd, ss or procps.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
port=${PORT:-8080}
activate=${SD_ACTIVATE:-$here/../target/release/sd-activate}
libdir=${SDLITE_LIBDIR:-$here/../target/release}
include=${SDLITE_INCLUDE:-$here/../include}
cc=${CC:-cc}

where=127.0.0.1:$port
tmp=
activator=

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

# children PID: the processes it started that run, in one line.
children() {
    found=
    for dir in /proc/[0-9]*; do
        stat_of "${dir#/proc/}" || continue
        case $stat in [!ZX]" $1 "*) found="$found ${dir#/proc/}" ;; esac
    done
    echo "${found# }"
}

# services COUNT NAME: the activator has that many children, and each has got as far as being the service.
services() {
    pids=$(children "$activator")
    count=0
    for pid in $pids; do
        [ "$(readlink "/proc/$pid/exe")" = "$tmp/$2" ] || return 1
        count=$((count + 1))
    done
    [ "$count" -eq "$1" ]
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
    [ -n "$inode" ] && holds "$1" "$inode"
}

listens_or_gone() {
    listens "$1" || gone "$1"
}

# within SECONDS COMMAND...: asks until the answer is yes.
within() {
    tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

stop_activator() {
    [ -n "$activator" ] || return 0
    kill "$activator" 2>/dev/null
    within 2 gone "$activator" || kill -9 "$activator" 2>/dev/null
    wait "$activator" 2>/dev/null
    activator=
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
    stop_activator
    kill_programs
    rm -rf "$tmp"
}

# start_activator ARGUMENT...
start_activator() {
    log=$tmp/$name
    "$activate" -l "$where" "$@" >"$log" 2>&1 </dev/null &
    activator=$!
    within 5 listens_or_gone "$activator"
    listens "$activator" || fail "$name does not listen on $where." "$log"
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

say
say 'One service for all connections:'

start_activator "$tmp/myservice" "$port"
say "  1. $name, process $activator, listens on $where."

# Long enough for one that starts services unasked to be caught at it.
sleep 0.3
services 0 myservice || fail "myservice runs before anybody connects." "$log"
say "  2. myservice is not yet running: process $activator has no child."

start_client client
within 5 services 1 myservice || fail "the connection did not start myservice." "$log"
service=$pids
say "  3. myclient connects, and the connection starts myservice, process $service:"
end_client client "$client" 'Hello, client!'
sed 's/^/       /' "$tmp/client"

running "$service" || fail "myservice did not wait for the next client." "$log"
kill -9 "$service"
within 5 gone "$service" || fail "process $service outlives kill -9." "$log"
sleep 0.3
services 0 myservice || fail "myservice was started again before anybody connected." "$log"
listens "$activator" || fail "$where was closed when myservice was killed." "$log"
say "  4. Process $service is killed (kill -9). $name still listens, myservice is not running."

start_client client
within 5 services 1 myservice || fail "the connection did not start myservice again." "$log"
[ "$pids" != "$service" ] || fail "process $service is not a new one." "$log"
say "  5. myclient connects again, and the connection starts another myservice, process $pids:"
service=$pids
end_client client "$client" 'Hello, client!'
say '       Hello, client! (three times)'

kill "$service"
within 5 gone "$service" || fail "process $service does not end when asked to (SIGTERM)." "$log"
stop_activator

say
say 'One service for each connection:'

start_activator -a --inetd "$tmp/myservice-accept"
sleep 0.3
services 0 myservice-accept || fail "myservice-accept runs before anybody connects." "$log"
say "  6. $name, process $activator, listens on $where. myservice-accept is not yet running."

start_client client-1
first=$client
start_client client-2
second=$client
within 5 services 2 myservice-accept || fail "two clients did not start two services." "$log"
say "  7. Two clients connect at once, and start two services, processes ${pids% *} and ${pids#* }:"

# Which of the two serves which client is in the answers alone.
within 10 gone "$first"
case $(cat "$tmp/client-1") in
*"Hello, client!_${pids% *}"*) one=${pids% *} two=${pids#* } ;;
*) one=${pids#* } two=${pids% *} ;;
esac
end_client client-1 "$first" "Hello, client!_$one"
end_client client-2 "$second" "Hello, client!_$two"
say "       client 1: Hello, client!_$one (three times)"
say "       client 2: Hello, client!_$two (three times)"

within 5 services 0 myservice-accept || fail "a service did not end with its client." "$log"
listens "$activator" || fail "$where was closed when the services ended." "$log"
say "  8. The clients are gone, and so are their services. $name still listens."

stop_activator
[ -z "$(listening_inode /proc/net/tcp)" ] || fail "$where is still open although $name was stopped." "$log"
say "  9. $name is stopped, and port $port is closed."
