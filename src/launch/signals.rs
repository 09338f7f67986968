//! The signals that the guardian waits for: blocked from its start, then taken one by one, so that no handler of ours
//! ever runs in between.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, sigaction};
use nix::unistd::{Pid, getpid};

/// Set when this process was continued after a stop of its own making.
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
    /// Blocks them for this thread, which must be the only one of the process.
    pub fn block() -> io::Result<Self> {
        let mut awaited = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP] {
            // Whoever started us with a signal ignored (nohup, `&` in a script) meant it.
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
        // So that the terminal may be set right from the background.
        blocked.add(Signal::SIGTTOU);
        blocked.thread_block()?;
        // Some systems drop a blocked signal that has no handler and is ignored by default; and if SIGCHLD itself was
        // ignored by whoever started us, the child's end would be lost.
        handle(Signal::SIGCHLD, on_nothing)?;
        handle(Signal::SIGWINCH, on_nothing)?;
        handle(Signal::SIGCONT, on_continue)?;
        Ok(Self { awaited })
    }

    pub fn next(&self) -> io::Result<Signal> {
        Ok(self.awaited.wait()?)
    }
}

/// Whoever started us may have SIGCHLD ignored, and then no child can be waited for. To be called before any is started.
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

/// Has SIGIO sent to this process when there is something to read.
#[allow(unsafe_code, reason = "nix cannot say who gets the signal")]
pub fn ring_by(fd: &impl AsFd) -> io::Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open, and the commands take plain numbers.
    let done = unsafe {
        libc::fcntl(fd, libc::F_SETOWN, libc::getpid()) == 0
            && libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has SIGALRM sent once so much time has passed, in the place of any alarm before.
#[allow(unsafe_code, reason = "nix has alarms of whole seconds only")]
#[allow(clippy::cast_lossless, reason = "the types differ between systems")]
pub fn wake_after(time: Duration) {
    // None at all would set none.
    let time = time.max(Duration::from_millis(1));
    let value =
        libc::timeval { tv_sec: time.as_secs() as libc::time_t, tv_usec: time.subsec_micros() as libc::suseconds_t };
    let once = libc::itimerval { it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 }, it_value: value };
    // SAFETY: reads the value and writes nothing.
    unsafe {
        libc::setitimer(libc::ITIMER_REAL, &raw const once, std::ptr::null_mut());
    }
}

/// Stops this process alone, whatever its group. Returns once it is continued.
pub fn stop_self() {
    stop(getpid(), Signal::SIGSTOP);
}

/// Stops the job that this process belongs to, as the terminal does, and returns once it is continued. `false` if
/// it did not stop: the kernel does not stop a job that no shell could ever continue.
pub fn stop_job(signal: Signal) -> bool {
    stop(Pid::from_raw(0), signal)
}

/// Whether somebody has asked for the end, and nobody has heard it yet.
pub fn end_is_asked() -> bool {
    pending().is_some_and(|pending| {
        [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().any(|signal| pending.contains(signal))
    })
}

/// Whether something waits that is more urgent than a stop.
pub fn end_is_pending() -> bool {
    pending().is_some_and(|pending| {
        [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGALRM, Signal::SIGCHLD]
            .into_iter()
            .any(|signal| pending.contains(signal))
    })
}

fn stop(whom: Pid, signal: Signal) -> bool {
    CONTINUED.store(false, Ordering::Relaxed);
    let mut open = SigSet::empty();
    open.add(signal);
    open.add(Signal::SIGCONT);
    let _ = kill(whom, signal);
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

/// A limit on the size of files (`ulimit -f`) then is an error like that of a full disk, and kills nobody.
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
