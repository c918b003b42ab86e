use sdlite_core::login::list::Directory;
use sdlite_core::login::machine;

use super::{Room, c_name, names, text};
use crate::Result;

/// A virtual machine or a container, by its name: sd_machine_get_class(3).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Machine(String);

impl Machine {
    /// The machine of this name. `.host` is the host itself.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// All machines that run here: sd_get_machine_names(3).
    ///
    /// # Errors
    ///
    /// The [module](super) lists the errors of all functions here.
    pub fn all() -> Result<Vec<Self>> {
        Ok(names(Directory::Machines)?.into_iter().map(Self).collect())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// `vm`, `container` or, for the host itself, `host`.
    pub fn class(&self) -> Result<String> {
        let name = c_name(&self.0)?;
        text(|room| machine::class(&name, room))
    }

    /// The indices of the network interfaces that lead to it: sd_machine_get_ifindices(3).
    pub fn ifindices(&self) -> Result<Vec<u32>> {
        let mut indices = Vec::new();
        machine::ifindices(&c_name(&self.0)?, &mut Room::default(), &mut |index| {
            indices.push(index.unsigned_abs());
            Ok(())
        })?;
        Ok(indices)
    }
}
