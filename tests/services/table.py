"""Debian's services that are tried, and what their clients say."""

from dataclasses import dataclass, field


@dataclass
class Service:
    # Of the package, too.
    name: str
    socket: str
    # tcp and a port, udp and a port, or unix and a path.
    address: tuple
    # What a client says.
    sends: bytes
    # What differs from one answer to the next, as regular expressions.
    varies: list = field(default_factory=list)
    # What the package's script would have done, and a file to be asked for.
    prepare: str = ""
    # Packages that it needs besides its libraries.
    needs: tuple = ()
    # Users and groups that no unit names.
    users: tuple = ()
    # As many bytes of the answer are looked at.
    most: int = 65536


HTTP = b"GET / HTTP/1.0\r\n\r\n"
DATES = [rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"]
# Procedure 0 of the portmapper, which does nothing, in a fragment of a stream.
RPC_NULL = bytes.fromhex("80000028 00000001 00000000 00000002 000186a0 00000002 00000000 00000000 00000000 00000000 00000000")

# The address of a.example.org.
DNS_QUERY = bytes.fromhex("1234 0000 0001 0000 0000 0000") + b"\1a\7example\3org\0\0\1\0\1"


def fcgi(*parameters):
    """A request of FastCGI, with an id of 1, that has no body."""

    def record(kind, content):
        return bytes([1, kind, 0, 1]) + len(content).to_bytes(2, "big") + b"\0\0" + content

    pairs = b"".join(bytes([len(name), len(value)]) + name + value for name, value in parameters)
    return record(1, b"\0\1\0\0\0\0\0\0") + record(4, pairs) + record(4, b"") + record(5, b"")


SERVICES = [
    Service(
        "approx", "approx.socket", ("tcp", 9999), HTTP, DATES,
        prepare="mkdir -p /var/cache/approx; chown approx /var/cache/approx",
    ),
    Service(
        "atftpd", "atftpd.socket", ("udp", 69), b"\0\1hello\0octet\0",
        prepare="mkdir -p /srv/tftp; echo 'hello from tftp' >/srv/tftp/hello; echo 'OPTIONS=/srv/tftp' >/etc/default/atftpd",
    ),
    Service("beanstalkd", "beanstalkd.socket", ("tcp", 11300), b"peek 1\r\nlist-tubes\r\nquit\r\n"),
    Service(
        "cups-daemon", "cups.socket", ("unix", "/run/cups/cups.sock"), b"GET /nothing HTTP/1.0\r\nHost: localhost\r\n\r\n", DATES,
        prepare="cp /usr/share/cups/cupsd.conf.default /etc/cups/cupsd.conf", users=("lp", "lpadmin"),
    ),
    Service(
        "dicod", "dicod.socket", ("tcp", 2628), b"SHOW DB\r\nQUIT\r\n", [rb"<[^>]*@[^>]*>", rb"\[d/m/c[^]]*\]"],
        needs=("m4",), users=("dicod",), prepare="touch /var/lib/dicod/dictorg-db.list",
    ),
    Service(
        "fcgiwrap", "fcgiwrap.socket", ("unix", "/run/fcgiwrap.socket"),
        fcgi((b"SCRIPT_FILENAME", b"/nothing"), (b"REQUEST_METHOD", b"GET")),
    ),
    Service(
        "gophernicus", "gophernicus.socket", ("tcp", 70), b"\r\n",
        prepare="mkdir -p /srv/gopher; echo iHello >/srv/gopher/gophermap",
    ),
    Service(
        "greylistd", "greylistd.socket", ("unix", "/run/greylistd/socket"), b"192.0.2.1 a@example.org b@example.org",
        prepare="mkdir -p /var/lib/greylistd; chown greylist /var/lib/greylistd",
    ),
    Service(
        "json2file-go", "json2file-go.socket", ("unix", "/run/json2file-go/socket"), HTTP, DATES,
        prepare="mkdir -p /etc/json2file-go /var/spool/json2file-go/x; echo x:y >/etc/json2file-go/dirlist; "
        "echo /var/spool/json2file-go >/etc/json2file-go/basedir",
    ),
    # What follows the status is how busy the machine is.
    Service("lbcd", "lbcd.socket", ("udp", 4330), bytes.fromhex("0003 0001 0001 0000"), [rb"(?s)(?<=^.{8}).*"]),
    Service(
        "leafnode", "leafnode.socket", ("tcp", 119), b"DATE\r\nQUIT\r\n", [rb"111 \d+"], users=("news",),
        prepare="cp /usr/share/leafnode/debian-config /etc/news/leafnode; (cat /usr/share/leafnode/config.example; "
        "echo 'hostname = news.debian.net') >/etc/news/leafnode/config; chown -R news: /var/spool/news",
    ),
    Service(
        "micro-httpd", "micro-httpd.socket", ("tcp", 80), b"GET /hello.txt HTTP/1.0\r\n\r\n", DATES,
        prepare="mkdir -p /var/www/html; echo 'hello from a file' >/var/www/html/hello.txt",
    ),
    Service("munin-node-c", "munin-node-c.socket", ("tcp", 4949), b"version\nquit\n"),
    # The cat comes later, when the client has said which terminal it has.
    Service("nyancat-server", "nyancat-server.socket", ("tcp", 23), b"", needs=("nyancat",), most=27),
    Service("oidentd", "oidentd.socket", ("tcp", 113), b"1,2\r\n", users=("oident",)),
    # Its first answer never comes.
    Service(
        "onak", "onak.socket", ("unix", "/run/onak/keyd.sock"), b"\1\0\0\0",
        prepare="touch /var/log/onak.log; chown onak /var/lib/onak /var/log/onak.log",
    ),
    Service(
        "openssh-server", "ssh.socket", ("tcp", 22), b"nonsense\r\n", users=("sshd",),
        needs=("openssh-client", "openssh-sftp-server"), prepare="cp -n /usr/share/openssh/sshd_config /etc/ssh; ssh-keygen -A",
    ),
    Service(
        "owserver", "owserver.socket", ("tcp", 4304), bytes.fromhex("00000000 00000000 00000001 00000104 00000000 00000000"),
        needs=("owfs-common",), prepare="cp /usr/share/owfs/owfs.conf /etc",
    ),
    Service(
        "pcscd", "pcscd.socket", ("unix", "/run/pcscd/pcscd.comm"), bytes.fromhex("0c000000 11000000 04000000 04000000 00000000"),
    ),
    Service(
        "proftpd-core", "proftpd.socket", ("tcp", 21), b"QUIT\r\n", users=("proftpd", "ftp", "nogroup"),
        prepare="cp /usr/share/proftpd/templates/*.conf /etc/proftpd; "
        "sed -i 's/^ServerType .*/ServerType inetd/' /etc/proftpd/proftpd.conf",
    ),
    Service(
        "rbldnsd", "rbldnsd.socket", ("udp", 53), DNS_QUERY,
        prepare="mkdir -p /var/lib/rbldns; echo 'a A 192.0.2.7' >/var/lib/rbldns/zone; "
        "echo \"RBLDNSD='- -n -b 127.0.0.1 example.org:generic:/var/lib/rbldns/zone'\" >/etc/default/rbldnsd",
    ),
    Service("rpcbind", "rpcbind.socket", ("tcp", 111), RPC_NULL, users=("_rpc",)),
    Service(
        "sane-utils", "saned.socket", ("tcp", 6566), bytes.fromhex("00000000 01000003 00000002 6100"), users=("saned",),
        prepare="touch /var/log/saned.log; chown saned /var/log/saned.log",
    ),
    Service(
        "systemd-journal-remote", "systemd-journal-gatewayd.socket", ("tcp", 19531), b"GET /nothing HTTP/1.0\r\n\r\n", DATES,
    ),
    Service(
        "tang", "tangd.socket", ("tcp", 80), b"GET /adv HTTP/1.1\r\nConnection: close\r\n\r\n", [rb'(?<="signature": ")[^"]*'],
        needs=("tang-common", "jose"),
        prepare="mkdir -p /var/lib/tang; /usr/libexec/tangd-keygen /var/lib/tang; chown -R _tang: /var/lib/tang",
    ),
    # What follows is random.
    Service("tinysshd", "tinysshd.socket", ("tcp", 22), b"", most=26),
    Service("uucp", "uucp.socket", ("tcp", 540), b"nobody\r\n", users=("uucp",)),
    Service(
        "uuid-runtime", "uuidd.socket", ("unix", "/run/uuidd/request"), b"\1",
        prepare="mkdir -p /var/lib/libuuid; chown uuidd /var/lib/libuuid; "
        "echo 'd /run/uuidd 2775 uuidd uuidd' >/etc/tmpfiles.d/uuidd.conf",
    ),
]
