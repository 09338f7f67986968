//! The pictures of figures. They are decoded and encoded on another thread, one at a time; the loop draws the finished
//! ones and never waits. Pictures out of sight are dropped in the end, which bounds memory.

pub mod blocks;
mod decode;
pub mod size;
pub mod terminal;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ratatui::layout::Size;

use self::blocks::Blocks;
use self::terminal::{Graphic, Terminal};
use crate::domain::{Display, Form};

/// The most pictures kept, and the most cells that they may have in all.
const MAX_PICTURES: usize = 128;
const MAX_CELLS: usize = 400_000;

/// A figure to draw, at a size.
#[derive(Clone, Debug)]
pub struct FigureRequest {
    display: Weak<Display>,
    pub size: Size,
    /// Whether the figure fills the screen, as a graphic where the terminal has graphics.
    pub full: bool,
}

/// The address of the display, the size, and whether the figure fills the screen. The address is not reused while a
/// [`FigureRequest`] refers to the display.
pub type Key = (usize, Size, bool);

#[derive(Debug)]
pub enum Picture {
    Blocks(Blocks),
    Graphic(Graphic),
}

#[derive(Debug)]
struct Kept {
    _display: Weak<Display>,
    picture: Result<Picture, String>,
    /// The last frame that showed the picture.
    seen: u64,
}

/// A picture for the other thread to make.
#[derive(Debug)]
pub struct Job {
    wanted: FigureRequest,
    display: Arc<Display>,
    terminal: Terminal,
}

pub type Made = (FigureRequest, Result<Picture, String>);

#[derive(Debug, Default)]
pub struct Figures {
    pub terminal: Terminal,
    /// How the person wants figures to be shown, one of [`WAYS`](terminal::WAYS).
    pub way: &'static str,
    kept: HashMap<Key, Kept>,
    /// Figures in sight whose pictures are not ready.
    wanted: Vec<FigureRequest>,
    is_working: bool,
    frame: u64,
    /// Displays that cannot be shown, and the reasons; their cards leave no room for a picture.
    failed: HashMap<usize, String>,
}

impl FigureRequest {
    pub fn new(display: &Arc<Display>, size: Size, full: bool) -> Self {
        Self { display: Arc::downgrade(display), size, full }
    }

    pub fn key(&self) -> Key {
        (self.display.as_ptr() as usize, self.size, self.full)
    }
}

impl PartialEq for FigureRequest {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Figures {
    /// Begins a frame, in which all figures in sight are requested again.
    pub fn begin(&mut self) {
        self.frame += 1;
        self.wanted.clear();
    }

    /// Requests a figure that is in sight.
    pub fn want(&mut self, wanted: &FigureRequest) {
        match self.kept.get_mut(&wanted.key()) {
            Some(kept) => kept.seen = self.frame,
            None if self.wanted.contains(wanted) => {}
            None => self.wanted.push(wanted.clone()),
        }
    }

    /// Returns the picture; `None` while it is not ready.
    pub fn get(&self, wanted: &FigureRequest) -> Option<&Result<Picture, String>> {
        self.kept.get(&wanted.key()).map(|kept| &kept.picture)
    }

    /// The number of displays that cannot be shown. Cards are laid out again when it changes.
    pub fn failures(&self) -> usize {
        self.failed.len()
    }

    pub fn failure(&self, display: &Arc<Display>) -> Option<&str> {
        self.failed.get(&(Arc::as_ptr(display) as usize)).map(String::as_str)
    }

    /// Returns the next job, if no picture is being made.
    pub fn next_job(&mut self) -> Option<Job> {
        while !self.is_working
            && let Some(wanted) = self.wanted.pop()
        {
            if let Some(display) = wanted.display.upgrade() {
                self.is_working = true;
                return Some(Job { wanted, display, terminal: self.terminal });
            }
        }
        None
    }

    pub fn on_made(&mut self, (wanted, picture): Made) {
        self.is_working = false;
        let key = wanted.key();
        if let (Err(why), false) = (&picture, wanted.full) {
            self.failed.insert(key.0, why.clone());
        }
        self.kept.insert(key, Kept { _display: wanted.display, picture, seen: self.frame });
        self.forget_old();
    }

    fn forget_old(&mut self) {
        let cells = |size: Size| usize::from(size.width) * usize::from(size.height);
        let mut sum: usize = self.kept.keys().map(|key| cells(key.1)).sum();
        while self.kept.len() > MAX_PICTURES || sum > MAX_CELLS {
            let oldest = self.kept.iter().filter(|(_, kept)| kept.seen < self.frame).min_by_key(|(_, kept)| kept.seen);
            let Some(key) = oldest.map(|(key, _)| *key) else { break };
            self.kept.remove(&key);
            sum -= cells(key.1);
        }
        // Failures are keyed by address; a later display at the same address must not inherit one.
        let kept = &self.kept;
        self.failed.retain(|display, _| kept.keys().any(|key| key.0 == *display));
    }

    /// Drops the pictures that fill the screen: they are large, and the terminal may have lost them.
    pub fn forget_full(&mut self) {
        self.kept.retain(|key, _| !key.2);
    }

    /// Sets the terminal. If it or its cell size changed, all pictures are made again.
    pub fn set_terminal(&mut self, terminal: Terminal) {
        if terminal != self.terminal {
            self.terminal = terminal;
            self.kept.clear();
            self.failed.clear();
        }
    }
}

/// A form, and its width and height in pixels.
type Shown<'a> = (&'a Form, (u32, u32));

/// Returns the form of a display that can be shown as a picture, and its size in pixels. An error says why a picture
/// cannot be shown.
pub fn picture_of(display: &Display) -> Option<Result<Shown<'_>, String>> {
    let form = display.forms.iter().find(|form| form.is_image())?;
    if form.is_dropped() {
        return Some(Err("no longer kept".to_owned()));
    }
    Some(decode::check(form).map(|pixels| (form, pixels)))
}

/// Makes the picture of a job. It blocks, so the loop calls it on another thread.
pub fn make(job: &Job) -> Result<Picture, String> {
    let form = match picture_of(&job.display) {
        Some(Ok((form, _))) => form,
        Some(Err(why)) => return Err(why),
        None => return Err("no picture".to_owned()),
    };
    let image = decode::decode(form)?;
    if job.wanted.full && job.terminal.graphics.is_some() {
        return terminal::encode(&image, job.wanted.size, job.terminal).map(Picture::Graphic);
    }
    Ok(Picture::Blocks(Blocks::new(&image, job.wanted.size, job.terminal.colours)))
}

impl Job {
    pub fn request(&self) -> FigureRequest {
        self.wanted.clone()
    }
}

#[cfg(test)]
mod tests;
