//! Describes what one route takes and answers, told by the types of its handler: each extractor adds its parameters and each answer
//! its statuses, so that the description cannot differ from the code.

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::api::http::takes::Takes;
use crate::domain::Operation;

pub const JSON: &str = "application/json";

/// Where the schemas of answers are in the document, and those of both in the end.
pub const WRITTEN: &str = "/components/schemas";
/// Where those of requests are until then.
pub const READ: &str = "/requests";

/// A route with its handler.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// The operation whose right is checked; `None` where the handler checks access itself.
    pub operation: Option<Operation>,
    /// Path of the handler, by which its documentation is found.
    pub handler: &'static str,
    pub describe: fn(&mut Draft<'_>),
}

impl Route {
    /// Creates a route. The handler is only looked at.
    pub fn new<I, H: Described<I>>(
        method: Method,
        path: &'static str,
        operation: impl Into<Option<Operation>>,
        _: H,
    ) -> Self {
        Self {
            method,
            path,
            operation: operation.into(),
            handler: std::any::type_name::<H>(),
            describe: H::describe,
        }
    }
}

/// Returns what of a request a handler reads. The handler is only looked at.
pub const fn taken<I, H: Described<I> + Copy>(_: H) -> Takes {
    H::TAKES
}

#[diagnostic::on_unimplemented(
    message = "the handler is not described",
    note = "its queries and filters derive `JsonSchema`, its other extractors implement `openapi::Input` and its answer `Output`; \
            a `Response` is wrapped in `Shaped`"
)]
/// A handler whose extractors `I` and answer are described.
pub trait Described<I> {
    /// Parts of a request that the handler reads.
    const TAKES: Takes;

    /// Adds what the handler takes and answers.
    fn describe(draft: &mut Draft<'_>);
}

/// An extractor.
pub trait Input {
    /// Parts of a request that it reads; all others are refused.
    const TAKES: Takes = Takes::NOTHING;

    /// Adds what it reads of a request, and the problems with that.
    fn describe(_: &mut Draft<'_>) {}
}

/// An answer.
pub trait Output {
    /// Adds its statuses.
    fn describe(draft: &mut Draft<'_>);
}

macro_rules! described {
    ($($input:ident)*) => {
        impl<F, Fut, O, $($input),*> Described<($($input,)*)> for F
        where
            F: Fn($($input),*) -> Fut,
            Fut: Future<Output = O>,
            O: Output,
            $($input: Input,)*
        {
            const TAKES: Takes = Takes::NOTHING$(.and(<$input as Input>::TAKES))*;

            fn describe(draft: &mut Draft<'_>) {
                $($input::describe(draft);)*
                O::describe(draft);
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E G);
described!(A B C D E G H);
described!(A B C D E G H J);

/// Schemas of everything that requests and answers contain. The two differ: what is not given in an answer is absent or
/// null as it says, and a request takes both.
pub struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    pub fn new() -> Self {
        let at = |path: &'static str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = path.into();
                settings.meta_schema = None;
            })
        };
        Self {
            read: at(READ).for_deserialize().into_generator(),
            written: at(WRITTEN).for_serialize().into_generator(),
        }
    }

    /// Returns the schema of a type in answers.
    pub fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// Returns the schema of a type in requests.
    pub fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// Returns the schema of a type in requests, with what it contains in place of references to it.
    pub fn fields<T: JsonSchema>(&mut self) -> Value {
        T::json_schema(&mut self.read).to_value()
    }

    /// Returns the named schemas, those of answers first.
    pub fn finish(mut self) -> (Map<String, Value>, Map<String, Value>) {
        (self.written.take_definitions(true), self.read.take_definitions(true))
    }
}

/// A route's description in the making.
pub struct Draft<'s> {
    pub method: Method,
    pub path: &'static str,
    pub schemas: &'s mut Schemas,
    pub parameters: Vec<Value>,
    pub body: Option<Value>,
    pub answers: BTreeMap<u16, Answer>,
}

/// Answer of one status.
#[derive(Default)]
pub struct Answer {
    pub description: String,
    pub content: Map<String, Value>,
    pub headers: Vec<&'static str>,
    /// Schemas of a WebSocket's frames, and of the data of each command.
    pub frames: Option<Value>,
    /// Whether it is, or may be, a problem.
    pub is_problem: bool,
}

impl<'s> Draft<'s> {
    pub fn new(route: &Route, schemas: &'s mut Schemas) -> Self {
        Self {
            method: route.method.clone(),
            path: route.path,
            schemas,
            parameters: vec![],
            body: None,
            answers: BTreeMap::new(),
        }
    }

    /// Adds problems by their status.
    pub fn problems(&mut self, statuses: &[u16]) {
        for status in statuses {
            self.answers.entry(*status).or_default().is_problem = true;
        }
    }

    /// Adds an answer, or to an answer.
    pub fn answer(&mut self, status: u16, description: &str) -> &mut Answer {
        let answer = self.answers.entry(status).or_default();
        description.clone_into(&mut answer.description);
        answer
    }

    /// Adds an answer with a body of JSON.
    pub fn json<T: JsonSchema>(&mut self, status: u16, description: &str) -> &mut Answer {
        let schema = self.schemas.written::<T>();
        let answer = self.answer(status, description);
        answer.content.insert(JSON.to_owned(), json!({ "schema": schema }));
        answer
    }

    /// Adds a request header of [`components`](super::components), once.
    pub fn takes(&mut self, header: &str) {
        let reference = json!({ "$ref": format!("#/components/parameters/{header}") });
        if !self.parameters.contains(&reference) {
            self.parameters.push(reference);
        }
    }

    /// Adds a header to the answers that are none of problems.
    pub fn header_of_success(&mut self, header: &'static str) {
        for answer in self.answers.values_mut().filter(|answer| !answer.is_problem) {
            if !answer.headers.contains(&header) {
                answer.headers.push(header);
            }
        }
    }

    /// Adds the fields of a query.
    pub fn query<T: JsonSchema>(&mut self) {
        let fields = self.schemas.fields::<T>();
        let required = fields["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in fields["properties"].as_object().into_iter().flatten() {
            let (schema, description) = parameter(schema);
            let mut parameter = json!({ "name": name, "in": "query", "schema": schema });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            if required.contains(&json!(name)) {
                parameter["required"] = json!(true);
            }
            // The account of a filter has to exist.
            if name == "account" {
                self.problems(&[404]);
            }
            self.parameters.push(parameter);
        }
        self.problems(&[400]);
    }
}

/// Returns a field's schema as that of a parameter, which is a word and never null, and its description.
pub fn parameter(field: &Value) -> (Value, Option<Value>) {
    let mut schema = super::nullable::without_null(field);
    let fields = schema.as_object_mut();
    let description = fields.and_then(|fields| {
        fields.shift_remove("default");
        fields.shift_remove("description")
    });
    (schema, description)
}
