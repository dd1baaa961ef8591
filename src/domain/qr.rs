//! Codes for linking a device, as pictures.

use qrcode::{Color, QrCode};

/// Width of the white border, in modules; scanners require four.
const QUIET_ZONE: usize = 4;
/// Size of one module, in pixels.
const MODULE_PIXELS: usize = 8;
/// Media type of [`QrPicture::bytes`].
pub const MIMETYPE: &str = "image/png";

/// A QR code as a PNG picture.
#[derive(Clone, PartialEq, Eq)]
pub struct QrPicture {
    /// The picture.
    pub bytes: Vec<u8>,
    /// Width and height in pixels.
    pub side: u32,
}

/// Error: the content cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum NotDrawn {
    /// It is too long for a QR code.
    #[error("the code does not fit a QR code: {0}")]
    Code(#[from] qrcode::types::QrError),
    /// The picture could not be encoded.
    #[error("the picture of the code could not be made: {0}")]
    Picture(#[from] png::EncodingError),
}

/// Draws a content as a QR code, black on white.
pub fn picture(content: &str) -> Result<QrPicture, NotDrawn> {
    const WHITE: u8 = 255;
    let code = QrCode::new(content)?;
    let modules = code.width();
    let side = (modules + 2 * QUIET_ZONE) * MODULE_PIXELS;
    let dark = |x: usize, y: usize| {
        let inside = |at: usize| (at / MODULE_PIXELS).checked_sub(QUIET_ZONE).filter(|at| *at < modules);
        matches!((inside(x), inside(y)), (Some(x), Some(y)) if code[(x, y)] == Color::Dark)
    };
    let pixels: Vec<u8> = (0..side * side)
        .map(|at| if dark(at % side, at / side) { 0 } else { WHITE })
        .collect();
    let mut bytes = vec![];
    // The largest QR code has 177 modules a side.
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut png = png::Encoder::new(&mut bytes, side, side);
    png.set_color(png::ColorType::Grayscale);
    png.set_depth(png::BitDepth::Eight);
    png.write_header()?.write_image_data(&pixels)?;
    Ok(QrPicture { bytes, side })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qr_image_has_white_border_and_code() {
        let code = QrCode::new("hello").unwrap();
        let picture = picture("hello").unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(picture.bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let side = (code.width() + 2 * QUIET_ZONE) * MODULE_PIXELS;
        assert_eq!((pixels.len(), picture.side as usize), (side * side, side));
        assert!(
            pixels[..side * QUIET_ZONE * MODULE_PIXELS]
                .iter()
                .all(|pixel| *pixel == 255)
        );
        let first = (QUIET_ZONE * MODULE_PIXELS) * (side + 1);
        assert_eq!(pixels[first], 0, "a finder pattern begins in the corner");
    }

    #[test]
    fn overlong_content_is_refused() {
        assert!(matches!(picture(&"x".repeat(5000)), Err(NotDrawn::Code(_))));
    }
}
