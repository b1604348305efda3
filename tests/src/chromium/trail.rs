//! What a browser leaves behind: the messages of every console, and every request.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use url::Url;

/// The file of console messages.
pub(super) const CONSOLE: &str = "console.log";
/// The file of requests, one event a line.
pub(super) const REQUESTS: &str = "requests.json";

/// Where the bridge's pages may lead on WeLink's login host: its sign-in page, and script, frame and end of its own QR
/// element.
const LOGIN_PATHS: [&str; 4] = [
    "/sso/oauth2/authorize",
    "/sso/oauth2/sns_authorize",
    "/sso-proxy-front/public/qrcode/0.0.1/wlQrcodeLogin.js",
    "/sso-proxy-front/public/qrcode/0.0.1/qrcode.html",
];

/// What must not have happened.
pub(super) fn complaints(folder: &Path, port: u16) -> BTreeSet<String> {
    let read = |name: &str| {
        let text = std::fs::read(folder.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
        String::from_utf8_lossy(&text).into_owned()
    };
    let mut complaints = console(&read(CONSOLE));
    complaints.extend(requests(&read(REQUESTS), port));
    complaints
}

/// Errors of scripts, violations of policies and all else that a page says on its console: our pages say nothing.
fn console(log: &str) -> BTreeSet<String> {
    let messages = log.lines().filter_map(|line| line.split_once(":CONSOLE")).map(|(_, message)| message);
    messages.filter(|message| !is_an_answer(message)).map(|message| format!("console{message}")).collect()
}

/// Chromium notes a page that is answered with a problem's status, and so it does for the scripts and styles that are
/// missing: only the former is meant to be.
fn is_an_answer(message: &str) -> bool {
    let page =
        ["/h/", "/handoff", "/bind", "/sso/", "/q/", "/qr/", "/login/scan/"].iter().any(|path| message.contains(path))
            && !message.contains("/assets/");
    message.contains("Failed to load resource: the server responded with a status of") && page
}

/// Requests of pages to hosts that are not ours; and the only script that comes from elsewhere is the vendor's.
fn requests(log: &str, port: u16) -> BTreeSet<String> {
    let (mut complaints, mut seen) = (BTreeSet::new(), 0);
    for line in log.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line.trim_end_matches(',')) else { continue };
        let text = |name: &str| event["params"][name].as_str().unwrap_or_default();
        // Requests of the browser itself have no page that they come from.
        let (Ok(from), Ok(to)) = (Url::parse(text("initiator")), Url::parse(text("url"))) else { continue };
        if !matches!(to.scheme(), "http" | "https" | "ws" | "wss") {
            continue;
        }
        seen += 1;
        let (from_host, to_host) = (from.host_str().unwrap_or_default(), to.host_str().unwrap_or_default());
        // The vendor's server may stand anywhere; the bridge may ask it for its script, and for nothing else.
        let script = is_host(from_host, "bridge") && is_host(to_host, "phone") && to.path() == "/hwh5.js";
        let ours = to.port() == Some(port)
            && ["bridge", "console", "phone", "oa", "login"].iter().any(|name| is_host(to_host, name));
        // WeLink's sign-in page is gone to, never borrowed from, but for WeLink's own QR element where it is shown.
        let goes = is_host(to_host, "login") && LOGIN_PATHS.contains(&to.path());
        let login = is_host(from_host, "bridge") && is_host(to_host, "login") && !goes;
        let borrowed = login || is_host(from_host, "bridge") && is_host(to_host, "phone");
        if !script && (!ours || borrowed) {
            complaints.insert(format!("request of {from} to {to}"));
        }
    }
    assert!(seen > 0, "the browser has logged no request of a page: nothing would be found");
    complaints
}

fn is_host(host: &str, name: &str) -> bool {
    host.strip_prefix(name) == Some(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_error_and_a_missing_script_are_found_and_a_refusal_is_not() {
        let missing = "Failed to load resource: the server responded with a status of 4";
        let log = format!(
            "[1:2:INFO:CONSOLE:1] \"Uncaught Error: x\", source: http://bridge.localhost/assets/open.js (3)\n\
             [1:2:INFO:other.cc:1] hm\n\
             [1:2:INFO:CONSOLE:0] \"{missing}04\", source: http://bridge.localhost/assets/x.js (0)\n\
             [1:2:INFO:CONSOLE:0] \"{missing}03\", source: http://bridge.localhost/h/a_1 (0)\n"
        );
        assert_eq!(console(&log).len(), 2);
    }

    #[test]
    fn a_request_to_others_is_found_and_the_browsers_own_are_not() {
        let line = |from: &str, to: &str| format!("{{\"params\":{{\"initiator\":\"{from}\",\"url\":\"{to}\"}}}},\n");
        let (bridge, script) = ("http://bridge.localhost:9", "http://phone.localhost:9/hwh5.js");
        let fine = line(bridge, script) + &line("not an origin", "https://update.example/");
        assert_eq!(requests(&fine, 9), BTreeSet::new());
        for bad in ["http://phone.localhost:9/other.js", "https://metrics.example/", "http://oa.localhost:10/"] {
            assert_eq!(requests(&line(bridge, bad), 9).len(), 1, "{bad}");
        }
    }
}
