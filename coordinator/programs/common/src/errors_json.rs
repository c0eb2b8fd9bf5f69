//! `programs/NAME/errors.json`, from which the IDL takes the errors: written and compared by a test of each program.

use crate::{CommonError, ErrorEntry};
use std::fmt::Write as _;
use std::path::Path;

/// Compares a program's `errors.json` with its tables, or writes it anew where `STARLING_WRITE_ERRORS` is set.
///
/// # Panics
/// If they differ: it is called by tests.
pub fn check_errors_json(manifest_dir: &str, own: &[ErrorEntry]) {
    let path = Path::new(manifest_dir).join("errors.json");
    let mut rows = Vec::new();
    for entry in CommonError::ALL.iter().chain(own) {
        assert!(!entry.sentence.contains(['"', '\\']), "a quote in the sentence of {}", entry.name);
        let mut row = String::new();
        let _ =
            write!(row, r#"  {{ "code": {}, "name": "{}", "message": "{}" }}"#, entry.code, entry.name, entry.sentence);
        rows.push(row);
    }
    let wanted = format!("[\n{}\n]\n", rows.join(",\n"));
    if std::env::var_os("STARLING_WRITE_ERRORS").is_some() {
        assert!(std::fs::write(&path, &wanted).is_ok(), "cannot write {}", path.display());
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is not what the program's errors say: run STARLING_WRITE_ERRORS=1 cargo test, then npm run generate",
        path.display()
    );
}
