//! The plain dashboard: the session as text that is only ever appended, for screen readers, for terminals that cannot
//! place the cursor, and for pipes. It has words in place of glyphs, no animation and no escape sequences; the terminal
//! edits lines.
//!
//! It applies the same events as the other dashboard. It takes one line after the other, the next one when the code of
//! the last one has ended or asks for input.

mod commands;
mod console;
mod input;
mod names;
mod narrate;
mod output;

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use self::console::Console;
use self::input::LineInput;
use self::output::Printer;
use crate::session::SessionHandle;
use crate::session::typed_lines::InputLine;
use crate::tui::{Control, Leaving};

/// A plain dashboard that has not been opened yet.
pub struct PlainDashboard {
    pub session: SessionHandle,
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    /// The lines, if another process reads them from `stdin`.
    pub lines: Option<UnboundedReceiver<InputLine>>,
    pub control: UnboundedReceiver<Control>,
    pub leaving: Leaving,
}

impl PlainDashboard {
    /// Runs until the session ends, or the person closes the dashboard of a session that goes on.
    ///
    /// # Errors
    /// If the runtime or the reader of lines cannot be started.
    pub fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(self.run_loop())
    }

    async fn run_loop(self) -> io::Result<()> {
        let Self { session, stdin, stdout, lines, mut control, leaving } = self;
        let Ok(subscription) = session.subscribe().await else { return Ok(()) };
        let (input, mut lines) = if let Some(lines) = lines {
            (LineInput::read_elsewhere(stdin), lines)
        } else {
            let (sender, lines) = unbounded_channel();
            (LineInput::open(stdin, sender)?, lines)
        };
        let mut console = Console::new(session, subscription, input, Printer::new(File::from(stdout)), leaving);
        console.greet();
        loop {
            if console.drain_events().await.is_break() {
                return Ok(());
            }
            // Lines that were typed ahead need no prompt.
            if lines.is_empty() {
                console.prompt();
            }
            let flow = tokio::select! {
                biased;
                request = control.recv() => match request {
                    Some(Control::Interrupted) => {
                        console.on_interrupt();
                        ControlFlow::Continue(())
                    }
                    Some(_) => ControlFlow::Continue(()),
                    None => ControlFlow::Break(()),
                },
                event = console.next_event() => console.on_received(event).await,
                line = lines.recv(), if console.takes_lines() => {
                    match line {
                        Some(InputLine::Text(line)) => console.on_line(&line).await,
                        Some(InputLine::End) => console.on_end_of_input().await,
                        Some(InputLine::Gone) | None => console.quit(),
                    }
                    ControlFlow::Continue(())
                }
            };
            if flow.is_break() || console.is_over() {
                return Ok(());
            }
        }
    }
}
