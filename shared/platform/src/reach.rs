//! Whether an address can be reached, tried step by step: name, connection or proxy, TLS, HTTP (product.md ENT-06).
//!
//! Every HTTP answer means "reachable", an error too: the check is of the way, not of what is at its end (M3). Each
//! step has a bound and its own time, so that a report says where the way ends and how slow it is.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ::http::{Method, Request, StatusCode, header};
use bytes::Bytes;
use domain::text::Text;
use http_body_util::{BodyExt as _, Collected, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::config::Config;

/// Bytes of an answer that a check looks at.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Something answered HTTP.
    Reachable,
    /// The name has no address, or the name service does not answer.
    Dns,
    /// The machine is there and takes no connection at this port.
    Refused,
    /// No way leads to the machine.
    Unreachable,
    /// The outbound proxy is away, or does not let this address pass.
    Proxy,
    /// No secure connection: not TLS, or a certificate that is not trusted.
    Tls,
    /// A step took longer than it may.
    Timeout,
    /// Connected, but what came back is not HTTP.
    NotHttp,
}

impl Outcome {
    /// What it means and what to do.
    pub fn text(self) -> Text {
        match self {
            Self::Reachable => Text::new("可以访问。", "Reachable."),
            Self::Dns => Text::new(
                "域名无法解析：请检查地址拼写和 DNS 设置。",
                "The name has no address: check its spelling and the DNS settings.",
            ),
            Self::Refused => Text::new(
                "连接被拒绝：请检查端口，以及对方服务是否已启动。",
                "The connection is refused: check the port, and whether the service runs.",
            ),
            Self::Unreachable => Text::new(
                "没有通往该地址的网络路由：请检查网络和防火墙。",
                "No network route leads there: check the network and the firewall.",
            ),
            Self::Proxy => Text::new(
                "出站代理不可用或不放行该地址：请检查 BRIDGE_PROXY 和代理的放行名单。",
                "The outbound proxy is away or does not let this address pass: check BRIDGE_PROXY and its allow-list.",
            ),
            Self::Tls => Text::new(
                "无法建立安全连接：请检查证书、系统时间和中间设备。",
                "No secure connection: check the certificate, the machine's time, and devices in between.",
            ),
            Self::Timeout => Text::new(
                "没有在时限内回应：通常是防火墙丢弃了连接。",
                "No answer in time: most often a firewall drops the connection.",
            ),
            Self::NotHttp => Text::new(
                "已连接，但返回的不是 HTTP：请检查端口和中间设备。",
                "Connected, but what came back is not HTTP: check the port, and devices in between.",
            ),
        }
    }
}

/// A part of the way, in the order in which they are taken. `Proxy` stands in the place of `Dns` and `Tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    Dns,
    Tcp,
    Proxy,
    Tls,
    Http,
}

/// A step that was taken, the failed one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    pub step: StepName,
    pub ms: u64,
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct Found {
    pub outcome: Outcome,
    pub steps: Vec<Step>,
    pub http_status: Option<u16>,
    /// In the words of whatever failed; English, for an administrator.
    pub detail: Option<String>,
    /// The beginning of the answer.
    pub body: Bytes,
}

/// Checks addresses by the way that calls take.
#[derive(Debug, Clone)]
pub struct Reach {
    proxy: Option<String>,
    extra_roots_pem: Option<String>,
    step_max: Duration,
}

/// A step failed.
struct Failed {
    outcome: Outcome,
    detail: String,
}

impl Failed {
    fn new(outcome: Outcome, detail: impl fmt::Display) -> Self {
        Self { outcome, detail: detail.to_string() }
    }

    fn io(error: &io::Error) -> Self {
        let outcome = match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Outcome::Refused,
            io::ErrorKind::TimedOut => Outcome::Timeout,
            _ => Outcome::Unreachable,
        };
        Self::new(outcome, error)
    }
}

/// The steps of one check as they are taken.
struct Walk {
    steps: Vec<Step>,
    step_max: Duration,
}

impl Walk {
    /// Takes a step within its bound; `late` is what it means that it did not end.
    async fn take<T>(
        &mut self,
        step: StepName,
        late: Outcome,
        taken: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let start = Instant::now();
        let ended = tokio::time::timeout(self.step_max, taken).await;
        self.steps.push(Step { step, ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX) });
        let late = || Failed::new(late, format!("nothing within {} ms", self.step_max.as_millis()));
        ended.unwrap_or_else(|_| Err(late()))
    }
}

/// Any connection on which HTTP or TLS can be spoken.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

impl Reach {
    /// Checks as the bridge of these settings calls. `extra_roots` says whether its additional authorities count, as
    /// they do for OAs alone.
    pub fn new(config: &Config, extra_roots: bool) -> Self {
        Self {
            proxy: config.proxy.clone(),
            extra_roots_pem: config.extra_roots_pem.clone().filter(|_| extra_roots),
            step_max: Duration::from_millis(u64::from(config.check_step_ms)),
        }
    }

    /// Tries the address by one `GET`.
    pub async fn check(&self, address: &Url) -> Found {
        let mut walk = Walk { steps: Vec::new(), step_max: self.step_max };
        let walked = self.walk(&mut walk, address).await;
        let steps = walk.steps;
        match walked {
            Ok((status, body)) => {
                Found { outcome: Outcome::Reachable, steps, http_status: Some(status.as_u16()), detail: None, body }
            }
            Err(Failed { outcome, detail }) => {
                Found { outcome, steps, http_status: None, detail: Some(detail), body: Bytes::new() }
            }
        }
    }

    async fn walk(&self, walk: &mut Walk, address: &Url) -> Result<(StatusCode, Bytes), Failed> {
        let host = address.host_str().unwrap_or_default();
        let port = address.port_or_known_default().unwrap_or(443);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let line: Box<dyn Line> = if let Some(proxy) = self.proxy.as_deref().filter(|_| !of_this_machine(bare)) {
            let tunnel = tunnel(proxy, host, port);
            Box::new(walk.take(StepName::Proxy, Outcome::Proxy, tunnel).await?)
        } else {
            let found = walk.take(StepName::Dns, Outcome::Dns, addresses(bare, port)).await?;
            Box::new(walk.take(StepName::Tcp, Outcome::Timeout, connect(found)).await?)
        };
        let line = if address.scheme() == "https" {
            let secure = self.secure(bare.to_owned(), line);
            walk.take(StepName::Tls, Outcome::Timeout, secure).await?
        } else {
            line
        };
        walk.take(StepName::Http, Outcome::Timeout, ask(line, address)).await
    }

    async fn secure(&self, host: String, line: Box<dyn Line>) -> Result<Box<dyn Line>, Failed> {
        let failed = |error: String| Failed::new(Outcome::Tls, error);
        let config = tls(self.extra_roots_pem.as_deref()).map_err(failed)?;
        let name = ServerName::try_from(host).map_err(|e| failed(e.to_string()))?;
        let secure = TlsConnector::from(Arc::new(config)).connect(name, line).await;
        Ok(Box::new(secure.map_err(|e| failed(e.to_string()))?))
    }
}

/// `localhost` and every name below it is this machine, whatever a name service says (RFC 6761).
fn of_this_machine(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, Failed> {
    if host.parse::<IpAddr>().is_err() && of_this_machine(host) {
        return Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
    }
    let found = tokio::net::lookup_host((host, port)).await.map_err(|e| Failed::new(Outcome::Dns, e))?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() { Err(Failed::new(Outcome::Dns, "the name has no address")) } else { Ok(found) }
}

/// The first address that takes a connection; the last one's failure when none does.
async fn connect(addresses: Vec<SocketAddr>) -> Result<TcpStream, Failed> {
    let mut last = Failed::new(Outcome::Dns, "the name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Failed::io(&error),
        }
    }
    Err(last)
}

/// A tunnel through the proxy (RFC 9110, 9.3.6). Whatever goes wrong before it stands is the proxy's fault.
async fn tunnel(proxy: &str, host: &str, port: u16) -> Result<impl Line + use<>, Failed> {
    let failed = |error: &dyn fmt::Display| Failed::new(Outcome::Proxy, format!("{proxy}: {error}"));
    let at = Url::parse(proxy).map_err(|e| failed(&e))?;
    let near = addresses(at.host_str().unwrap_or_default(), at.port_or_known_default().unwrap_or(80)).await;
    let stream = connect(near.map_err(|e| failed(&e.detail))?).await.map_err(|e| failed(&e.detail))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| failed(&e))?;
    tokio::spawn(connection.with_upgrades());
    let target = format!("{host}:{port}");
    let request = Request::builder().method(Method::CONNECT).uri(&target).header(header::HOST, &target);
    let request = request.body(Empty::<Bytes>::new()).map_err(|e| failed(&e))?;
    let answer = sender.send_request(request).await.map_err(|e| failed(&e))?;
    if !answer.status().is_success() {
        return Err(failed(&format!("the proxy answers {} for {target}", answer.status())));
    }
    Ok(TokioIo::new(hyper::upgrade::on(answer).await.map_err(|e| failed(&e))?))
}

/// The trust that [`crate::transport::Transport`] has: the system's authorities, and the additional ones.
fn tls(extra_roots_pem: Option<&str>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(extra_roots_pem.unwrap_or_default().as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|e| e.to_string())?;
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider));
    let verifier = verifier.map_err(|e| e.to_string())?;
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

async fn ask(line: Box<dyn Line>, address: &Url) -> Result<(StatusCode, Bytes), Failed> {
    let failed = |error: &dyn fmt::Display| Failed::new(Outcome::NotHttp, error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(line)).await.map_err(|e| failed(&e))?;
    // It ends with the answer, or with this check when its bound has passed.
    let connection = tokio::spawn(connection);
    let host = address.host_str().unwrap_or_default();
    let host = address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let target = address.query().map_or_else(|| address.path().to_owned(), |q| format!("{}?{q}", address.path()));
    let request = Request::get(target)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("welink-bridge/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new()).map_err(|e| failed(&e))?;
    let answer = sender.send_request(request).await.map_err(|e| failed(&e))?;
    let status = answer.status();
    // The status alone is an answer; a body that is too long or torn says nothing more.
    let body = Limited::new(answer.into_body(), BODY_BYTES_MAX).collect().await;
    connection.abort();
    Ok((status, body.map(Collected::to_bytes).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use tokio::net::TcpListener;

    use super::*;

    fn reach(proxy: Option<String>) -> Reach {
        Reach { proxy, extra_roots_pem: None, step_max: Duration::from_millis(500) }
    }

    async fn check(proxy: Option<String>, address: &str) -> (Outcome, Vec<StepName>, Option<u16>) {
        let found = reach(proxy).check(&Url::parse(address).unwrap()).await;
        assert_eq!(found.detail.is_none(), found.outcome == Outcome::Reachable, "{found:?}");
        (found.outcome, found.steps.iter().map(|step| step.step).collect(), found.http_status)
    }

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        (listener, at)
    }

    async fn answering(status: u16) -> SocketAddr {
        let (listener, at) = listener().await;
        let answer = move || async move { (StatusCode::from_u16(status).unwrap(), "body") };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        at
    }

    #[tokio::test]
    async fn every_end_of_the_way_is_told_apart() {
        use StepName::{Dns, Http, Tcp, Tls};
        let well = answering(400).await;
        assert_eq!(
            check(None, &format!("http://{well}/x")).await,
            (Outcome::Reachable, vec![Dns, Tcp, Http], Some(400))
        );
        assert_eq!(check(None, "https://welink.invalid/").await, (Outcome::Dns, vec![Dns], None));
        assert_eq!(check(None, &format!("https://{well}/")).await, (Outcome::Tls, vec![Dns, Tcp, Tls], None));
        let (closed, at) = listener().await;
        drop(closed);
        assert_eq!(check(None, &format!("http://{at}/")).await, (Outcome::Refused, vec![Dns, Tcp], None));
        // Never accepted: the system takes the connection, nobody answers.
        let (_silent, at) = listener().await;
        assert_eq!(check(None, &format!("http://{at}/")).await, (Outcome::Timeout, vec![Dns, Tcp, Http], None));
        assert_eq!(check(None, &format!("https://{at}/")).await, (Outcome::Timeout, vec![Dns, Tcp, Tls], None));
        let (rude, at) = listener().await;
        tokio::spawn(async move { rude.accept().await.map(drop) });
        assert_eq!(check(None, &format!("http://{at}/")).await.0, Outcome::NotHttp);
    }

    #[tokio::test]
    async fn a_proxy_is_a_case_of_its_own_and_this_machine_goes_past_it() {
        let (closed, away) = listener().await;
        drop(closed);
        let proxy = StepName::Proxy;
        for (at, why) in [(away, "away"), (answering(407).await, "refusing")] {
            let at = Some(format!("http://{at}"));
            assert_eq!(check(at, "https://welink.invalid/").await, (Outcome::Proxy, vec![proxy], None), "{why}");
        }
        let away = Some(format!("http://{away}"));
        let here = format!("http://bridge.localhost:{}/", answering(204).await.port());
        assert_eq!(check(away, &here).await.0, Outcome::Reachable);
    }

    #[tokio::test]
    async fn what_lies_behind_a_proxy_is_checked_through_its_tunnel() {
        let (proxy, at) = listener().await;
        let well = answering(200).await;
        tokio::spawn(tunnelling(proxy, well));
        let found = reach(Some(format!("http://{at}"))).check(&Url::parse("http://welink.invalid/").unwrap()).await;
        assert_eq!((found.outcome, found.http_status, &found.body[..]), (Outcome::Reachable, Some(200), &b"body"[..]));
        assert_eq!(found.steps.iter().map(|step| step.step).collect::<Vec<_>>(), [StepName::Proxy, StepName::Http]);
    }

    /// A proxy that leads every tunnel to one place.
    async fn tunnelling(proxy: TcpListener, well: SocketAddr) {
        let (mut near, _) = proxy.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            near.readable().await.unwrap();
            let mut byte = [0; 1];
            if near.try_read(&mut byte).is_ok() {
                asked.push(byte[0]);
            }
        }
        assert!(asked.starts_with(b"CONNECT welink.invalid:80 HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&asked));
        near.writable().await.unwrap();
        near.try_write(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let mut far = TcpStream::connect(well).await.unwrap();
        // Either side may go away first; then the tunnel ends.
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    }
}
