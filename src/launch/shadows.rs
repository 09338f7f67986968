//! Files of the person that Python takes for modules of its own library.

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::probe;

/// Names that are read in one folder.
const MAX_NAMES: usize = 20_000;

/// A file that Python imports in the place of a module of its own. Displays as a sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    module: String,
    file: PathBuf,
    /// Where Python found the file.
    place: &'static str,
}

impl fmt::Display for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, file, place } = self;
        write!(
            f,
            "{} takes the place of Python's own module {module}, also for libraries that import that; rename it, or move \
             it out of {place}",
            file.display()
        )
    }
}

/// A folder that Python searches before its own library, and what that is.
pub type SearchedFolder = (PathBuf, &'static str);

/// Returns the files that take the place of modules of the Python `executable`.
pub fn find(executable: &Path) -> Vec<Shadow> {
    let candidates = candidates(&folders());
    if candidates.is_empty() {
        return Vec::new();
    }
    among(&probe::own_modules(executable).unwrap_or_default(), candidates)
}

/// Returns the files in `folders` that take the place of one of the `modules`.
pub fn of_modules(modules: &BTreeSet<String>, folders: &[SearchedFolder]) -> Vec<Shadow> {
    among(modules, candidates(folders))
}

/// Returns the folders of this process.
pub fn folders() -> Vec<SearchedFolder> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let here = env::current_dir().ok();
    let path = set("PYTHONPATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let path = path.into_iter().map(|folder| here.as_ref().map_or_else(|| folder.clone(), |here| here.join(&folder)));
    let first =
        here.clone().filter(|_| set("PYTHONSAFEPATH").is_none()).map(|folder| (folder, "the working directory"));
    first.into_iter().chain(path.map(|folder| (folder, "PYTHONPATH"))).collect()
}

fn among(modules: &BTreeSet<String>, candidates: Vec<Shadow>) -> Vec<Shadow> {
    let mut seen = BTreeSet::new();
    let is_one = |found: &Shadow| modules.contains(&found.module) && seen.insert(found.module.clone());
    let mut found: Vec<_> = candidates.into_iter().filter(is_one).collect();
    found.sort_by(|a, b| a.module.cmp(&b.module));
    found
}

/// The modules in the folders.
fn candidates(folders: &[SearchedFolder]) -> Vec<Shadow> {
    folders.iter().flat_map(|(folder, place)| modules_in(folder, place)).collect()
}

fn modules_in(folder: &Path, place: &'static str) -> Vec<Shadow> {
    let entries = fs::read_dir(folder);
    let module = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let mut file = entry.path();
        let module = match name.split_once('.') {
            Some((module, ending)) if ["py", "pyc", "so"].contains(&ending.rsplit('.').next()?) => module,
            // A folder without the file loses against the module of the library.
            None => {
                file.push("__init__.py");
                file.is_file().then_some(&*name)?
            }
            Some(_) => return None,
        };
        Some(Shadow { module: module.to_owned(), file, place })
    };
    entries.into_iter().flatten().flatten().take(MAX_NAMES).filter_map(module).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_packages_and_libraries_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["random.py", "json.cpython-312-x86_64-linux-gnu.so", "notes.txt", "mine.py"] {
            fs::write(at(name), "").unwrap();
        }
        for name in ["email", "types"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("email/__init__.py"), "").unwrap();
        let modules = ["random", "json", "email", "types", "notes"].map(str::to_owned).into();
        let found = among(&modules, modules_in(folder.path(), "PYTHONPATH"));
        let names: Vec<_> = found.iter().map(|shadow| &*shadow.module).collect();
        assert_eq!(names, ["email", "json", "random"]);
        let text = found[2].to_string();
        assert!(
            text.contains("random.py takes the place of Python's own module random") && text.contains("PYTHONPATH")
        );
    }
}
