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
use self::input::{InputLine, LineInput};
use self::output::Printer;
use crate::python::io::descriptors::Originals;
use crate::session::SessionHandle;
use crate::tui::Control;

/// Runs until the session ends.
///
/// # Errors
/// If the runtime or the reader of lines cannot be started.
pub fn run(session: SessionHandle, originals: Originals, control: UnboundedReceiver<Control>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let Originals { stdin, stdout, .. } = originals;
    runtime.block_on(run_loop(session, stdin, File::from(stdout), control))
}

async fn run_loop(
    session: SessionHandle,
    stdin: OwnedFd,
    stdout: File,
    mut control: UnboundedReceiver<Control>,
) -> io::Result<()> {
    let Ok(subscription) = session.subscribe().await else { return Ok(()) };
    let (sender, mut lines) = unbounded_channel();
    let input = LineInput::open(stdin, sender)?;
    let mut console = Console::new(session, subscription, input, Printer::new(stdout));
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
        if flow.is_break() {
            return Ok(());
        }
    }
}
