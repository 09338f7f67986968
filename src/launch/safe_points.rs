//! The guardian's safe points: the dormant copies of the session process that can be woken.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::signals;
use crate::domain::{SafePoint, SnippetId};
use crate::session::safe_point::{self, MAX_POINTS, PointMessage};

/// Bytes that all copies together may keep for themselves. The oldest go first.
const MAX_MEMORY: u64 = 1 << 30;
/// How long a copy may take to end.
const END_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub struct SafePointStore {
    /// Where copies tell of themselves.
    inbox: OwnedFd,
    /// The other end, for session processes.
    outbox: OwnedFd,
    /// The newest comes last.
    points: Vec<Point>,
    /// The older ones, which are there only for a rewind that was chosen before anybody knew that they have to go.
    retired: Vec<Point>,
    /// The session process that makes copies.
    maker: Option<Pid>,
    /// The last copy that was made. It may have died.
    last_made: Option<Pid>,
}

#[derive(Debug)]
struct Point {
    pid: Pid,
    /// Which snippets it has.
    snippets: SafePoint,
    /// Wakes the copy; once closed, the copy ends.
    socket: OwnedFd,
}

impl SafePointStore {
    pub fn new() -> io::Result<Self> {
        let (inbox, outbox) = safe_point::pair()?;
        signals::notify_by_sigio(&inbox)?;
        Ok(Self { inbox, outbox, points: Vec::new(), retired: Vec::new(), maker: None, last_made: None })
    }

    /// Returns the socket by which copies tell of themselves.
    pub fn outbox(&self) -> BorrowedFd<'_> {
        self.outbox.as_fd()
    }

    /// From now on only copies of the session process `maker` come in.
    pub fn begin(&mut self, maker: Pid) {
        self.maker = Some(maker);
    }

    /// Takes in what copies and session processes have told. `session` is the process that runs.
    pub fn on_message(&mut self, session: Pid) {
        if self.receive() {
            let excess = self.points.len().saturating_sub(MAX_POINTS);
            self.retired.extend(self.points.drain(..excess));
            self.bound_memory(session);
        }
    }

    /// Returns whether a copy was added.
    fn receive(&mut self) -> bool {
        let mut has_new = false;
        while let Ok(Some((message, mut sockets))) = safe_point::receive(self.inbox.as_fd(), false) {
            match (serde_json::from_slice(&message), sockets.pop()) {
                // A process that is gone may have made a copy of what is taken back meanwhile.
                (Ok(PointMessage::Made { of, .. }), _) if self.maker.is_some_and(|maker| maker.as_raw() != of) => {}
                (Ok(PointMessage::Made { pid, snippet, has_changed, .. }), Some(socket)) => {
                    // A copy of the same variables takes the place of the one before.
                    let last = self.last_made.replace(Pid::from_raw(pid));
                    let same = self.points.pop_if(|point| !has_changed && Some(point.pid) == last);
                    let since = same.map_or(snippet, |same| same.snippets.since);
                    let snippets = SafePoint { since, snippet };
                    self.points.push(Point { pid: Pid::from_raw(pid), snippets, socket });
                    has_new = true;
                }
                (Ok(PointMessage::Forget), _) => self.drop_all(),
                // User code may write anything into the descriptor.
                _ => {}
            }
        }
        has_new
    }

    /// Lets the oldest copies go while all together take too much memory in addition to that of `session`.
    fn bound_memory(&mut self, session: Pid) {
        let shares: Vec<u64> = self.points.iter().map(|point| Memory::of(point.pid).share).collect();
        let own = Memory::of(session);
        let mut extra = (own.share + shares.iter().sum::<u64>()).saturating_sub(own.resident);
        for share in shares {
            if extra <= MAX_MEMORY || self.points.len() < 2 {
                break;
            }
            self.retired.push(self.points.remove(0));
            extra = extra.saturating_sub(share);
        }
    }

    /// Returns the last snippet of the newest copy that lives.
    pub fn newest(&mut self) -> Option<SnippetId> {
        self.receive();
        self.drop_dead();
        self.points.last().map(|point| point.snippets.snippet)
    }

    /// Returns all that live, the newest last.
    pub fn list(&mut self) -> Vec<SafePoint> {
        self.drop_dead();
        self.points.iter().map(|point| point.snippets).collect()
    }

    /// Lets all copies go of variables as they were only after later snippets. One that has just taken the place of
    /// another, since only looks came between, stays.
    pub fn go_back_to(&mut self, snippet: SnippetId) {
        self.receive();
        self.points.splice(..0, self.retired.drain(..));
        self.points.retain(|point| point.snippets.since <= snippet);
    }

    /// Lets the copies go that are there only for rewinds that were chosen.
    pub fn end_retired(&mut self) {
        self.retired.clear();
    }

    fn drop_all(&mut self) {
        self.points.clear();
        self.retired.clear();
    }

    fn drop_dead(&mut self) {
        // A copy never writes, so there is nothing to read but the end.
        self.points.retain(|point| {
            let read = safe_point::receive(point.socket.as_fd(), false);
            read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        });
    }

    /// Wakes the newest copy with the parameters of a session process. Returns its PID.
    pub fn wake(&mut self, boot: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<Pid> {
        let point = self.points.pop().ok_or(io::ErrorKind::NotFound)?;
        safe_point::send(point.socket.as_fd(), boot, descriptors)?;
        Ok(point.pid)
    }

    /// Ends all copies, and waits until they are gone.
    pub fn clear(&mut self) {
        self.receive();
        let pids: Vec<Pid> = self.points.drain(..).chain(self.retired.drain(..)).map(|point| point.pid).collect();
        let deadline = Instant::now() + END_TIMEOUT;
        for pid in pids {
            while is_running(pid) {
                if Instant::now() > deadline {
                    let _ = kill(pid, Signal::SIGKILL);
                    let _ = waitpid(pid, None);
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

impl Drop for SafePointStore {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Returns whether a child of this process still runs. One that has ended is reaped.
fn is_running(pid: Pid) -> bool {
    matches!(waitpid(pid, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive) | Err(Errno::EINTR))
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memory {
    resident: u64,
    /// The same, with each page divided by the number of processes that share it.
    share: u64,
}

impl Memory {
    fn of(pid: Pid) -> Self {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default())
    }

    fn parse(rollup: &str) -> Self {
        let bytes = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
        };
        Self { resident: bytes("Rss:"), share: bytes("Pss:") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store without signals.
    fn store() -> SafePointStore {
        let (inbox, outbox) = safe_point::pair().unwrap();
        SafePointStore { inbox, outbox, points: Vec::new(), retired: Vec::new(), maker: None, last_made: None }
    }

    fn made(points: &SafePointStore, snippet: u32) -> OwnedFd {
        made_after(points, snippet, true)
    }

    fn made_after(points: &SafePointStore, snippet: u32, has_changed: bool) -> OwnedFd {
        made_as(i32::MAX, points, snippet, has_changed)
    }

    fn made_as(pid: i32, points: &SafePointStore, snippet: u32, has_changed: bool) -> OwnedFd {
        let (copy, theirs) = safe_point::pair().unwrap();
        let message = PointMessage::Made { pid, of: 7, snippet: SnippetId(snippet), has_changed };
        safe_point::send(points.outbox(), &serde_json::to_vec(&message).unwrap(), &[theirs.as_fd()]).unwrap();
        copy
    }

    #[test]
    fn memory_is_counted_by_its_share() {
        let rollup = "7f-80 ---p 0 00:00 0 [rollup]\nRss:     2048 kB\nPss:     1024 kB\nPss_Dirty:   5 kB\n";
        assert_eq!(Memory::parse(rollup), Memory { resident: 2 << 20, share: 1 << 20 });
        assert_eq!(Memory::parse(""), Memory { resident: 0, share: 0 });
    }

    #[test]
    fn the_newest_that_lives_is_woken_and_the_oldest_go() {
        let mut points = store();
        assert_eq!(points.newest(), None);
        let mut copies: Vec<_> = (1..=4).map(|snippet| made(&points, snippet)).collect();
        safe_point::send(points.outbox(), b"rubbish", &[]).unwrap();
        points.on_message(nix::unistd::getpid());
        assert_eq!(points.newest(), Some(SnippetId(4)));
        assert!(safe_point::receive(copies[0].as_fd(), false).is_err(), "a rewind to the oldest may be under way");
        points.end_retired();
        assert!(safe_point::receive(copies[0].as_fd(), true).unwrap().is_none(), "the oldest has ended");
        drop(copies.pop());
        // A process that another test starts at this moment holds the end of the last one until it runs its program.
        let deadline = Instant::now() + Duration::from_secs(60);
        while points.newest() == Some(SnippetId(4)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(points.newest(), Some(SnippetId(3)), "the last one has died");
        points.wake(b"boot", &[]).unwrap();
        assert_eq!(safe_point::receive(copies[2].as_fd(), true).unwrap().unwrap().0, b"boot");
        let forget = serde_json::to_vec(&PointMessage::Forget).unwrap();
        safe_point::send(points.outbox(), &forget, &[]).unwrap();
        assert_eq!(points.newest(), None);
        assert!(safe_point::receive(copies[1].as_fd(), true).unwrap().is_none());
        assert!(points.wake(b"boot", &[]).is_err());
    }

    #[test]
    fn a_copy_of_the_same_takes_the_place_of_the_one_before_and_a_rewind_drops_the_later() {
        let mut points = store();
        let _copies: Vec<_> = [(1, true), (3, true), (4, false), (6, true), (9, true)]
            .map(|(snippet, has_changed)| {
                let copy = made_after(&points, snippet, has_changed);
                points.on_message(nix::unistd::getpid());
                copy
            })
            .into();
        let list = |points: &mut SafePointStore| {
            points.list().iter().map(|point| (point.since.0, point.snippet.0)).collect::<Vec<_>>()
        };
        assert_eq!(list(&mut points), [(3, 4), (6, 6), (9, 9)]);
        points.end_retired();
        points.go_back_to(SnippetId(6));
        assert_eq!(list(&mut points), [(3, 4), (6, 6)]);
        points.wake(b"boot", &[]).unwrap();
        assert_eq!(list(&mut points), [(3, 4)], "a copy that is awake is none");
        points.go_back_to(SnippetId(3));
        assert_eq!(list(&mut points), [(3, 4)], "variables are the same");
    }

    #[test]
    fn a_rewind_finds_the_copy_that_it_was_chosen_for_and_none_of_what_is_taken_back() {
        let mut points = store();
        points.begin(Pid::from_raw(7));
        let _copies: Vec<_> = (1..=4).map(|snippet| made(&points, snippet)).collect();
        points.on_message(nix::unistd::getpid());
        assert_eq!(points.list().len(), MAX_POINTS);
        points.go_back_to(SnippetId(1));
        assert_eq!(points.newest(), Some(SnippetId(1)), "only the list without it may end it");
        points.wake(b"boot", &[]).unwrap();
        points.begin(Pid::from_raw(8));
        let _late = made(&points, 5);
        assert_eq!(points.newest(), None, "its process is gone");
    }

    #[test]
    fn a_copy_of_the_same_does_not_take_the_place_of_one_before_the_one_that_died() {
        let mut points = store();
        let _first = made_as(1, &points, 1, true);
        let second = made_as(2, &points, 2, true);
        points.receive();
        drop(second);
        points.points.pop();
        let _third = made_as(3, &points, 3, false);
        points.receive();
        assert_eq!(points.list().iter().map(|point| point.since.0).collect::<Vec<_>>(), [1, 3]);
    }
}
