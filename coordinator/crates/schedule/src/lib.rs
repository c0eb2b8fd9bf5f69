//! Learning-rate schedules. f64 throughout with `libm`'s pure-Rust cosine, rounded once to f32 at the end, so that every
//! client computes the same bits. Formulas: existing-system.md 3.5; unlike there, Cosine stays at `final_lr` after its end.
#![no_std]
#![forbid(unsafe_code)]

/// Learning rates are per step; counts are in steps.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shape {
    Constant,
    Linear {
        final_lr: f64,
        total_steps: u32,
    },
    Cosine {
        final_lr: f64,
        total_steps: u32,
    },
    WarmupStableDecay {
        cosine_decay_final_lr: f64,
        linear_decay_final_lr: f64,
        stable_steps: u32,
        cosine_decay_steps: u32,
        linear_decay_steps: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Schedule {
    pub base_lr: f64,
    pub warmup_init_lr: f64,
    pub warmup_steps: u32,
    pub shape: Shape,
}

/// The linear ramp from 0 to 1 over `steps` steps that a cold-started epoch puts on top, from `start_step` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ColdStart {
    pub start_step: u32,
    pub steps: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Error {
    /// a learning rate is negative, infinite or not a number
    NotARate = 200,
    /// `total_steps` is less than `warmup_steps`
    TotalWithinWarmup = 201,
    /// a decay ends above where it begins
    DecayRises = 202,
    /// the schedule's kind is unknown
    UnknownKind = 203,
}

impl Error {
    /// (number, name, sentence) of every error.
    pub const ALL: &[(u16, &str, &str)] = &[
        (200, "NotARate", "a learning rate must be a finite number of at least 0"),
        (201, "TotalWithinWarmup", "total_steps must be at least warmup_steps"),
        (
            202,
            "DecayRises",
            "cosine_decay_final_lr must be at most base_lr, and linear_decay_final_lr at most cosine_decay_final_lr",
        ),
        (203, "UnknownKind", "lr_schedule must be Constant, Linear, Cosine or WarmupStableDecay"),
    ];

    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl Schedule {
    /// # Errors
    /// `NotARate`, `TotalWithinWarmup`, `DecayRises`.
    pub fn check(&self) -> Result<(), Error> {
        let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
        let rates_sound = is_rate(self.base_lr)
            && is_rate(self.warmup_init_lr)
            && match self.shape {
                Shape::Constant => true,
                Shape::Linear { final_lr, .. } | Shape::Cosine { final_lr, .. } => is_rate(final_lr),
                Shape::WarmupStableDecay { cosine_decay_final_lr, linear_decay_final_lr, .. } => {
                    is_rate(cosine_decay_final_lr) && is_rate(linear_decay_final_lr)
                }
            };
        if !rates_sound {
            return Err(Error::NotARate);
        }
        match self.shape {
            Shape::Linear { total_steps, .. } | Shape::Cosine { total_steps, .. }
                if total_steps < self.warmup_steps =>
            {
                Err(Error::TotalWithinWarmup)
            }
            Shape::WarmupStableDecay { cosine_decay_final_lr, linear_decay_final_lr, .. }
                if cosine_decay_final_lr > self.base_lr || linear_decay_final_lr > cosine_decay_final_lr =>
            {
                Err(Error::DecayRises)
            }
            _ => Ok(()),
        }
    }

    /// The learning rate of `step`.
    #[must_use]
    pub fn learning_rate(&self, step: u32, cold_start: Option<ColdStart>) -> f32 {
        let factor = cold_start.map_or(1.0, |cold_start| cold_start.factor(step));
        (self.scheduled(step) * factor) as f32
    }

    fn scheduled(&self, step: u32) -> f64 {
        let Some(after_warmup) = step.checked_sub(self.warmup_steps) else {
            let share = f64::from(step) / f64::from(self.warmup_steps);
            return self.warmup_init_lr + (self.base_lr - self.warmup_init_lr) * share;
        };
        match self.shape {
            Shape::Constant => self.base_lr,
            Shape::Linear { final_lr, total_steps } => {
                linear(self.base_lr, final_lr, after_warmup, total_steps.saturating_sub(self.warmup_steps))
            }
            Shape::Cosine { final_lr, total_steps } => {
                cosine(self.base_lr, final_lr, after_warmup, total_steps.saturating_sub(self.warmup_steps))
            }
            Shape::WarmupStableDecay {
                cosine_decay_final_lr,
                linear_decay_final_lr,
                stable_steps,
                cosine_decay_steps,
                linear_decay_steps,
            } => {
                let Some(into_cosine) = after_warmup.checked_sub(stable_steps) else { return self.base_lr };
                match into_cosine.checked_sub(cosine_decay_steps) {
                    None => cosine(self.base_lr, cosine_decay_final_lr, into_cosine, cosine_decay_steps),
                    Some(into_linear) => {
                        linear(cosine_decay_final_lr, linear_decay_final_lr, into_linear, linear_decay_steps)
                    }
                }
            }
        }
    }
}

impl ColdStart {
    /// 0 at the first step, 1 after the last and everywhere outside.
    fn factor(self, step: u32) -> f64 {
        match step.checked_sub(self.start_step) {
            Some(done) if done < self.steps => f64::from(done) / f64::from(self.steps),
            _ => 1.0,
        }
    }
}

fn linear(from: f64, to: f64, done: u32, steps: u32) -> f64 {
    if done >= steps { to } else { from + (to - from) * (f64::from(done) / f64::from(steps)) }
}

fn cosine(from: f64, to: f64, done: u32, steps: u32) -> f64 {
    if done >= steps {
        return to;
    }
    let share = f64::from(done) / f64::from(steps);
    to + (from - to) * 0.5 * (1.0 + libm::cos(core::f64::consts::PI * share))
}
