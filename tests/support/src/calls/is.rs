//! sd_is_fifo(3) and its siblings.

use super::{Case, Compared, call};

const EBADF: i32 = -libc::EBADF;
const ENOENT: i32 = -libc::ENOENT;

const NO_SOCKET: Compared =
    Compared::Less(1, "it asks first whether it is a socket, and only for what is none that ends it");

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    call("sd_is_fifo(fifo, NULL)", 1, "fstat"),
    call("sd_is_fifo(fifo, \"fifo\")", 1, "fstat, stat"),
    call("sd_is_fifo(null, \"fifo\")", 0, "fstat"),
    call("sd_is_fifo(closed, NULL)", EBADF, "fstat"),
    call("sd_is_fifo(-1, NULL)", EBADF, ""),

    call("sd_is_special(null, NULL)", 1, "fstat"),
    call("sd_is_special(null, \"/dev/null\")", 1, "fstat, stat"),
    call("sd_is_special(fifo, \"/dev/null\")", 0, "fstat"),
    call("sd_is_special(closed, NULL)", EBADF, "fstat"),
    call("sd_is_special(-1, NULL)", EBADF, ""),

    call("sd_is_socket(stream, 0, 0, -1)", 1, "fstat"),
    call("sd_is_socket(stream, AF_UNIX, 0, -1)", 1, "getsockname"),
    call("sd_is_socket(stream, 0, SOCK_STREAM, -1)", 1, "getsockopt"),
    call("sd_is_socket(stream, 0, 0, 1)", 1, "getsockopt"),
    call("sd_is_socket(stream, AF_UNIX, SOCK_STREAM, 1)", 1, "2 getsockopt, getsockname"),
    call("sd_is_socket(stream, AF_UNIX, SOCK_DGRAM, 1)", 0, "getsockopt"),
    call("sd_is_socket(stream, AF_UNIX, SOCK_STREAM, 0)", 0, "2 getsockopt"),
    call("sd_is_socket(null, 0, 0, -1)", 0, "fstat"),
    call("sd_is_socket(null, AF_UNIX, SOCK_STREAM, 1)", 0, "getsockopt"),
    call("sd_is_socket(closed, AF_UNIX, SOCK_STREAM, 1)", EBADF, "getsockopt, fstat").compared(NO_SOCKET),
    call("sd_is_socket(-1, AF_UNIX, SOCK_STREAM, 1)", EBADF, ""),

    call("sd_is_socket_inet(tcp, 0, 0, -1, 0)", 1, "getsockname"),
    call("sd_is_socket_inet(tcp, AF_INET, SOCK_STREAM, 1, 0)", 1, "2 getsockopt, getsockname"),
    call("sd_is_socket_inet(tcp, AF_INET, SOCK_STREAM, 1, 1)", 0, "2 getsockopt, getsockname"),
    call("sd_is_socket_inet(null, AF_INET, SOCK_STREAM, 1, 0)", 0, "getsockopt"),

    call("sd_is_socket_sockaddr(tcp, 0, (void *) &inet, sizeof inet, -1)", 1, "getsockname"),
    call("sd_is_socket_sockaddr(tcp, SOCK_STREAM, (void *) &inet, sizeof inet, 1)", 1, "2 getsockopt, getsockname"),
    call("sd_is_socket_sockaddr(null, SOCK_STREAM, (void *) &inet, sizeof inet, 1)", 0, "getsockopt"),

    call("sd_is_socket_unix(stream, 0, -1, NULL, 0)", 1, "getsockname"),
    call("sd_is_socket_unix(stream, SOCK_STREAM, 1, \"stream\", 0)", 1, "2 getsockopt, getsockname"),
    call("sd_is_socket_unix(stream, SOCK_STREAM, 1, \"other\", 0)", 0, "2 getsockopt, getsockname"),
    call("sd_is_socket_unix(null, SOCK_STREAM, 1, \"stream\", 0)", 0, "getsockopt"),

    call("sd_is_mq(queue, NULL)", 1, "mq_getsetattr"),
    // That one is there only where /dev/mqueue is mounted.
    call("sd_is_mq(queue, \"/sdlite-no-such-queue\")", ENOENT, "mq_getsetattr, stat"),
    call("sd_is_mq(null, NULL)", 0, "mq_getsetattr, fstat"),
    call("sd_is_mq(closed, NULL)", EBADF, "mq_getsetattr, fstat").compared(NO_SOCKET),
];
