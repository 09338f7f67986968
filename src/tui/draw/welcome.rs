//! The screen before the first snippet: how to run code, how to connect a client, what to say to it; or what the demo
//! is.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::canvas::put;
use super::layout::{Layout, SizeClass};
use crate::domain::welcome::{DEMO, SAY_TO_THE_ASSISTANT};
use crate::tui::input::keymap::Action;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// A line of pieces with their styles.
type WelcomeLine = Vec<(String, Style)>;

pub fn draw(view: &View, layout: &Layout, buffer: &mut Buffer) {
    let area = layout.transcript;
    let room = usize::from(area.width.saturating_sub(layout.margin));
    let mut lines = lines(view, layout.class == SizeClass::Compact, room);
    if layout.header.is_none() {
        let about = format!("Python {} in {}", view.info.python_version, view.short_cwd());
        lines.extend([Vec::new(), vec![(text::cut(&about, room).into_owned(), theme::DIM)]]);
    }
    // Space between the paragraphs goes first where there is little.
    if lines.len() > usize::from(area.height) {
        lines.retain(|line| !line.is_empty());
    }
    let is_roomy = lines.len() + 2 < usize::from(area.height);
    let top = area.y + u16::from(layout.header.is_none() && is_roomy);
    for (row, line) in (top..area.bottom()).zip(lines) {
        let mut x = area.x + layout.margin;
        for (text, style) in line {
            x = put(buffer, area, x, row, &text, style);
        }
    }
}

fn lines(view: &View, is_compact: bool, room: usize) -> Vec<WelcomeLine> {
    let plain = |text: &str| (text.to_owned(), theme::PLAIN);
    if view.info.is_demo {
        let sentences = DEMO.iter().map(|sentence| format!("{sentence}.").replace('`', ""));
        let paragraphs = sentences.flat_map(|sentence| [text::fill(&sentence, room), vec![String::new()]].concat());
        return paragraphs.map(|line| if line.is_empty() { Vec::new() } else { vec![plain(&line)] }).collect();
    }
    let key = |text: &str| (text.to_owned(), theme::KEY);
    let (run, help) = (view.keys.key_hint(Action::Enter), view.keys.key_hint(Action::Help));
    let mut lines = vec![
        vec![plain("Type Python below; "), key(&run), plain(" runs it.")],
        vec![key(&help), plain(" shows the keys.")],
        Vec::new(),
    ];
    let here: Vec<_> = view.transcript.clients().iter().map(|client| text::name(&client.name).into_owned()).collect();
    let been: Vec<_> = view.client_order.names().map(|name| text::name(name).into_owned()).collect();
    let say = if here.is_empty() { "Then say to the assistant:" } else { "Say to the assistant:" };
    if !here.is_empty() {
        lines.push(vec![plain(&text::cut(&format!("Connected: {}.", here.join(", ")), room))]);
    } else if is_compact {
        lines.push(vec![plain("Connect a client: "), key("fourhands setup")]);
    } else {
        let first = match &*been {
            [] => "No AI client has connected yet. In another terminal: ".to_owned(),
            been => format!("{} has left. Start it again, or connect another: ", been.join(", ")),
        };
        lines.push(vec![plain(&first), key("fourhands setup")]);
        let program = text::name(&view.info.program.to_string_lossy()).into_owned();
        let command = format!("{program} bridge");
        lines.push(vec![plain("By hand, this is its MCP server command: ")]);
        lines.push(vec![plain("  "), key(&text::cut_front(&command, room.saturating_sub(2)))]);
    }
    lines.push(Vec::new());
    lines.push(vec![plain(say)]);
    let sentence = text::fill(SAY_TO_THE_ASSISTANT, room.saturating_sub(2));
    lines.extend(sentence.iter().map(|line| vec![plain("  "), plain(line)]));
    lines
}
