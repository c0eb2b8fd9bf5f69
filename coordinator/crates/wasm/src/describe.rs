//! What scripts/build-wasm.mjs reads to generate the TypeScript side: a list of facts, each a kind, two texts and two numbers.

use starling_machine::{Error, LAYOUT, Struct};

use crate::memory::output;

#[derive(Clone, Copy)]
enum Kind {
    /// text: name; a: size in bytes
    Struct = 0,
    /// text: name and Rust type; a: offset, b: size
    Field = 1,
    /// text: name and sentence; a: number
    Error = 2,
    /// text: name; a: value
    Constant = 3,
}

const CONSTANTS: &[(&str, u32)] = &[
    ("MAX_CLIENTS", starling_machine::MAX_CLIENTS as u32),
    ("MAX_WITNESSES", starling_machine::MAX_WITNESSES as u32),
    ("TABLES", starling_machine::TABLES as u32),
    ("STORED_ROUNDS", starling_machine::STORED_ROUNDS as u32),
    ("RUN_ID_BYTES", starling_machine::RUN_ID_BYTES as u32),
    ("CHECKPOINT_LOCATION_BYTES", starling_machine::CHECKPOINT_LOCATION_BYTES as u32),
    ("NO_EPOCH", starling_machine::NO_EPOCH as u32),
    ("LAYOUT_VERSION", starling_machine::LAYOUT_VERSION),
];

/// output: kind, a, b, then address and length of the two texts, seven u32. Returns 1, or 0 past the last fact.
#[unsafe(no_mangle)]
pub extern "C" fn describe(index: u32) -> i32 {
    let mut next = 0u32;
    let mut found = false;
    each_fact(|kind, a, b, first, second| {
        if next == index {
            found = true;
            let mut writer = output();
            for word in [
                kind as u32,
                a,
                b,
                first.as_ptr() as usize as u32,
                first.len() as u32,
                second.as_ptr() as usize as u32,
                second.len() as u32,
            ] {
                writer.push(word);
            }
        }
        next = next.saturating_add(1);
    });
    i32::from(found)
}

fn each_fact(mut each: impl FnMut(Kind, u32, u32, &str, &str)) {
    for Struct { name, fields, size } in LAYOUT {
        each(Kind::Struct, *size, 0, name, "");
        for field in *fields {
            each(Kind::Field, field.offset, field.size, field.name, field.type_name);
        }
    }
    for (number, name, sentence) in Error::ALL.iter().chain(starling_schedule::Error::ALL) {
        each(Kind::Error, u32::from(*number), 0, name, sentence);
    }
    for (name, value) in CONSTANTS {
        each(Kind::Constant, *value, 0, name, "");
    }
}
