//! Pictures in `data:` URLs (RFC 2397).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Decoder of base64 with or without the final `=`.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Error: not the `data:` URL of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPicture {
    /// It has another form.
    #[error("this is no data: URL of a picture; write it as data:image/png;base64,…")]
    Malformed,
    /// It is too large.
    #[error("the picture is larger than {max} bytes; send a smaller one")]
    TooLarge { max: u64 },
}

/// Returns the bytes of a picture from what stands behind `data:`, at most `max`. What the bytes really are is for others
/// to find out.
pub fn bytes(data: &str, max: u64) -> Result<Vec<u8>, NotAPicture> {
    let (head, body) = data.split_once(',').ok_or(NotAPicture::Malformed)?;
    let head = head.to_ascii_lowercase();
    if !head.starts_with("image/") {
        return Err(NotAPicture::Malformed);
    }
    let plain: Vec<u8> = percent_encoding::percent_decode_str(body).collect();
    let bytes = if head.ends_with(";base64") {
        let packed: Vec<u8> = plain.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        BASE64.decode(packed).map_err(|_| NotAPicture::Malformed)?
    } else {
        plain
    };
    if bytes.len() as u64 > max {
        return Err(NotAPicture::TooLarge { max });
    }
    if bytes.is_empty() {
        return Err(NotAPicture::Malformed);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_url_gives_bytes_of_picture() {
        for data in [
            "image/png;base64,AQID",
            "image/PNG;name=a;BASE64,AQ%49D",
            "image/png,%01%02%03",
        ] {
            assert_eq!(bytes(data, 3).unwrap(), [1, 2, 3], "{data}");
        }
        assert_eq!(bytes("image/png;base64,AQ", 3).unwrap(), [1]);
        assert_eq!(
            bytes("image/png;base64,AQIDBA==", 3),
            Err(NotAPicture::TooLarge { max: 3 })
        );
        for data in [
            "",
            "image/png",
            "image/png;base64,",
            "image/png;base64,*",
            "text/html;base64,AQID",
            ",AQID",
        ] {
            assert_eq!(bytes(data, 3), Err(NotAPicture::Malformed), "{data}");
        }
    }
}
