//! The program itself: its version, its place, others of its name.

use super::finding::Finding;
use crate::bridge;
use crate::clients::{self, ConfigFolders};

const SECTION: &str = "program";

pub fn check() -> Vec<Finding> {
    let running = bridge::program();
    let version = env!("CARGO_PKG_VERSION");
    let mut found = vec![Finding::ok(SECTION, format!("fourhands {version}, {}", running.display()))];
    let Some(folders) = ConfigFolders::of_this_process() else {
        // Without a working directory, another section says so.
        if std::env::current_dir().is_ok() {
            let text = "HOME is not set, so nothing can be found or kept; set it to your home folder";
            found.push(Finding::fault(SECTION, text));
        }
        return found;
    };
    let stable = clients::stable_program(&folders, &running);
    if clients::is_temporary(&stable) {
        found.push(Finding::note(
            SECTION,
            "It runs from a cache that may be cleared at any time; install it, such as with `uv tool install`, before you \
             set up clients",
        ));
    }
    let on_path = folders.find_program("fourhands");
    let real = |path: &std::path::Path| path.canonicalize().ok();
    if let Some(other) = on_path.filter(|other| real(other) != real(&running)) {
        found.push(Finding::note(
            SECTION,
            format!("The `fourhands` on PATH is another one, {}; remove one of the two", other.display()),
        ));
    }
    found
}
