//! One port, several hosts: each request goes to the router whose host it names, as API Gateway would send it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use domain::text::Lang;
use platform::http::{ClientAddress, lang_of};
use signin::Bridge;
use tower::ServiceExt as _;

/// The routers by host name (without port), and the port that they share.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub routers: Arc<BTreeMap<String, Router>>,
    pub port: u16,
}

impl Front {
    /// A router that passes each request on.
    pub(crate) fn router(self) -> Router {
        Router::new().fallback(move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request<Body>| {
            let front = self.clone();
            async move { front.pass(peer, request).await }
        })
    }

    async fn pass(&self, peer: SocketAddr, mut request: Request<Body>) -> Response {
        let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let Some(router) = self.routers.get(&name) else { return self.doors(&request) };
        request.extensions_mut().insert(ClientAddress(peer.ip().to_string()));
        match router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// `http://localhost:9400` itself: which doors there are.
    fn doors(&self, request: &Request<Body>) -> Response {
        if request.uri().path() != "/" {
            return StatusCode::NOT_FOUND.into_response();
        }
        let lang = lang_of(request);
        let title = match lang {
            Lang::Zh => "云桥（本机）",
            Lang::En => "The bridge (local)",
        };
        let links: Vec<String> = DOORS
            .iter()
            .filter(|(host, ..)| self.routers.contains_key(*host))
            .map(|(host, zh, en)| {
                let text = if lang == Lang::Zh { zh } else { en };
                format!("<li><a href=\"http://{host}:{}/\">{text}</a></li>", self.port)
            })
            .collect();
        let tag = lang.tag();
        Html(format!(
            "<!doctype html><html lang=\"{tag}\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
             <h1>{title}</h1><ul>{}</ul></html>",
            links.concat()
        ))
        .into_response()
    }
}

/// The functions of the employees' host, each with its own paths, as the gateway's routes send them.
pub(crate) fn employees(bridge: &Bridge) -> Router {
    let (app_home, qr_login) = (app_home::router(bridge.clone()), qr_login::router(bridge.clone()));
    let oa_intake = oa_intake::router(bridge.clone());
    Router::new().fallback(move |request: Request<Body>| {
        let begins = |paths: &[&str]| paths.iter().any(|prefix| request.uri().path().starts_with(prefix));
        let router = if begins(&qr_login::PATHS) {
            qr_login.clone()
        } else if begins(&oa_intake::PATHS) {
            oa_intake.clone()
        } else {
            app_home.clone()
        };
        async move {
            match router.oneshot(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            }
        }
    })
}

/// Hosts that a person opens by hand.
const DOORS: [(&str, &str, &str); 2] = [
    ("phone.localhost", "模拟手机（WeLink）", "Simulated phone (WeLink)"),
    ("oa.localhost", "模拟 OA", "Simulated OA"),
];
