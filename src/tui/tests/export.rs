//! Writing the session to a file: the prompt and its messages.

use insta::assert_snapshot;

use super::*;
use crate::tui::fixtures::{info, story};
use crate::tui::overlays::export::{Refused, write};

const F9: KeyCode = KeyCode::F(9);

fn name(view: &View) -> String {
    view.layers.export().expect("the prompt").file()
}

#[test]
fn the_prompt() {
    let mut view = story().view();
    key(&mut view, F9);
    // A fixed date in place of the local one.
    ctrl(&mut view, 'u');
    typed(&mut view, "sales-2027-01-15.ipynb");
    assert_snapshot!("export_wide", text(&mut view, 120, 40));
    assert_snapshot!("export_medium", text(&mut view, 80, 24));
    assert_snapshot!("export_compact", text(&mut view, 40, 12));
}

#[test]
fn a_name_that_is_taken_is_asked_for_twice() {
    let mut view = story().view();
    typed(&mut view, "draft");
    key(&mut view, F9);
    assert!(name(&view).starts_with("sales-20") && name(&view).contains(".ipynb"), "{}", name(&view));
    for ending in [".md", ".html", ".json", ".py"] {
        key(&mut view, KeyCode::Tab);
        assert!(name(&view).ends_with(ending) && name(&view).matches('.').count() == 1, "{}", name(&view));
    }
    ctrl(&mut view, 'u');
    typed(&mut view, "a.txt");
    assert_eq!(key(&mut view, KeyCode::Enter), None);
    assert!(text(&mut view, 80, 24).contains("the name must end in .py"), "{}", text(&mut view, 80, 24));
    ctrl(&mut view, 'u');
    view.on_terminal(&Event::Paste("b.\npy".into()), NOW);
    assert_eq!(name(&view), "b. py");
    ctrl(&mut view, 'u');
    let export = |file: &str, replaces| Some(Effect::Export { file: file.to_owned(), replaces });
    assert_eq!(typed(&mut view, "a.py\n"), export("a.py", false));
    assert_eq!(key(&mut view, KeyCode::Enter), None, "it is being written");
    let there = Refused { why: "/work/a.py already exists".to_owned(), exists: true };
    view.on_exported(Err(there.clone()));
    assert!(text(&mut view, 80, 24).contains("already exists; Enter replaces it"));
    assert_eq!(key(&mut view, KeyCode::Enter), export("a.py", true));
    view.on_exported(Err(there));
    assert_eq!(key(&mut view, KeyCode::Home), None);
    assert_eq!(typed(&mut view, "a\n"), export("aa.py", false), "another name is another file");
    view.on_exported(Ok("4 snippets written to /work/aa.py".to_owned()));
    let screen = text(&mut view, 80, 24);
    assert!(
        view.layers.export().is_none() && screen.contains("written to /work/aa.py") && screen.contains("draft"),
        "{screen}"
    );
    key(&mut view, F9);
    assert_eq!(ctrl(&mut view, 'c'), Some(Effect::Interrupt), "what runs can still be interrupted");
    key(&mut view, KeyCode::Esc);
    assert!(view.layers.export().is_none() && view.composer.editor.code() == "draft");
}

#[test]
fn the_file_lies_where_the_session_began() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let (info, transcript) = (crate::domain::SessionInfo { cwd: folder.path().into(), ..info() }, story().transcript);
    let write = |file| write(file, false, &info, home.path().to_str(), &transcript);
    let message = write("a.md").unwrap();
    assert_eq!(message, format!("4 snippets written to {}", folder.path().join("a.md").display()));
    let document = std::fs::read_to_string(folder.path().join("a.md")).unwrap();
    assert!(document.contains("## \\[14\\] claude-code") && document.contains("epoch 18"), "{document}");
    assert!(write("a.md").is_err_and(|refused| refused.exists));
    assert!(write("~/b.html").is_ok() && home.path().join("b.html").exists());
    assert!(write("no/a.py").is_err_and(|refused| !refused.exists));
}
