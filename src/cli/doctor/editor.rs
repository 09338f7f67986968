//! The editor that opens the input (Alt-E).

use super::finding::Finding;
use crate::launch::editor;

const SECTION: &str = "terminal";

pub fn check() -> Finding {
    let (command, fault) = editor::check();
    match fault {
        None => Finding::ok(SECTION, format!("Editor: {command}")),
        Some(fault) if editor::is_chosen() => Finding::fault(SECTION, format!("The editor {fault}")),
        Some(_) => Finding::note(
            SECTION,
            "No editor is chosen and there is no vi; set VISUAL or EDITOR to open the input in one",
        ),
    }
}
