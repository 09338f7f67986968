//! Pictures in the terminal's own graphics. kitty and iTerm2 get a PNG, which they scale; sixel has no such format.

use std::fmt::Write;
use std::io::Cursor;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Widget;
use ratatui_image::Image;
use ratatui_image::protocol::{Protocol, iterm2::Iterm2, kitty::Kitty, sixel::Sixel};

use super::terminal::{FigureTerminal, Graphics};

/// A picture encoded for the terminal's own graphics.
pub struct Graphic {
    protocol: Protocol,
    pub size: Size,
    /// The number of the picture in kitty.
    id: u32,
    /// The sequence that gives the picture to kitty.
    transmission: Option<String>,
}

impl std::fmt::Debug for Graphic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Graphic({:?})", self.size)
    }
}

/// The next number for the terminal's memory. Other programs use small or random numbers.
static NEXT_ID: AtomicU32 = AtomicU32::new(0x0046_4801);

/// The longest side in pixels, whatever size the terminal reports: larger pictures take seconds to transfer.
const MAX_SIDE: u32 = 2_400;
/// Bytes of a picture in one sequence for kitty, which become 4096 characters.
const CHUNK_BYTES: usize = 3_072;
/// The character in whose cells kitty shows a picture.
const PLACEHOLDER: char = '\u{10eeee}';

/// Encodes the picture for `size`, which has its proportions.
pub fn encode(image: &DynamicImage, size: Size, terminal: FigureTerminal) -> Result<Graphic, String> {
    let width = (u32::from(size.width) * u32::from(terminal.cell.0)).clamp(1, MAX_SIDE);
    let height = (u32::from(size.height) * u32::from(terminal.cell.1)).clamp(1, MAX_SIDE);
    let failed = |error: &dyn std::fmt::Display| format!("cannot be encoded: {error}");
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let mut transmission = None;
    let protocol = match terminal.graphics {
        Some(Graphics::Kitty) => {
            let png = png(image, width, height).map_err(|error| failed(&error))?;
            transmission = Some(transmit(&png, id, size, terminal.is_tmux));
            // Makes the cells; the pixel is replaced by the transmission of the picture.
            Kitty::new(DynamicImage::new_rgba8(1, 1), size, id, terminal.is_tmux, false).map(Protocol::Kitty)
        }
        Some(Graphics::Iterm2) => {
            let png = png(image, width, height).map_err(|error| failed(&error))?;
            let is_tmux = terminal.is_tmux;
            Ok(Protocol::ITerm2(Iterm2 { data: inline(&png, size, is_tmux), size, is_tmux }))
        }
        Some(Graphics::Sixel) => {
            let filter = if image.width() < width / 4 { FilterType::Nearest } else { FilterType::Triangle };
            Sixel::new(image.resize_exact(width, height, filter), size, terminal.is_tmux).map(Protocol::Sixel)
        }
        None => return Err("the terminal has no pictures".to_owned()),
    };
    let protocol = protocol.map_err(|error| failed(&error))?;
    Ok(Graphic { protocol, size, id, transmission })
}

/// Encodes a picture with no more pixels than the screen can show.
fn png(image: &DynamicImage, width: u32, height: u32) -> image::ImageResult<Vec<u8>> {
    let mut data = Vec::new();
    let image = if image.width() > width || image.height() > height {
        &image.resize_exact(width, height, FilterType::Triangle)
    } else {
        image
    };
    image.to_rgb8().write_to(&mut Cursor::new(&mut data), ImageFormat::Png)?;
    Ok(data)
}

/// Returns the beginning and the end of a sequence, and ESC within it, as tmux passes them on.
fn passed_on(is_tmux: bool) -> (&'static str, &'static str, &'static str) {
    if is_tmux { ("\x1bPtmux;", "\x1b\x1b", "\x1b\\") } else { ("", "\x1b", "") }
}

/// Returns the sequences that give a PNG to kitty, for placeholders over `size` cells.
fn transmit(png: &[u8], id: u32, size: Size, is_tmux: bool) -> String {
    let (start, escape, end) = passed_on(is_tmux);
    let Size { width, height } = size;
    let mut out = String::with_capacity(png.len() * 4 / 3 + 4_096);
    let count = png.chunks(CHUNK_BYTES).count();
    for (index, chunk) in png.chunks(CHUNK_BYTES).enumerate() {
        let _ = write!(out, "{start}{escape}_Gq=2,");
        if index == 0 {
            let _ = write!(out, "i={id},a=T,U=1,f=100,t=d,c={width},r={height},");
        }
        let _ = write!(out, "m={};", u8::from(index + 1 < count));
        STANDARD.encode_string(chunk, &mut out);
        let _ = write!(out, "{escape}\\{end}");
    }
    out
}

/// Returns the sequence that shows a PNG in iTerm2 over `size` cells, which are blanked before.
fn inline(png: &[u8], size: Size, is_tmux: bool) -> String {
    let (start, escape, end) = passed_on(is_tmux);
    let Size { width, height } = size;
    let mut out = start.to_owned();
    for _ in 0..height {
        let _ = write!(out, "{escape}[{width}X{escape}[1B");
    }
    let bytes = png.len();
    let _ = write!(out, "{escape}[{height}A{escape}]1337;File=inline=1;size={bytes};width={width};height={height};");
    out.push_str("preserveAspectRatio=0;doNotMoveCursor=1:");
    STANDARD.encode_string(png, &mut out);
    let _ = write!(out, "\x07{end}");
    out
}

impl Graphic {
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        Image::new(&self.protocol).render(area, buffer);
        let Some(transmission) = &self.transmission else { return };
        let Some(cell) = buffer.cell_mut((area.x, area.y)) else { return };
        // The cells are preceded by a transmission only when they are drawn for the first time.
        if let Some(at) = cell.symbol().find(PLACEHOLDER).filter(|at| *at > 0) {
            let symbol = format!("{transmission}{}", &cell.symbol()[at..]);
            cell.set_symbol(&symbol);
        }
    }

    /// The sequence that makes the terminal forget the picture.
    pub fn forget(&self) -> String {
        match self.protocol {
            Protocol::Kitty(_) => format!("\x1b_Ga=d,d=I,i={},q=2\x1b\\", self.id),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::images::blocks::Colours;

    /// What the terminal gets for a picture of 640x480, which fills 100x37 cells of 10x20 pixels.
    fn sent(graphics: Graphics, image: &DynamicImage, is_tmux: bool) -> String {
        let terminal =
            FigureTerminal { graphics: Some(graphics), colours: Colours::True, is_tmux, ..FigureTerminal::default() };
        let size = Size::new(100, 37);
        let graphic = encode(image, size, terminal).unwrap();
        let area = Rect::new(0, 0, 100, 37);
        let mut buffer = Buffer::empty(area);
        graphic.draw(area, &mut buffer);
        let sent = buffer[(0, 0)].symbol().to_owned();
        buffer.reset();
        graphic.draw(area, &mut buffer);
        if graphics == Graphics::Kitty {
            assert!(buffer[(0, 0)].symbol().len() < 50, "it is sent once");
        }
        sent
    }

    fn decoded(sequences: &str) -> DynamicImage {
        let payload: String = sequences
            .split("\x1b_G")
            .skip(1)
            .map(|part| part.split_once(';').unwrap().1.split('\x1b').next().unwrap())
            .collect();
        image::load_from_memory(&STANDARD.decode(payload).unwrap()).unwrap()
    }

    #[test]
    fn kitty_gets_a_png_of_the_figures_own_size() {
        let noise = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([(x * y % 251) as u8, x as u8, y as u8]));
        let image = DynamicImage::from(noise);
        let text = sent(Graphics::Kitty, &image, false);
        assert!(text.starts_with("\x1b_Gq=2,i=") && text.contains(",a=T,U=1,f=100,t=d,c=100,r=37,m=1;"));
        assert!(text.split("\x1b\\").all(|sequence| sequence.len() < 4_300));
        assert_eq!(decoded(&text).to_rgb8(), image.to_rgb8());
        let large = DynamicImage::new_rgb8(4_000, 3_000);
        let shown = decoded(&sent(Graphics::Kitty, &large, false));
        assert_eq!((shown.width(), shown.height()), (1_000, 740), "no more pixels than the screen has");
        assert!(sent(Graphics::Kitty, &large, true).starts_with("\x1bPtmux;\x1b\x1b_G"));
    }

    #[test]
    fn iterm2_gets_a_png_of_the_figures_own_size() {
        let image = DynamicImage::new_rgb8(64, 48);
        let text = sent(Graphics::Iterm2, &image, false);
        let (head, payload) = text.split_once(':').unwrap();
        assert!(head.contains("width=100;height=37;"), "{head}");
        let png = STANDARD.decode(payload.trim_end_matches('\u{7}')).unwrap();
        assert_eq!(image::load_from_memory(&png).unwrap().to_rgb8(), image.to_rgb8());
    }
}
