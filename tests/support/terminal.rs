//! A pseudo-terminal with the program in it, and what a person would see there.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use super::{BINARY, DEADLINE, Home};

/// A frame whose end has not come for so long is shown as far as it came: its program may be dead.
const FRAME_TIMEOUT: Duration = Duration::from_secs(2);
const FRAME_BEGIN: &[u8] = b"\x1b[?2026h";
const FRAME_END: &[u8] = b"\x1b[?2026l";

pub struct Terminal {
    screen: Arc<Mutex<Screen>>,
    reading: std::thread::JoinHandle<()>,
    received: Arc<Mutex<Vec<u8>>>,
    writer: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    pub child: Box<dyn Child + Send + Sync>,
}

/// Shows a synchronized update as a whole or not at all, as terminals do, so that no test reads half a frame.
pub struct Screen {
    parser: vt100::Parser,
    /// Bytes that came and are not shown yet: the beginning of a frame.
    held: Vec<u8>,
    held_since: Instant,
}

impl Screen {
    fn new(rows: u16, columns: u16) -> Self {
        let parser = vt100::Parser::new(cells(rows), cells(columns), 1_000);
        Self { parser, held: Vec::new(), held_since: Instant::now() }
    }

    fn process(&mut self, bytes: &[u8]) {
        if self.held.is_empty() {
            self.held_since = Instant::now();
        }
        self.held.extend_from_slice(bytes);
        let last = |wanted: &[u8]| self.held.windows(wanted.len()).rposition(|window| window == wanted);
        let shown = match (last(FRAME_BEGIN), last(FRAME_END)) {
            (Some(begin), end) if end.is_none_or(|end| end < begin) => begin,
            _ => self.held.len(),
        };
        self.show(shown);
    }

    fn show(&mut self, count: usize) {
        self.parser.process(&self.held[..count]);
        self.held.drain(..count);
    }

    pub fn look(&mut self) -> &vt100::Screen {
        if !self.held.is_empty() && self.held_since.elapsed() > FRAME_TIMEOUT {
            self.show(self.held.len());
        }
        self.parser.screen()
    }
}

impl Terminal {
    /// Starts `fourhands` with these arguments.
    pub fn start(home: &Home, arguments: &[&str], rows: u16, columns: u16) -> Self {
        let mut command = CommandBuilder::new(BINARY);
        command.args(arguments);
        Self::run(home, command, rows, columns)
    }

    /// Starts any command.
    pub fn run(home: &Home, mut command: CommandBuilder, rows: u16, columns: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env_clear();
        for (name, value) in home.environment() {
            command.env(name, value);
        }
        command.cwd(home.work());
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(Screen::new(rows, columns)));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shared = screen.clone();
        let received = Arc::new(Mutex::new(Vec::new()));
        let all = received.clone();
        let reading = std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                shared.lock().unwrap().process(&buffer[..count]);
                all.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { screen, received, reading, writer: pair.master.take_writer().unwrap(), master: pair.master, child }
    }

    /// Whoever holds this keeps the terminal from taking anything more.
    pub fn reader(&self) -> Arc<Mutex<Screen>> {
        self.screen.clone()
    }

    /// Unlike [`Terminal::resize`], also while somebody holds the [`Terminal::reader`].
    pub fn resize_unseen(&self, rows: u16, columns: u16) {
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        self.screen.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// What stands on the screen, line by line.
    pub fn text(&self) -> String {
        self.screen.lock().unwrap().look().contents()
    }

    /// Cells, colours and the cursor.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.screen.lock().unwrap().look())
    }

    /// All bytes that have reached the terminal so far.
    pub fn received(&self) -> Vec<u8> {
        self.received.lock().unwrap().clone()
    }

    /// Whether the alternate screen is shown.
    pub fn is_alternate(&self) -> bool {
        self.screen.lock().unwrap().look().alternate_screen()
    }

    pub fn has_cursor(&self) -> bool {
        !self.screen.lock().unwrap().look().hide_cursor()
    }

    pub fn has_bracketed_paste(&self) -> bool {
        self.screen.lock().unwrap().look().bracketed_paste()
    }

    /// Whether clicks and the wheel are told to the program.
    pub fn has_mouse(&self) -> bool {
        self.screen.lock().unwrap().look().mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    /// What came after the first `count` of them.
    pub fn received_since(&self, count: usize) -> Vec<u8> {
        self.received.lock().unwrap()[count..].to_vec()
    }

    /// Whether these bytes have reached the terminal.
    pub fn has_received(&self, bytes: &str) -> bool {
        self.received.lock().unwrap().windows(bytes.len()).any(|window| window == bytes.as_bytes())
    }

    /// Whether the terminal is in raw mode: no echo, no line editing.
    pub fn is_raw(&self) -> bool {
        use nix::sys::termios::LocalFlags;
        !self.local_modes().intersects(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        self.local_modes().contains(nix::sys::termios::LocalFlags::ECHO)
    }

    fn local_modes(&self) -> nix::sys::termios::LocalFlags {
        let fd = self.master.as_raw_fd().unwrap();
        // SAFETY: the master lives as long as `self`.
        #[allow(unsafe_code, reason = "the master gives its descriptor as a number only")]
        let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
        nix::sys::termios::tcgetattr(fd).unwrap().local_flags
    }

    pub fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(&format!("{text:?} on the screen"), |screen| screen.contains(text))
    }

    pub fn wait_for_all(&self, texts: &[&str]) -> String {
        self.wait_for(&format!("{texts:?} on the screen"), |screen| texts.iter().all(|text| screen.contains(text)))
    }

    pub fn wait_for(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let text = self.text();
            if fits(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}; the screen shows:\n{text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until nothing runs and nothing is asked. A client may be told of an end before the dashboard shows it.
    pub fn wait_until_idle(&self) -> String {
        self.wait_for("an idle dashboard", |screen| screen.lines().last().is_some_and(|row| row.contains("ready")))
    }

    /// Waits for a row that begins with `text`, as that of a value does. Within a row it may be a time, a size or code.
    pub fn wait_for_row(&self, text: &str) -> String {
        self.wait_for(&format!("a row with {text:?}"), |screen| {
            screen.lines().any(|row| row.trim_start().starts_with(text))
        })
    }

    pub fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Quits the idle dashboard.
    pub fn quit(&mut self) -> ExitStatus {
        self.wait_until_idle();
        self.leave();
        self.wait()
    }

    /// Quits the dashboard with Ctrl-D, and again where it asks because something would be lost. Keys that come faster
    /// than from a hand do not confirm, so the last one may have to be sent more than once.
    pub fn leave(&mut self) {
        self.send("\u{4}");
        let mut pressed = Instant::now();
        let deadline = Instant::now() + DEADLINE;
        while self.is_alternate() && self.child.try_wait().unwrap().is_none() {
            if self.text().contains("Ctrl-D again quits") && pressed.elapsed() > Duration::from_secs(2) {
                self.send("\u{4}");
                pressed = Instant::now();
            }
            assert!(Instant::now() < deadline, "neither an end nor a question; the screen shows:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end of the program.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What the program wrote last is still on its way. A child that outlives the program keeps the terminal
                // open.
                let until = Instant::now() + Duration::from_secs(2);
                while !self.reading.is_finished() && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(5));
                }
                return status;
            }
            assert!(Instant::now() < deadline, "waited in vain for the end; the screen shows:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            super::signal(self.pid(), nix::sys::signal::Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}
