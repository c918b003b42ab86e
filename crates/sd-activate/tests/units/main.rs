//! Unit files, beside what systemd says of the same files.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_CASES` | how many random units; 600 if not set |
//! | `SDLITE_SEED` | the seed to begin with; random if not set, printed with a difference |

mod describe;
mod grammar;
mod oracle;
mod random;
mod same;
mod settings;
mod table;
