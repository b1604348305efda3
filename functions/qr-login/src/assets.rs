//! This function's stylesheet and script; the pages' common ones are app-home's, on the same host.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

const STYLE: &str = include_str!("../assets/scan.css");
const SCREEN: &str = include_str!("../assets/screen.js");
const ELEMENT: &str = include_str!("../assets/element.js");

pub async fn serve(Path(name): Path<String>) -> Response {
    let (kind, body) = match name.as_str() {
        "scan.css" => ("text/css; charset=utf-8", STYLE),
        "screen.js" => ("text/javascript; charset=utf-8", SCREEN),
        "element.js" => ("text/javascript; charset=utf-8", ELEMENT),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], body).into_response()
}
