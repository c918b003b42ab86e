//! Where the build left the example programs: one object file each, to be linked with the library under test.

/// `myservice.c`, compiled: needs `sd_listen_fds`, `sd_is_socket_inet` and `sd_journal_print`.
pub const MYSERVICE: &str = env!("MYSERVICE");

/// `myservice-accept.c`, compiled: needs `sd_journal_print`.
pub const MYSERVICE_ACCEPT: &str = env!("MYSERVICE_ACCEPT");

/// `myclient.c`, compiled: needs nothing but the C library.
pub const MYCLIENT: &str = env!("MYCLIENT");
