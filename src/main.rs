use std::process::ExitCode;

fn main() -> ExitCode {
    fourhands::cli::main(&[])
}
