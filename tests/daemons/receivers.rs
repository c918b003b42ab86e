//! Servers that read the header of the PROXY protocol, behind sd-proxy: each says who it was told has connected, and what to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sdlite_test_support as support;
use support::activation::free_port;

use crate::machine::{Machine, Service};

pub fn haproxy(machine: &Machine) -> &'static str {
    let backend = format!("127.0.0.1:{}", free_port());
    let configuration = format!(
        "defaults\n mode http\n timeout client 9s\n timeout server 9s\n timeout connect 9s\nfrontend test\n \
         bind {backend} accept-proxy\n \
         http-request return status 200 content-type text/plain lf-string \"%[src] %[src_port] %[dst] %[dst_port]\"\n"
    );
    let server = machine.start("haproxy", &["-W", "-db", "-f", &machine.write("haproxy.cfg", &configuration)]);
    // It refuses a header with addresses of unix sockets.
    is_told(machine, &server, &backend, None)
}

pub fn nginx(machine: &Machine) -> &'static str {
    let backend = format!("127.0.0.1:{}", free_port());
    let said = ["addr", "port", "server_addr", "server_port"].map(|name| format!("$proxy_protocol_{name}")).join(" ");
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {name};\n"));
    let configuration = format!(
        "daemon off;\nmaster_process off;\nuser root;\npid pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{}\
         server {{ listen {backend} proxy_protocol; location / {{ return 200 \"{said}\"; }} }}\n}}\n",
        temporary.concat(),
    );
    let file = machine.write("nginx.conf", &configuration);
    let server = machine.start("nginx", &["-e", "stderr", "-p", &machine.path(""), "-c", &file]);
    // It takes no addresses of unix sockets out of a header, but reads on behind it.
    is_told(machine, &server, &backend, Some("   "))
}

/// Asks by IPv4, IPv6 and, where it reads that, a unix socket: this is what it says then.
fn is_told(machine: &Machine, server: &Service<'_>, backend: &str, of_unix: Option<&str>) -> &'static str {
    for host in ["127.0.0.1", "[::1]"] {
        if host == "[::1]" && !support::has_ipv6() {
            continue;
        }
        let listen = format!("{host}:{}", free_port());
        let proxy = proxy(machine, &listen, backend);
        let address: SocketAddr = listen.parse().expect("an address");
        let mut client = TcpStream::connect(address).expect("sd-activate, which listens");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a duration that is not zero");
        let own = client.local_addr().expect("its address");
        let said = page(&mut client, server, &proxy);
        let expected = format!("{} {} {} {}", own.ip(), own.port(), address.ip(), address.port());
        assert_eq!(said, expected, "{}{}", server.output(), proxy.output());
    }
    if let Some(expected) = of_unix {
        let listen = machine.path("socket");
        let proxy = proxy(machine, &listen, backend);
        let mut client = UnixStream::connect(&listen).expect("sd-activate, which listens");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a duration that is not zero");
        assert_eq!(page(&mut client, server, &proxy), expected, "{}{}", server.output(), proxy.output());
    }
    "the client's address, by sd-proxy"
}

/// sd-proxy with the header, by sd-activate.
fn proxy<'a>(machine: &'a Machine, listen: &str, backend: &str) -> Service<'a> {
    machine.activate_own(&[listen], "sd-proxy", &["--proxy-protocol=v2", "--wait=20s", backend])
}

/// What is on the page.
fn page(client: &mut (impl Read + Write), server: &Service<'_>, proxy: &Service<'_>) -> String {
    client.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("a connection that takes it");
    let mut answer = String::new();
    let result = client.read_to_string(&mut answer);
    let why = || format!("{result:?} after {answer:?}: {}{}", server.output(), proxy.output());
    let (head, page) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no page: {}", why()));
    assert!(head.contains(" 200 "), "{}", why());
    page.to_owned()
}
