//! The binary: the command line, with the engine inside.

use std::process::ExitCode;

/// The cdylib of this very package; empty under `cargo check`, which builds none.
static ENGINE: &[u8] = include_bytes!(env!("FOURHANDS_ENGINE"));

/// Fails the build, and only the build: constants of generic functions are not looked at by `cargo check`.
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
