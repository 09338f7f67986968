//! The pictures of figures. They are decoded and encoded on another thread, one at a time; the loop draws the finished
//! ones and never waits. The oldest pictures out of sight are dropped, which bounds memory.

pub mod blocks;
mod decode;
pub mod graphic;
pub mod size;
pub mod terminal;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ratatui::layout::Size;

use self::blocks::Blocks;
use self::graphic::Graphic;
use self::terminal::FigureTerminal;
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
pub type PictureKey = (usize, Size, bool);

#[derive(Debug)]
pub enum Picture {
    Blocks(Blocks),
    Graphic(Graphic),
}

#[derive(Debug)]
struct CachedPicture {
    _display: Weak<Display>,
    picture: Result<Picture, String>,
    /// The last frame that showed the picture.
    seen: u64,
}

/// A picture for the other thread to make.
#[derive(Debug)]
pub struct Job {
    request: FigureRequest,
    display: Arc<Display>,
    terminal: FigureTerminal,
}

pub type Made = (FigureRequest, Result<Picture, String>);

#[derive(Debug, Default)]
pub struct Figures {
    pub terminal: FigureTerminal,
    /// How the person wants figures to be shown, one of [`WAYS`](terminal::WAYS).
    pub way: &'static str,
    cache: HashMap<PictureKey, CachedPicture>,
    /// Figures in sight whose pictures are not ready.
    requests: Vec<FigureRequest>,
    is_working: bool,
    frame: u64,
    /// Displays that cannot be shown, and the reasons; their cards leave no room for a picture.
    failed: HashMap<usize, String>,
}

impl FigureRequest {
    pub fn new(display: &Arc<Display>, size: Size, full: bool) -> Self {
        Self { display: Arc::downgrade(display), size, full }
    }

    pub fn key(&self) -> PictureKey {
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
        self.requests.clear();
    }

    /// Requests a figure that is in sight.
    pub fn request(&mut self, request: &FigureRequest) {
        match self.cache.get_mut(&request.key()) {
            Some(cached) => cached.seen = self.frame,
            None if self.requests.contains(request) => {}
            None => self.requests.push(request.clone()),
        }
    }

    /// Returns the picture; `None` while it is not ready.
    pub fn get(&self, request: &FigureRequest) -> Option<&Result<Picture, String>> {
        self.cache.get(&request.key()).map(|cached| &cached.picture)
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
            && let Some(request) = self.requests.pop()
        {
            if let Some(display) = request.display.upgrade() {
                self.is_working = true;
                return Some(Job { request, display, terminal: self.terminal });
            }
        }
        None
    }

    pub fn on_made(&mut self, (request, picture): Made) {
        self.is_working = false;
        let key = request.key();
        if let (Err(why), false) = (&picture, request.full) {
            self.failed.insert(key.0, why.clone());
        }
        self.cache.insert(key, CachedPicture { _display: request.display, picture, seen: self.frame });
        self.forget_old();
    }

    fn forget_old(&mut self) {
        let cells = |size: Size| usize::from(size.width) * usize::from(size.height);
        let mut sum: usize = self.cache.keys().map(|key| cells(key.1)).sum();
        while self.cache.len() > MAX_PICTURES || sum > MAX_CELLS {
            let oldest =
                self.cache.iter().filter(|(_, cached)| cached.seen < self.frame).min_by_key(|(_, cached)| cached.seen);
            let Some(key) = oldest.map(|(key, _)| *key) else { break };
            self.cache.remove(&key);
            sum -= cells(key.1);
        }
        // Failures are keyed by address; a later display at the same address must not inherit one.
        let cached = &self.cache;
        self.failed.retain(|display, _| cached.keys().any(|key| key.0 == *display));
    }

    /// Drops the pictures that fill the screen: they are large, and the terminal may have lost them.
    pub fn forget_full(&mut self) {
        self.cache.retain(|key, _| !key.2);
    }

    /// Sets the terminal. If it or its cell size changed, all pictures are made again.
    pub fn set_terminal(&mut self, terminal: FigureTerminal) {
        if terminal != self.terminal {
            self.terminal = terminal;
            self.cache.clear();
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
    if job.request.full && job.terminal.graphics.is_some() {
        return graphic::encode(&image, job.request.size, job.terminal).map(Picture::Graphic);
    }
    Ok(Picture::Blocks(Blocks::new(&image, job.request.size, job.terminal.colours)))
}

impl Job {
    pub fn request(&self) -> FigureRequest {
        self.request.clone()
    }
}

#[cfg(test)]
mod tests;
