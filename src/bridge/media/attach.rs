//! Media of incoming messages: the row is stored with the message, and the bytes are fetched later by
//! [`super::fetcher`].

use std::time::Duration;

use crate::contract::Event;
use crate::domain::account::Account;
use crate::domain::media::{
    FetchMode, FileKind, MediaRules, MediaState, UNKNOWN_TYPE, clean_filename, clean_mimetype, readable_size,
};
use crate::domain::message::Message;
use crate::domain::outbox::MatrixWork;
use crate::domain::whatsapp::{WaMedia, WaMessage};
use crate::domain::{AccountId, MediaId, WaMessageId};
use crate::store::{MediaChange, NewMedia, NewWork, SecondUpload, StoreError, Tx};

/// Span for which the media of a conversation are counted.
const DAY: Duration = Duration::from_hours(24);

/// Stores the medium of a message, if it has one that is not stored yet and the message is not deleted. Returns the message
/// with it.
pub(crate) async fn attach(
    tx: &mut Tx,
    rules: &MediaRules,
    account: &Account,
    message: Message,
    told: &WaMessage,
) -> Result<Message, StoreError> {
    let Some(told) = &told.media else { return Ok(message) };
    // The page goes on telling a message that has disappeared here: its file must not come back.
    if message.deleted_at.is_some() {
        return Ok(message);
    }
    let second = match (&message.media, &told.source) {
        (None, None) => None,
        (None, Some(source)) => Some(SecondUpload {
            source: source.clone(),
            upgrades: None,
        }),
        (Some(first), Some(source)) if told.is_better && is_news(tx, first.id, source).await? => Some(SecondUpload {
            source: source.clone(),
            upgrades: Some(first.id),
        }),
        (Some(_), _) => return Ok(message),
    };
    let mut new = new(rules, account.id, &message, told);
    if let Some(quota) = rules.daily_quota.filter(|_| new.wanted)
        && is_over(tx, rules, &message, &new, quota).await?
    {
        new.wanted = false;
        new.detail = Some(format!(
            "more than {} of media came in this conversation in a day (CRM_MEDIA_DAILY_QUOTA); request it to download it",
            readable_size(quota)
        ));
    }
    let upgrades = second.as_ref().is_some_and(|second| second.upgrades.is_some());
    if upgrades && new.state != MediaState::Pending {
        return Ok(message);
    }
    let media = match second {
        None => tx.media().insert(&new).await?,
        Some(second) => tx.media().insert_second(&new, &second).await?,
    };
    if let Some(preview) = &told.preview {
        tx.media().add_preview(media.id, preview).await?;
    }
    if upgrades {
        // The first one stays until the second is stored.
        return Ok(message);
    }
    tx.media().attach(message.id, &media).await
}

/// Returns whether a second upload is not known yet, neither as the medium of the message nor as what will replace it.
async fn is_news(tx: &mut Tx, first: MediaId, source: &WaMessageId) -> Result<bool, StoreError> {
    let shown = tx.media().get(first).await?;
    let is_shown = shown.is_some_and(|shown| shown.source.as_ref() == Some(source));
    Ok(!is_shown && !tx.media().has_upgrade(first).await?)
}

/// Returns whether a medium is over what one conversation may have downloaded at once in a day. A medium of unknown size
/// counts as the largest that is allowed.
async fn is_over(
    tx: &mut Tx,
    rules: &MediaRules,
    message: &Message,
    new: &NewMedia,
    quota: u64,
) -> Result<bool, StoreError> {
    let largest = rules.max.largest();
    let since = message.timestamp.minus(DAY);
    let taken = tx.media().taken(message, since, largest).await?;
    Ok(taken.saturating_add(new.size.unwrap_or(largest)) > quota)
}

/// Does the same for a message that was stored earlier, without its medium; emits an event if one was added.
pub(crate) async fn attach_late(
    tx: &mut Tx,
    rules: &MediaRules,
    account: &Account,
    message: Message,
    told: &WaMessage,
) -> Result<(), StoreError> {
    let had = message.media.is_some();
    let message = caption_of_first(tx, message, told).await?;
    let message = attach(tx, rules, account, message, told).await?;
    if !had && message.media.is_some() {
        tx.emit(Event::message_media(&message));
    }
    Ok(())
}

/// Takes over the caption of a photo whose second upload came first and had none.
async fn caption_of_first(tx: &mut Tx, message: Message, told: &WaMessage) -> Result<Message, StoreError> {
    let is_first = told.media.as_ref().is_some_and(|media| media.source.is_none());
    let is_untouched = message.edited_at.is_none() && message.deleted_at.is_none() && told.edited_at.is_none();
    let (true, true, Some(media)) = (
        is_first,
        is_untouched && message.content != told.content,
        &message.media,
    ) else {
        return Ok(message);
    };
    let came_second = tx
        .media()
        .get(media.id)
        .await?
        .is_some_and(|media| media.source.is_some());
    if !came_second {
        return Ok(message);
    }
    let message = tx.messages().set_content(message.id, &told.content, None).await?;
    tx.emit(Event::message_edited(&message));
    Ok(message)
}

fn new(rules: &MediaRules, account: AccountId, message: &Message, told: &WaMedia) -> NewMedia {
    let animated = message.details.as_ref().is_some_and(|details| details.animated);
    let max = rules.max.of(FileKind::of_message(message.kind, animated));
    let too_large = told.size.filter(|size| *size > max);
    // Media of imported history are fetched only on request: they would be very many.
    let waits = rules.fetch == FetchMode::Demand || message.backfilled;
    let (state, detail) = match too_large {
        Some(size) => (MediaState::Refused, Some(too_large_for_us(size, max))),
        None if waits => (
            MediaState::Pending,
            Some("it is not downloaded yet; request it to download it".to_owned()),
        ),
        None => (MediaState::Pending, None),
    };
    NewMedia {
        account: Some(account),
        state,
        wanted: state == MediaState::Pending && !waits,
        mimetype: told
            .mimetype
            .as_deref()
            .map_or_else(|| UNKNOWN_TYPE.to_owned(), clean_mimetype),
        sniffed: None,
        size: told.size,
        sha256: None,
        promised_sha256: told.sha256.clone(),
        filename: told.filename.as_deref().and_then(clean_filename),
        detail,
    }
}

/// Returns the reason why a medium of `size` bytes is refused.
pub(crate) fn too_large_for_us(size: u64, max: u64) -> String {
    format!(
        "it has {}, and the limit is {} (CRM_MEDIA_MAX_SIZE)",
        readable_size(size),
        readable_size(max)
    )
}

/// Stores a change of a medium, and emits an event for each message that carries it. Where rooms show these messages, the
/// file follows.
pub(crate) async fn change(tx: &mut Tx, id: MediaId, change: &MediaChange) -> Result<(), StoreError> {
    for message in tx.media().change(id, change).await? {
        tx.emit(Event::message_media(&message));
        if !tx.outbox().hasten_showing(message.id).await? {
            show_late(tx, &message).await?;
        }
    }
    Ok(())
}

/// Queues the showing of a message's file, if the file is here and a room shows the message without it.
pub(crate) async fn show_late(tx: &mut Tx, message: &Message) -> Result<(), StoreError> {
    let is_here = message
        .media
        .as_ref()
        .is_some_and(|media| media.state == MediaState::Stored);
    if !is_here || message.deleted_at.is_some() {
        return Ok(());
    }
    if tx.rooms().lacks_file(message.id).await? {
        let work = MatrixWork::ShowFile { message: message.id };
        tx.outbox().enqueue(NewWork::for_message(message, work)).await?;
    }
    Ok(())
}
