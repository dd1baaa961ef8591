//! Files to send, small and large: real enough for those who look at their first bytes.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crm::domain::hex::hex;
use sha2::{Digest, Sha256};

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes that are like no others, the same for the same seed.
pub fn noise(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.max(1);
    let mut bytes = Vec::with_capacity(size + 4);
    while bytes.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend_from_slice(&state.to_be_bytes()[..3]);
    }
    bytes.truncate(size);
    bytes
}

/// A picture.
pub fn png() -> Vec<u8> {
    png_of(40, 30)
}

/// A picture of half a megabyte.
pub fn large_png() -> Vec<u8> {
    png_of(400, 400)
}

fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = vec![];
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer
        .write_image_data(&noise((width * height * 3) as usize, 7))
        .unwrap();
    writer.finish().unwrap();
    bytes
}

/// What begins as a film.
pub fn mp4(size: usize, seed: u32) -> Vec<u8> {
    [&b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"[..], &noise(size, seed)].concat()
}

/// A tone of a second.
pub fn wav() -> Vec<u8> {
    const RATE: u32 = 8_000;
    let data: Vec<u8> = (0..RATE).map(|at| if at / 20 % 2 == 0 { 90 } else { 160 }).collect();
    let number = |number: u32| number.to_le_bytes();
    [
        b"RIFF",
        &number(36 + RATE)[..],
        b"WAVEfmt ",
        &number(16),
        &[1, 0, 1, 0],
        &number(RATE),
        &number(RATE),
        &[1, 0, 8, 0],
        b"data",
        &number(RATE),
        &data,
    ]
    .concat()
}

/// What begins as a voice note.
pub fn opus(size: usize, seed: u32) -> Vec<u8> {
    [&b"OggS\0\x02"[..], &[0; 22], b"OpusHead", &noise(size, seed)].concat()
}

/// A sticker of one pixel.
pub fn webp() -> Vec<u8> {
    STANDARD
        .decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
        .unwrap()
}

/// Writes a file; gives its path.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A process's memory in bytes: what it has, and the most that it had since [`forget_peak`].
pub fn memory(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
    };
    (kilobytes("VmRSS:"), kilobytes("VmHWM:"))
}

/// Lets the peak begin anew.
pub fn forget_peak(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}
