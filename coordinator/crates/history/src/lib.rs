//! Random histories of a run: mostly calls that an honest host would make, some that it must refuse. A history is a function
//! of its seed, so that the same one can be replayed in the native machine, in wasm and in the program on chain, and the
//! states compared byte by byte. Times are whole seconds, as on chain.

mod bytes;
mod call;
mod choose;
mod people;
mod random;

pub use bytes::{bytes_of, hex};
pub use call::{Answer, Call};
pub use random::Random;

use people::People;
use starling_machine::{Config, Error, Pod as _, State};

pub const RUN_ID: &[u8] = b"history";
const START_MS: u64 = 1_700_000_000_000;

pub struct History {
    pub state: Box<State>,
    pub config: Config,
    pub now_ms: u64,
    people: People,
    random: Random,
}

/// A call and what became of it; the state after it is in the history.
pub struct Step {
    pub call: Call,
    pub now_ms: u64,
    pub result: Result<Answer, Error>,
}

impl History {
    /// A run just created.
    ///
    /// # Panics
    /// If the machine refuses the config, which would be a fault of this crate.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let count = if random.chance(8) { 13 + random.below(28) } else { 2 + random.below(11) };
        let people = People::new(count, &mut random);
        let config = choose::config(&mut random, count);
        let mut state = Box::new(State::ZERO);
        state.run.create(RUN_ID, &config, START_MS).expect("the config is sound");
        Self { state, config, now_ms: START_MS, people, random }
    }

    /// Chooses the next call and makes it.
    pub fn step(&mut self) -> Step {
        let call = self.choose();
        let result = call.apply(&mut self.state, self.now_ms);
        if let (Call::ReportEquivocation { target, .. }, Ok(answer)) = (&call, &result)
            && answer == &[1]
            && let Some(slot) = self.state.table().slot(*target)
        {
            self.people.ejected_owners.insert(slot.owner);
        }
        Step { call, now_ms: self.now_ms, result }
    }
}
