//! The choice among the running sessions.

use std::path::Path;

use super::registry::SessionEntry;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Use(Box<SessionEntry>),
    /// The session of this name does not run.
    NotRunning(String),
    /// Several sessions run, none of them in the bridge's folder or above.
    Several,
    NoneRunning,
}

/// Chooses by the name in the flag, then by the name in the environment, then the session of `cwd` or of the nearest
/// folder above, then the only session. Links in `cwd` and in the folders of the records are resolved.
pub fn choose(explicit: Option<&str>, env: Option<&str>, cwd: &Path, running: &[SessionEntry]) -> Choice {
    let named = [explicit, env].into_iter().flatten().map(str::trim).find(|name| !name.is_empty());
    if let Some(name) = named {
        let found = running.iter().find(|record| record.name == name);
        return found
            .map_or_else(|| Choice::NotRunning(name.to_owned()), |record| Choice::Use(Box::new(record.clone())));
    }
    let above = running.iter().filter(|record| cwd.starts_with(&record.cwd));
    let nearest = above.max_by_key(|record| (record.cwd.components().count(), record.started_at));
    match (nearest, running) {
        (Some(record), _) | (None, [record]) => Choice::Use(Box::new(record.clone())),
        (None, []) => Choice::NoneRunning,
        (None, _) => Choice::Several,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flag, the environment, the folder, the running sessions, and the choice.
    type Case<'a> = (Option<&'a str>, Option<&'a str>, &'a str, &'a [SessionEntry], &'a str);

    fn record(name: &str, cwd: &str, started_at: u64) -> SessionEntry {
        SessionEntry {
            name: name.to_owned(),
            pid: 1,
            boot: String::new(),
            machine: String::new(),
            cwd: cwd.into(),
            socket: format!("/run/{name}.sock").into(),
            python: None,
            python_version: None,
            dashboard: None,
            held: None,
            private: false,
            trouble: None,
            id: None,
            started_at,
        }
    }

    #[test]
    fn flag_then_environment_then_nearest_folder_then_the_only_one() {
        let all = [
            record("root", "/", 9),
            record("proj", "/home/me/proj", 1),
            record("api", "/home/me/proj/api", 2),
            record("api-2", "/home/me/proj/api", 3),
            record("other", "/srv/other", 4),
        ];
        let lonely = &all[4..];
        let apart = &all[3..];
        let cases: &[Case<'_>] = &[
            (Some("other"), Some("api"), "/home/me/proj", &all, "other"),
            (None, Some("api"), "/home/me/proj", &all, "api"),
            (Some(""), Some(""), "/home/me/proj", &all, "proj"),
            (Some("gone"), Some("api"), "/home/me/proj", &all, "not running: gone"),
            (None, Some("gone"), "/srv/other", lonely, "not running: gone"),
            (None, None, "/home/me/proj", &all, "proj"),
            (None, None, "/home/me/proj/src/deep", &all, "proj"),
            (None, None, "/home/me/proj/api/v1", &all, "api-2"),
            // A folder whose name begins alike is not above.
            (None, None, "/home/me/project", &all, "root"),
            (None, None, "/home/me/project", apart, "several"),
            (None, None, "/home/me/project", lonely, "other"),
            (None, None, "/home/me/project", &[], "none"),
        ];
        for (explicit, env, cwd, running, expected) in cases {
            let chosen = match choose(*explicit, *env, Path::new(cwd), running) {
                Choice::Use(record) => record.name,
                Choice::NotRunning(name) => format!("not running: {name}"),
                Choice::Several => "several".to_owned(),
                Choice::NoneRunning => "none".to_owned(),
            };
            assert_eq!(chosen, *expected, "{explicit:?} {env:?} {cwd}");
        }
    }
}
