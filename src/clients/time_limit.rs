//! Other programs that may hang, run to their end or to a limit.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::Mutex;

/// For what is printed before the end and arrives after it. Not for ever: a program that stays, such as the master
/// connection of ssh, may hold the pipes.
const REST: Duration = Duration::from_millis(500);
/// For a program that was asked to end.
const END: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Runs a command without input and returns its output. `None` if it was ended at the limit.
pub fn output_within(command: &mut Command, limit: Duration) -> io::Result<Option<Output>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (done, ends) = mpsc::channel();
    let stdout = collect(child.stdout.take(), done.clone());
    let stderr = collect(child.stderr.take(), done);
    if !ended_within(&mut child, limit)? {
        // ssh ends the programs that it has started for itself, if it is asked.
        let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM);
        if !ended_within(&mut child, END)? {
            child.kill()?;
            child.wait()?;
        }
        return Ok(None);
    }
    wait_for_rest(&ends);
    let status = child.wait()?;
    let taken = |text: Arc<Mutex<Vec<u8>>>| std::mem::take(&mut *text.lock());
    Ok(Some(Output { status, stdout: taken(stdout), stderr: taken(stderr) }))
}

fn ended_within(child: &mut Child, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    loop {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Reads a pipe in a thread, which lives on if the pipe outlives the program.
fn collect(pipe: Option<impl Read + Send + 'static>, done: mpsc::Sender<()>) -> Arc<Mutex<Vec<u8>>> {
    let text = Arc::new(Mutex::new(Vec::new()));
    let Some(mut pipe) = pipe else { return text };
    let collected = Arc::clone(&text);
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            collected.lock().extend_from_slice(&chunk[..count]);
        }
        let _ = done.send(());
    });
    text
}

/// Waits until both pipes have ended.
fn wait_for_rest(ends: &Receiver<()>) {
    let deadline = Instant::now() + REST;
    while ends.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_hangs_is_ended_and_one_that_ends_is_heard() {
        let hung = output_within(&mut shell("echo begun; exec sleep 600"), Duration::from_millis(50)).unwrap();
        assert!(hung.is_none());
        let output = output_within(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(60)).unwrap();
        let output = output.unwrap();
        assert_eq!((output.status.code(), &*output.stdout, &*output.stderr), (Some(3), &b"out\n"[..], &b"err\n"[..]));
    }

    #[test]
    fn a_program_that_stays_behind_does_not_hold_its_starter() {
        let output = output_within(&mut shell("sleep 600 & echo $!"), Duration::from_secs(60)).unwrap().unwrap();
        let left = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        kill(Pid::from_raw(left), Signal::SIGKILL).unwrap();
    }
}
