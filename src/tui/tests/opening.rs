//! What Enter opens of a card.

use super::*;
use crate::domain::{Aspect, Author, DisplayedFrame, FramePreview, InspectError, Outcome, SnippetId, VariableKind};
use crate::tui::fixtures::{Story, ok, variable};
use crate::tui::tests::inspector::{asked, inspect};

/// A frame that is the value of a snippet.
fn with_frame_result(code: &str) -> View {
    let mut story = Story::default();
    let frame = FramePreview {
        rows: 3,
        columns: 1,
        names: vec!["x".to_owned()],
        cells: vec![vec!["1".to_owned()]; 3],
        head: 3,
        ..FramePreview::default()
    };
    let value = Outcome { result: Some("DataFrame".into()), frame: Some(frame.into()), ..ok(1) };
    story.ran(&Author::You, code, "", value);
    with_wide_selected(story)
}

/// The only card is selected, whose snippet has set `wide`.
fn with_wide_selected(mut story: Story) -> View {
    let mut wide = variable("wide", VariableKind::Data, "DataFrame", "3×1", "");
    wide.set_by = Some(SnippetId(1));
    story.variables(vec![wide]);
    let mut view = story.view();
    screen(&mut view, 80, 24);
    press(&mut view, KeyCode::Up, KeyModifiers::ALT);
    view
}

#[test]
fn the_value_of_a_card_opens() {
    let mut view = with_frame_result("wide");
    assert_eq!(asked(key(&mut view, KeyCode::Enter)), Some(inspect("wide", Aspect::Rows, 0, 1)));
    let mut view = with_frame_result("wide.head()");
    let Some(Effect::Inspect { request, .. }) = key(&mut view, KeyCode::Enter) else { panic!("no request") };
    assert_eq!((&*request.path, request.result_of), ("_", Some(SnippetId(1))));
    assert!(text(&mut view, 80, 24).contains("result of 1: _"));
    let gone = InspectError::Refused("the value of snippet 1 is gone: only its text is kept".to_owned());
    let again = view.on_inspected(1, Err(gone.clone()), NOW);
    assert_eq!(asked(again), Some(inspect("_", Aspect::Overview, 0, 2)), "perhaps the value has no rows");
    view.on_inspected(2, Err(gone), NOW);
    let shown = text(&mut view, 80, 24);
    assert!(shown.contains("DataFrame") && shown.contains("output of 1") && shown.contains("is gone"), "{shown}");
}

#[test]
fn a_frame_that_was_displayed_by_its_name_opens() {
    let opened = |code: &str, output: &str| {
        let mut story = Story::default();
        let shown = DisplayedFrame { text: "   x\n0  1".to_owned(), frame: FramePreview::default() };
        story.ran(&Author::You, code, output, Outcome { result: None, frames: vec![shown.into()], ..ok(1) });
        asked(key(&mut with_wide_selected(story), KeyCode::Enter))
    };
    let rows = Some(inspect("wide", Aspect::Rows, 0, 1));
    assert_eq!(opened("display(wide)", "   x\n0  1\n"), rows);
    assert_eq!(opened("wide = make()\ndisplay(wide);", "   x\n0  1\n"), rows);
    assert_eq!(opened("display(other)", "   x\n0  1\n"), None, "it has no such name any more");
    assert_eq!(opened("display(wide)", "read\n   x\n0  1\n"), None, "the whole output says more");
}
