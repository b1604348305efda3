//! One part of a file as an HTTP answer. Where there are more, a `Link` header with `rel="next"` names the next
//! (RFC 8288): an answer through the gateway is at most 6 MB (product.md SEC-07).

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};

use super::{Format, Writer};
use crate::error::ApiError;

/// A part, ready to be sent.
#[derive(Debug)]
pub(crate) struct Part {
    pub format: Format,
    pub bytes: Vec<u8>,
    /// What to ask for next; `None` = this was the last part.
    pub next: Option<String>,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

impl Part {
    pub fn new(format: Format, writer: Writer, next: Option<String>) -> Result<Self, ApiError> {
        Ok(Self { format, bytes: writer.finish()?, next })
    }

    /// Sends it as a download; `path` is the address that gives the parts.
    pub fn answer(self, name: &str, path: &str) -> Response {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(self.format.media_type()))]);
        let file = format!("attachment; filename=\"{name}.{}\"", self.format.name());
        let next = self.next.map(|cursor| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("format", self.format.name()).append_pair("part", &cursor);
            format!("<{path}?{}>; rel=\"next\"", query.finish())
        });
        for (header, value) in [(CONTENT_DISPOSITION, Some(file)), (LINK, next)] {
            // Ids and form-encoded text are always header values.
            headers.extend(value.and_then(|value| HeaderValue::try_from(value).ok()).map(|value| (header, value)));
        }
        (headers, self.bytes).into_response()
    }
}
