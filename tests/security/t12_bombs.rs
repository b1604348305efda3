//! T12: bodies and headers that are made to exhaust whoever reads them, on every route that takes a body.

use std::fmt::Write as _;

use bytes::Bytes;
use http::StatusCode;
use sim::company::UNLINKED;
use tests::world::{LINKED, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::unpaced;

/// Tells this program that it is the process of its own in which memory is measured.
const ALONE: &str = "T12_ALONE";
/// How far the memory may grow under all bombs, bridge, simulators and attacker together, kB (goals.md T12).
const GROWTH_MAX_KB: u64 = 64 * 1024;
const MIB: usize = 1024 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
/// Routes of the employees' host that take a body.
const PAGES: [(&str, &str); 3] = [("POST", "/h/{app}"), ("POST", "/bind"), ("POST", "/v1/tickets/redeem")];
/// Take no body and read none: they answer as they would without one. The last one refuses keys before it reads.
const UNREAD: [&str; 6] = [
    "/v1/apps/{app}/browser-test",
    "/v1/setup-keys",
    "/v1/link-jobs/{job}/continue",
    "/v1/link-jobs/{job}/undo",
    "/v1/enterprises/{enterprise}/directory/reindex",
    "/v1/me/password",
];
/// Takes a whole file, with a limit of its own.
const UPLOAD: &str = "/v1/enterprises/{enterprise}/link-imports";

/// One attack.
struct Bomb {
    name: &'static str,
    headers: String,
    body: Bytes,
    /// Sent in pieces, without saying how long it is.
    in_pieces: bool,
}

impl Bomb {
    /// Larger than what this route takes at most.
    fn is_over(&self, route: &str) -> bool {
        self.body.len() >= if route == UPLOAD { 4 * MIB + 1 } else { MIB }
    }
}

fn bomb(name: &'static str, kind: &str, body: impl Into<Bytes>) -> Bomb {
    Bomb { name, headers: format!("content-type: {kind}\r\n"), body: body.into(), in_pieces: false }
}

fn bombs() -> Vec<Bomb> {
    let large = Bytes::from(vec![b'a'; 10 * MIB]);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let inside =
        format!(r#"{{"name":"x","version":0,"op":"ticket.redeem","jti":"x","aud":"x","x":{}}}"#, nested(1_900));
    let fields = |count: usize| {
        (0..count).fold(String::new(), |mut all, n| {
            write!(all, "field{n}=value&").unwrap();
            all
        })
    };
    let zipped = |mut bomb: Bomb| {
        bomb.headers.push_str("content-encoding: gzip\r\n");
        bomb
    };
    let cookie = |bytes: usize| {
        let mut bomb = bomb("a cookie", FORM, "");
        write!(bomb.headers, "cookie: __Host-bind={}\r\n", "c".repeat(bytes)).unwrap();
        bomb
    };
    let many = "a=b; ".repeat(50_000);
    vec![
        bomb("10 MB as JSON", JSON, large.clone()),
        bomb("10 MB as a form", FORM, large.clone()),
        Bomb { in_pieces: true, ..bomb("10 MB in pieces", JSON, large.clone()) },
        Bomb { in_pieces: true, ..bomb("10 MB of form in pieces", FORM, large) },
        bomb("JSON 10,000 deep", JSON, nested(10_000)),
        bomb("JSON 1,900 deep in a field", JSON, inside),
        bomb("JSON with an object 2,000 deep", JSON, r#"{"a":"#.repeat(800)),
        bomb("JSON with 1,000,000 elements", JSON, format!("[{}0]", "0,".repeat(999_999))),
        bomb("JSON with 2,000 elements", JSON, format!("[{}0]", "0,".repeat(1_999))),
        bomb("a form with 100,000 fields", FORM, fields(100_000)),
        bomb("a form with 200 fields", FORM, fields(200)),
        zipped(bomb("gzip of 700 kB for the smallest limit", JSON, gzip_of_zeros(2_300))),
        zipped(bomb("gzip of 9 MB for the largest limit", FORM, gzip_of_zeros(36_000))),
        zipped(bomb("gzip of 170 MB", JSON, gzip_of_zeros(650_000))),
        cookie(MIB),
        cookie(300_000),
        Bomb { headers: format!("content-type: {JSON}\r\ncookie: {many}\r\n"), ..bomb("50,000 cookies", JSON, "") },
    ]
}

/// A gzip stream that unpacks to 258 zeros for each of `runs`; 13 bits each.
fn gzip_of_zeros(runs: usize) -> Vec<u8> {
    // Header (RFC 1952), then one last block with fixed codes (RFC 1951, 3.2.6), a literal 0, and again and again
    // "258 bytes from one byte back".
    let (mut out, mut bits, mut count) = (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], 0_u32, 0);
    let mut push = |code: &str| {
        for bit in code.bytes() {
            bits |= u32::from(bit - b'0') << count;
            count += 1;
            if count == 8 {
                out.push(u8::try_from(bits).unwrap());
                (bits, count) = (0, 0);
            }
        }
    };
    push("1");
    push("10");
    push("00110000");
    for _ in 0..runs {
        push("11000101");
        push("00000");
    }
    push("0000000");
    push("0000000");
    out
}

/// What came back.
struct Answer {
    status: StatusCode,
    text: String,
}

/// Sends a request as it stands and reads the answer while it is still being sent: a server that has seen enough
/// answers early and hangs up.
async fn send(port: u16, head: &str, bomb: &Bomb) -> Answer {
    const PIECE: usize = 16 * 1024;

    let (mut from, mut to) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
    let length = if bomb.in_pieces {
        "transfer-encoding: chunked\r\n".to_owned()
    } else {
        format!("content-length: {}\r\n", bomb.body.len())
    };
    let head = format!("{head}{length}{}connection: close\r\n\r\n", bomb.headers);
    let sending = async {
        to.write_all(head.as_bytes()).await?;
        for piece in bomb.body.chunks(PIECE) {
            if bomb.in_pieces {
                to.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            }
            to.write_all(piece).await?;
            if bomb.in_pieces {
                to.write_all(b"\r\n").await?;
            }
        }
        if bomb.in_pieces { to.write_all(b"0\r\n\r\n").await } else { Ok(()) }
    };
    let reading = async {
        let (mut all, mut piece) = (Vec::new(), vec![0; PIECE]);
        // An error is the server that hung up; the answer lies before it.
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            all.extend_from_slice(&piece[..count]);
            assert!(all.len() < MIB, "the answer to {} is itself a bomb", bomb.name);
        }
        String::from_utf8(all).unwrap()
    };
    let (_, text) = tokio::join!(sending, reading);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status: status.unwrap_or_else(|| panic!("no answer to {}: {text}", bomb.name)), text }
}

/// Every route that takes a body: its pattern and the head of a request that gets as far as the body.
async fn targets(world: &World) -> Vec<(&'static str, String)> {
    let known = &world.demo().remembered;
    let job = previewed(world).await;
    let accounts = world.api(http::Method::GET, &format!("/v1/tenants/{}/accounts", known.tenant), None).await.json();
    let account = accounts[0]["id"].as_str().unwrap().to_owned();
    let rule = world.rule("todo", &["notice"], serde_json::json!({})).await["id"].as_str().unwrap().to_owned();
    world.push(&[tests::push::event(world, "e1", "oa.todo.created", "1", 1, &["1001"])]).await;
    let message = world.only_pushed().await["id"].as_str().unwrap().to_owned();
    let mut visitor = world.browser();
    world.sign_in(&mut visitor, &world.homepage(), UNLINKED[0]).await;
    let visit = visitor.cookie("bridge.localhost", "__Host-bind").unwrap();
    let unsafe_routes = tests::world::routes()
        .filter(|(method, _)| ["POST", "PUT", "PATCH"].contains(method))
        // Takes no body, and does what its address says.
        .filter(|(_, route)| !route.ends_with("/no-auto-bind"));
    let pages = PAGES.map(|route| (route, "bridge", format!("cookie: __Host-bind={visit}\r\n")));
    let key = format!("authorization: Bearer {}\r\n", world.running.operator_key);
    let api = unsafe_routes.map(|route| (route, "console", key.clone()));
    let head = |((method, route), host, headers): ((&'static str, &'static str), &str, String)| {
        let path = route
            .replace("{tenant}", known.tenant.as_str())
            .replace("{enterprise}", known.enterprise.as_str())
            .replace("{instance}", known.oa_instance.as_str())
            .replace("{entry}", "0000000000000-0000000000")
            .replace("{app}", known.app.as_str())
            .replace("{rule}", &rule)
            .replace("{message}", &message)
            .replace("{job}", &job)
            .replace("{account}", &account)
            .replace("{user}", &format!("{LINKED}@welink"))
            .replace("link-imports", "link-imports?field=mobile");
        assert!(!path.contains('{'), "{path}");
        let host = format!("{host}.localhost:{}", world.running.port);
        (route, format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}"))
    };
    pages.into_iter().chain(api).map(head).collect()
}

/// Uploads a file of mobiles: the new job's id and what it says.
async fn upload(world: &World, file: impl Into<Bytes>) -> (String, serde_json::Value) {
    let path = UPLOAD.replace("{enterprise}", world.enterprise().as_str());
    let url = format!("{}{path}?field=mobile", world.running.origin("console")).parse().unwrap();
    let key = format!("Bearer {}", world.running.operator_key);
    let headers = [("authorization", key.as_str())];
    let made = world.browser().send(http::Method::POST, &url, &headers, file).await.unwrap().json();
    (made["id"].as_str().unwrap().to_owned(), made)
}

/// A link job that waits for a decision.
async fn previewed(world: &World) -> String {
    let (job, _) = upload(world, "WeLink account,Relation value\nlihua@welink,\n").await;
    let now = world.api(http::Method::POST, &format!("/v1/link-jobs/{job}/continue"), None).await.json();
    assert_eq!(now["phase"], "previewed");
    job
}

/// The most memory that this process has had so far, kB.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What an administrator can see of the settings.
async fn settings(world: &World) -> Vec<String> {
    let (tenant, enterprise) = (world.tenant(), world.enterprise());
    let mut all = Vec::new();
    for path in [
        "/v1/tenants".to_owned(),
        format!("/v1/tenants/{tenant}/oa-instances"),
        format!("/v1/tenants/{tenant}/enterprises"),
        format!("/v1/enterprises/{enterprise}/people/{LINKED}@welink"),
    ] {
        all.push(world.api(http::Method::GET, &path, None).await.body);
    }
    all
}

async fn campaign() {
    let world = unpaced().await;
    let (bombs, targets) = (bombs(), targets(&world).await);
    let before = settings(&world).await;
    let small = bomb("nothing", JSON, "{");
    for (route, head) in &targets {
        let answer = send(world.running.port, head, &small).await;
        assert!(UNREAD.contains(route) || answer.status.is_client_error(), "{route}: {}", answer.text);
    }
    let (began_kb, mut attempts, mut refused, mut unread) = (peak_kb(), 0, 0, 0);
    for (route, head) in &targets {
        for bomb in &bombs {
            let answer = send(world.running.port, head, bomb).await;
            attempts += 1;
            if UNREAD.contains(route) && answer.status.is_success() {
                unread += 1;
                continue;
            }
            refused += usize::from(answer.status.is_client_error());
            assert!(answer.status.is_client_error(), "{route}, {}: {}", bomb.name, answer.text);
            if bomb.is_over(route) && !UNREAD.contains(route) {
                assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{route}, {}: {}", bomb.name, answer.text);
                assert!(answer.text.contains("body-too-large"), "{route}, {}: {}", bomb.name, answer.text);
            }
        }
    }
    let grown_kb = peak_kb() - began_kb;
    assert!(attempts >= 200, "{attempts}");
    assert_eq!(refused + unread, attempts);
    assert!(unread <= UNREAD.len() * bombs.len(), "{unread}");
    assert!(grown_kb <= GROWTH_MAX_KB, "{attempts} bombs took {grown_kb} kB of memory");
    assert_eq!(settings(&world).await, before, "nothing was changed");
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"), "the bridge works on: {}", page.body);
}

#[tokio::test]
async fn t12_every_bomb_is_refused_without_being_taken_in() {
    if std::env::var_os(ALONE).is_some() {
        return campaign().await;
    }
    run_alone("t12_bombs::t12_every_bomb_is_refused_without_being_taken_in").await;
}

/// The row of a full sheet: who, and what he is to be linked by. The first is somebody, the others are nobody.
fn full_row(number: usize) -> [String; 2] {
    match number {
        0 => [format!("{LINKED}@welink"), "13800000001".to_owned()],
        _ => [format!("somebody-with-a-long-name-{number:05}@welink"), format!("1390{number:07} {}", "x".repeat(120))],
    }
}

fn full_sheet() -> Vec<u8> {
    let rows = (0..20_000).map(full_row).map(|[who, value]| format!("{who},\"{value}\"\n"));
    ["WeLink account,Relation value\n".to_owned()].into_iter().chain(rows).collect::<String>().into_bytes()
}

fn full_workbook() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory().unwrap();
    sheet.write_row(0, 0, ["WeLink account", "Relation value"]).unwrap();
    for number in 0..20_000 {
        sheet.write_row(u32::try_from(number).unwrap() + 1, 0, full_row(number)).unwrap();
    }
    book.save_to_buffer().unwrap()
}

/// The largest file that is taken, to the end of its preview (goals.md, memory of a function).
async fn resolved(file: Vec<u8>) {
    let world = World::start().await;
    assert!(file.len() < 4 * MIB, "{}", file.len());
    let (job, mut now) = upload(&world, file).await;
    for _ in 0..500 {
        if now["phase"] != "resolving" {
            break;
        }
        now = world.api(http::Method::POST, &format!("/v1/link-jobs/{job}/continue"), None).await.json();
    }
    assert_eq!(now["counts"], serde_json::json!({ "unchanged": 1, "unknown-person": 19_999 }));
    let kb = peak_kb();
    assert!(kb <= 256 * 1024, "bridge, table and simulators together took {kb} kB");
}

#[tokio::test]
async fn t12_a_full_sheet_is_previewed_within_256_mb() {
    if std::env::var_os(ALONE).is_some() {
        return resolved(full_sheet()).await;
    }
    run_alone("t12_bombs::t12_a_full_sheet_is_previewed_within_256_mb").await;
}

#[tokio::test]
async fn t12_a_full_workbook_is_previewed_within_256_mb() {
    if std::env::var_os(ALONE).is_some() {
        return resolved(full_workbook()).await;
    }
    run_alone("t12_bombs::t12_a_full_workbook_is_previewed_within_256_mb").await;
}

/// Other tests of this program would be measured as well, so it runs once more for this one alone.
async fn run_alone(test: &str) {
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", test, "--nocapture"]);
    let output = alone.env(ALONE, "1").kill_on_drop(true).output().await.unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

/// The upload has a limit of its own: one byte more than 4 MiB is refused by size alone, in a sentence.
#[tokio::test]
async fn t12_a_file_is_taken_up_to_its_own_limit_and_refused_beyond_it() {
    let world = World::start().await;
    let path = UPLOAD.replace("{enterprise}", world.enterprise().as_str());
    let url = format!("{}{path}?field=mobile", world.running.origin("console")).parse().unwrap();
    let key = format!("Bearer {}", world.running.operator_key);
    let headers = [("authorization", key.as_str())];
    let headings = "WeLink account,Relation value,x\n";
    for (bytes, status, told) in [
        (4 * MIB, StatusCode::CREATED, "\"phase\":\"resolving\""),
        (4 * MIB + 1, StatusCode::PAYLOAD_TOO_LARGE, "a file has 4 MiB at most"),
    ] {
        // Most of it stands in a column that nobody reads.
        let file = format!("{headings}lihua@welink,,{}\n", "x".repeat(bytes - headings.len() - 15));
        assert_eq!(file.len(), bytes);
        let page = world.browser().send(http::Method::POST, &url, &headers, file).await.unwrap();
        assert_eq!(page.status, status, "{bytes}: {}", page.body);
        assert!(page.body.contains(told), "{}", page.body);
    }
}
