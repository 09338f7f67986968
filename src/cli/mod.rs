//! The command line.

pub fn main(engine: &'static [u8]) -> std::process::ExitCode {
    let _ = engine;
    std::process::ExitCode::SUCCESS
}
