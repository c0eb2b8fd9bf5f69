//! Schedules over the boundary: numbers only.

use starling_schedule::{ColdStart, Error, Schedule, Shape};

/// The rate of `step` as f32, or a negative error number (a rate is never negative).
///
/// `kind`: 0 Constant, 1 Linear, 2 Cosine, 3 `WarmupStableDecay`. `final_lr` is `cosine_decay_final_lr` for the last kind.
#[unsafe(no_mangle)]
pub extern "C" fn learning_rate(
    kind: u32,
    base_lr: f64,
    warmup_init_lr: f64,
    final_lr: f64,
    linear_decay_final_lr: f64,
    warmup_steps: u32,
    total_steps: u32,
    stable_steps: u32,
    cosine_decay_steps: u32,
    linear_decay_steps: u32,
    step: u32,
    cold_start_step: u32,
    cold_start_steps: u32,
) -> f32 {
    let shape = match kind {
        0 => Shape::Constant,
        1 => Shape::Linear { final_lr, total_steps },
        2 => Shape::Cosine { final_lr, total_steps },
        3 => Shape::WarmupStableDecay {
            cosine_decay_final_lr: final_lr,
            linear_decay_final_lr,
            stable_steps,
            cosine_decay_steps,
            linear_decay_steps,
        },
        _ => return refusal(Error::UnknownKind),
    };
    let schedule = Schedule { base_lr, warmup_init_lr, warmup_steps, shape };
    if let Err(error) = schedule.check() {
        return refusal(error);
    }
    let cold_start = ColdStart { start_step: cold_start_step, steps: cold_start_steps };
    schedule.learning_rate(step, Some(cold_start))
}

fn refusal(error: Error) -> f32 {
    -f32::from(error.code())
}
