//! Thumbnails of images. The input comes from strangers, so its dimensions and its memory use are bounded.

use std::io::Cursor;

use image::{ImageError, ImageFormat, ImageReader, Limits};

/// Maximum side of a thumbnail, in pixels.
const SIDE: u32 = 320;
/// Maximum side of an image, in pixels.
const MAX_SIDE: u32 = 12_000;
/// Maximum memory for decoding an image, in bytes: 21 million pixels.
const MAX_DECODED_BYTES: u64 = 64 << 20;

/// Reason why there is no thumbnail.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoThumbnail {
    /// It is not an image, or of an unknown format.
    #[error("it is not an image of a supported format")]
    NoPicture,
    /// It exceeds a limit.
    #[error("it is larger than {MAX_SIDE} pixels a side, or needs more than {} MiB to be decoded", MAX_DECODED_BYTES >> 20)]
    TooLarge,
    /// It is cut off or damaged.
    #[error("the image is damaged")]
    Broken,
}

/// Returns a JPEG of at most [`SIDE`] pixels a side. Blocks for a while: call it on a blocking thread.
pub fn thumbnail(bytes: &[u8]) -> Result<Vec<u8>, NoThumbnail> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| NoThumbnail::NoPicture)?;
    if reader.format().is_none() {
        return Err(NoThumbnail::NoPicture);
    }
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| match error {
        ImageError::Limits(_) => NoThumbnail::TooLarge,
        ImageError::Unsupported(_) => NoThumbnail::NoPicture,
        _ => NoThumbnail::Broken,
    })?;
    let mut small = Cursor::new(Vec::new());
    let small_picture = if picture.width().max(picture.height()) > SIDE {
        picture.thumbnail(SIDE, SIDE)
    } else {
        picture
    };
    // A JPEG has no transparency.
    image::DynamicImage::from(small_picture.into_rgb8())
        .write_to(&mut small, ImageFormat::Jpeg)
        .map_err(|_| NoThumbnail::Broken)?;
    Ok(small.into_inner())
}

/// Returns width and height of an image, without decoding it.
pub fn pixels(bytes: &[u8]) -> Option<(u32, u32)> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.into_dimensions().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, data: bool) -> Vec<u8> {
        let mut bytes = vec![];
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        if data {
            let pixels = vec![90; usize::try_from(u64::from(width) * u64::from(height)).unwrap()];
            writer.write_image_data(&pixels).unwrap();
            writer.finish().unwrap();
        } else {
            // Cut off at the beginning of its pixels.
            writer.write_chunk(png::chunk::IDAT, b"x").unwrap();
            drop(writer);
        }
        bytes
    }

    #[test]
    fn thumbnail_is_small_and_keeps_proportions() {
        let small = thumbnail(&png(1000, 500, true)).unwrap();
        let read = image::load_from_memory(&small).unwrap();
        assert_eq!((read.width(), read.height()), (SIDE, SIDE / 2));
        let tiny = image::load_from_memory(&thumbnail(&png(3, 2, true)).unwrap()).unwrap();
        assert_eq!((tiny.width(), tiny.height()), (3, 2));
    }

    /// A few bytes may claim to be an image of gigabytes.
    #[test]
    fn image_that_claims_huge_size_is_refused() {
        assert_eq!(thumbnail(&png(60_000, 60_000, false)), Err(NoThumbnail::TooLarge));
        assert_eq!(thumbnail(&png(11_000, 11_000, false)), Err(NoThumbnail::TooLarge));
        assert_eq!(thumbnail(&png(100, 100, false)), Err(NoThumbnail::Broken));
        for no_picture in [&b""[..], b"<svg xmlns='x'/>", b"%PDF-1.7"] {
            assert_eq!(thumbnail(no_picture), Err(NoThumbnail::NoPicture));
        }
    }
}
