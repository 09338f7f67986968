//! Stands in for parts that are built beside this one, with their signatures; goes when they are merged.
#![allow(dead_code, clippy::unnecessary_wraps, clippy::unused_self)]

pub mod bridge {
    use std::path::PathBuf;
    use std::process::ExitCode;

    #[derive(Debug)]
    pub struct BridgeOptions {
        pub session: Option<String>,
        pub socket: Option<PathBuf>,
    }

    pub fn run(options: BridgeOptions) -> ExitCode {
        drop(options);
        ExitCode::FAILURE
    }
}

pub mod registry {
    use std::io;
    use std::path::{Path, PathBuf};

    pub struct Claim {
        name: String,
        socket: PathBuf,
    }

    impl Claim {
        pub fn name(&self) -> &str {
            &self.name
        }

        pub fn socket(&self) -> &Path {
            &self.socket
        }

        pub fn describe_python(&mut self, python: &Path, version: &str) -> io::Result<()> {
            let _ = (python, version);
            Ok(())
        }
    }

    pub fn claim(name: &str, cwd: &Path) -> io::Result<Claim> {
        Ok(Claim { name: name.to_owned(), socket: cwd.join("fourhands.sock") })
    }

    pub fn claim_default(cwd: &Path) -> io::Result<Claim> {
        claim(&default_name(cwd), cwd)
    }

    pub fn default_name(cwd: &Path) -> String {
        cwd.file_name().map_or_else(|| "session".into(), |name| name.to_string_lossy().into_owned())
    }
}

pub mod image {
    use std::io;
    use std::path::Path;
    use std::process::Command;

    use crate::launch::boot::Boot;

    pub struct EngineImage;

    impl EngineImage {
        pub fn new(engine: &[u8]) -> io::Result<Self> {
            let _ = engine;
            Ok(Self)
        }

        pub fn command(&self, python: &Path, boot: &Boot) -> io::Result<Command> {
            let mut command = Command::new(python);
            command.args(["-c", "import sys; print(sys.argv[1])"]).arg(serde_json::to_string(boot)?);
            Ok(command)
        }
    }
}
