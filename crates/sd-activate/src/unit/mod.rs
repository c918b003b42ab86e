//! From unit files to specs: text in, [`crate::spec`] out. Pure but for reading files.
//!
//! Data flows one way. [`path`] says where to look, [`files`] what is there, [`load`] has a unit's file and its drop-ins read
//! line by line ([`reader`], [`syntax`]). Each line's setting is looked up in the one table of [`settings`], which reads the
//! value ([`given`], and what that needs: [`value`], [`time`], [`quoting`], [`specifier`], [`command`], [`limit`],
//! [`directory`], [`stream`], [`variables`], [`resource`]) into a [`draft`]; [`complete`] makes the spec of it. [`verify`] says what
//! [`diagnostic`]s there were on the way.
//!
//! Where `SocketMode=` is read, checked and kept is one line of settings/socket.rs, found by its name.

pub mod command;
pub mod complete;
pub mod confine;
pub mod diagnostic;
pub mod directory;
pub mod draft;
pub mod files;
pub mod given;
pub mod limit;
pub mod load;
pub mod mounts;
pub mod path;
pub mod quoting;
pub mod reader;
pub mod resource;
pub mod scheduling;
pub mod settings;
pub mod specifier;
pub mod stream;
pub mod syntax;
pub mod time;
pub mod value;
pub mod variables;
pub mod verify;
