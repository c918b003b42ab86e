#!/usr/bin/python3
"""How long a client of the article's service waits for the first answer: where systemd is PID 1, and beside that under sd-activate.

inside.sh runs it, for the benchmark. Each round is a line of two numbers, in microseconds: sd-activate, systemd.
"""

import os
import socket
import subprocess
import time

ROUNDS = 101
UNITS = "/etc/systemd/system"
# sd-activate has a copy of the units, with another port.
PORT, OTHER_PORT = 8080, 8081
COPY = os.path.abspath("first-answers")
CONTROL = os.path.join(COPY, "control")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def prepare():
    for unit in ("myservice.socket", "myservice.service"):
        with open(os.path.join(UNITS, unit), encoding="utf-8") as file:
            text = file.read().replace(str(PORT), str(OTHER_PORT))
        # The service looks for a socket with this port.
        write(os.path.join(COPY, unit), text.replace("/bin/myservice", f"/bin/myservice {OTHER_PORT}"))
    # systemd 252 does not know the last of them, and has no such limit.
    for units in (UNITS, COPY):
        write(os.path.join(units, "myservice.service.d/limit.conf"), "[Unit]\nStartLimitIntervalSec=0\n")
        write(os.path.join(units, "myservice.socket.d/limit.conf"), "[Socket]\nTriggerLimitIntervalSec=0\nPollLimitIntervalSec=0\n")


def connected(port):
    end = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def first_answer(port):
    start = time.perf_counter()
    with connected(port) as client:
        client.sendall(b"Hello, Server!")
        answer = client.recv(64)
        end = time.perf_counter()
    if not answer.startswith(b"Hello"):
        raise SystemExit(f"the answer on port {port} is {answer}")
    return 1e6 * (end - start)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    prepare()
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "myservice.socket")
    # A /run of its own: it takes the log there, as systemd-journald does beside systemd.
    alone = "mount -t tmpfs tmpfs /run && exec sd-activate --unit-path=$1 --control=$2 myservice.socket"
    command = ["unshare", "--mount", "sh", "-c", alone, "sh", COPY, CONTROL]
    with open(os.path.join(COPY, "said"), "wb") as said:
        manager = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    connected(OTHER_PORT).close()
    for _ in range(ROUNDS):
        run("sdctl", "--control", CONTROL, "stop", "myservice.service")
        run("systemctl", "stop", "myservice.service")
        print(f"{first_answer(OTHER_PORT):.0f} {first_answer(PORT):.0f}", flush=True)
    manager.terminate()
    manager.wait()


if __name__ == "__main__":
    main()
