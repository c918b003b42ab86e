//! All that is measured, and by which name a part of it can be measured alone.

use crate::activation::{self, Connections, FirstAnswer};
use crate::calls::{self, Call};
use crate::floods::{self, Flooded};
use crate::libraries::{self, Release};
use crate::log::{self, Logged};
use crate::messages::{self, Messages};
use crate::peers::Peers;
use crate::proxy::{self, Footprint, Proxied};
use crate::run;
use crate::size::{self, Shared, Static};
use crate::start::{self, Start};
use crate::units::{self, Cost};

pub const SECTIONS: [&str; 9] = ["size", "start", "calls", "messages", "activation", "units", "floods", "log", "proxy"];

/// What was not measured is empty.
pub struct Measured {
    pub releases: Vec<Release>,
    pub shared: Vec<Shared>,
    pub statics: Vec<Static>,
    pub starts: Vec<Start>,
    /// Beside each release.
    pub calls: Vec<Vec<Call>>,
    pub messages: Vec<Vec<Messages>>,
    /// The other activators, with their versions.
    pub activators: Vec<String>,
    pub connections: Vec<Connections>,
    pub first_answers: Vec<FirstAnswer>,
    pub costs: Vec<Cost>,
    pub flooded: Vec<Flooded>,
    pub logged: Vec<Logged>,
    pub proxied: Vec<Proxied>,
    pub footprints: Vec<Footprint>,
}

impl Measured {
    pub fn new(sections: &[&str]) -> Self {
        let wanted = |section| sections.contains(&section);
        let releases = libraries::releases();
        // Before /run is one of our own: resolving a mirror's name may take what is in there.
        let peers = (wanted("activation") || wanted("units")).then(Peers::find);
        run::enter();
        let beside = |section| peers.as_ref().filter(|_| wanted(section));
        let each = |section| if wanted(section) { releases.as_slice() } else { &[] };
        Self {
            shared: size::shared(each("size")),
            statics: size::statics(each("size")),
            starts: start::starts(each("start")),
            calls: each("calls").iter().map(calls::calls).collect(),
            messages: each("messages").iter().map(messages::messages).collect(),
            activators: peers.as_ref().map(Peers::versions).unwrap_or_default(),
            connections: beside("activation").map(activation::connections).unwrap_or_default(),
            first_answers: beside("activation").map(activation::first_answers).unwrap_or_default(),
            costs: beside("units").map(units::costs).unwrap_or_default(),
            flooded: if wanted("floods") { floods::floods() } else { Vec::new() },
            logged: if wanted("log") { log::logged() } else { Vec::new() },
            proxied: if wanted("proxy") { proxy::proxied() } else { Vec::new() },
            footprints: if wanted("proxy") { proxy::footprints() } else { Vec::new() },
            releases,
        }
    }
}
