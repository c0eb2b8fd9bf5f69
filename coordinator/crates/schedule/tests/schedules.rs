//! Values at the corners and past the end of every schedule.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use starling_schedule::{ColdStart, Error, Schedule, Shape};

const BASE: Schedule = Schedule { base_lr: 4e-4, warmup_init_lr: 1e-5, warmup_steps: 250, shape: Shape::Constant };
const STABLE: Shape = Shape::WarmupStableDecay {
    cosine_decay_final_lr: 1e-4,
    linear_decay_final_lr: 1e-5,
    stable_steps: 1_000,
    cosine_decay_steps: 500,
    linear_decay_steps: 300,
};

fn rates(schedule: &Schedule, steps: &[u32]) -> Vec<f32> {
    steps.iter().map(|step| schedule.learning_rate(*step, None)).collect()
}

#[test]
fn every_schedule_warms_up_linearly() {
    let shapes = [
        Shape::Constant,
        Shape::Linear { final_lr: 0.0, total_steps: 1_000 },
        Shape::Cosine { final_lr: 0.0, total_steps: 1_000 },
        STABLE,
    ];
    for shape in shapes {
        assert_eq!(rates(&Schedule { shape, ..BASE }, &[0, 125, 250]), [1e-5, 2.05e-4, 4e-4]);
    }
    assert_eq!(rates(&Schedule { warmup_steps: 0, ..BASE }, &[0]), [4e-4]);
}

#[test]
fn linear_and_cosine_reach_their_end_and_stay() {
    for shape in
        [Shape::Linear { final_lr: 4e-5, total_steps: 25_000 }, Shape::Cosine { final_lr: 4e-5, total_steps: 25_000 }]
    {
        let schedule = Schedule { shape, ..BASE };
        assert_eq!(rates(&schedule, &[12_625, 25_000, 25_001, u32::MAX]), [2.2e-4, 4e-5, 4e-5, 4e-5]);
    }
    let cosine =
        Schedule { warmup_steps: 0, shape: Shape::Cosine { final_lr: 0.0, total_steps: 3 }, base_lr: 1.0, ..BASE };
    assert_eq!(rates(&cosine, &[1, 2]), [0.75, 0.25]);
}

#[test]
fn warmup_stable_decay_has_four_parts() {
    let schedule = Schedule { shape: STABLE, ..BASE };
    assert_eq!(
        rates(&schedule, &[1_249, 1_250, 1_500, 1_750, 1_900, 2_050, 9_999]),
        [4e-4, 4e-4, 2.5e-4, 1e-4, 5.5e-5, 1e-5, 1e-5]
    );
}

#[test]
fn rates_never_rise_after_warmup() {
    for shape in [
        Shape::Linear { final_lr: 1e-6, total_steps: 2_000 },
        Shape::Cosine { final_lr: 1e-6, total_steps: 2_000 },
        STABLE,
    ] {
        let steps: Vec<u32> = (250..2_500).collect();
        assert!(rates(&Schedule { shape, ..BASE }, &steps).is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn a_cold_start_ramps_over_its_steps_only() {
    let schedule = Schedule { base_lr: 1.0, warmup_steps: 0, ..BASE };
    let rate = |step, cold_start| schedule.learning_rate(step, Some(cold_start));
    let cold_start = ColdStart { start_step: 100, steps: 10 };
    assert_eq!([99, 100, 105, 109, 110, 111].map(|step| rate(step, cold_start)), [1.0, 0.0, 0.5, 0.9, 1.0, 1.0]);
    assert_eq!(rate(100, ColdStart { start_step: 100, steps: 0 }), 1.0);
    assert_eq!(rate(u32::MAX, ColdStart { start_step: u32::MAX, steps: u32::MAX }), 0.0);
}

#[test]
fn impossible_schedules_are_refused() {
    assert_eq!(Schedule { base_lr: f64::NAN, ..BASE }.check(), Err(Error::NotARate));
    assert_eq!(Schedule { warmup_init_lr: -1.0, ..BASE }.check(), Err(Error::NotARate));
    let shapes = [
        (Shape::Linear { final_lr: f64::INFINITY, total_steps: 1_000 }, Err(Error::NotARate)),
        (Shape::Cosine { final_lr: 0.0, total_steps: 249 }, Err(Error::TotalWithinWarmup)),
        (Shape::Cosine { final_lr: 0.0, total_steps: 250 }, Ok(())),
        (
            Shape::WarmupStableDecay {
                cosine_decay_final_lr: 5e-4,
                linear_decay_final_lr: 0.0,
                stable_steps: 0,
                cosine_decay_steps: 0,
                linear_decay_steps: 0,
            },
            Err(Error::DecayRises),
        ),
        (
            Shape::WarmupStableDecay {
                cosine_decay_final_lr: 1e-4,
                linear_decay_final_lr: 2e-4,
                stable_steps: 0,
                cosine_decay_steps: 0,
                linear_decay_steps: 0,
            },
            Err(Error::DecayRises),
        ),
    ];
    for (shape, expected) in shapes {
        assert_eq!(Schedule { shape, ..BASE }.check(), expected);
    }
    for (number, ..) in Error::ALL {
        assert!((200..300).contains(number));
    }
}
