//! starling-history FIRST_SEED HISTORIES CALLS: prints histories as JSON lines. README.md of the crates has the format.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use starling_history::{History, RUN_ID, bytes_of, hex};
use starling_machine::sha256;

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [first_seed, histories, calls] = numbers[..] else {
        eprintln!("usage: starling-history FIRST_SEED HISTORIES CALLS (three whole numbers)");
        return ExitCode::from(2);
    };
    match print(first_seed, histories, calls) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("starling-history: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(first_seed: u64, histories: u64, calls: u64) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for seed in first_seed..first_seed.saturating_add(histories) {
        let mut history = History::new(seed);
        writeln!(
            out,
            r#"{{"seed":{seed},"runId":"{}","config":"{}","now":{},"sha256":"{}"}}"#,
            hex(RUN_ID),
            hex(bytes_of(&history.config)),
            history.now_ms,
            hex(&sha256(&[bytes_of(&*history.state)])),
        )?;
        for _ in 0..calls {
            let step = history.step();
            let head =
                format!(r#"{{"call":"{}","now":{},"args":"{}""#, step.call.name(), step.now_ms, hex(&step.call.args()));
            match step.result {
                Ok(answer) => {
                    let answer: Vec<String> = answer.iter().map(u64::to_string).collect();
                    let hash = hex(&sha256(&[bytes_of(&*history.state)]));
                    writeln!(out, r#"{head},"result":"ok:{}","sha256":"{hash}"}}"#, answer.join(","))?;
                }
                Err(error) => writeln!(out, r#"{head},"result":"err:{}"}}"#, error.code())?,
            }
        }
    }
    out.flush()
}
