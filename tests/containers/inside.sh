# The part of check.sh that runs in the root directory of Debian 13, in a network of its own.
set -eu
image=/tmp/image
ip link set lo up
cp -r /container "$image"
cc -o /tmp/myclient c-examples/myclient.c
left_out=

step() {
    printf '\n== %s\n' "$1"
}

# fail WHAT: says it, and what the container said.
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    cat /tmp/log >&2
    exit 1
}

# cannot WHAT WHY: says what cannot be tried here.
cannot() {
    echo "Left out: $1: $2"
    left_out="$left_out; $1"
}

# until_it COMMAND: waits until it succeeds, ten seconds at most.
until_it() {
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    return 1
}

listens() {
    ss -Hltn 'sport = :8080' | grep -q .
}

silent() {
    ! listens
}

# What is to be read where the service has logged by sd_journal_print(3); and where nobody may make a socket in /run.
logged='Message received from client: Hello, Server!'
unheard='is not seen here: /run/systemd/journal cannot be opened'

# serves NAME LINE: the socket is there before the service is; the first message starts it, and is answered; the line comes out.
serves() {
    until_it listens || fail "$1: nothing listens on port 8080"
    ! grep -q 'Started myservice.service' /tmp/log || fail "$1: the service has run before anybody connected"
    timeout 10 /tmp/myclient | grep -qF 'Hello, client!' || fail "$1: no answer"
    until_it grep -qF 'Started myservice.service' /tmp/log || fail "$1: nothing is said of the service's start"
    until_it grep -qF "$2" /tmp/log || fail "$1: \"$2\" does not come out"
}

# ends NAME PROCESS: it ends in ten seconds with success, and so does whoever has started it.
ends() {
    kill -TERM "$2"
    until_it silent || fail "$1: it still listens after SIGTERM"
    wait "$started" || fail "$1: it ended with $?"
    echo "$1: serves, and ends"
}

# In a PID namespace of its own, without /proc or anything else that is not in the image.
process_1() {
    name=$1 line=$2
    shift 2
    unshare --mount --pid --fork --kill-child "$@" /sd-activate myservice.socket >/tmp/log 2>&1 &
    started=$!
    serves "$name" "$line"
    ends "$name" "$(cat "/proc/$started/task/$started/children")"
}

step 'The image'
(cd "$image" && find . -type f -exec ls -l {} + | awk '{ print $5, $9 }')

step 'A chroot'
# The one thing that runtimes of containers bring along.
mkdir "$image/dev"
mknod -m 666 "$image/dev/null" c 1 3
chroot "$image" /sd-activate myservice.socket >/tmp/log 2>&1 &
started=$!
serves 'started by hand' "$logged"
ends 'started by hand' "$started"
process_1 'process 1' "$logged" chroot "$image"
process_1 'process 1, an ordinary user' "$unheard" chroot --userspec=1000:1000 "$image"
mkdir /tmp/read-only
mount --bind "$image" /tmp/read-only
mount -o remount,bind,ro /tmp/read-only
process_1 'process 1, read-only' "$unheard" chroot /tmp/read-only
process_1 'process 1, read-only, an ordinary user' "$unheard" chroot --userspec=1000:1000 /tmp/read-only

step "$(systemd-nspawn --version | head -n 1)"
# It asks for this one directory.
mkdir "$image/usr"
nspawn() {
    name=$1
    shift
    systemd-nspawn --quiet --register=no --keep-unit --console=pipe --kill-signal=SIGRTMIN+3 --directory="$image" "$@" /sd-activate myservice.socket >/tmp/log 2>&1 &
    started=$!
    if ! until_it listens; then
        cannot "$name" "$(head -n 1 /tmp/log)"
        kill "$started" 2>/dev/null || true
        wait "$started" || true
        return
    fi
    serves "$name" "$logged"
    ends "$name" "$started"
}
nspawn 'systemd-nspawn'
nspawn 'systemd-nspawn --read-only' --read-only

step "$(podman --version), $(crun --version | head -n 1)"
# crun takes no mixture of both versions of control groups: here it sees the second alone.
umount -R -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
options='--root /tmp/podman --runroot /tmp/podman-run --tmpdir /tmp/podman-tmp --storage-driver vfs --cgroup-manager cgroupfs
    --events-backend none --runtime crun --log-level error'
podman() {
    # shellcheck disable=SC2086 # a list
    command podman $options "$@"
}
podman build --quiet --isolation chroot --file /container.Dockerfile --tag myservice /container
podman images --format '{{.Repository}}: {{.Size}}'

# contains NAME LINE OPTION...: a container with these options serves, and podman stops it.
contains() {
    name=$1 line=$2
    shift 2
    podman run --rm --name it --cgroups disabled --network host "$@" myservice >/tmp/log 2>&1 &
    started=$!
    serves "$name" "$line"
    podman stop --time 10 it >/dev/null || fail "$name: podman stop"
    wait "$started" || fail "$name: it ended with $?"
    echo "$name: serves, and ends"
}
contains 'podman' "$logged"
contains 'podman --read-only' "$logged" --read-only
contains 'podman --user 1000:1000' "$unheard" --user 1000:1000
contains 'podman --user 1000:1000 --tmpfs /run, without capabilities' "$logged" --user 1000:1000 --read-only \
    --tmpfs /run:mode=1777 --cap-drop all --security-opt no-new-privileges

# What the manager of podman hears: nothing before the container says that it is ready.
socat -u UNIX-RECV:/tmp/notify OPEN:/tmp/notified,creat,append &
until_it test -S /tmp/notify
export NOTIFY_SOCKET=/tmp/notify
contains 'podman --sdnotify=container' "$logged" --sdnotify container
unset NOTIFY_SOCKET
grep -q READY=1 /tmp/notified || fail 'podman has not heard that it is ready'
tr '\n' ' ' </tmp/notified | sed 's/^/    podman told: /; s/$/\n/'

# The container has no network: all that it has is what it is passed.
# shellcheck disable=SC2086 # a list
/container/sd-activate -l 0.0.0.0:8080 podman $options run --rm --cgroups disabled --network none --read-only myservice >/tmp/log 2>&1 &
started=$!
serves 'podman, a passed socket and no network' "$logged"
ends 'podman, a passed socket and no network' "$started"

[ -z "$left_out" ] || step "Left out$left_out"
step 'Everything passed.'
