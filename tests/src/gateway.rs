//! API Gateway's part: an HTTP request becomes an event of format 2.0, the function's answer becomes an HTTP answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use platform::transport::{Transport, TransportError};
use serde_json::{Value, json};
use tower::service_fn;

use crate::runtime_api::RuntimeApi;

/// Sends requests for `host` (without port) to the function behind `api`, all others through `others`.
pub fn transport(host: &str, api: Arc<RuntimeApi>, others: Transport) -> Transport {
    let host = host.to_owned();
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (api, others) = (Arc::clone(&api), others.clone());
        let ours = request.uri().host() == Some(host.as_str());
        async move {
            if !ours {
                return others.send(request, std::time::Duration::from_secs(30)).await;
            }
            let answer = api.invoke(event(&request)).await;
            read(&answer.map_err(|failed| TransportError::Broken(format!("{failed:?}")))?)
        }
    }))
}

/// The event of an HTTP API (payload format 2.0): headers joined by commas, cookies apart.
pub fn event(request: &Request<Bytes>) -> Value {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies = Vec::new();
    for (name, value) in request.headers() {
        let text = value.to_str().unwrap_or_default().to_owned();
        if name == header::COOKIE {
            cookies.extend(text.split("; ").map(str::to_owned));
        } else {
            headers.entry(name.to_string()).and_modify(|known| *known = format!("{known},{text}")).or_insert(text);
        }
    }
    let uri = request.uri();
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": uri.path(), "rawQueryString": uri.query().unwrap_or(""),
        "headers": headers, "isBase64Encoded": true, "body": STANDARD.encode(request.body()),
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": uri.host(), "domainPrefix": "api",
            "requestId": "request", "routeKey": "$default", "stage": "$default",
            "time": "25/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_564_800_000_i64,
            "http": { "method": request.method().as_str(), "path": uri.path(), "protocol": "HTTP/1.1",
                      "sourceIp": "192.0.2.7", "userAgent": "test" },
        },
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    event
}

fn read(answer: &Value) -> Result<Response<Bytes>, TransportError> {
    let broken = |what: &str| TransportError::Broken(format!("the function's answer has no {what}: {answer}"));
    let status = answer["statusCode"].as_u64().and_then(|code| u16::try_from(code).ok());
    let status = status.and_then(|code| StatusCode::from_u16(code).ok()).ok_or_else(|| broken("status"))?;
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == json!(true) {
        STANDARD.decode(text).map_err(|_| broken("readable body"))?
    } else {
        text.as_bytes().to_vec()
    };
    let mut out = Response::new(Bytes::from(body));
    *out.status_mut() = status;
    let mut put = |name: &str, value: &Value| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value.as_str().unwrap_or_default())) {
            out.headers_mut().append(name, value);
        }
    };
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        put(name, value);
    }
    for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
        if answer["headers"][name].is_null() {
            values.as_array().into_iter().flatten().for_each(|value| put(name, value));
        }
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        put("set-cookie", cookie);
    }
    Ok(out)
}
