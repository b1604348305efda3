//! The pages' stylesheet and scripts: part of the program, kept by a browser for an hour.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

const STYLE: &str = include_str!("../assets/page.css");
const OPEN: &str = include_str!("../assets/open.js");
const SUBMIT: &str = include_str!("../assets/submit.js");

pub async fn serve(Path(name): Path<String>) -> Response {
    let (kind, body) = match name.as_str() {
        "page.css" => ("text/css; charset=utf-8", STYLE),
        "open.js" => ("text/javascript; charset=utf-8", OPEN),
        "submit.js" => ("text/javascript; charset=utf-8", SUBMIT),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], body).into_response()
}
