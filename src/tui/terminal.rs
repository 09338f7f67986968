//! The terminal's modes and output. One guard enters and restores the terminal, however the dashboard ends.

pub(in crate::tui) mod ambiguous_width;
mod backend;
pub(in crate::tui) mod background_query;
pub(in crate::tui) mod decoder;
pub(in crate::tui) mod notifications;
pub(in crate::tui) mod osc;
pub(in crate::tui) mod reader;

use std::fs::File;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::SetCursorStyle;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use crossterm::{cursor, queue};
use nix::sys::termios::{SetArg, Termios, tcsetattr};
use ratatui::Terminal;
use ratatui::backend::WindowSize;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use self::ambiguous_width::AmbiguousWidth;
use self::backend::{FrameWriter, TerminalBackend, cook, make_raw, window_size};
use self::background_query::QUERY;
use self::osc::{OscWriter, Progress};
use super::owner::TerminalOwner;
use crate::session::outlet::write_all;

/// The capacity that the buffer keeps after a larger frame.
const FRAME_CAPACITY: usize = 64 << 10;

/// Buttons, the wheel and drags, but no plain movement, which would wake the dashboard.
const TAKE_MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const RELEASE_MOUSE: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

pub struct Screen {
    terminal: Terminal<TerminalBackend>,
    frame: FrameWriter,
    ambiguous: AmbiguousWidth,
    tty: Rc<File>,
    /// The modes before raw mode.
    modes: Option<Termios>,
    entered: bool,
    /// The cursor's shape; `None` for the person's own.
    shape: Option<SetCursorStyle>,
    mouse: bool,
    queries_background: bool,
    osc_writer: OscWriter,
    owner: Arc<dyn TerminalOwner>,
}

impl Screen {
    /// `queries_background`: whether to query the background colour, see [`self::background_query`].
    pub fn new(
        tty: File,
        mouse: bool,
        queries_background: bool,
        osc_writer: OscWriter,
        owner: Arc<dyn TerminalOwner>,
    ) -> io::Result<Self> {
        let frame = FrameWriter::default();
        let tty = Rc::new(tty);
        let terminal = Terminal::new(TerminalBackend::new(frame.clone(), tty.clone()))?;
        let ambiguous = AmbiguousWidth::default();
        Ok(Self {
            terminal,
            frame,
            ambiguous,
            tty,
            modes: None,
            entered: false,
            shape: None,
            mouse,
            queries_background,
            osc_writer,
            owner,
        })
    }

    /// Writes the collected bytes at once.
    fn commit(&mut self) -> io::Result<()> {
        let mut frame = self.frame.0.borrow_mut();
        let written = write_all(&self.tty, &frame);
        frame.clear();
        frame.shrink_to(FRAME_CAPACITY);
        written
    }

    /// Enters raw mode and the alternate screen, with bracketed paste and, where possible, unambiguous keys.
    pub fn enter(&mut self) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.entered, true);
        if first {
            cook(&self.tty);
        }
        let before = make_raw(&self.tty)?;
        self.modes.get_or_insert(before);
        self.set_modes()?;
        if first {
            self.owner.on_terminal(true);
        }
        self.redraw()
    }

    fn set_modes(&mut self) -> io::Result<()> {
        queue!(
            self.frame,
            EnterAlternateScreen,
            // A character that is wider in the terminal than here must not run over into the next row.
            DisableLineWrap,
            EnableBracketedPaste,
            EnableFocusChange,
            PushKeyboardEnhancementFlags(
                KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
                    // Also tells the key of a Latin layout, for shortcuts in other layouts.
                    | KeyboardEnhancementFlags::REPORT_ALTERNATE_KEYS
            )
        )?;
        self.frame.write_all(if self.mouse { TAKE_MOUSE } else { RELEASE_MOUSE })?;
        self.frame.write_all(self.osc_writer.enter().as_bytes())?;
        if self.queries_background {
            self.frame.write_all(QUERY)?;
        }
        self.commit()
    }

    /// Sets title and progress with the next frame.
    pub fn show(&mut self, title: String, progress: Progress) {
        let sequences = self.osc_writer.title(title) + &self.osc_writer.progress(progress);
        self.frame.0.borrow_mut().extend_from_slice(sequences.as_bytes());
    }

    /// Sends a notice to a person who looks elsewhere, with the next frame.
    pub fn notify(&mut self, text: &str) {
        self.frame.0.borrow_mut().extend_from_slice(self.osc_writer.notice(text).as_bytes());
    }

    /// Captures the mouse, or leaves it to the terminal.
    pub fn capture_mouse(&mut self, mouse: bool) -> io::Result<()> {
        self.mouse = mouse;
        self.frame.write_all(if mouse { TAKE_MOUSE } else { RELEASE_MOUSE })?;
        self.commit()
    }

    /// Puts text into the clipboard of the person's terminal.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.frame, CopyToClipboard::to_clipboard_from(text))?;
        self.commit()
    }

    /// Erases a graphic with the sequence that makes the terminal forget it. The next frame draws every cell.
    pub fn erase(&mut self, forget: &str) -> io::Result<()> {
        self.frame.write_all(forget.as_bytes())?;
        self.redraw()
    }

    /// The size in cells and in pixels.
    pub fn window_size(&self) -> io::Result<WindowSize> {
        window_size(&self.tty)
    }

    /// Makes the next frame draw every cell.
    pub fn redraw(&mut self) -> io::Result<()> {
        let Size { width, height } = self.window_size()?.columns_rows;
        // Unlike `clear`, `resize` does not query the cursor position, which would race with the keys.
        self.terminal.resize(Rect::new(0, 0, width, height))
    }

    /// Draws a frame in one write, within a synchronized update.
    pub fn draw(&mut self, paint: impl FnOnce(Rect, &mut Buffer) -> Option<Position>) -> io::Result<()> {
        queue!(self.frame, BeginSynchronizedUpdate)?;
        let ambiguous = &mut self.ambiguous;
        self.terminal.draw(|frame| {
            let area = frame.area();
            let cursor = paint(area, frame.buffer_mut());
            ambiguous.mark(frame.buffer_mut());
            if let Some(position) = cursor {
                frame.set_cursor_position(position);
            }
        })?;
        queue!(self.frame, EndSynchronizedUpdate)?;
        self.commit()
    }

    /// Sets the cursor's shape from the next frame on; `None` for the person's own.
    pub fn set_shape(&mut self, shape: Option<SetCursorStyle>) -> io::Result<()> {
        if self.shape != shape {
            queue!(self.frame, shape.unwrap_or(SetCursorStyle::DefaultUserShape))?;
            self.shape = shape;
        }
        Ok(())
    }

    /// Leaves the terminal in its modes for the dashboard of the next process, which the guardian starts.
    pub fn hand_over(&mut self) {
        self.entered = false;
    }

    /// Restores the terminal. Repeated calls are safe.
    pub fn leave(&mut self) {
        if !std::mem::replace(&mut self.entered, false) {
            return;
        }
        self.frame.0.borrow_mut().clear();
        let _ = self.set_shape(None);
        // If the terminal is gone, there is nothing to restore.
        let _ = self.frame.write_all(self.osc_writer.leave().as_bytes());
        let _ = self.frame.write_all(RELEASE_MOUSE);
        let _ = queue!(
            self.frame,
            PopKeyboardEnhancementFlags,
            DisableFocusChange,
            DisableBracketedPaste,
            EnableLineWrap,
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = self.commit();
        if let Some(modes) = self.modes.take() {
            let _ = tcsetattr(&*self.tty, SetArg::TCSANOW, &modes);
        }
        self.owner.on_terminal(false);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}
