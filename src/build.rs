//! Passes the path of the engine (the cdylib of this package) to the binary, which embeds it.
//!
//! cargo does not guarantee the path `deps/lib<name>.so`, so `main.rs` refuses to build with an empty engine.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let Some(engine) = engine_path() else {
        println!("cargo:warning=OUT_DIR is not laid out as expected; the engine cannot be found");
        return;
    };
    // `cargo check` and clippy build no cdylib. An empty file satisfies `include_bytes!`.
    if !engine.exists()
        && let Err(error) = fs::write(&engine, b"")
    {
        println!("cargo:warning=cannot write {}: {error}", engine.display());
    }
    println!("cargo:rustc-env=FOURHANDS_ENGINE={}", engine.display());
}

fn engine_path() -> Option<PathBuf> {
    let out_dir = env::var_os("OUT_DIR")?;
    let profile = Path::new(&out_dir).ancestors().nth(3)?;
    let deps = profile.join("deps");
    fs::create_dir_all(&deps).ok()?;
    let apple = env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor == "apple");
    Some(deps.join(if apple { "libfourhands.dylib" } else { "libfourhands.so" }))
}
