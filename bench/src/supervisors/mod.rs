//! sd-activate beside what else supervises services, each as process 1 of a container: docs/peers.md.

mod figures;
mod memory;
mod orphans;
mod page;
mod restart;
mod root;
mod supervisor;
mod times;

pub use page::write;
