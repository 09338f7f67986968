//! The binary: the command line, with the engine embedded.

use std::process::ExitCode;

/// The cdylib of this package; empty under `cargo check`, which builds none.
static ENGINE: &[u8] = include_bytes!(env!("FOURHANDS_ENGINE"));

/// Fails `cargo build` if the engine is empty, but not `cargo check`, which does not evaluate constants of generic
/// functions.
struct Embedded<const BYTES: usize>;

impl<const BYTES: usize> Embedded<BYTES> {
    const CHECK: () = assert!(
        BYTES > 0,
        "cargo did not lay the engine (libfourhands, the cdylib of this package) where src/build.rs expects it, \
         in the deps folder of the profile; build with `cargo build` and without --artifact-dir or custom layouts"
    );

    fn check() {
        let () = Self::CHECK;
    }
}

fn main() -> ExitCode {
    Embedded::<{ ENGINE.len() }>::check();
    fourhands::cli::main(ENGINE)
}
