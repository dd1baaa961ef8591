//! The description of the API: it has every route and no other, it is OpenAPI 3.1, and answers are as it says.

mod answers;
mod fuzz;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::app::App;

/// Routes that check their access themselves.
const UNKEYED: [(&str, &str); 2] = [("get", "/healthz"), ("get", "/api/v1/ws")];

async fn described(app: &App) -> Value {
    app.json("/api/v1/openapi.json").await
}

/// Method, path and description of each operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

/// A validator of values against one of the document's schemas.
fn validator(document: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The same of what an earlier version wrote, which lacks what was added later.
fn faults_of_kept(validator: &Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value).filter(|error| !is_of_lack(error));
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Whether a value only lacks something, also as one of several that it may be.
fn is_of_lack(error: &ValidationError<'_>) -> bool {
    match error.kind() {
        ValidationErrorKind::Required { .. } => true,
        ValidationErrorKind::AnyOf { context } => context.iter().any(|branch| branch.iter().all(is_of_lack)),
        _ => false,
    }
}

#[tokio::test]
async fn description_has_every_route_and_no_other() {
    let app = App::start().await;
    let document = described(&app).await;
    let described: BTreeSet<(&str, &str)> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let lower = |method: &Method| method.as_str().to_ascii_lowercase();
    let routes: Vec<(String, &str)> = crm::api::ROUTES
        .iter()
        .map(|(method, path, _)| (lower(method), *path))
        .collect();
    let routes: BTreeSet<(&str, &str)> = routes
        .iter()
        .map(|(method, path)| (method.as_str(), *path))
        .chain(UNKEYED)
        .collect();
    assert_eq!(described, routes);

    // The running router takes these methods, and no more.
    let mut of_path: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (method, path) in described {
        let methods = of_path.entry(path).or_default();
        methods.insert(method.to_ascii_uppercase());
        if method == "get" {
            methods.insert("HEAD".to_owned());
        }
    }
    for (path, methods) in of_path {
        let concrete = path
            .replace("{id}", "1")
            .replace("{customer_id}", "1")
            .replace("{name}", "customers");
        let answer = app.request(Method::TRACE, &concrete).send().await.unwrap();
        assert_eq!(answer.status(), 405, "{path}");
        let allowed = answer.headers()["allow"].to_str().unwrap();
        let allowed: BTreeSet<String> = allowed.split(',').map(|method| method.trim().to_owned()).collect();
        assert_eq!(allowed, methods, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn description_is_a_contract() {
    let app = App::start().await;
    insta::assert_json_snapshot!("openapi", described(&app).await);
    app.stop().await;
}

/// Whether it is OpenAPI as a whole, schemathesis says, which reads it (`fuzz`).
#[tokio::test]
async fn description_refers_to_what_is_there() {
    let app = App::start().await;
    let document = described(&app).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
    let text = document.to_string();
    for reference in text
        .split("\"$ref\":\"#")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        assert!(document.pointer(reference).is_some(), "nothing is at {reference}");
    }
    let ids: Vec<String> = operations(&document)
        .iter()
        .map(|(_, _, operation)| operation["operationId"].to_string())
        .collect();
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "each has an id of its own: {ids:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn examples_and_samples_fit_their_schemas() {
    let app = App::start().await;
    let document = described(&app).await;
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut examples = 0;
    for (name, schema) in schemas {
        for example in schema["examples"].as_array().into_iter().flatten() {
            assert_eq!(
                faults(&validator(&document, schema), example),
                [""; 0],
                "the example of {name}"
            );
            examples += 1;
        }
    }
    assert!(examples >= 25, "{examples} examples");

    // What is written and read of each type.
    let samples = [
        (include_str!("../../contract/v1/views.json"), ""),
        (include_str!("../../contract/v1/requests.json"), "Request"),
    ];
    let mut held = 0;
    for (samples, ending) in samples {
        let samples: BTreeMap<String, Vec<Value>> = serde_json::from_str(samples).unwrap();
        for (name, samples) in samples {
            let of_request = schemas.get(&format!("{name}{ending}"));
            let Some(schema) = of_request.or_else(|| schemas.get(&name)) else {
                continue;
            };
            let validator = validator(&document, schema);
            for sample in samples {
                assert_eq!(faults_of_kept(&validator, &sample), [""; 0], "{name}: {sample}");
                held += 1;
            }
        }
    }
    assert!(held >= 50, "{held} samples");
    let events: BTreeMap<String, Vec<Value>> =
        serde_json::from_str(include_str!("../../contract/v1/events.json")).unwrap();
    for (kind, samples) in events {
        let of_kind = |variant: &&Value| variant["properties"]["type"]["const"] == json!(kind);
        let variant = schemas["EventBody"]["oneOf"].as_array().unwrap().iter().find(of_kind);
        let data = &variant.unwrap_or_else(|| panic!("{kind} is not described"))["properties"]["data"];
        let validator = validator(&document, data);
        for sample in samples {
            assert_eq!(faults_of_kept(&validator, &sample), [""; 0], "{kind}: {sample}");
        }
    }
    app.stop().await;
}

/// An entity tag saves a client the description that it has.
#[tokio::test]
async fn known_description_is_not_sent_again() {
    let app = App::start().await;
    for path in ["/api/v1/openapi.json", "/api/v1/docs"] {
        let first = app.get(path).await;
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        let again = app
            .request(Method::GET, path)
            .header("if-none-match", tag)
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), 304, "{path}");
        let bare = app.bare(Method::GET, path).send().await.unwrap();
        assert_eq!(bare.status(), 401, "nothing is answered without a key: {path}");
    }
    app.stop().await;
}

/// A header that a handler looks at is described.
#[test]
fn header_that_handler_reads_is_described() {
    let document = crm::api::openapi::document();
    let takes = |id: &str, header: &str| {
        let operations = operations(&document);
        let (_, _, operation) = operations
            .iter()
            .find(|(_, _, operation)| operation["operationId"] == id)
            .unwrap();
        let reference = format!("#/components/parameters/{header}");
        operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|parameter| parameter["$ref"] == reference)
    };
    for (header, ids) in [
        (
            "Idempotency-Key",
            &[
                "messages_create",
                "messages_forward_create",
                "media_upload",
                "seed_messages_send",
                "accounts_create",
                "agents_create",
                "keys_create",
                "keys_rotate",
            ][..],
        ),
        ("If-Match", &["customers_edit", "agents_edit"]),
        (
            "If-None-Match",
            &[
                "accounts_session",
                "media_content",
                "openapi_show",
                "customers_avatar_show",
            ],
        ),
        ("Prefer", &["accounts_session", "history_sync"]),
        ("Range", &["media_content", "customers_avatar_show"]),
        ("Last-Event-ID", &["sse_show", "seed_events_stream"]),
    ] {
        for id in ids {
            assert!(takes(id, header), "{id} lacks {header}");
        }
    }
}
