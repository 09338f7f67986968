//! The environment of a session that a bridge holds. Other clients work in it as well, so it gets what a session needs of
//! this client's environment, and not its keys and passwords.
//!
//! This keeps secrets out of `os.environ`, of child processes and of what a session prints. It is no wall: code in a
//! session has the rights of its user, who can read the environment of their processes.

use std::ffi::{OsStr, OsString};

/// What a session and the tools in it find their places and their manners by: the user and the system; libraries, and
/// programs that packages call; Python and its packages; the network.
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

/// Beginnings of such names; those that look like secrets are left out all the same.
const BEGINNINGS: &str = "
    LC_ XDG_ CONDA_ MAMBA_ PYTHON PYENV_ UV_ PIP_ FOURHANDS_ OMP_ KMP_ GOMP_ MKL_ OPENBLAS_ BLIS_ VECLIB_ NUMEXPR_
    NUMBA_ MALLOC_ CUDA_ NVIDIA_ NCCL_ HIP_ ROCM_ ROCR_ HSA_ XLA_ TF_ TORCH_ TORCHINDUCTOR_ PYTORCH_ JAX_ POLARS_ DYLD_
    DASK_ RAY_ SPARK_ SLURM_ PBS_
";

/// What names of secrets have in them.
const SECRETS: &[&str] = &["KEY", "TOKEN", "SECRET", "PASSW", "PASSPHRASE", "CREDENTIAL", "COOKIE", "JWT"];
/// The same, as whole words of a name.
const SECRET_WORDS: &[&str] = &["PASS", "PWD", "PAT", "AUTH", "PRIVATE", "LICENSE"];

/// Keeps all of it, in the place of a list.
pub const ALL: &str = "all";
/// Names of what was left out that are told.
const TOLD: usize = 12;

/// What is kept, and the names of the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub variables: Vec<(OsString, OsString)>,
    pub left_out: Vec<String>,
}

/// Of `variables`, what a session gets that others share. `wanted` are names that the person has chosen beside the usual
/// ones, with a `*` at the end for all that begin so, or [`ALL`].
pub fn selected(variables: impl Iterator<Item = (OsString, OsString)>, wanted: &[String]) -> Kept {
    let mut selected = Kept::default();
    for (name, value) in variables {
        let text = name.to_string_lossy().into_owned();
        if is_wanted(&text, wanted) || (is_usual(&text) && !has_password(&value)) {
            selected.variables.push((name, value));
        } else {
            selected.left_out.push(text);
        }
    }
    selected.left_out.sort();
    selected
}

impl Kept {
    /// What the person must know, if anything was left out.
    pub fn word(&self) -> Option<String> {
        let count = self.left_out.len();
        let more = count.saturating_sub(TOLD);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = self.left_out.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
        (count > 0).then(|| {
            format!(
                "other clients share the session that this server holds, so it does not get these environment variables: \
                 {names}{more}. --keep-env NAME, or keep_env in the [bridge] section of config.toml, passes them on."
            )
        })
    }
}

fn is_wanted(name: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|wanted| match wanted.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == wanted || wanted == ALL,
    })
}

fn is_usual(name: &str) -> bool {
    let begins_so = |beginning| name.starts_with::<&str>(beginning);
    NAMES.split_ascii_whitespace().any(|usual| usual == name)
        || (BEGINNINGS.split_ascii_whitespace().any(begins_so) && !looks_like_a_secret(name))
}

fn looks_like_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRETS.iter().any(|secret| name.contains(secret)) || name.split('_').any(|word| SECRET_WORDS.contains(&word))
}

/// Whether it has an address with a password in it, as of a proxy or a package index: `https://user:password@host`.
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

    fn names(variables: &[(String, String)], wanted: &[&str]) -> Vec<String> {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        selected(variables, &wanted).variables.into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
    }

    #[test]
    fn what_a_session_needs_is_kept_and_no_secret() {
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
    fn what_was_left_out_is_told_by_name_only() {
        let many = (0..20).map(|n| (OsString::from(format!("A{n:02}_KEY")), OsString::from("hunter2")));
        let word = selected(many, &[]).word().unwrap();
        assert!(word.contains("A00_KEY, A01_KEY") && word.contains("and 8 more"), "{word}");
        assert!(word.contains("--keep-env") && !word.contains("hunter2"), "{word}");
        assert_eq!(Kept::default().word(), None);
    }
}
