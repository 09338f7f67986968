//! Edits, selections and undo of a text.

use super::lines;
use super::position::Pos;
use super::text_buffer::TextBuffer;
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::random::Random;

/// A place that exists, anywhere in the text.
fn any_pos(random: &mut Random, buffer: &TextBuffer) -> Pos {
    let row = random.below(buffer.lines().len());
    let line = &buffer.lines()[row];
    Pos::new(row, floor_char_boundary(line, random.below(line.len() + 1)))
}

#[test]
fn edits_do_to_the_text_what_they_do_to_plain_lines() {
    let texts = ["", "x", "\n", "\t", "漢字", "e\u{301}", "👨‍👩‍👧", "a\r\nb", "one\n  two\n", "end\r", "ｶﾞ", "\u{200b}"];
    for mut random in Random::rounds(20, 200) {
        let mut buffer = TextBuffer::default();
        let mut expected = lines::split("");
        for _ in 0..40 {
            let (a, b) = (any_pos(&mut random, &buffer), any_pos(&mut random, &buffer));
            let (range, text) = (a.min(b)..a.max(b), lines::without_returns(random.one(&texts)));
            let start = range.start;
            lines::replace(&mut expected, range.clone(), &text);
            buffer.begin_undo_step();
            buffer.replace(range, &text);
            assert_eq!(buffer.lines(), expected);
            assert_eq!(buffer.cursor(), start.after(&text));
            let to = any_pos(&mut random, &buffer);
            buffer.go(to, random.below(2) == 0);
            assert_eq!(buffer.cursor(), to);
        }
        buffer.undo(usize::MAX);
        assert!(buffer.is_empty());
        buffer.redo(usize::MAX);
        assert_eq!(buffer.lines(), expected);
    }
}

#[test]
fn texts_beyond_the_reach_of_the_area_are_edited_all_the_same() {
    let many = usize::from(u16::MAX) + 10;
    for (text, at) in [("é".repeat(many), Pos::new(0, 2 * (many - 3))), ("\n".repeat(many) + "end", Pos::new(many, 1))]
    {
        let mut buffer = TextBuffer::default();
        buffer.reset(&text);
        buffer.go(at, false);
        assert_eq!(buffer.cursor(), at);
        buffer.insert("(\n)");
        assert_eq!(buffer.cursor(), at.after("(\n)"));
        buffer.undo(1);
        assert!(buffer.cursor() == at && buffer.text() == text);
        let (left, right) = (buffer.left(at), buffer.right(at));
        buffer.go(left, false);
        buffer.go(right, true);
        assert_eq!(buffer.selection(), Some(left..right));
        buffer.erase(left..right);
        assert_eq!((buffer.cursor(), buffer.text().len()), (left, text.len() - 2 * (at.byte - left.byte)));
    }
}
