//! The limits of setrlimit(2), in the units that systemd.exec(5) gives each.

use nix::sys::resource::{RLIM_INFINITY, Resource, rlim_t};

use super::draft::Draft;
use super::given::Given;
use super::quoting;
use super::time;
use super::value::{self, Invalid};
use crate::spec::ResourceLimit;

/// Sets a limit, of which the soft and the hard one may differ: `SOFT:HARD`.
pub fn set(draft: &mut Draft, given: &Given<'_>, resource: Resource) -> Result<(), Invalid> {
    let both = given.value.split_once(':').map(|(soft, hard)| (soft, hard.strip_suffix(':').unwrap_or(hard)));
    let (soft, hard) = both.unwrap_or((given.value, given.value));
    let limit = |text: &str| limit(&quoting::uncovered(text), resource);
    let (soft, hard) = (limit(soft)?, limit(hard)?);
    if soft > hard {
        return Err(Invalid::new(format_args!("the soft limit is above the hard one in {}", given.value)));
    }
    let limits = &mut draft.exec.limits;
    limits.retain(|limit| limit.resource != resource);
    limits.push(ResourceLimit { resource, soft, hard });
    Ok(())
}

fn limit(text: &str, resource: Resource) -> Result<rlim_t, Invalid> {
    if text == "infinity" && resource != Resource::RLIMIT_NICE {
        return Ok(RLIM_INFINITY);
    }
    match resource {
        Resource::RLIMIT_CPU => {
            let span = time::span(text, time::SECOND)?;
            Ok(span.map_or(RLIM_INFINITY, |span| span.as_micros().div_ceil(u128::from(time::SECOND)) as rlim_t))
        }
        Resource::RLIMIT_RTTIME => Ok(time::span(text, 1)?.map_or(RLIM_INFINITY, |span| span.as_micros() as rlim_t)),
        Resource::RLIMIT_NICE => nice(text),
        Resource::RLIMIT_NOFILE
        | Resource::RLIMIT_NPROC
        | Resource::RLIMIT_LOCKS
        | Resource::RLIMIT_SIGPENDING
        | Resource::RLIMIT_RTPRIO => value::integer(text, 0, rlim_t::MAX),
        // With 32 bits, limits are as large as these can count.
        _ => value::size(text).map(|size| u128::from(size).min(u128::from(rlim_t::MAX)) as rlim_t),
    }
}

/// A nice value with its sign, from which the kernel's limit counts down; or that limit.
fn nice(text: &str) -> Result<rlim_t, Invalid> {
    if text.starts_with(['+', '-']) {
        return value::integer(text, -20, 19).map(|nice: i32| (20 - nice) as rlim_t);
    }
    value::integer(text, 0, 40)
}
