//! Figures and pictures as image content: whole, or scaled down to what clients and models accept.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use rmcp::model::ContentBlock;

use crate::domain::{Display, Form, Snippet};
use crate::session::in_background;

/// The last images of a snippet are attached, at most so many.
const MAX_IMAGES: usize = 10;
/// Bytes of one image. In base64 an image is a third larger, and must stay under 700 kB.
const MAX_IMAGE_SIZE: usize = 520_000;
/// Bytes of all images of a result: some clients drop results of a million characters.
pub const MAX_TOTAL_SIZE: usize = 660_000;
/// Pixels of the longer side. Models see no more.
const MAX_SIDE: u32 = 2_000;
/// Bytes of memory for decoding.
const MAX_DECODED_SIZE: u64 = 256 << 20;
/// The quality of JPEG, from 1 to 100.
const JPEG_QUALITY: u8 = 85;

/// The images of a result, and the reasons why others are missing.
#[derive(Default)]
pub struct AttachedImages {
    pub blocks: Vec<ContentBlock>,
    /// By the number of the display.
    pub left_out: BTreeMap<usize, String>,
    /// How an attached image differs from the original.
    pub changed: BTreeMap<usize, &'static str>,
}

impl AttachedImages {
    /// Characters of base64 that the images take.
    pub fn characters(&self) -> usize {
        self.blocks.iter().filter_map(|block| Some(block.as_image()?.data.len())).sum()
    }
}

/// Bytes of an image that is read as a resource. In base64 it must fit into one message.
const MAX_RESOURCE_SIZE: usize = 3_000_000;

/// An image as it was displayed, with its media type. Only an image that no message can carry is scaled down.
pub fn whole(display: &Display) -> Result<(String, Arc<[u8]>), String> {
    match display.forms.first() {
        Some(form) if form.data.len() <= MAX_RESOURCE_SIZE => Ok((form.mime.clone(), form.data.clone())),
        _ => fit(display, MAX_RESOURCE_SIZE).map(|(mime, data)| (mime.to_owned(), data)),
    }
}

/// Images of `room` bytes at most. Another thread decodes and scales, so the session does not wait.
pub async fn of(snippet: &Snippet, room: usize) -> AttachedImages {
    let images: Vec<(usize, Arc<Display>)> = snippet
        .numbered_displays()
        .filter(|(_, display)| display.forms.first().is_some_and(Form::is_image))
        .map(|(number, display)| (number, display.clone()))
        .collect();
    if images.is_empty() {
        return AttachedImages::default();
    }
    in_background(move || fit_all(&images, room)).await.unwrap_or_default()
}

fn fit_all(images: &[(usize, Arc<Display>)], room: usize) -> AttachedImages {
    let mut attached = AttachedImages::default();
    if room == 0 {
        let why = |(number, _): &(usize, _)| (*number, "this client does not show images".to_owned());
        attached.left_out = images.iter().map(why).collect();
        return attached;
    }
    let extra = images.len().saturating_sub(MAX_IMAGES);
    for (number, _) in &images[..extra] {
        attached.left_out.insert(*number, format!("only the last {MAX_IMAGES} are attached"));
    }
    let mut left = room;
    let shown = &images[extra..];
    for (index, (number, display)) in shown.iter().enumerate() {
        // Later images get the room that small ones leave.
        let rest: usize = shown[index + 1..].iter().map(|(_, display)| display.forms[0].data.len()).sum();
        let share = (left / (shown.len() - index)).max(left.saturating_sub(rest)).min(MAX_IMAGE_SIZE);
        match fit(display, share) {
            Ok((mime, data)) => {
                left = left.saturating_sub(data.len());
                let whole = &display.forms[0];
                if mime != whole.mime {
                    attached.changed.insert(*number, "its first picture as PNG");
                } else if data.len() != whole.data.len() {
                    attached.changed.insert(*number, "scaled down");
                }
                attached.blocks.push(ContentBlock::image(STANDARD.encode(&data), mime));
            }
            Err(reason) => {
                attached.left_out.insert(*number, reason);
            }
        }
    }
    attached
}

/// The image in at most `max` bytes. Every image is decoded, because a broken one would make a model's provider refuse
/// the whole conversation.
fn fit(display: &Display, max: usize) -> Result<(&'static str, Arc<[u8]>), String> {
    let form = &display.forms[0];
    if form.is_dropped() {
        return Err("no longer kept: too many images followed".to_owned());
    }
    let format = match form.mime.as_str() {
        "image/png" => ImageFormat::Png,
        "image/jpeg" => ImageFormat::Jpeg,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        mime => return Err(format!("{mime} cannot be attached")),
    };
    let mut reader = ImageReader::with_format(Cursor::new(&form.data[..]), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_SIZE);
    reader.limits(limits);
    let whole = reader.decode().map_err(|fault| format!("not attached: {fault}"))?;
    let side = whole.width().max(whole.height());
    // Clients show no others.
    let (format, mime) = match format {
        ImageFormat::Jpeg => (format, "image/jpeg"),
        _ => (ImageFormat::Png, "image/png"),
    };
    if form.data.len() <= max && side <= MAX_SIDE && form.mime == mime {
        return Ok((mime, form.data.clone()));
    }
    let mut scale = f64::from(MAX_SIDE.min(side)) / f64::from(side);
    if form.data.len() > max {
        scale = scale.min((max as f64 / form.data.len() as f64).sqrt());
    }
    loop {
        let scaled = |length: u32| ((f64::from(length) * scale) as u32).max(1);
        let (width, height) = (scaled(whole.width()), scaled(whole.height()));
        let data = encode(&whole.thumbnail_exact(width, height), format).map_err(|fault| fault.to_string())?;
        if data.len() <= max {
            return Ok((mime, data.into()));
        }
        if width.max(height) < 16 {
            return Err("too large to attach".to_owned());
        }
        scale *= (max as f64 / data.len() as f64).sqrt().min(0.9);
    }
}

fn encode(image: &DynamicImage, format: ImageFormat) -> image::ImageResult<Vec<u8>> {
    let mut data = Vec::new();
    if format == ImageFormat::Jpeg {
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut data, JPEG_QUALITY))?;
    } else {
        let encoder = PngEncoder::new_with_quality(&mut data, CompressionType::Best, FilterType::Adaptive);
        image.write_with_encoder(encoder)?;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn noise(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut seed = 1_u32;
        let image = RgbImage::from_fn(width, height, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Rgb(seed.to_be_bytes()[..3].try_into().unwrap())
        });
        encode(&image.into(), format).unwrap()
    }

    fn shown(mime: &str, data: Vec<u8>) -> Arc<Display> {
        Arc::new(Display { after: 0, id: None, forms: vec![Form::new(mime, data)] })
    }

    #[test]
    fn what_is_too_large_is_scaled_and_what_fits_is_left_alone() {
        let small = noise(40, 30, ImageFormat::Png);
        let display = shown("image/png", small.clone());
        assert_eq!(fit(&display, MAX_IMAGE_SIZE).unwrap().1[..], small[..]);
        for (mime, format) in [("image/png", ImageFormat::Png), ("image/jpeg", ImageFormat::Jpeg)] {
            let display = shown(mime, noise(600, 400, format));
            let (found, data) = fit(&display, 60_000).unwrap();
            assert!(found == mime && data.len() <= 60_000 && data.len() > 20_000, "{mime}: {}", data.len());
            let (width, height) = Form::new(mime, data).pixels().unwrap();
            assert!((f64::from(width) / f64::from(height) - 1.5).abs() < 0.02, "{width}x{height}");
        }
    }

    #[test]
    fn gif_and_webp_are_attached_as_png() {
        let picture = RgbImage::from_pixel(30, 20, Rgb([200, 20, 20]));
        for (mime, format) in [("image/gif", ImageFormat::Gif), ("image/webp", ImageFormat::WebP)] {
            let mut data = Cursor::new(Vec::new());
            DynamicImage::from(picture.clone()).to_rgba8().write_to(&mut data, format).unwrap();
            let display = shown(mime, data.into_inner());
            assert_eq!(display.forms[0].pixels(), Some((30, 20)), "{mime}");
            let attached = fit_all(&[(1, display)], MAX_TOTAL_SIZE);
            let image = attached.blocks[0].as_image().unwrap();
            assert_eq!(image.mime_type, "image/png");
            assert_eq!(attached.changed[&1], "its first picture as PNG");
        }
    }

    #[test]
    fn many_images_share_the_room_and_broken_ones_are_told() {
        let small = shown("image/png", noise(20, 20, ImageFormat::Png));
        let large = shown("image/png", noise(500, 400, ImageFormat::Png));
        let broken = shown("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec());
        let mut images: Vec<_> = (1..=9).map(|number| (number, small.clone())).collect();
        images.extend([(10, large.clone()), (11, broken), (12, large)]);
        let attached = fit_all(&images, MAX_TOTAL_SIZE);
        assert_eq!(attached.blocks.len(), 9);
        assert_eq!(attached.left_out.keys().collect::<Vec<_>>(), [&1, &2, &11]);
        let total: usize = attached.blocks.iter().map(|block| serde_json::to_string(block).unwrap().len()).sum();
        assert!(total < 900_000 && total > 500_000, "{total}");
    }
}
