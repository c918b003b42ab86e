#!/usr/bin/python3
"""Debian's services, activated from their own unit files under systemd and under sd-activate: a client has to get the same answer.

    services.py packages     the names of the packages
    services.py [NAME...]    runs them, as root, where systemd is PID 1: inside.sh of tests/systemd calls it so
    services.py alone NAME   runs one under sd-activate, in namespaces of its own: it calls itself so
"""

import json
import os
import re
import socket
import subprocess
import sys
import time

from table import SERVICES

# Until somebody listens, until the first byte of an answer, and until no more comes, in seconds.
PATIENCE = 10
QUIET = 1

UNITS = "/usr/lib/systemd/system"


def connected(address):
    """A socket that is connected, as soon as somebody listens."""
    kind, where = address
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    end = time.monotonic() + PATIENCE
    while True:
        client = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        try:
            # Who answers to a datagram may do so from another port.
            if kind != "udp":
                client.connect(where if kind == "unix" else ("127.0.0.1", where))
            return client
        except OSError:
            client.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def answer(service):
    """What a client gets: all that comes until the other side closes, or says no more."""
    try:
        with connected(service.address) as client:
            if service.address[0] == "udp":
                client.sendto(service.sends, ("127.0.0.1", service.address[1]))
            else:
                client.sendall(service.sends)
            client.settimeout(PATIENCE)
            received = b""
            while len(received) < service.most:
                try:
                    piece = client.recv(service.most - len(received))
                except TimeoutError:
                    break
                if not piece:
                    break
                received += piece
                client.settimeout(QUIET)
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"
    for what in service.varies:
        received = re.sub(what, b"...", received)
    return received.decode("latin-1") or "nothing"


def units(service, instance=""):
    """The socket, and what it may start: a service, or instances of a template."""
    name = service.socket.removesuffix(".socket")
    return [service.socket, f"{name}.service", f"{name}@{instance}.service"]


def quiet(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def worth(text):
    """Whether this is an answer, and no error."""
    return text != "nothing" and not re.match(r"\w+Error: ", text)


def under_systemd(service):
    started = quiet("systemctl", "start", service.socket)
    answers = [answer(service) for _ in range(2)] if started.returncode == 0 else [started.stderr]
    quiet("journalctl", "--sync")
    said = quiet("journalctl", "--quiet", "--no-pager", "--lines=20", *(f"--unit={unit}" for unit in units(service, "*")))
    quiet("systemctl", "stop", *units(service, "*"))
    quiet("systemctl", "reset-failed")
    return answers, said.stdout


def under_sd_activate(service):
    """In namespaces without systemd, journald, and what these have left in /run."""
    namespaces = ["unshare", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    ran = quiet(*namespaces, sys.executable, os.path.abspath(__file__), "alone", service.name)
    return json.loads(ran.stdout) if ran.returncode == 0 else {"answers": [ran.stderr], "said": "", "ended": None}


def alone(service):
    quiet("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.makedirs("/run/lock", exist_ok=True)
    quiet("systemd-tmpfiles", "--create", "--prefix=/run")
    # As systemd's own, which this service has.
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    command = ["sd-activate", f"--unit-path={UNITS}", service.socket]
    with open("/run/said", "wb") as said:
        manager = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment)
    while manager.poll() is None and "Listening on" not in read("/run/said"):
        time.sleep(0.05)
    answers = []
    for _ in range(2):
        answers += [answer(service)] if manager.poll() is None else ["sd-activate has ended"]
    manager.terminate()
    try:
        ended = manager.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        ended = "not ended"
    print(json.dumps({"answers": answers, "said": read("/run/said"), "ended": ended}))


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def make_users():
    """Those that the units name, which the packages' scripts would have made."""
    quiet("systemd-sysusers")
    text = "".join(read(f"{UNITS}/{unit}") for service in SERVICES for unit in units(service))
    named = re.findall(r"^(?:Socket)?(User|Group)= *([\w-]+)", text, re.M)
    more = [name for service in SERVICES for name in service.users]
    for group in [name for _, name in named] + more:
        quiet("groupadd", "--system", group)
    for user in [name for kind, name in named if kind == "User"] + more:
        quiet("useradd", "--system", "--gid", user, "--no-create-home", "--home-dir", "/nonexistent", user)


def run(services):
    make_users()
    for service in services:
        if service.prepare:
            prepared = quiet("sh", "-euc", service.prepare)
            if prepared.returncode != 0:
                print(f"{service.name}: {prepared.stderr}")
    quiet("systemctl", "daemon-reload")
    same = 0
    print("| package | socket | what the client gets |\n| --- | --- | --- |")
    for service in services:
        theirs, said = under_systemd(service)
        ours = under_sd_activate(service)
        if worth(theirs[-1]) and ours["answers"] == theirs and ours["ended"] == 0:
            same += 1
            shown = ascii(theirs[-1])[1:-1][:60].replace("|", "\\|")
            print(f"| {service.name} | {service.socket} | `{shown}` |")
        else:
            print(f"FAILED  {service.name}\n  under systemd: {theirs}\n{said}")
            print(f"  under sd-activate, which ended with {ours['ended']}: {ours['answers']}\n{ours['said']}")
        sys.stdout.flush()
    print(f"{same} of {len(services)} services answer the same under systemd and under sd-activate.")
    return same == len(services)


def main(arguments):
    if arguments[:1] == ["packages"]:
        print(" ".join(sorted({package for service in SERVICES for package in (service.name, *service.needs)})))
        return True
    if arguments[:1] == ["alone"]:
        alone(next(service for service in SERVICES if service.name == arguments[1]))
        return True
    return run([service for service in SERVICES if not arguments or service.name in arguments])


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
