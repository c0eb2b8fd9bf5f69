//! Random histories: nothing panics, every state stays sound, a refused call changes nothing, a tick is due exactly when it
//! changes something, and no point appears or vanishes.

use std::collections::BTreeMap;

use starling_history::{Call, History};
use starling_machine::TickOutcome;

#[derive(Default)]
struct Ledger {
    /// points that epochs paid out, with what they left over for the next
    minted: u64,
    /// what the owners' accounts took over
    settled: u64,
    answered: BTreeMap<&'static str, u32>,
    refused: BTreeMap<&'static str, u32>,
    epochs_trained: u32,
    epochs_failed: u32,
    ejections: u32,
}

fn play(seed: u64, calls: u32, ledger: &mut Ledger) {
    let mut history = History::new(seed);
    let (mut minted, mut settled) = (0, 0);
    for number in 0..calls {
        let before = history.state.clone();
        let step = history.step();
        assert_eq!(step.now_ms % 1_000, 0, "the cluster's clock has whole seconds only");
        let at = format!("seed {seed}, call {number} ({})", step.call.name());
        history.state.validate().unwrap_or_else(|error| panic!("{at}: {error:?}"));
        assert!(history.state.run.step >= before.run.step, "{at}");
        let changed = before != history.state;
        if let Call::Tick(_) = step.call {
            assert_eq!(before.run.is_tick_due(step.now_ms), changed, "{at}: is_tick_due");
        }
        let Ok(answer) = step.result else {
            assert!(!changed, "{at}: a refused call changed the state");
            *ledger.refused.entry(step.call.name()).or_default() += 1;
            continue;
        };
        *ledger.answered.entry(step.call.name()).or_default() += 1;
        match step.call {
            Call::Tick(_) if answer[0] == TickOutcome::EpochSucceeded as u64 => {
                ledger.epochs_trained += 1;
                minted += before.run.epoch_earning_rate;
            }
            Call::Tick(_) if answer[0] == TickOutcome::EpochFailed as u64 => ledger.epochs_failed += 1,
            Call::Tick(_) | Call::Join(_) | Call::WarmupWitness(_) => assert_eq!(changed, answer[0] == 1, "{at}"),
            Call::Settle { .. } => settled += answer[0],
            Call::ReportEquivocation { .. } => ledger.ejections += answer[0] as u32,
            _ => {}
        }
        let tables = history.state.tables.iter().flat_map(|table| table.used());
        let unsettled: u64 = tables.filter(|slot| slot.settled == 0).map(|slot| slot.earned).sum();
        assert_eq!(settled + unsettled + history.state.run.points_carry, minted, "{at}: members + unsettled = paid");
    }
    ledger.minted += minted;
    ledger.settled += settled;
}

#[test]
fn random_histories_keep_every_invariant() {
    let first_seed = std::env::var("SOAK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let histories = std::env::var("SOAK_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(150);
    println!("seeds {first_seed} to {}", first_seed + histories - 1);
    let mut ledger = Ledger::default();
    for seed in first_seed..first_seed + histories {
        play(seed, 400, &mut ledger);
    }
    println!("answered {:?}\nrefused {:?}", ledger.answered, ledger.refused);
    println!(
        "{} epochs trained, {} did not, {} ejections, {} of {} points settled",
        ledger.epochs_trained, ledger.epochs_failed, ledger.ejections, ledger.settled, ledger.minted
    );
    assert!(
        ledger.epochs_trained > 20 && ledger.epochs_failed > 5 && ledger.ejections > 20,
        "the histories are too dull"
    );
    assert_eq!(ledger.answered.len(), 16, "every call succeeds somewhere");
    assert_eq!(ledger.refused.len(), 16, "every call is refused somewhere");
}

#[test]
fn a_history_is_a_function_of_its_seed() {
    let play = |seed| {
        let mut history = History::new(seed);
        let calls: Vec<_> = (0..300).map(|_| history.step()).map(|step| (step.call.name(), step.call.args())).collect();
        (calls, history.state)
    };
    let (first, second, other) = (play(5), play(5), play(6));
    assert!(first == second);
    assert!(first.0 != other.0);
}
