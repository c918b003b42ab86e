//! Unit files, beside what systemd says of the same files.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_CASES` | how many random units; 600 if not set |
//! | `SDLITE_SEED` | the seed to begin with; if not set, always the same, or random with `SDLITE_CASES` |

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
mod verify;
