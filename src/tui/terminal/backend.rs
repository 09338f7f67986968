//! Ratatui's backend and the raw mode on the dashboard's own terminal. Crossterm would use that of the process, which
//! may be another one, or none.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::rc::Rc;

use nix::sys::termios::{InputFlags, LocalFlags, OutputFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Collects a whole frame, whatever flushes the backend requests.
#[derive(Clone, Default)]
pub struct FrameWriter(pub Rc<RefCell<Vec<u8>>>);

impl Write for FrameWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct TerminalBackend {
    writer: CrosstermBackend<FrameWriter>,
    tty: Rc<File>,
}

impl TerminalBackend {
    pub fn new(frame: FrameWriter, tty: Rc<File>) -> Self {
        Self { writer: CrosstermBackend::new(frame), tty }
    }
}

impl Backend for TerminalBackend {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        self.writer.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.writer.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.writer.show_cursor()
    }

    /// The terminal is never asked: its answer would come among the keys.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.writer.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.writer.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.writer.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(window_size(&self.tty)?.columns_rows)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        window_size(&self.tty)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the size of a terminal; in pixels zero where the terminal does not tell.
#[allow(unsafe_code, reason = "nix has no call for the size of a terminal")]
pub fn window_size(tty: &File) -> io::Result<WindowSize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open, and `size` is a valid place to write to.
    if unsafe { libc::ioctl(tty.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(WindowSize {
        columns_rows: Size::new(size.ws_col, size.ws_row),
        pixels: Size::new(size.ws_xpixel, size.ws_ypixel),
    })
}

/// Sets raw mode, and returns the modes before.
pub fn make_raw(tty: &File) -> io::Result<Termios> {
    let before = tcgetattr(tty)?;
    let mut raw = before.clone();
    cfmakeraw(&mut raw);
    tcsetattr(tty, SetArg::TCSANOW, &raw)?;
    Ok(before)
}

/// Sets ordinary terminal modes. A dashboard that crashed left the terminal raw, and raw mode must not become the state
/// to restore.
pub fn cook(tty: &File) {
    if let Ok(mut modes) = tcgetattr(tty)
        && !modes.local_flags.contains(LocalFlags::ICANON)
    {
        modes.input_flags |= InputFlags::ICRNL | InputFlags::BRKINT;
        modes.output_flags |= OutputFlags::OPOST | OutputFlags::ONLCR;
        modes.local_flags |= LocalFlags::ICANON
            | LocalFlags::ECHO
            | LocalFlags::ECHOE
            | LocalFlags::ECHOK
            | LocalFlags::ISIG
            | LocalFlags::IEXTEN;
        let _ = tcsetattr(tty, SetArg::TCSANOW, &modes);
    }
}
