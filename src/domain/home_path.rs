//! Paths in the home folder, as people write and read them: `~/data`.

use std::path::{Path, PathBuf};

/// Writes the home folder as `~`.
#[must_use]
pub fn shorten(path: &str, home: Option<&str>) -> String {
    match home.filter(|home| home.len() > 1).and_then(|home| path.strip_prefix(home)) {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

/// Returns the path that a person wrote: `~` is the home folder, other paths are seen from `folder`.
#[must_use]
pub fn expand(path: &str, home: Option<&str>, folder: &Path) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => PathBuf::from(home),
        (Some(rest), Some(home)) if rest.starts_with('/') => Path::new(home).join(rest.trim_start_matches('/')),
        _ => folder.join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_the_home_folder() {
        let shorten = |path| shorten(path, Some("/home/ada"));
        assert_eq!(shorten("/home/ada"), "~");
        assert_eq!(shorten("/home/ada/work"), "~/work");
        assert_eq!(shorten("/home/adam"), "/home/adam");
        assert_eq!(super::shorten("/srv", Some("/")), "/srv");
        assert_eq!(expand("~/a.py", Some("/home/ada"), Path::new("/srv")), Path::new("/home/ada/a.py"));
        assert_eq!(expand("a.py", Some("/home/ada"), Path::new("/srv")), Path::new("/srv/a.py"));
        assert_eq!(expand("~", Some("/home/ada"), Path::new("/srv")), Path::new("/home/ada"));
        assert_eq!(expand("~eve/a", Some("/home/ada"), Path::new("/srv")), Path::new("/srv/~eve/a"));
        assert_eq!(expand("/tmp/a.py", None, Path::new("/srv")), Path::new("/tmp/a.py"));
    }
}
