//! Starting a service. Everything that can be done once is done before the first connection: a [`Plan`] holds all memory
//! that is needed between clone(2) and execve(2).

pub mod environment;
mod expand;
mod find;
mod launch;
mod plan;
mod unit;
mod variable;

pub use find::find;
pub use launch::set_default;
pub use plan::{Credentials, Plan, Stream, Surroundings};
pub use unit::{Circumstances, UnitPlan};
