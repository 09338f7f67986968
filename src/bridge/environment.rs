//! The environment of a session that a bridge holds. Other clients share the session, so it gets what a session needs
//! of this client's environment, but no keys and passwords.
//!
//! This keeps secrets out of `os.environ`, out of child processes and out of output. It is no security boundary: code
//! in a session has the rights of its user, who can read the environment of their processes.

use std::ffi::{OsStr, OsString};

/// Variables that a session and its tools need: user and system; libraries, and programs that packages call; Python and
/// its packages; the network.
const NAMES: &str = "
    HOME PATH USER LOGNAME SHELL PWD HOSTNAME TERM COLORTERM TMPDIR TMP TEMP TZ LANG LANGUAGE LOCPATH LOCALE_ARCHIVE
    EDITOR VISUAL PAGER COLUMNS LINES NO_COLOR FORCE_COLOR CLICOLOR DISPLAY WAYLAND_DISPLAY XAUTHORITY BROWSER
    WSL_DISTRO_NAME

    LD_LIBRARY_PATH LD_PRELOAD LIBRARY_PATH CPATH PKG_CONFIG_PATH CC CXX CFLAGS CXXFLAGS LDFLAGS MANPATH MODULEPATH
    JAVA_HOME SPARK_HOME HADOOP_HOME HADOOP_CONF_DIR R_HOME JULIA_DEPOT_PATH GDAL_DATA PROJ_LIB PROJ_DATA

    VIRTUAL_ENV VIRTUAL_ENV_PROMPT MPLBACKEND MPLCONFIGDIR MATPLOTLIBRC IPYTHONDIR NLTK_DATA HF_HOME HF_HUB_CACHE
    HF_HUB_OFFLINE HF_DATASETS_CACHE HF_ENDPOINT TRANSFORMERS_CACHE TRANSFORMERS_OFFLINE TOKENIZERS_PARALLELISM
    JOBLIB_TEMP_FOLDER LOKY_MAX_CPU_COUNT

    HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy ftp_proxy all_proxy no_proxy
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NIX_SSL_CERT_FILE
";

/// Prefixes of such names. A name that looks like a secret is left out nevertheless.
const PREFIXES: &str = "
    LC_ XDG_ CONDA_ MAMBA_ PYTHON PYENV_ UV_ PIP_ FOURHANDS_ OMP_ KMP_ GOMP_ MKL_ OPENBLAS_ BLIS_ VECLIB_ NUMEXPR_
    NUMBA_ MALLOC_ CUDA_ NVIDIA_ NCCL_ HIP_ ROCM_ ROCR_ HSA_ XLA_ TF_ TORCH_ TORCHINDUCTOR_ PYTORCH_ JAX_ POLARS_ DYLD_
    DASK_ RAY_ SPARK_ SLURM_ PBS_
";

/// Parts of names of secrets.
const SECRET_PARTS: &[&str] = &["KEY", "TOKEN", "SECRET", "PASSW", "PASSPHRASE", "CREDENTIAL", "COOKIE", "JWT"];
/// Words of names of secrets, as whole words.
const SECRET_WORDS: &[&str] = &["PASS", "PWD", "PAT", "AUTH", "PRIVATE", "LICENSE"];

/// Passes everything on, in the place of a list.
pub const ALL: &str = "all";
/// How many names of omitted variables a notice has.
const MAX_NAMED: usize = 12;

/// The variables that a session gets, and the names of the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SelectedEnvironment {
    pub variables: Vec<(OsString, OsString)>,
    pub omitted: Vec<String>,
}

/// Selects the variables that a shared session gets. `chosen` are names that the person adds to the usual ones: with a
/// `*` at the end for a prefix, or [`ALL`].
pub fn selected(variables: impl Iterator<Item = (OsString, OsString)>, chosen: &[String]) -> SelectedEnvironment {
    let mut selected = SelectedEnvironment::default();
    for (name, value) in variables {
        let text = name.to_string_lossy().into_owned();
        if is_chosen(&text, chosen) || (is_usual(&text) && !has_password(&value)) {
            selected.variables.push((name, value));
        } else {
            selected.omitted.push(text);
        }
    }
    selected.omitted.sort();
    selected
}

impl SelectedEnvironment {
    /// Returns a notice for the person if variables were omitted.
    pub fn notice(&self) -> Option<String> {
        let count = self.omitted.len();
        let more = count.saturating_sub(MAX_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = self.omitted.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        (count > 0).then(|| {
            format!(
                "the session that this server starts is shared with other clients, so these environment variables are \
                 not passed to it: {names}{more}. Pass them with --keep-env NAME, or with keep_env in the [bridge] \
                 section of config.toml."
            )
        })
    }
}

fn is_chosen(name: &str, chosen: &[String]) -> bool {
    chosen.iter().any(|chosen| match chosen.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == chosen || chosen == ALL,
    })
}

fn is_usual(name: &str) -> bool {
    let has_prefix = |prefix| name.starts_with::<&str>(prefix);
    NAMES.split_ascii_whitespace().any(|usual| usual == name)
        || (PREFIXES.split_ascii_whitespace().any(has_prefix) && !looks_like_a_secret(name))
}

fn looks_like_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_PARTS.iter().any(|secret| name.contains(secret)) || name.split('_').any(|word| SECRET_WORDS.contains(&word))
}

/// Returns whether a value has a URL with a password, such as that of a proxy: `https://user:password@host`.
fn has_password(value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    value.split("://").skip(1).any(|rest| {
        let end = rest.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(rest.len());
        rest[..end].rsplit_once('@').is_some_and(|(user, _)| !user.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(variables: &[(String, String)], chosen: &[&str]) -> Vec<String> {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let chosen: Vec<String> = chosen.iter().map(|&name| name.to_owned()).collect();
        selected(variables, &chosen).variables.into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_session_gets_what_it_needs_and_no_secrets() {
        let set = |text: &str| -> Vec<(String, String)> {
            let pairs = text.split_ascii_whitespace().filter_map(|word| word.split_once('='));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let usual = set("HOME=/home/ada PATH=/bin LC_ALL=C XDG_RUNTIME_DIR=/run/user/1 CONDA_PREFIX=/c PYTHONPATH=/p \
            OMP_NUM_THREADS=2 CUDA_VISIBLE_DEVICES=0 FOURHANDS_JOURNAL_MAX=1GB https_proxy=http://proxy:3128 \
            PIP_INDEX_URL=https://host/simple");
        assert_eq!(names(&usual, &[]).len(), usual.len());
        let secrets = set("OPENAI_API_KEY=x ANTHROPIC_API_KEY=x AWS_SECRET_ACCESS_KEY=x GH_TOKEN=x PYTHON_API_KEY=x \
            FOURHANDS_TOKEN=x UV_PUBLISH_PASSWORD=x CONDA_AUTH=x pip_password=x SSH_AUTH_SOCK=/s DATABASE_URL=x \
            https_proxy=http://ada:pass@proxy:3128 PIP_EXTRA_INDEX_URL=https://a/,https://token@host/simple");
        assert_eq!(names(&secrets, &[]), [] as [&str; 0]);
        assert_eq!(names(&secrets, &["all"]).len(), secrets.len());
        assert_eq!(names(&secrets, &["AWS_*", "GH_TOKEN", "GH"]), ["AWS_SECRET_ACCESS_KEY", "GH_TOKEN"]);
        assert_eq!(names(&secrets, &["https_proxy"]), ["https_proxy"], "chosen on purpose");
    }

    #[test]
    fn a_notice_names_omitted_variables_without_values() {
        let many = (0..20).map(|n| (OsString::from(format!("A{n:02}_KEY")), OsString::from("hunter2")));
        let notice = selected(many, &[]).notice().unwrap();
        assert!(notice.contains("A00_KEY, A01_KEY") && notice.contains("and 8 more"), "{notice}");
        assert!(notice.contains("--keep-env") && !notice.contains("hunter2"), "{notice}");
        assert_eq!(SelectedEnvironment::default().notice(), None);
    }
}
