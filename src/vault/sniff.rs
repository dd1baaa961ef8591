//! Type of a file by its first bytes, whatever its name or its sender says (rule 31).

/// Number of first bytes that are checked.
pub const HEAD_BYTES: usize = 8 << 10;

/// Returns the type by the first bytes, under the name that browsers use.
pub fn sniff(head: &[u8]) -> Option<&'static str> {
    Some(match infer::get(head)?.mime_type() {
        "audio/opus" => "audio/ogg",
        "audio/m4a" => "audio/mp4",
        "audio/x-wav" => "audio/wav",
        "video/x-m4v" | "video/quicktime" if is_mp4(head) => "video/mp4",
        other => other,
    })
}

/// Checks the container's signature; its brand says little.
fn is_mp4(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp") && head.get(8..10) != Some(b"qt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_is_sniffed_and_markup_is_never_image() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(sniff(b"%PDF-1.7 ..."), Some("application/pdf"));
        let opus = [&b"OggS\0\x02"[..], &[0; 22], b"OpusHead"].concat();
        assert_eq!(sniff(&opus), Some("audio/ogg"));
        assert_eq!(sniff(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"), Some("video/mp4"));
        for markup in [
            "<!DOCTYPE html><p>",
            "<svg xmlns='x'>",
            "<?xml version='1.0'?><svg/>",
            "plain",
            "",
        ] {
            let kind = sniff(markup.as_bytes()).unwrap_or_default();
            assert!(!kind.starts_with("image/"), "{markup}: {kind}");
        }
    }
}
