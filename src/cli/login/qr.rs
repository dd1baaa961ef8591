//! QR codes, on a terminal or in a file.

use std::path::Path;

use anyhow::Context as _;
use qrcode::QrCode;
use qrcode::render::{svg, unicode};

use crate::domain::qr;

/// Black on white, whatever the colours of the terminal are: first for terminals with 16 colours, which a theme may
/// change, then the fixed ones of terminals with 256.
const BLACK_ON_WHITE: &str = "\x1b[30;47m\x1b[38;5;16;48;5;231m";
const PLAIN: &str = "\x1b[0m";

/// How a code is drawn as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Without colours, for a terminal with light text on a dark ground.
    OnDark,
    /// Without colours, for a terminal with dark text on a light ground.
    OnLight,
    /// In colours of its own.
    Own,
}

impl Ink {
    /// Returns the way that suits the output. `colours`: whether it is a terminal that may be coloured. `invert` is for
    /// a light terminal without colours.
    pub const fn of(colours: bool, invert: bool) -> Self {
        match (colours, invert) {
            (_, true) => Self::OnLight,
            (true, false) => Self::Own,
            (false, false) => Self::OnDark,
        }
    }
}

/// Returns the code drawn with half blocks.
pub fn text(content: &str, ink: Ink) -> anyhow::Result<String> {
    use unicode::Dense1x2::{Dark, Light};
    let code = code(content)?;
    let mut render = code.render::<unicode::Dense1x2>();
    // `Dark` is a block in the text's colour.
    let (dark, light) = if ink == Ink::OnDark {
        (Light, Dark)
    } else {
        (Dark, Light)
    };
    let drawn = render.dark_color(dark).light_color(light).build();
    if ink != Ink::Own {
        return Ok(drawn);
    }
    let lines: Vec<_> = drawn
        .lines()
        .map(|line| format!("{BLACK_ON_WHITE}{line}{PLAIN}"))
        .collect();
    Ok(lines.join("\n"))
}

/// Writes the code to a file: SVG or text if the extension is `.svg` or `.txt`, else PNG. The file is replaced
/// atomically, so that a program that watches it never sees half a code.
pub fn into_file(content: &str, path: &Path) -> anyhow::Result<()> {
    let kind = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let bytes = match kind {
        "svg" => code(content)?.render::<svg::Color<'_>>().build().into_bytes(),
        "txt" => text(content, Ink::OnDark)?.into_bytes(),
        _ => qr::picture(content).context("drawing the code")?.bytes,
    };
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, bytes)
        .and_then(|()| std::fs::rename(&fresh, path))
        .with_context(|| format!("writing the code to {}", path.display()))
}

fn code(content: &str) -> anyhow::Result<QrCode> {
    QrCode::new(content).context("drawing the code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qr_file_format_follows_extension() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            into_file("2@abc,def", &path).unwrap();
            std::fs::read(path).unwrap()
        };
        assert!(write("code.png").starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(write("code").starts_with(b"\x89PNG"));
        assert!(String::from_utf8(write("code.svg")).unwrap().contains("<svg"));
        assert_eq!(
            String::from_utf8(write("code.txt")).unwrap(),
            text("2@abc,def", Ink::OnDark).unwrap()
        );
    }

    #[test]
    fn qr_text_carries_its_colours_or_inverts() {
        let [dark, light, own] = [Ink::OnDark, Ink::OnLight, Ink::Own].map(|ink| text("hello", ink).unwrap());
        for line in own.lines() {
            assert!(line.starts_with(BLACK_ON_WHITE) && line.ends_with(PLAIN));
        }
        assert_eq!(own.replace(BLACK_ON_WHITE, "").replace(PLAIN, ""), light);
        let inverted = |text: &str| -> String {
            let swap = |c| match c {
                ' ' => '█',
                '█' => ' ',
                '▀' => '▄',
                '▄' => '▀',
                other => other,
            };
            text.chars().map(swap).collect()
        };
        // The last line may be half a module high.
        let first = |text: &str| text.lines().next().unwrap().to_owned();
        assert_eq!(first(&inverted(&dark)), first(&light));
        assert_eq!(Ink::of(true, false), Ink::Own);
        assert_eq!(
            (Ink::of(false, true), Ink::of(false, false)),
            (Ink::OnLight, Ink::OnDark)
        );
    }
}
