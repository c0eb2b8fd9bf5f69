//! Who takes part in a history: keys, and chains of which every link is known.

use std::collections::{HashMap, HashSet};

use starling_machine::{Membership, NEVER_MS, sha256};

use crate::random::Random;

const CHAIN_LINKS: u32 = 48;

pub struct People {
    pub members: Vec<Membership>,
    /// head of a chain -> the link behind it
    links: HashMap<[u8; 32], [u8; 32]>,
    chains: u64,
    /// never lets hear of itself
    pub silent: HashSet<[u8; 32]>,
    /// owners that the host bars: a member account says so for good
    pub ejected_owners: HashSet<[u8; 32]>,
}

impl People {
    pub fn new(count: u64, random: &mut Random) -> Self {
        let mut people = Self {
            members: Vec::new(),
            links: HashMap::new(),
            chains: 0,
            silent: HashSet::new(),
            ejected_owners: HashSet::new(),
        };
        for _ in 0..count {
            // Some owners have two sessions.
            let owner = match people.members.last() {
                Some(last) if random.chance(10) => last.owner,
                _ => random.bytes(),
            };
            let session = random.bytes();
            if random.chance(12) {
                people.silent.insert(session);
            }
            let member = Membership {
                owner,
                session,
                peer_id: random.bytes(),
                chain_head: people.new_chain(&session),
                expires_ms: NEVER_MS,
            };
            people.members.push(member);
        }
        people
    }

    /// The head of a new chain.
    pub fn new_chain(&mut self, session: &[u8; 32]) -> [u8; 32] {
        self.chains += 1;
        let mut link = sha256(&[b"chain", session, &self.chains.to_le_bytes()]);
        for _ in 0..CHAIN_LINKS {
            let head = sha256(&[&link]);
            self.links.insert(head, link);
            link = head;
        }
        link
    }

    /// The link that the machine must accept; none where the chain is used up.
    pub fn reveal(&self, chain_head: &[u8; 32]) -> Option<[u8; 32]> {
        self.links.get(chain_head).copied()
    }
}
