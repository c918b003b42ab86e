#!/bin/sh
# pair.sh both PAIR: runs a pair under systemd, and then under sd-activate.
# pair.sh systemd|sd-activate PAIR: under one of them. What was seen is in /units/results.
#
# The words that steps are made of are the functions below whose names are no manager's.
set -u

manager=$1
pair=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
result=/units/results/$pair.$manager
dump=/units/dumps/$pair
patience=${PATIENCE:-10}

if [ "$manager" = both ]; then
    timeout -s KILL 180 sh "$0" systemd "$pair"
    cat /proc/sys/kernel/random/boot_id >"/units/boot-id.$pair"
    # In namespaces of its own: no systemd, no journald, and none of what systemd has left.
    timeout -s KILL 180 unshare --mount --ipc --pid --fork --kill-child --mount-proc sh "$0" sd-activate "$pair"
    echo "        $pair"
    exit
fi

# record FIELD VALUE
record() {
    printf '%s %s\n' "$1" "$2" >>"$result"
}

# The steps are numbered, and what is recorded of one has its number.
step() {
    steps=$((steps + 1))
    step=$(printf '%02d-%s' "$steps" "$1")
}

. "$here/within.sh"

# ask VERB UNIT...: asks the manager, and records the exit status.
ask() {
    step "$1"
    "${manager}_control" "$@" >/dev/null 2>>"$result.asked"
    record "$step" "$*: $?"
}

for verb in start stop restart reload; do
    eval "$verb() { ask $verb \"\$@\"; }"
done

reset_failed() {
    ask reset-failed "$@"
}

# signal SIGNAL UNIT
signal() {
    ask kill --kill-who=main --signal="$1" "$2"
}

# client ADDRESS [TEXT]: what is answered.
client() {
    step client
    record "$step" "$*: $(/units/client "$@")"
}

# clients N ADDRESS TEXT: so many at once; their answers in no order.
clients() {
    step clients
    number=$1
    shift
    for i in $(seq "$number"); do
        /units/client "$@" >"/units/results/$pair.client.$i" &
        list="${list-} $!"
    done
    # shellcheck disable=SC2086 # a list
    wait $list
    record "$step" "$(for i in $(seq "$number"); do cat "/units/results/$pair.client.$i"; done | sort | paste -s -d '|')"
}

# dumped LABEL [TIMES]: waits until the probe has dumped as that.
dumped() {
    step dumped
    within "$patience" has_dumped "$1" "${2:-1}" || record "$step" "$*: never"
}

has_dumped() {
    [ -e "$dump" ] && [ "$(grep -cxF "[$1]" "$dump")" -ge "$2" ]
}

# state UNIT SUBSTATE: waits until it is in that state, and records which it is in, and how it came there.
state() {
    step state
    within "$patience" is_in "$1" "$2"
    case $1 in
    *.socket) properties='ActiveState SubState Result NAccepted NConnections' ;;
    *.service) properties='ActiveState SubState Result NRestarts ExecMainCode ExecMainStatus StatusText' ;;
    *) properties='ActiveState SubState' ;;
    esac
    for property in $properties; do
        record "$step.$1.$property" "$(show "$1" "$property")"
    done
}

# property UNIT PROPERTY...
property() {
    step property
    unit=$1
    shift
    for property in "$@"; do
        record "$step.$unit.$property" "$(show "$unit" "$property")"
    done
}

is_in() {
    [ "$(show "$1" SubState)" = "$2" ]
}

# show UNIT PROPERTY
show() {
    "${manager}_control" show --value --property="$2" "$1" 2>>"$result.asked"
}

# begin_sequence UNIT...: the units of a sequence. The steps that follow may leave processes, and clients that wait.
begin_sequence() {
    sequence=$*
    rm -f "$dump".*
}

# happens COMMAND...: a step of a sequence; what the units are, once they have come to rest.
happens() {
    "$@"
    now=
    same=0
    for _ in $(seq 100); do
        last=$now
        now=$(states)
        same=$((same + 1))
        if [ "$now" != "$last" ] || ! rest "$now"; then same=0; fi
        [ "$same" -lt 3 ] || break
        sleep 0.1
    done
    step state
    echo "$now" | grep -v 'PID ' | sed "s/^/$step./" >>"$result"
}

# What each of them is.
states() {
    # shellcheck disable=SC2086 # a list
    "${manager}_control" show --property=Id,ActiveState,SubState,Result,NRestarts,ExecMainCode,ExecMainStatus,NAccepted \
        --property=StatusText,MainPID,ControlPID $sequence 2>>"$result.asked" | awk -F = '
        $1 == "Id" { unit = $2 }
        $2 != "" { seen[++lines] = $1 " " substr($0, length($1) + 2) }
        $1 == "" { tell() }
        END { tell() }
        function tell() {
            for (; lines > 0; lines--)
                if (seen[lines] !~ /^Id /) print unit "." seen[lines]
        }' | sort
}

# rest STATES: whether nothing goes on by itself: no unit is stopped or waits to be started again, and the processes wait.
rest() {
    case $1 in
    *'.ActiveState deactivating'* | *'.SubState auto-restart'* | *'.socket.ActiveState activating'*) return 1 ;;
    esac
    for pid in $(echo "$1" | sed -n 's/.*PID \([1-9][0-9]*\)$/\1/p'); do
        read -r status 2>/dev/null <"/proc/$pid/stat" || return 1
        case $status in *'(waiting) S '*) ;; *) return 1 ;; esac
    done
}

# tell LABEL COMMAND...: what the puppet of that label is to do.
tell() {
    step tell
    label=$1
    shift
    record "$step" "$label $*: $(/units/client "datagram:$dump.$label" "$*")"
}

# connects PATH: somebody does, and waits.
connects() {
    step connects
    /units/client "stream:$1" x >/dev/null 2>&1 &
    record "$step" "$1"
}

# files PATH...: what is there, and below: type and mode, owner, group; where a link leads.
files() {
    step files
    for path in "$@"; do
        if [ -e "$path" ] || [ -h "$path" ]; then
            find "$path" -printf "$step.%p %M %u %g %l\n" | sort >>"$result"
        else
            record "$step.$path" 'is not there'
        fi
    done
}

# logs UNIT: what its processes have written, and what the manager says of it.
logs() {
    step logs
    for who in manager processes; do
        "${manager}_logs" "$1" | awk -v who="$who" '
            function value(name,    found) {
                if (!match($0, "\"" name "\" *: *\"([^\"\\\\]|\\\\.)*\"")) return "(none)"
                found = substr($0, RSTART, RLENGTH)
                sub(/^"[^"]*" *: *"/, "", found)
                return substr(found, 1, length(found) - 1)
            }
            {
                identifier = value("SYSLOG_IDENTIFIER")
                # Before it executes a command, a process of systemd has the name of the command in parentheses.
                manager = identifier == "systemd" || identifier == "sd-activate" || identifier ~ /^\(/
                if (manager != (who == "manager")) next
                message = value("MESSAGE")
                sub(/process [0-9]+ /, "process (a number) ", message)
                printf "%s %s: %s\n", value("PRIORITY"), manager ? "(the manager)" : identifier, message
            }' >"$result.$who"
        # What comes by several ways comes in no order.
        [ "$who" = manager ] || sort -o "$result.$who" "$result.$who"
        cat -n "$result.$who" | sed "s/^ *\([0-9]*\)\t/$step.$who.\1 /" >>"$result"
    done
}

systemd_control() {
    systemctl --quiet "$@"
}

systemd_logs() {
    journalctl --sync
    journalctl -q --no-pager --since="$began" -o json -u "$1"
}

# A target that is behind all the units in order, and else has nothing to do with them, keeps them loaded: systemd forgets what nobody
# names once it is dead, and how it ended.
systemd_begin() {
    # What was said before is of a run before.
    began=@$(date +%s)
    printf '[Unit]\nAfter=%s\n' "$(units_of_steps)" >"/run/systemd/system/kept-$pair.target"
    systemctl --quiet start "kept-$pair.target"
}

systemd_end() {
    # What it said, beside what sd-activate says on standard error.
    journalctl --sync
    for unit in $(units_of_pair); do
        journalctl -q --no-pager --since="$began" -u "$unit"
    done >"$result.said"
    # shellcheck disable=SC2046 # a list
    systemctl --quiet stop "kept-$pair.target" $(units_of_pair) 2>/dev/null
    # shellcheck disable=SC2046 # a list
    systemctl --quiet reset-failed $(units_of_pair) 2>/dev/null
}

# All units that the steps name.
units_of_steps() {
    grep -oh "[^ ']*\.\(socket\|service\|target\)" "$here/pairs/$pair/steps" | grep -v '[$]' | sort -u | paste -s -d ' '
}

# All units of the pair; instances by a pattern.
units_of_pair() {
    (cd "$here/pairs/$pair" && ls -d -- *.socket *.service *.target 2>/dev/null) | sed 's/@\./@*./'
}

# Without anything of the system's but its files; sd-activate runs for a socket that nobody knows.
sd_activate_begin() {
    mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run
    mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
    for directory in lib cache log; do
        mkdir -p "/units/var/$pair/$directory"
        mount --bind "/units/var/$pair/$directory" "/var/$directory"
    done
    mkdir -m 0700 -p /var/lib/private
    mkdir -p /run/lock /run/user /run/systemd
    mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 tmpfs /run/lock
    mount -t mqueue -o nosuid,nodev,noexec mqueue /dev/mqueue
    # What the container has made of its /proc, which went with that.
    for directory in sys acpi fs irq bus; do
        mount --bind "/proc/$directory" "/proc/$directory"
        mount -o remount,bind,ro,nosuid,nodev,noexec "/proc/$directory"
    done
    mount --bind "/units/boot-id.$pair" /proc/sys/kernel/random/boot_id
    # A service that nobody starts has the units loaded.
    mkdir /run/idle
    printf '[Socket]\nListenStream=/run/idle/socket\n' >/run/idle/idle.socket
    printf '[Unit]\nWants=%s\n[Service]\nExecStart=/bin/true\n' "$(units_of_steps)" >/run/idle/idle.service
    env -i PATH="$PATH" LANG="${LANG-C.UTF-8}" sd-activate /run/idle/idle.socket 2>"$result.said" </dev/null &
    running=$!
    within "$patience" sdctl --quiet is-active idle.socket >/dev/null 2>&1 || {
        record manager 'cannot be asked'
        exit
    }
}

sd_activate_control() {
    sdctl --quiet "$@"
}

sd_activate_logs() {
    sdctl logs -q -o json -u "$1"
}

sd_activate_end() {
    kill -TERM "$running"
    wait
}

# Names of functions have no hyphen.
manager=$(echo "$manager" | tr - _)
steps=0
rm -f "$dump"
: >"$result"
: >"$result.asked"
"${manager}_begin"
cd /
. "$here/pairs/$pair/steps"
"${manager}_end"

# The dump's parts, numbered where there are several of a label.
[ ! -e "$dump" ] || awk '
    /^\[.*\]$/ {
        label = substr($0, 2, length($0) - 2)
        order = order " " label
        times[label]++
        prefix = times[label] > 1 ? label "#" times[label] : label
        next
    }
    { print prefix "." $0 }
    END { print "order" order }' "$dump" >>"$result"
