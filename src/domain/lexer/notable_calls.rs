//! Calls and magics that reach beyond Python's variables, by their names.

/// What a call reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallKind {
    Files,
    Processes,
    Network,
    /// `exec`, `eval` and the like: the look at the text sees nothing of what they run.
    Code,
    Packages,
    Native,
}

impl CallKind {
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Processes => "processes",
            Self::Network => "network",
            Self::Code => "runs text as code",
            Self::Packages => "installs packages",
            Self::Native => "native code",
        }
    }
}

/// Names of functions, and of modules whose functions are all meant (`x.`).
const FUNCTIONS: [(CallKind, &[&str]); 6] = [
    (
        CallKind::Files,
        &[
            "open",
            "os.remove",
            "os.unlink",
            "os.rename",
            "os.replace",
            "os.rmdir",
            "os.removedirs",
            "os.mkdir",
            "os.makedirs",
            "os.chmod",
            "os.chown",
            "os.link",
            "os.symlink",
            "os.truncate",
            "os.open",
            "shutil.",
            "sqlite3.connect",
            "io.open",
        ],
    ),
    (
        CallKind::Processes,
        &[
            "os.system",
            "os.popen",
            "os.exec",
            "os.spawn",
            "os.posix_spawn",
            "os.fork",
            "os.kill",
            "os.killpg",
            "subprocess.",
            "multiprocessing.",
            "pty.spawn",
            "asyncio.create_subprocess_",
        ],
    ),
    (
        CallKind::Network,
        &[
            "socket.",
            "requests.",
            "urllib.request.",
            "httpx.",
            "aiohttp.",
            "http.client.",
            "smtplib.",
            "ftplib.",
            "paramiko.",
            "websockets.",
            "urllib3.",
        ],
    ),
    (
        CallKind::Code,
        &[
            "exec",
            "eval",
            "compile",
            "__import__",
            "importlib.",
            "runpy.",
            "pickle.load",
            "pickle.loads",
            "marshal.",
            "builtins.exec",
            "builtins.eval",
        ],
    ),
    (CallKind::Packages, &["pip.", "ensurepip."]),
    (CallKind::Native, &["ctypes.", "cffi."]),
];

/// Methods that write or delete files, whatever they belong to.
const FILE_METHODS: [&str; 16] = [
    "unlink",
    "write_text",
    "write_bytes",
    "rmdir",
    "to_csv",
    "to_parquet",
    "to_excel",
    "to_pickle",
    "to_feather",
    "to_hdf",
    "to_sql",
    "savefig",
    "save",
    "savez",
    "savetxt",
    "rmtree",
];

/// Returns what a call of `name` reaches, and the name to show.
pub fn call_kind(name: &str, is_method: bool) -> Option<(CallKind, String)> {
    for (kind, functions) in FUNCTIONS {
        let is_meant = |function: &&&str| match function.strip_suffix(['.', '_']) {
            Some(_) => name.starts_with(**function),
            None if matches!(**function, "os.exec" | "os.spawn") => name.starts_with(**function),
            None => name == **function,
        };
        if functions.iter().find(is_meant).is_some() {
            return Some((kind, name.to_owned()));
        }
    }
    let method = name.rsplit('.').next().filter(|_| is_method)?;
    FILE_METHODS.contains(&method).then(|| (CallKind::Files, format!(".{method}")))
}

/// Returns what a magic reaches: `!ls`, `%pip install x`.
pub fn magic_kind(magic: &str) -> Option<CallKind> {
    let magic = magic.trim();
    if magic.starts_with('!') || magic.starts_with("%%bash") || magic.starts_with("%%sh") || magic.starts_with("%sx") {
        return Some(CallKind::Processes);
    }
    let word = magic.trim_start_matches('%').split_whitespace().next()?;
    match word {
        "pip" | "uv" | "conda" | "mamba" => Some(CallKind::Packages),
        "system" | "sx" | "bash" | "sh" | "script" => Some(CallKind::Processes),
        "run" | "load" => Some(CallKind::Code),
        "writefile" | "checkpoint" | "cd" => Some(CallKind::Files),
        _ => None,
    }
}
