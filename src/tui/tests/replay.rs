//! The choice of snippets to run again.

use std::sync::Arc;

use insta::assert_snapshot;

use super::*;
use crate::domain::ReplaySelection;
use crate::domain::replay::Phase;
use crate::domain::{Author, Event as SessionEvent, Replay, Restart, SnippetId};
use crate::tui::fixtures::{Story, client, failed, ok};

/// Snippets of two authors, one failure, and a new Python.
fn crashed() -> View {
    let mut story = Story::default();
    let claude = client(1, "claude-code");
    story.ran(&Author::You, "df = load()", "", ok(210));
    story.ran(&claude, "df.plot(kind=\"lin\")", "", failed(12, "ValueError", "lin is not a valid plot kind", 11));
    story.ran(&claude, "top = df.head()", "", ok(3));
    let how = "Python was killed by SIGKILL (by hand, or because memory ran out); its variables are lost.".to_owned();
    story.apply(&SessionEvent::Restarted { restart: Restart { how, ..Restart::default() }.into(), at: NOW });
    story.view()
}

#[test]
fn choosing() {
    let mut view = crashed();
    assert!(text(&mut view, 120, 40).contains("F7 replay"));
    key(&mut view, KeyCode::F(7));
    key(&mut view, KeyCode::Down);
    assert_snapshot!("replay_wide", text(&mut view, 120, 40));
    assert_snapshot!("replay_medium", text(&mut view, 80, 24));
    assert_snapshot!("replay_compact", text(&mut view, 40, 12));
}

#[test]
fn nothing_is_typed_behind_the_choices_and_enter_starts_the_chosen() {
    let mut view = crashed();
    key(&mut view, KeyCode::F(7));
    for code in
        [KeyCode::Char('x'), KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Up]
    {
        assert_eq!(key(&mut view, code), None);
    }
    assert!(view.composer.editor.is_empty());
    assert_eq!(key(&mut view, KeyCode::Enter), Some(Effect::Replay(ReplaySelection::Mine)));
    assert!(view.layers.is_empty());
    key(&mut view, KeyCode::F(7));
    key(&mut view, KeyCode::F(7));
    assert!(view.layers.is_empty());
    let mut fresh = Story::default().view();
    key(&mut fresh, KeyCode::F(7));
    assert!(fresh.layers.is_empty() && text(&mut fresh, 80, 24).contains("nothing to run again"));
}

#[test]
fn progress_and_end() {
    let mut view = crashed();
    let mut tell = |done, phase| {
        view.apply(&SessionEvent::Replay(Arc::new(Replay { by: Author::You, done, total: 2, phase })));
        let screen = text(&mut view, 120, 40);
        screen.lines().last().unwrap().to_owned()
    };
    assert!(tell(2, Phase::Done).contains("replayed 2 snippets"));
    let stopped = tell(0, Phase::Stopped(SnippetId(4), "ZeroDivisionError".into()));
    assert!(stopped.contains("the replay stopped at 4: ZeroDivisionError; 1 not run"), "{stopped}");
    let snippet = SnippetId(5);
    view.apply(&SessionEvent::Submitted {
        snippet,
        author: Author::You,
        code: "top = df.head()".into(),
        call: None,
        at: NOW,
    });
    view.apply(&SessionEvent::Replayed { snippet, of: SnippetId(3) });
    view.apply(&SessionEvent::Started { snippet, at: NOW });
    let phase = Phase::Running(SnippetId(3), snippet);
    view.apply(&SessionEvent::Replay(Arc::new(Replay { by: Author::You, done: 1, total: 2, phase })));
    view.notice = None;
    assert_snapshot!("replaying_wide", text(&mut view, 120, 40));
    assert_snapshot!("replaying_medium", text(&mut view, 80, 24));
    assert_snapshot!("replaying_compact", text(&mut view, 40, 12));
}

#[test]
fn a_restart_offers_to_save_what_there_is() {
    let mut view = crashed();
    key(&mut view, KeyCode::F(8));
    assert_eq!(key(&mut view, KeyCode::Char('s')), None, "there are no variables");
    assert_eq!(view.composer.editor.code(), "s");
    let mut view = crate::tui::fixtures::story().view();
    key(&mut view, KeyCode::F(8));
    assert!(text(&mut view, 120, 40).contains("restart and lose all variables · s: save them first"));
    assert_eq!(key(&mut view, KeyCode::Char('s')), Some(Effect::SaveAndRestart));
    assert!(view.composer.editor.is_empty() && !view.pending.restart);
}
