//! The Python of a session with the packages that `--with` and `--script` ask for.

use std::fs;
use std::path::Path;

use super::arguments::SessionArguments;
use super::output::warn;
use crate::launch::choose_python::{self, Chosen, PythonSearchEnv};
use crate::launch::installer::{self, Installer};
use crate::launch::packages::{self, Environment, EnvironmentSpec, PackagesError};
use crate::launch::python::NoPython;
use crate::launch::script_metadata::{self, MetadataError, ScriptMetadata};

/// A Python, and the environments that must stay for as long as the session lives.
#[derive(Debug)]
pub struct SessionPython {
    pub chosen: Chosen,
    _environments: Vec<Environment>,
}

/// Why a session has no Python. Displays as one sentence or two.
#[derive(Debug, thiserror::Error)]
pub enum NoEnvironment {
    #[error(transparent)]
    NoPython(#[from] NoPython),
    #[error("{script}, {fault}.")]
    Metadata { script: String, fault: MetadataError },
    #[error("the script {script} cannot be read: {error}.")]
    NoScript { script: String, error: std::io::Error },
    #[error("{what} cannot be installed: {fault}. Nothing was started.")]
    Packages { what: String, fault: PackagesError },
}

impl NoEnvironment {
    /// Another command line, another script or another Python would do.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Packages { .. })
    }
}

/// Finds the Python, and makes the environments that are not there yet.
pub fn prepare(arguments: &SessionArguments, around: &PythonSearchEnv) -> Result<SessionPython, NoEnvironment> {
    let requested = arguments.python.as_deref();
    let added = packages::requirements(arguments.with.iter().map(String::as_str), &around.cwd);
    let script = arguments.script.as_deref().map(|script| around.cwd.join(script));
    let metadata = script.as_deref().map(read_metadata).transpose()?.flatten();
    let installer = Installer::find(around.path.as_deref());
    let mut environments = Vec::new();
    let mut chosen = match (&script, &metadata, &installer) {
        (Some(script), Some(metadata), Installer::Uv(uv)) => by_uv(script, metadata, uv, requested, around)?,
        (Some(script), Some(metadata), Installer::Pip) => {
            let base = choose_python::find(requested, around)?;
            let spec = EnvironmentSpec {
                base: &base.python,
                requirements: &metadata.dependencies,
                inherits: false,
                requires_python: metadata.requires_python.as_deref(),
            };
            on(&base, &spec, &installer, around, &mut environments).map_err(|error| error.of(script))?
        }
        _ => choose_python::find(requested, around)?,
    };
    if !added.is_empty() {
        let base = chosen;
        let spec = EnvironmentSpec { base: &base.python, requirements: &added, inherits: true, requires_python: None };
        chosen = on(&base, &spec, &installer, around, &mut environments)?;
    }
    if let Some(script) = script.filter(|_| metadata.is_none()) {
        let text = format!("{} has no block `# /// script`, so it adds no packages.", script.display());
        chosen.note = Some(chosen.note.map_or(text.clone(), |note| format!("{note} {text}")));
    }
    Ok(SessionPython { chosen, _environments: environments })
}

fn read_metadata(script: &Path) -> Result<Option<ScriptMetadata>, NoEnvironment> {
    let name = || script.display().to_string();
    let text = fs::read_to_string(script).map_err(|error| NoEnvironment::NoScript { script: name(), error })?;
    script_metadata::read(&text).map_err(|fault| NoEnvironment::Metadata { script: name(), fault })
}

/// uv knows more of scripts than their dependencies, brings the Python that a script asks for, and keeps environments
/// itself.
fn by_uv(
    script: &Path,
    metadata: &ScriptMetadata,
    uv: &Path,
    requested: Option<&Path>,
    around: &PythonSearchEnv,
) -> Result<Chosen, NoEnvironment> {
    let requested = requested.map(|path| choose_python::find(Some(path), around)).transpose()?;
    let executable = requested.as_ref().map(|chosen| &*chosen.python.executable);
    warn(&format_args!("uv installs {} …", what_of(script, &metadata.dependencies)));
    let python = installer::script_environment(uv, script, executable).map_err(|fault| NoEnvironment::Packages {
        what: what_of(script, &metadata.dependencies),
        fault: fault.into(),
    })?;
    Ok(choose_python::find(Some(&python), around)?)
}

/// Returns the Python of an environment that is made from `base`.
fn on(
    base: &Chosen,
    spec: &EnvironmentSpec<'_>,
    installer: &Installer,
    around: &PythonSearchEnv,
    environments: &mut Vec<Environment>,
) -> Result<Chosen, NoEnvironment> {
    let made = packages::environment(spec, installer, &|text| warn(&text));
    let made = made.map_err(|fault| NoEnvironment::Packages { what: spec.requirements.join(", "), fault })?;
    let chosen = choose_python::find(Some(&made.python), around)?;
    environments.push(made);
    Ok(Chosen { note: base.note.clone(), ..chosen })
}

impl NoEnvironment {
    /// Names the script whose packages these are.
    fn of(self, script: &Path) -> Self {
        match self {
            Self::Packages { what, fault } => Self::Packages { what: what_of(script, &[what]), fault },
            other => other,
        }
    }
}

fn what_of(script: &Path, packages: &[String]) -> String {
    let script = script.display();
    match packages.join(", ") {
        none if none.is_empty() => format!("what {script} needs"),
        packages => format!("what {script} needs ({packages})"),
    }
}
