//! The signals that the guardian waits for: blocked from the start, then taken one by one, so that no handler
//! interrupts other work.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, sigaction};
use nix::unistd::{Pid, getpid};

/// Set when this process was continued after it stopped itself.
static CONTINUED: AtomicBool = AtomicBool::new(false);

extern "C" fn on_continue(_: libc::c_int) {
    CONTINUED.store(true, Ordering::Relaxed);
}

extern "C" fn on_nothing(_: libc::c_int) {}

#[derive(Debug)]
pub struct Signals {
    awaited: SigSet,
}

impl Signals {
    /// Blocks the signals for this thread, which must be the only one of the process.
    pub fn block() -> io::Result<Self> {
        let mut awaited = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP] {
            // A signal that was ignored at our start (nohup, `&` in a script) stays ignored.
            if !is_ignored(signal) {
                awaited.add(signal);
            }
        }
        for signal in
            [Signal::SIGCHLD, Signal::SIGCONT, Signal::SIGALRM, Signal::SIGWINCH, Signal::SIGIO, Signal::SIGUSR1]
        {
            awaited.add(signal);
        }
        let mut blocked = awaited;
        // So that the terminal can be restored from the background.
        blocked.add(Signal::SIGTTOU);
        blocked.thread_block()?;
        // Some systems drop blocked signals that are ignored by default and have no handler. And if SIGCHLD was ignored
        // at our start, the end of the child would be lost.
        handle(Signal::SIGCHLD, on_nothing)?;
        handle(Signal::SIGWINCH, on_nothing)?;
        handle(Signal::SIGCONT, on_continue)?;
        Ok(Self { awaited })
    }

    pub fn next(&self) -> io::Result<Signal> {
        Ok(self.awaited.wait()?)
    }
}

/// Makes children waitable, even if SIGCHLD was ignored at our start. To be called before any child is started.
#[allow(unsafe_code, reason = "nix calls every change of a disposition unsafe; the default one has no handler")]
pub fn expect_children() {
    let mut open = SigSet::empty();
    open.add(Signal::SIGCHLD);
    let _ = open.thread_unblock();
    // SAFETY: no handler is installed.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
    }
}

/// Requests SIGIO for this process when there is something to read.
#[allow(unsafe_code, reason = "nix cannot say who gets the signal")]
pub fn notify_by_sigio(fd: &impl AsFd) -> io::Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open, and the commands take plain numbers.
    let done = unsafe {
        libc::fcntl(fd, libc::F_SETOWN, libc::getpid()) == 0
            && libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Requests one SIGALRM after `time`, in the place of an earlier request.
#[allow(unsafe_code, reason = "nix has alarms of whole seconds only")]
#[allow(clippy::cast_lossless, reason = "the types differ between systems")]
pub fn wake_after(time: Duration) {
    // Zero would disable the alarm.
    let time = time.max(Duration::from_millis(1));
    let value =
        libc::timeval { tv_sec: time.as_secs() as libc::time_t, tv_usec: time.subsec_micros() as libc::suseconds_t };
    let once = libc::itimerval { it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 }, it_value: value };
    // SAFETY: reads the value and writes nothing.
    unsafe {
        libc::setitimer(libc::ITIMER_REAL, &raw const once, std::ptr::null_mut());
    }
}

/// Stops this process alone, not its group. Returns once it is continued.
pub fn stop_self() {
    stop(getpid(), Signal::SIGSTOP);
}

/// Stops the job of this process, as the terminal does, and returns once it is continued. Returns `false` if the job
/// did not stop: the kernel stops no job that no shell could continue.
pub fn stop_job(signal: Signal) -> bool {
    stop(Pid::from_raw(0), signal)
}

/// Returns whether a request to end is pending.
pub fn is_end_requested() -> bool {
    pending().is_some_and(|pending| {
        [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().any(|signal| pending.contains(signal))
    })
}

/// Returns whether a signal is pending that is more urgent than a stop.
pub fn is_urgent_signal_pending() -> bool {
    pending().is_some_and(|pending| {
        [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGALRM, Signal::SIGCHLD]
            .into_iter()
            .any(|signal| pending.contains(signal))
    })
}

fn stop(target: Pid, signal: Signal) -> bool {
    CONTINUED.store(false, Ordering::Relaxed);
    let mut open = SigSet::empty();
    open.add(signal);
    open.add(Signal::SIGCONT);
    let _ = kill(target, signal);
    if let Ok(before) = open.thread_swap_mask(SigmaskHow::SIG_UNBLOCK) {
        let _ = before.thread_set_mask();
    }
    CONTINUED.load(Ordering::Relaxed)
}

#[allow(unsafe_code, reason = "the handlers do no more than set a flag")]
fn handle(signal: Signal, handler: extern "C" fn(libc::c_int)) -> io::Result<()> {
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: see the reason above.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

/// Makes writes beyond a limit on file sizes (`ulimit -f`) fail like writes to a full disk, without a signal.
#[allow(unsafe_code, reason = "nix calls every change of a disposition unsafe; to ignore has no handler")]
pub fn survive_file_size_limits() {
    // SAFETY: no handler is installed.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

#[allow(unsafe_code, reason = "nix reads a disposition only by setting one")]
fn is_ignored(signal: Signal) -> bool {
    let mut now = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null new action only reads; `now` is filled in when the answer is 0.
    unsafe {
        libc::sigaction(signal as libc::c_int, std::ptr::null(), now.as_mut_ptr()) == 0
            && now.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[allow(unsafe_code, reason = "nix has no sigpending")]
fn pending() -> Option<SigSet> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is filled in when the answer is 0, and then is a valid set.
    unsafe { (libc::sigpending(set.as_mut_ptr()) == 0).then(|| SigSet::from_sigset_t_unchecked(set.assume_init())) }
}
