//! Daemons that take their sockets from sd-activate, say READY=1 or write to the journal.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use sdlite_test_support as support;
use support::activation::free_port;
use support::{run, text};

use crate::machine::{self, Machine};

fn ends_with(end: &'static [u8]) -> impl Fn(&[u8]) -> bool {
    move |answer| answer.ends_with(end)
}

fn local() -> String {
    format!("127.0.0.1:{}", free_port())
}

pub fn beanstalkd(machine: &Machine) -> &'static str {
    let address = local();
    let service = machine.activate(&[&address], "beanstalkd", &[]);
    let answer = service.ask(&address, b"put 0 0 60 5\r\nhello\r\nreserve\r\n", ends_with(b"hello\r\n"));
    assert_eq!(answer, b"INSERTED 1\r\nRESERVED 1 5\r\nhello\r\n");
    service.proven();
    "a job put and reserved"
}

pub fn fcgiwrap(machine: &Machine) -> &'static str {
    let script =
        machine.write("script", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello %s' \"$QUERY_STRING\"\n");
    run(Command::new("chmod").arg("755").arg(&script));
    let socket = machine.path("socket");
    let service = machine.activate(&[&socket], "fcgiwrap", &["-f"]);
    let record = |kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).expect("a short record").to_be_bytes();
        [&[1, kind, 0, 1, length[0], length[1], 0, 0], content].concat()
    };
    let pair = |name: &str, value: &str| {
        let lengths = [name.len(), value.len()].map(|length| u8::try_from(length).expect("less than 128"));
        [&lengths, name.as_bytes(), value.as_bytes()].concat()
    };
    let parameters = [
        pair("SCRIPT_FILENAME", &script),
        pair("REQUEST_METHOD", "GET"),
        pair("SERVER_PROTOCOL", "HTTP/1.1"),
        pair("QUERY_STRING", "world"),
    ];
    const BEGIN_REQUEST: u8 = 1;
    const END_REQUEST: u8 = 3;
    const PARAMS: u8 = 4;
    const STDIN: u8 = 5;
    let request = [
        record(BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0]),
        record(PARAMS, &parameters.concat()),
        record(PARAMS, &[]),
        record(STDIN, &[]),
    ];
    let end = record(END_REQUEST, &[0; 8]);
    let answer = service.ask(&socket, &request.concat(), |answer| answer.ends_with(&end));
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("Content-Type: text/plain") && answer.contains("hello world"), "{answer:?}");
    service.proven();
    "a CGI script's answer by FastCGI"
}

pub fn haproxy(machine: &Machine) -> &'static str {
    let address = local();
    let configuration = format!(
        "defaults\n mode http\n timeout client 9s\n timeout server 9s\n timeout connect 9s\n\
         frontend test\n bind {address}\n http-request return status 200 content-type text/plain string hello\n"
    );
    let service = machine.start("haproxy", &["-Ws", "-f", &machine.write("haproxy.cfg", &configuration)]);
    service.ready();
    let answer = service.ask(&address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ends_with(b"hello"));
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    service.proven();
    "a page by HTTP"
}

pub fn inetd(machine: &Machine) -> &'static str {
    let address = local();
    let configuration = machine.write("inetd.conf", &format!("{address} stream tcp nowait root /bin/cat cat\n"));
    let service = machine.start("inetd", &["-i", &configuration]);
    service.ready();
    assert_eq!(service.ask(&address, b"hello\n", ends_with(b"\n")), b"hello\n");
    service.proven();
    "an echo by cat"
}

pub fn logger(machine: &Machine) -> &'static str {
    let journal = machine::receiver(Path::new("/run/systemd/journal/socket"));
    let mut service = machine.start("logger", &["--journald"]);
    let mut input = service.stdin();
    service.loaded();
    input.write_all(b"MESSAGE=hello\nPRIORITY=5\nOWN=1\n").expect("a logger that reads");
    drop(input);
    let mut entry = [0; 4096];
    let length = journal.recv(&mut entry).unwrap_or_else(|error| panic!("no entry: {error}: {}", service.output()));
    let entry = String::from_utf8_lossy(&entry[..length]);
    for field in ["MESSAGE=hello", "PRIORITY=5", "OWN=1", "SYSLOG_IDENTIFIER=logger"] {
        assert!(entry.lines().any(|line| line == field), "no {field}: {entry:?}");
    }
    "a journal entry of four fields"
}

pub fn mosquitto(machine: &Machine) -> &'static str {
    let address = local();
    let (host, port) = address.split_once(':').expect("an address");
    let configuration = format!("listener {port} {host}\nallow_anonymous true\nuser root\n");
    let service = machine.start("mosquitto", &["-c", &machine.write("mosquitto.conf", &configuration)]);
    service.ready();
    let mut connection = service.connect(&address);
    let mut exchange = |packet: &[u8], answer: &[u8]| {
        connection.write_all(packet).expect("a connection that takes it");
        assert_eq!(service.hear(&mut *connection, |heard| heard.len() >= answer.len()), answer);
    };
    let publish = b"\x30\x08\0\x01thello";
    exchange(b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01c", b"\x20\x02\0\0");
    exchange(b"\x82\x06\0\x01\0\x01t\0", b"\x90\x03\0\x01\0");
    exchange(publish, publish);
    service.proven();
    "a message by MQTT, to its subscriber"
}

pub fn nghttpx(machine: &Machine) -> &'static str {
    let backend = TcpListener::bind("127.0.0.1:0").expect("a port");
    let behind = backend.local_addr().expect("its number").port();
    thread::spawn(move || {
        for mut connection in backend.incoming().flatten() {
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    let address = local();
    let frontend = format!("--frontend={};no-tls", address.replace(':', ","));
    let backend = format!("--backend=127.0.0.1,{behind}");
    let service = machine.start("nghttpx", &["--conf=/dev/null", &frontend, &backend]);
    service.ready();
    let answer = service.ask(&address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ends_with(b"hello"));
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    service.proven();
    "a page by HTTP, from behind it"
}

pub fn pcscd(machine: &Machine) -> &'static str {
    let socket = machine.path("pcscd.comm");
    let service = machine.activate(&[&socket], "pcscd", &["--foreground"]);
    // CMD_VERSION: its length and number, major and minor version of the protocol, and room for the result.
    const MESSAGE: [u32; 5] = [12, 0x11, 4, 4, u32::MAX];
    let answer = service.ask(&socket, &MESSAGE.map(u32::to_ne_bytes).concat(), |answer| answer.len() >= 12);
    assert_eq!(answer, [4, 4, 0].map(u32::to_ne_bytes).concat());
    service.proven();
    "the version, by its protocol"
}

pub fn redis(machine: &Machine) -> &'static str {
    let address = local();
    let (host, port) = address.split_once(':').expect("an address");
    let arguments = ["--supervised", "systemd", "--bind", host, "--port", port, "--save", ""];
    let service = machine.start("redis-server", &arguments);
    service.ready();
    let answer = service.ask(&address, b"PING\r\nSET a hello\r\nGET a\r\n", ends_with(b"hello\r\n"));
    assert_eq!(answer, b"+PONG\r\n+OK\r\n$5\r\nhello\r\n");
    service.proven();
    "PING, and a value set and read"
}

pub fn rpcbind(machine: &Machine) -> &'static str {
    let address = local();
    let service = machine.activate(&["/run/rpcbind.sock", &address], "rpcbind", &["-f"]);
    // One fragment: call 1 of RPC version 2, program 100000 (portmapper) version 2, procedure 4 (dump), no credentials.
    const LENGTH: u32 = 40;
    const CALL: [u32; 11] = [1 << 31 | LENGTH, 1, 0, 2, 100_000, 2, 4, 0, 0, 0, 0];
    let answer = service.ask(&address, &CALL.map(u32::to_be_bytes).concat(), |answer| answer.len() >= 36);
    let words: Vec<_> = answer.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().expect("four"))).collect();
    // A reply to call 1, accepted, successful, and the first entry is the portmapper's own.
    assert_eq!(words[1..9], [1, 1, 0, 0, 0, 0, 1, 100_000], "{words:?}");
    let listed = text(&run(&mut machine.client("rpcinfo", &["-s"])));
    assert!(listed.contains("100000"), "{listed}");
    service.ready();
    service.proven();
    "the list of programs, by TCP and to rpcinfo"
}

pub fn sshd(machine: &Machine) -> &'static str {
    for key in ["host", "client"] {
        run(&mut machine.client("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &machine.path(key)]));
    }
    let address = local();
    let (host, port) = address.split_once(':').expect("an address");
    let configuration = format!(
        "ListenAddress {host}\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n",
        machine.path("host"),
        machine.path("client.pub"),
    );
    let service =
        machine.activate(&[&address], "sshd", &["-D", "-e", "-f", &machine.write("sshd_config", &configuration)]);
    let known = fs::read_to_string(machine.path("host.pub")).expect("the host's key");
    let known = format!("UserKnownHostsFile={}", machine.write("known", &format!("[{host}]:{port} {known}")));
    let identity = machine.path("client");
    let arguments = ["-F", "none", "-i", &identity, "-p", port, "-o", &known, "-o", "BatchMode=yes", "guest@127.0.0.1"];
    let login = machine.client("ssh", &arguments).arg("id -un").output().expect("timeout");
    assert!(text(&login).ends_with("guest\n"), "{}{}", text(&login), service.output());
    service.ready();
    service.proven();
    "a login with a key"
}

pub fn stunnel(machine: &Machine) -> &'static str {
    let arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
    let files = ["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "certificate.pem"];
    run(machine.client("openssl", &arguments).args(files));
    let address = local();
    let configuration = format!(
        "foreground = yes\npid =\ncert = {}\nkey = {}\n[echo]\naccept = {address}\nexec = /bin/cat\nexecArgs = cat\n",
        machine.path("certificate.pem"),
        machine.path("key.pem"),
    );
    let service = machine.activate(&[&address], "stunnel4", &[&machine.write("stunnel.conf", &configuration)]);
    let mut client = machine.client("openssl", &["s_client", "-quiet", "-verify_return_error", "-connect", &address]);
    let client = client.args(["-CAfile", "certificate.pem", "-verify_quiet"]);
    let client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut client = client.expect("timeout");
    client.stdin.as_mut().expect("a pipe").write_all(b"hello\n").expect("a client that reads");
    let mut answer = [0; 6];
    let result = client.stdout.as_mut().expect("a pipe").read_exact(&mut answer);
    result.unwrap_or_else(|error| panic!("no echo: {error}: {}", service.output()));
    assert_eq!(&answer, b"hello\n");
    service.proven();
    drop(client.stdin.take());
    client.wait().expect("its end");
    "an echo through TLS"
}

pub fn unbound(machine: &Machine) -> &'static str {
    let address = local();
    let (host, port) = address.split_once(':').expect("an address");
    let configuration = format!(
        "server:\n use-systemd: yes\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n directory: \"{}\"\n pidfile: \"\"\n \
         use-syslog: no\n do-udp: no\n interface: {host}\n port: {port}\n local-zone: \"example.\" static\n \
         local-data: \"a.example. A 192.0.2.1\"\nremote-control:\n control-enable: no\n",
        machine.path(""),
    );
    let arguments = ["-d", "-p", "-c", &machine.write("unbound.conf", &configuration)];
    let service = machine.activate(&[&address], "unbound", &arguments);
    let query = b"\0\x1b\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01";
    let answer = service.ask(&address, query, ends_with(&[0, 4, 192, 0, 2, 1]));
    assert_eq!(answer[2..4], query[2..4]);
    service.ready();
    service.proven();
    "an address by DNS"
}

pub fn uuidd(machine: &Machine) -> &'static str {
    let socket = machine.path("request");
    let service = machine.activate(&[&socket], "uuidd", &["--socket-activation"]);
    // A random one: those of the time need a file below /var, which is the system's.
    const RANDOM_UUID: u8 = 3;
    let answer = service.ask(&socket, &[RANDOM_UUID], |answer| answer.len() >= 20);
    let (length, uuid) = answer.split_at(4);
    assert_eq!(length, 16i32.to_ne_bytes());
    assert_eq!((uuid.len(), uuid[6] >> 4), (16, 4), "{uuid:x?}");
    service.proven();
    "a random UUID"
}
