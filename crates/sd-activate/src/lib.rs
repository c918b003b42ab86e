//! What the program `sd-activate` is made of: it starts services by socket activation where no systemd runs, and a service
//! that has ended is started again.
//!
//! Data flows one way: [`cli`] turns the command line into [`spec`]s, and [`mod@unit`] unit files; from these [`exec`] lays out
//! how a service is started; [`engine`] decides what is done when something happens, and [`world`] tells it what happens and
//! does it.
//!
//! It is a library for the program, its tests and the fuzzing, and promises nothing to others.

pub mod account;
pub mod address;
pub mod cli;
pub mod conditions;
pub mod control;
pub mod control_group;
pub mod engine;
pub mod error;
pub mod exec;
pub mod glob;
pub mod log;
pub mod reserve;
pub mod rights;
pub mod saved;
pub mod sdctl;
pub mod spec;
pub mod unit;
pub mod world;
