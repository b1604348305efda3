//! ChromeDriver: one process for one browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::Value;
use url::Url;

use crate::tools;

/// How long a browser may take to end itself.
const END_MAX: Duration = Duration::from_secs(15);
/// Lines that ChromeDriver prints before the one with its port, at most.
const GREETING_LINES_MAX: usize = 20;

const STARTS_MAX: usize = 5;

/// A running ChromeDriver.
#[derive(Debug)]
pub(super) struct Driver {
    process: Child,
    port: u16,
    /// Kept open: a driver that cannot print ends.
    _output: BufReader<ChildStdout>,
}

impl Driver {
    pub(super) fn start() -> Self {
        // It takes a free port of one address family and ends when another one's is taken.
        let started = (0..STARTS_MAX).find_map(|_| Self::try_start());
        started.expect("ChromeDriver starts and says its port")
    }

    fn try_start() -> Option<Self> {
        let path = tools::chromedriver();
        let mut command = Command::new(&path);
        let command = command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = command.spawn();
        let mut process = started.unwrap_or_else(|why| panic!("{}: {why}: run `cargo xtask test`", path.display()));
        let mut output = BufReader::new(process.stdout.take().unwrap());
        for _ in 0..GREETING_LINES_MAX {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let port = line.trim_end().trim_end_matches('.').rsplit_once("successfully on port ");
            if let Some((_, port)) = port {
                return Some(Self { process, port: port.parse().unwrap(), _output: output });
            }
        }
        // It may have ended by itself.
        let _ = process.kill();
        let _ = process.wait();
        None
    }

    pub(super) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends the browser and then the driver. Without the first step the browser would live on.
    pub(super) fn end(&mut self, session: &str) {
        let ended = self.delete(session);
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !std::thread::panicking() {
            ended.expect("Chromium ends");
        }
    }

    fn delete(&self, session: &str) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(END_MAX))?;
        write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        // The answer comes when the browser is gone.
        let mut first = [0; 12];
        stream.read_exact(&mut first)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Ended already, unless the browser did not start.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command that WebDriver does not have and ChromeDriver does.
#[derive(Debug)]
pub(super) struct Raw {
    pub path: &'static str,
    pub body: Value,
}

impl WebDriverCompatibleCommand for Raw {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
