//! Starting a service. Everything that can be done once is done before the first connection: a [`Plan`] holds all memory
//! that is needed between clone(2) and execve(2).
//!
//! `unit` lays plans out for the commands of units, and the rooms that are named after settings help it; `launch` carries them
//! out, with `process`, `files`, `limit`, `terminal`, `scheduling` and `confine`.

mod block;
mod confine;
mod credentials;
mod directories;
mod dynamic_user;
pub mod environment;
mod expand;
mod files;
mod find;
mod idle;
mod ipc;
mod keyring;
mod launch;
mod limit;
mod manager;
mod plan;
mod process;
mod scheduling;
mod step;
mod streams;
mod subject;
mod table;
mod terminal;
mod unit;
mod variable;

pub use find::find;
pub use idle::Idle;
pub use ipc::IpcOwner;
pub use launch::{Launcher, set_default};
pub use manager::Manager;
pub use plan::{Credentials, Plan, Stream, Surroundings};
pub use step::Step;
pub use table::put_away;
pub use unit::{Circumstances, UnitPlan};
