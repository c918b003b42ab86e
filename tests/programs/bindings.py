"""Calls what Python's package systemd, which is made for libsystemd, has for daemons. The test that runs this is the manager
and the journal."""

import logging
import os
import socket
import sys
import types

from systemd import _journal, daemon

listener = socket.create_server(("127.0.0.1", 0))
os.dup2(listener.fileno(), 3)
port = listener.getsockname()[1]
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")

assert daemon.listen_fds_with_names(unset_environment=False) == {3: "web"}
assert daemon.listen_fds() == [3]
assert daemon.listen_fds() == []
assert daemon.is_socket_inet(3, socket.AF_INET, socket.SOCK_STREAM, 1, port)
assert not daemon.is_socket_inet(3, socket.AF_INET, socket.SOCK_STREAM, 1, port ^ 1)
assert daemon.is_socket_sockaddr(3, "127.0.0.1:%d" % port, socket.SOCK_STREAM)
assert daemon.is_socket(listener) and not daemon.is_socket(0)
assert not daemon.is_socket_unix(3)
assert not daemon.is_fifo(3)
assert not daemon.is_mq(3)
assert daemon.booted() is False

assert daemon.notify("READY=1") is True
assert daemon.notify("FDSTORE=1\nFDNAME=web", pid=os.getpid(), fds=[3]) is True

_journal.sendv("MESSAGE=From Python", "PRIORITY=5", b"BINARY=\n\xff")
with os.fdopen(_journal.stream_fd("python", 6, False), "w") as stream:
    print("A line from Python", file=stream)

# The module for sending has the one for reading imported, which this library has nothing for.
try:
    from systemd import journal
except ImportError as error:
    assert "LIBSYSTEMD_" in str(error), error
else:
    sys.exit("systemd.journal can be imported: docs/compatibility.md has to say so")

# Without reading, it works.
for name in ("systemd._reader", "systemd.id128"):
    module = types.ModuleType(name)
    module.__getattr__ = lambda name: {"__file__": None, "__path__": None}.get(name, object)
    sys.modules[name] = module
from systemd import journal

journal.send("Sent from Python", PRIORITY=4, FIELD="x")
log = logging.getLogger("python")
log.addHandler(journal.JournalHandler(SYSLOG_IDENTIFIER="handler"))
log.warning("Logged from Python")
