//! Unit files, beside what systemd says of the same files.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_CASES` | how many random units; 600 if not set |
//! | `SDLITE_SEED` | the seed to begin with; random if not set, printed with a difference |

mod describe;
mod environment;
mod grammar;
mod layout;
mod oracle;
mod random;
mod same;
mod settings;
mod spans;
mod table;
