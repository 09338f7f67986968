//! A folder for the front of the session's PATH: `python`, `python3`, `pip` and `pip3` in it are those of the session's
//! Python, however a snippet starts them, whether or not that Python has pip and is found on PATH.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::cache;
use crate::session::discovery::paths;

/// After the line that sets `python`. A link would not do: an environment is found by the path that starts its Python.
const PYTHON: &str = "exec \"$python\" \"$@\"\n";
/// As `%pip` does it: uv where the environment has no pip. Only `uninstall` has an option for the question, and uv asks
/// none.
const PIP: &str = r#"if "$python" -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("pip"))'; then
    exec "$python" -m pip "$@"
fi
if ! command -v uv > /dev/null; then
    echo "$python has no pip, and uv is not on PATH. \`python -m ensurepip\` gives it pip." >&2
    exit 1
fi
for word do
    shift
    case $word in -y | --yes) ;; *) set -- "$@" "$word" ;; esac
done
case $1 in
    [a-z]*)
        verb=$1
        shift
        exec uv pip "$verb" --python "$python" "$@"
        ;;
    *) exec uv pip "$@" ;;
esac
"#;

/// Writes the programs of this Python, and returns their folder.
pub fn folder(python: &Path) -> io::Result<PathBuf> {
    let cache = cache::path()?;
    cache::make_private_folder(&cache)?;
    write(&cache, python)
}

fn write(cache: &Path, python: &Path) -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    python.hash(&mut hasher);
    let folder = cache.join(format!("bin-{:016x}", hasher.finish()));
    cache::make_private_folder(&folder)?;
    for (name, script) in [("python", PYTHON), ("python3", PYTHON), ("pip", PIP), ("pip3", PIP)] {
        let text =
            [b"#!/bin/sh\n# Written by fourhands.\npython=", &*quoted(python), b"\n", script.as_bytes()].concat();
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|known| known == text) {
            continue;
        }
        // Another session may run the program at this moment.
        let draft = folder.join(format!(".{name}-{}", std::process::id()));
        paths::draft(&draft, 0o700)?.write_all(&text)?;
        fs::rename(&draft, &path)?;
    }
    Ok(folder)
}

/// The path as one word of a shell.
fn quoted(path: &Path) -> Vec<u8> {
    let inner = path.as_os_str().as_bytes().iter().flat_map(|byte| match byte {
        b'\'' => &b"'\\''"[..],
        byte => std::slice::from_ref(byte),
    });
    [b'\''].iter().chain(inner).chain(b"'").copied().collect()
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    fn program(path: &Path, script: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn python_and_pip_are_those_of_the_session() {
        let root = tempfile::tempdir().unwrap();
        let (with_pip, without) = (root.path().join("it's $here/python"), root.path().join("bare/python"));
        program(&with_pip, "[ \"$1\" = -c ] || echo \"$0 $*\"");
        program(&without, "[ \"$1\" = -c ] && exit 1; echo \"$0 $*\"");
        let uv = root.path().join("uv/uv");
        program(&uv, "for word do printf '<%s>' \"$word\"; done");
        let ran = |python: &Path, line: &[&str], path: &Path| {
            let folder = write(root.path(), python).unwrap();
            let output = Command::new(folder.join(line[0])).args(&line[1..]).env("PATH", path).output().unwrap();
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap().trim().to_owned()
        };
        let nothing = root.path().join("nothing");
        assert_eq!(ran(&with_pip, &["python3", "-V", "a b"], &nothing), format!("{} -V a b", with_pip.display()));
        assert_eq!(ran(&with_pip, &["pip", "list"], &nothing), format!("{} -m pip list", with_pip.display()));
        assert!(ran(&without, &["pip3", "list"], &nothing).contains("has no pip, and uv is not on PATH"));
        let expected = format!("<pip><uninstall><--python><{}><x>1>", without.display());
        assert_eq!(ran(&without, &["pip", "uninstall", "-y", "x>1"], uv.parent().unwrap()), expected);
        assert_eq!(ran(&without, &["pip", "--version"], uv.parent().unwrap()), "<pip><--version>");
    }
}
