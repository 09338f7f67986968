//! Decoding figures to pixels. All limits are checked before anything is unpacked.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits, Rgba, RgbaImage};

use crate::domain::Form;

/// More than a camera takes. Unpacked, this is 100 MB for a moment.
const MAX_PIXELS: u64 = 25_000_000;
const MAX_SIDE: u32 = 20_000;
const MAX_MEMORY: u64 = 256 << 20;

fn format(form: &Form) -> Option<ImageFormat> {
    match form.mime.as_str() {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Returns width and height from the header, or the reason why the figure is not shown.
pub fn check(form: &Form) -> Result<(u32, u32), String> {
    if format(form).is_none() {
        return Err("not shown in a terminal".to_owned());
    }
    let Some((width, height)) = form.pixels() else { return Err("cannot be read".to_owned()) };
    if width == 0 || height == 0 {
        return Err("empty".to_owned());
    }
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err("too large to be shown".to_owned());
    }
    Ok((width, height))
}

/// Decodes the pixels, with transparent parts on white.
pub fn decode(form: &Form) -> Result<DynamicImage, String> {
    let pixels = check(form)?;
    let Some(format) = format(form) else { return Err("not shown in a terminal".to_owned()) };
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(pixels.0), Some(pixels.1));
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(&form.data[..]), format);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| format!("cannot be read: {error}"))?;
    if !image.color().has_alpha() {
        return Ok(image);
    }
    let mut image: RgbaImage = image.into_rgba8();
    for Rgba([red, green, blue, alpha]) in image.pixels_mut() {
        for part in [red, green, blue] {
            let seen = u16::from(*part) * u16::from(*alpha) + 255 * u16::from(255 - *alpha);
            *part = (seen / 255) as u8;
        }
        *alpha = 255;
    }
    Ok(image.into())
}
