//! The conversation in the picture.

use std::time::Duration;

use anyhow::Result;
use testbed::agents::{Agent, Content};
use testbed::servers::Folder;
use testbed::servers::{Launch, chromium};
use testbed::standin::{Attachment, AttachmentKind, Draft, NewCustomer, StandIn};

const PATIENCE: Duration = Duration::from_mins(1);

/// Page whose picture the customer sends.
const CAKE: &str = "data:text/html;charset=utf-8,<body style='margin:0;background:linear-gradient(%23f6d8c0,%23c98d66);\
    display:flex;align-items:center;justify-content:center;height:100vh;font-size:150px'>🎂</body>";
/// Page of the customer's avatar.
const FACE: &str = "data:text/html;charset=utf-8,<body style='margin:0;background:%237fb7be;display:flex;align-items:center;\
    justify-content:center;height:100vh;font-size:200px'>👩🏽‍🦱</body>";

/// Plays the conversation.
pub async fn play(standin: &StandIn, anna: &Agent) -> Result<()> {
    let (cake, face) = (drawn(CAKE, (400, 240)).await?, drawn(FACE, (320, 320)).await?);
    let maria = standin.add_customer(NewCustomer::by_phone("Maria Lopes", "447700900123"));
    maria.set_picture("image/png", face);
    maria.write("Hello! Can you make a cake for Saturday?");
    let room = anna.until_room("Maria Lopes", PATIENCE).await?;
    let shown = async |words: &str| {
        anna.until_message(&room.room_id, |message| message.body().contains(words), PATIENCE)
            .await
    };
    let asked = shown("Hello!").await?;
    let say = async |content| anna.send(&room.room_id, content).await;

    say(Content::reply(
        &asked.event_id,
        "Good morning Maria! With pleasure. How many guests?",
    ))
    .await?;
    let mut photo = Attachment::new(AttachmentKind::Image, "image/png", cake);
    photo.caption = Some("Twelve. Like this one, please".to_owned());
    (photo.width, photo.height) = (Some(400), Some(240));
    maria.send(Draft::attachment(photo));
    shown("Like this one").await?;
    say(Content::text("!note Maria is allergic to nuts, see her order of May")).await?;

    let mut voice = Attachment::new(AttachmentKind::Voice, "audio/ogg; codecs=opus", tone());
    voice.seconds = Some(7);
    voice.waveform = (0..64_u32).map(|at| 20 + (at * 37 % 70) as u8).collect();
    maria.send(Draft::attachment(voice));
    anna.until_message(&room.room_id, |message| message.msgtype() == "m.audio", PATIENCE)
        .await?;
    let last = say(Content::text("Noted! It will be ready on Saturday at 9, without nuts")).await?;
    anna.until_reaction(&room.room_id, &last, |key| key == "✓✓", PATIENCE)
        .await?;
    maria.read_all();
    maria.write("You are the best, thank you!");
    shown("You are the best").await?;
    anna.until_reaction(&room.room_id, &last, |key| key == "✓✓ read", PATIENCE)
        .await?;
    Ok(())
}

/// Returns a picture of a page, as PNG.
async fn drawn(page: &str, (width, height): (u32, u32)) -> Result<Vec<u8>> {
    let folder = Folder::new("drawing")?;
    let file = folder.path().join("page.png");
    let browser = Launch::new("Chromium", chromium()?, folder.path()).arguments([
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        format!("--user-data-dir={}", folder.path().join("profile").display()),
        format!("--window-size={width},{height}"),
        format!("--screenshot={}", file.display()),
        page.to_owned(),
    ]);
    browser.run().await?;
    Ok(std::fs::read(file)?)
}

/// Returns the beginning of a voice note.
fn tone() -> Vec<u8> {
    [&b"OggS\0\x02"[..], &[0; 22], b"OpusHead\x01\x01", &[0; 64]].concat()
}
