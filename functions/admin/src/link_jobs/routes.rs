//! The handlers: they read a request, call one function, and answer.

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use domain::problem;
use platform::http::lang_of;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use signin::Bridge;
use utoipa::IntoParams;

use super::View;
use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::sheet::{FILE_BYTES_MAX, Format};

/// An uploaded file: the whole body, with a limit of its own (product.md C24).
#[derive(Debug)]
pub(crate) struct Upload(Bytes);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let lang = lang_of(&request);
        let declared = axum::body::HttpBody::size_hint(request.body()).lower();
        let whole = |body: Body| to_bytes(body, FILE_BYTES_MAX);
        // A file that says it is too large is not even read.
        if usize::try_from(declared).is_ok_and(|bytes| bytes <= FILE_BYTES_MAX)
            && let Ok(bytes) = whole(request.into_body()).await
        {
            return Ok(Self(bytes));
        }
        let reason = "a file has 4 MiB at most: split it / 文件最大 4 MiB，请拆分文件";
        Err(ApiError::from(problem::BODY_TOO_LARGE).about("file", reason).answer(lang))
    }
}

/// Which part of a file, in which format.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartAsked {
    #[serde(default)]
    pub format: Format,
    #[serde(default)]
    pub part: Option<String>,
}

#[derive(Serialize)]
struct Counted {
    count: u64,
}

/// Reads the query of an address.
pub(crate) fn asked<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    Query::try_from_uri(uri).map(|Query(asked)| asked).map_err(|e| ApiError::field("query", e.body_text()))
}

fn answer(actor: &Actor, status: StatusCode, outcome: Result<View, ApiError>) -> Response {
    match outcome {
        Ok(view) => (status, Json(view)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn post_import(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    uri: Uri,
    Upload(file): Upload,
) -> Response {
    let made = super::import(&bridge, &actor, &enterprise, &file, || asked(&uri)).await;
    answer(&actor, StatusCode::CREATED, made)
}

/// How many links a bulk unbinding would remove.
pub async fn get_bulk_unbind(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match super::count_links(&bridge, &actor, &enterprise).await {
        Ok(count) => Json(Counted { count }).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn post_bulk_unbind(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    body: input::Body,
) -> Response {
    let made = super::bulk_unbind(&bridge, &actor, &enterprise, Sent::Json(&body)).await;
    answer(&actor, StatusCode::CREATED, made)
}

pub async fn get_list(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match super::list(&bridge, &actor, &enterprise).await {
        Ok(jobs) => Json(jobs).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn get_job(State(bridge): State<Bridge>, actor: Actor, Path(job): Path<String>) -> Response {
    answer(&actor, StatusCode::OK, super::show(&bridge, &actor, &job).await)
}

pub async fn post_continue(State(bridge): State<Bridge>, actor: Actor, Path(job): Path<String>) -> Response {
    answer(&actor, StatusCode::OK, super::go_on(&bridge, &actor, &job).await)
}

pub async fn post_apply(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(job): Path<String>,
    body: input::Body,
) -> Response {
    answer(&actor, StatusCode::OK, super::apply(&bridge, &actor, &job, Sent::Json(&body)).await)
}

pub async fn post_undo(State(bridge): State<Bridge>, actor: Actor, Path(job): Path<String>) -> Response {
    answer(&actor, StatusCode::CREATED, super::undo(&bridge, &actor, &job).await)
}

pub async fn get_result(State(bridge): State<Bridge>, actor: Actor, Path(job): Path<String>, uri: Uri) -> Response {
    let part = async {
        let PartAsked { format, part } = asked(&uri)?;
        super::result(&bridge, &actor, &job, format, part.as_deref()).await
    };
    match part.await {
        Ok(part) => part.answer("result", uri.path()),
        Err(error) => error.answer(actor.lang),
    }
}
