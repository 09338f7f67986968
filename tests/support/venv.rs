//! Virtual environments with the packages of scientific work, made once and kept in the build folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};

use super::pythons;

/// What such an environment holds.
const PACKAGES: [&str; 3] = ["numpy", "pandas", "matplotlib"];

/// A Python whose environment has numpy, pandas and matplotlib. The first call on a machine installs them.
pub fn scientific() -> PathBuf {
    environment("scientific", &scientific_base(), &PACKAGES)
}

/// The Python that such environments are made of.
pub fn scientific_base() -> PathBuf {
    pythons()
        .into_iter()
        .find(|python| super::version(python) == "3.12")
        .or_else(|| pythons().into_iter().next())
        .expect("no CPython >= 3.10 on this machine")
}

/// The Python of the environment `name`, which is made if it is not there yet. Test binaries may run side by side.
pub fn environment(name: &str, python: &Path, packages: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", super::version(python)));
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).unwrap();
    let (installed, done) = (folder.join("bin/python"), folder.join("complete"));
    if !done.exists() {
        run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder));
        let mut pip = Command::new(&installed);
        run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages));
        std::fs::write(done, "").unwrap();
    }
    installed
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
