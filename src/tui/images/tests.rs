//! Pictures of figures: formats, sizes, limits.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};

use super::*;

/// A PNG of one colour.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut data = Vec::new();
    let image = RgbImage::from_pixel(width, height, image::Rgb([200, 30, 40]));
    image.write_to(&mut Cursor::new(&mut data), ImageFormat::Png).unwrap();
    data
}

fn figure(mime: &str, data: Vec<u8>) -> Arc<Display> {
    Arc::new(Display { after: 0, id: None, forms: vec![Form::new(mime, data)] })
}

fn made(display: &Arc<Display>, full: Option<terminal::Graphics>) -> Result<Picture, String> {
    let mut figures = Figures::default();
    figures.set_terminal(FigureTerminal {
        graphics: full,
        colours: blocks::Colours::True,
        ..FigureTerminal::default()
    });
    figures.begin();
    figures.request(&FigureRequest::new(display, Size::new(20, 5), full.is_some()));
    make(&figures.next_job().unwrap())
}

#[test]
fn a_png_becomes_cells() {
    let display = figure("image/png", png(64, 32));
    let Ok(Picture::Blocks(blocks)) = made(&display, None) else { panic!("no picture") };
    let area = ratatui::layout::Rect::new(0, 0, 8, 1);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    blocks.draw_row(4, area, &mut buffer);
    assert_eq!(buffer[(7, 0)].bg, ratatui::style::Color::Rgb(200, 30, 40));
}

#[test]
fn every_protocol_encodes() {
    use terminal::Graphics::{Iterm2, Kitty, Sixel};
    for graphics in [Kitty, Sixel, Iterm2] {
        let made = made(&figure("image/png", png(64, 32)), Some(graphics));
        assert!(matches!(made, Ok(Picture::Graphic(_))), "{graphics:?}: {made:?}");
    }
}

/// No display of a snippet stops the dashboard or uses up its memory.
#[test]
fn what_cannot_be_shown_is_told() {
    let with_size = |width: u32, height: u32| {
        let mut data = png(1, 1);
        data[16..20].copy_from_slice(&width.to_be_bytes());
        data[20..24].copy_from_slice(&height.to_be_bytes());
        data
    };
    let mut cut = png(300, 300);
    cut.truncate(60);
    for (data, words) in [
        (with_size(30_000, 30_000), "too large"),
        (with_size(u32::MAX, u32::MAX), "too large"),
        (with_size(20_000, 1_251), "too large"),
        (with_size(0, 100), "empty"),
        (with_size(5_000, 5_000), "cannot be read"),
        (cut, "cannot be read"),
        (b"no picture".to_vec(), "cannot be read"),
        (Vec::new(), "cannot be read"),
    ] {
        let result = made(&figure("image/png", data), None);
        assert!(result.as_ref().is_err_and(|why| why.contains(words)), "{words}: {result:?}");
    }
    for mime in ["image/gif", "image/webp"] {
        assert!(made(&figure(mime, b"GIF89a\x10\0\x10\0".to_vec()), None).is_err());
    }
    assert!(picture_of(&figure("image/svg+xml", b"<svg/>".to_vec())).is_none());
}

#[test]
fn pictures_are_made_one_at_a_time_and_kept_within_bounds() {
    let displays: Vec<_> = (0..300).map(|_| figure("image/png", png(8, 8))).collect();
    let mut figures = Figures::default();
    for pair in displays.chunks(2) {
        figures.begin();
        let requests: Vec<_> = pair.iter().map(|display| FigureRequest::new(display, Size::new(4, 2), false)).collect();
        for request in &requests {
            figures.request(request);
        }
        while let Some(job) = figures.next_job() {
            assert!(figures.next_job().is_none(), "one at a time");
            figures.on_made((job.request(), make(&job)));
            for request in &requests {
                figures.request(request);
            }
        }
        assert!(requests.iter().all(|request| figures.get(request).is_some()), "what is in sight is there");
    }
    assert_eq!(figures.cache.len(), MAX_PICTURES);
    let gone = FigureRequest::new(&figure("image/png", png(8, 8)), Size::new(4, 2), false);
    figures.begin();
    figures.request(&gone);
    assert!(figures.next_job().is_none(), "its display is gone");
}
