//! Exports over crashes, and by two processes on one database.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use crm::bridge::{Answered, Core, Desk, ExportWorker, Progress, Random, Worker};
use crm::domain::export::{ExportFilter, ExportFormat, ExportJob, ExportOrder, ExportState, ExportWhat};
use crm::domain::rights::Sight;
use crm::domain::{Clock, ExportId, OwnerId, Seq, Timestamp};
use crm::store::{OpenOptions, StoreError, Synchronous};
use crm::vault::Vault;
use futures_util::{FutureExt, TryStreamExt};

use crate::api::app::{NOW, policy};

/// Customers of these tests: several pages of an export.
const CUSTOMERS: usize = 1_100;

/// A clock that is set by hand.
pub struct Hands(AtomicI64);

impl Hands {
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now.0)))
    }

    fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

struct Place {
    core: Core,
    desk: Desk,
    clock: Arc<Hands>,
}

impl Place {
    async fn new(folder: &Path) -> Self {
        let clock = Hands::at(NOW);
        let url = format!("sqlite://{}", folder.join("crm.db").display());
        let options = OpenOptions {
            synchronous: Synchronous::Off,
            ..OpenOptions::new(&url)
        };
        let store = options.open(clock.clone()).await.unwrap();
        let vault = Vault::in_folder(&folder.join("media")).unwrap();
        let core = Core::new(store, vault, clock.clone(), Random::seeded(3), policy())
            .await
            .unwrap();
        let place = Self {
            desk: Desk::new(core.clone(), vec![], None),
            core,
            clock,
        };
        place.fill().await;
        place
    }

    async fn fill(&self) {
        let filled = self.core.store.write((), |tx, ()| {
            async move {
                for n in 0..CUSTOMERS {
                    let phone = format!("+4477009{n:05}").parse().unwrap();
                    let identity = crm::domain::customer::Identity::phone(&phone);
                    let told = crm::store::Contact::new(
                        std::slice::from_ref(&identity),
                        None,
                        Some("Ada"),
                        crm::domain::customer::IdentitySource::WhatsApp,
                    );
                    tx.customers().meet(&told).await?;
                }
                Ok::<_, StoreError>(())
            }
            .boxed()
        });
        filled.await.unwrap();
    }

    async fn ask(&self) -> ExportId {
        let order = ExportOrder {
            what: ExportWhat::Customers,
            format: ExportFormat::Csv,
            filter: ExportFilter::default(),
            sight: Sight::default(),
            owner: OwnerId(1),
            asked_by: "shop".to_owned(),
        };
        match self.desk.ask_export(order, None).await.unwrap() {
            Answered::New(job) => job.id,
            Answered::Replayed(_) => unreachable!("it has no key"),
        }
    }

    async fn job(&self, id: ExportId) -> ExportJob {
        self.core.store.exports().get(id).await.unwrap().unwrap()
    }

    async fn file(&self, job: &ExportJob) -> Vec<u8> {
        let object = job.object.as_ref().unwrap();
        let pieces: Vec<_> = self
            .core
            .vault
            .read(object, 0..job.bytes)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        pieces.concat()
    }

    /// How often each export was told to be in a state.
    async fn told(&self) -> BTreeMap<(i64, String), usize> {
        let events = self.core.store.journal().after(Seq(0), 1000).await.unwrap();
        let mut told = BTreeMap::new();
        for event in events.iter().filter(|event| event.kind.to_string() == "export.state") {
            let data: serde_json::Value = event.data.parse().unwrap();
            let key = (data["id"].as_i64().unwrap(), data["state"].as_str().unwrap().to_owned());
            *told.entry(key).or_default() += 1;
        }
        told
    }
}

/// Polls a future so often at most, then drops it wherever it is, as a crash would.
async fn polled<F: Future>(future: F, mut times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |context| {
        if times == 0 {
            return Poll::Ready(None);
        }
        times -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn crash_between_any_two_steps_runs_export_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path()).await;
    let mut expected: Option<Vec<u8>> = None;
    let (mut crashes, mut times) = (0, 1);
    loop {
        let id = place.ask().await;
        let mut worker = ExportWorker::new(place.core.clone());
        let ended = polled(worker.step(), times).await;
        drop(worker);
        let has_ended = ended.is_some_and(|step| step.unwrap() == Progress::Worked);
        if !has_ended {
            crashes += 1;
            // Nobody has it before the claim has run out, unless nobody had claimed it yet.
            place.clock.advance(Duration::from_mins(2));
            let mut next = ExportWorker::new(place.core.clone());
            while next.step().await.unwrap() == Progress::Worked {}
        }
        let job = place.job(id).await;
        assert_eq!(job.state, ExportState::Done, "after {times} polls: {job:?}");
        assert_eq!(job.rows, CUSTOMERS as u64);
        let file = place.file(&job).await;
        assert_eq!(file.len() as u64, job.bytes);
        assert!(
            *expected.get_or_insert_with(|| file.clone()) == file,
            "after {times} polls"
        );
        let told = place.told().await;
        assert_eq!(told.get(&(id.0, "done".to_owned())), Some(&1), "it ends once");
        place.desk.delete_export(id).await.unwrap();
        if has_ended {
            break;
        }
        times += 1;
        assert!(times < 500, "it never ends");
    }
    assert!(crashes >= 5, "{crashes} crashes");
    let left = std::fs::read_dir(folder.path().join("media/incoming")).unwrap().count();
    assert_eq!(left, 0, "no spool file outlasts a dropped step");
    place.core.store.close().await;
}

/// An export that is interrupted each time is given up.
#[tokio::test]
async fn export_that_never_ends_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path()).await;
    let id = place.ask().await;
    for attempt in 1..=5 {
        let mut polls = 1;
        while place.job(id).await.attempts < attempt {
            let mut worker = ExportWorker::new(place.core.clone());
            polled(worker.step(), polls).await;
            polls += 1;
        }
        let mut other = ExportWorker::new(place.core.clone());
        assert_eq!(other.step().await.unwrap(), Progress::Idle, "it is claimed");
        place.clock.advance(Duration::from_mins(2));
    }
    let mut worker = ExportWorker::new(place.core.clone());
    worker.step().await.unwrap();
    let job = place.job(id).await;
    assert_eq!(job.state, ExportState::Failed);
    assert!(job.failure.unwrap().contains("interrupted 5 times"));
    place.core.store.close().await;
}

#[tokio::test]
async fn two_processes_write_each_export_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path()).await;
    let mut ids = vec![];
    for _ in 0..6 {
        ids.push(place.ask().await);
    }
    let work = async || {
        let mut worker = ExportWorker::new(place.core.clone());
        let mut steps = 0;
        for _ in 0..20 {
            if worker.step().await.unwrap() == Progress::Worked {
                steps += 1;
            }
        }
        steps
    };
    let (one, other) = tokio::join!(work(), work());
    assert_eq!(one + other, 6, "{one} and {other}");
    let told = place.told().await;
    for id in ids {
        assert_eq!(
            (place.job(id).await.state, place.job(id).await.attempts),
            (ExportState::Done, 1)
        );
        for state in ["queued", "running", "done"] {
            assert_eq!(told.get(&(id.0, state.to_owned())), Some(&1), "{id} {state}");
        }
    }
    place.core.store.close().await;
}

/// What was cancelled, or taken by another process, is not ended by the one that had it.
#[tokio::test]
async fn lost_claim_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path()).await;
    let id = place.ask().await;
    let mut worker = ExportWorker::new(place.core.clone());
    {
        let mut step = pin!(worker.step());
        while place.job(id).await.state != ExportState::Running {
            let _ = futures_util::poll!(step.as_mut());
            tokio::task::yield_now().await;
        }
        place.desk.delete_export(id).await.unwrap();
        step.await.unwrap();
    }
    let job = place.job(id).await;
    assert_eq!((job.state, job.object), (ExportState::Cancelled, None));
    // A worker that stops in order gives back what it has in hand.
    let id = place.ask().await;
    {
        let mut step = pin!(worker.step());
        let mut more = 3;
        while more > 0 {
            assert!(
                futures_util::poll!(step.as_mut()).is_pending(),
                "it is stopped before it ends"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
            more -= i32::from(place.job(id).await.state == ExportState::Running);
        }
    }
    worker.drain().await;
    let mut next = ExportWorker::new(place.core.clone());
    assert_eq!(next.step().await.unwrap(), Progress::Worked);
    assert_eq!(place.job(id).await.state, ExportState::Done);
    place.core.store.close().await;
}
