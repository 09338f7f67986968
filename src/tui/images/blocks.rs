//! Pictures of block characters: each cell has the character and the two colours that are nearest to its four pixels.

use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// Too few for a picture, or unwanted by the person.
    #[default]
    None,
    /// The 256 fixed colours.
    Indexed,
    True,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BlockCell {
    symbol: &'static str,
    fg: Color,
    bg: Color,
}

#[derive(Debug)]
pub struct Blocks {
    pub size: Size,
    cells: Vec<BlockCell>,
}

type Pixel = [u8; 3];

/// Block characters, and whether their upper left, upper right, lower left and lower right are in the foreground.
const SHAPES: [(&str, [bool; 4]); 8] = [
    (" ", [false, false, false, false]),
    ("▀", [true, true, false, false]),
    ("▌", [true, false, true, false]),
    ("▘", [true, false, false, false]),
    ("▝", [false, true, false, false]),
    ("▖", [false, false, true, false]),
    ("▗", [false, false, false, true]),
    ("▚", [true, false, false, true]),
];

impl Blocks {
    pub fn new(image: &DynamicImage, size: Size, colours: Colours) -> Self {
        let (width, height) = (u32::from(size.width) * 2, u32::from(size.height) * 2);
        let pixels: RgbImage = if image.width() >= width && image.height() >= height {
            image.thumbnail_exact(width, height).into_rgb8()
        } else {
            image.resize_exact(width, height, FilterType::Nearest).into_rgb8()
        };
        let pixel = |x: u32, y: u32| pixels.get_pixel(x, y).0;
        let cells = (0..height / 2).flat_map(|y| (0..width / 2).map(move |x| (x * 2, y * 2)));
        let cells = cells
            .map(|(x, y)| block([pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)], colours))
            .collect();
        Self { size, cells }
    }

    /// Draws one row of the picture at the left of `area`, cut to its width.
    pub fn draw_row(&self, row: u16, area: Rect, buffer: &mut Buffer) {
        let width = usize::from(self.size.width);
        let cells = self.cells.iter().skip(usize::from(row) * width).take(width);
        for (block, x) in cells.zip(area.left()..area.right()) {
            if let Some(cell) = buffer.cell_mut((x, area.y)) {
                cell.set_symbol(block.symbol).set_fg(block.fg).set_bg(block.bg);
            }
        }
    }
}

/// The shape whose two parts have the least difference within themselves.
fn block(pixels: [Pixel; 4], colours: Colours) -> BlockCell {
    let mut best: Option<(u32, &'static str, Pixel, Pixel)> = None;
    for (symbol, shape) in SHAPES {
        let (fg, fg_error) = mean(pixels, |place| shape[place]);
        let (bg, bg_error) = mean(pixels, |place| !shape[place]);
        let error = fg_error + bg_error;
        if best.is_none_or(|(least_error, ..)| error < least_error) {
            best = Some((error, symbol, fg, bg));
        }
    }
    let (symbol, fg, bg) = best.map_or((" ", [0; 3], [0; 3]), |(_, symbol, fg, bg)| (symbol, fg, bg));
    let bg = colour(bg, colours);
    BlockCell { symbol, fg: if symbol == " " { bg } else { colour(fg, colours) }, bg }
}

/// The mean colour of some of the four pixels, and the distance of these pixels from it.
fn mean(pixels: [Pixel; 4], is_in: impl Fn(usize) -> bool) -> (Pixel, u32) {
    let chosen = || pixels.iter().enumerate().filter(|(place, _)| is_in(*place)).map(|(_, pixel)| pixel);
    let count = chosen().count() as u32;
    let mut mean = [0; 3];
    let mut error = 0;
    for (part, mean) in mean.iter_mut().enumerate() {
        let sum: u32 = chosen().map(|pixel| u32::from(pixel[part])).sum();
        *mean = sum.checked_div(count).unwrap_or(0) as u8;
        error += chosen().map(|pixel| u32::from(pixel[part].abs_diff(*mean)).pow(2)).sum::<u32>();
    }
    (mean, error)
}

fn colour([red, green, blue]: Pixel, colours: Colours) -> Color {
    if colours == Colours::True { Color::Rgb(red, green, blue) } else { Color::Indexed(indexed([red, green, blue])) }
}

/// The nearest of the 216 colours of the cube and the 24 greys.
fn indexed(pixel: Pixel) -> u8 {
    let step = |part: u8| {
        if part < 48 {
            0
        } else if part < 115 {
            1
        } else {
            (part - 35) / 40
        }
    };
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    let steps = pixel.map(step);
    let cube = steps.map(level);
    let mean = pixel.iter().map(|part| u32::from(*part)).sum::<u32>() / 3;
    let grey_step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = [8 + 10 * grey_step; 3];
    let distance = |other: Pixel| -> u32 {
        pixel.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    if distance(grey) < distance(cube) { 232 + grey_step } else { 16 + 36 * steps[0] + 6 * steps[1] + steps[2] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Pixel = [255; 3];
    const RED: Pixel = [200, 0, 0];

    fn symbol(pixels: [Pixel; 4]) -> (&'static str, Color, Color) {
        let block = block(pixels, Colours::True);
        (block.symbol, block.fg, block.bg)
    }

    #[test]
    fn a_cell_shows_what_its_pixels_are() {
        let (white, red) = (Color::Rgb(255, 255, 255), Color::Rgb(200, 0, 0));
        assert_eq!(symbol([WHITE; 4]), (" ", white, white));
        assert_eq!(symbol([WHITE, WHITE, RED, RED]), ("▀", white, red));
        assert_eq!(symbol([RED, WHITE, RED, WHITE]), ("▌", red, white));
        assert_eq!(symbol([WHITE, WHITE, WHITE, RED]), ("▗", red, white));
        assert_eq!(symbol([RED, WHITE, WHITE, RED]), ("▚", red, white));
    }

    #[test]
    fn where_colours_are_few_the_nearest_is_taken() {
        assert_eq!([[0; 3], [255; 3], [255, 0, 0], [128; 3], [95, 135, 175]].map(indexed), [16, 231, 196, 244, 67]);
        for value in 0..=255 {
            assert!(indexed([value; 3]) >= 16 && indexed([value, 0, 255 - value]) >= 16);
        }
    }
}
