//! The local bridge: what it says when it cannot start, and what it finds when it starts again.

use std::collections::BTreeMap;

use http::StatusCode;
use local::{Options, Systems, start};
use platform::clock::Clock;
use tests::world::{LINKED, World};

fn options(port: u16, folder: &std::path::Path) -> Options {
    Options {
        port,
        data_dir: Some(folder.to_owned()),
        systems: Systems::Simulated,
        settings: BTreeMap::new(),
        clock: Clock::system(),
    }
}

async fn refusal(options: Options) -> String {
    let error = start(options).await.expect_err("it cannot start");
    format!("{error:#}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_finds_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let first = World::in_folder(folder.path(), &[]).await;
    let known = first.demo().remembered.clone();
    let key = first.running.operator_key.clone();
    let port = first.running.port;
    assert_eq!(first.sign_in(&mut first.browser(), &first.homepage(), LINKED).await.status, StatusCode::OK);
    let entries = first.audit().await.len();
    first.running.stop().await.unwrap();
    let moved = refusal(options(0, folder.path())).await;
    assert!(moved.contains(&format!("--port {port}")), "{moved}");
    let again = World::again(folder.path(), port).await;
    assert_eq!(again.running.operator_key, key);
    assert_eq!(again.demo().remembered.app, known.app);
    assert_eq!(again.audit().await.len(), entries);
    assert_eq!(again.sign_in(&mut again.browser(), &again.homepage(), LINKED).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_stops_a_start_is_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let busy = refusal(options(port, folder.path())).await;
    assert!(busy.contains(&port.to_string()) && busy.contains("--port"), "{busy}");

    let damaged = tempfile::tempdir().unwrap();
    std::fs::write(damaged.path().join("bridge.db"), [0x5a; 4096]).unwrap();
    let told = refusal(options(0, damaged.path())).await;
    assert!(told.contains("bridge.db") && told.contains("damaged"), "{told}");
    assert!(!told.contains('\n'), "{told}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let told = refusal(options(0, &file.path().join("data"))).await;
    assert!(told.contains("cannot be made"), "{told}");

    let open = tempfile::tempdir().unwrap();
    let key = open.path().join("master.key");
    std::fs::write(&key, "x").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let told = refusal(options(0, open.path())).await;
    assert!(told.contains("chmod 600"), "{told}");

    let settings = BTreeMap::from([("BRIDGE_WELINK_CALLS_PER_SECOND".to_owned(), "many".to_owned())]);
    let told = refusal(Options { settings, ..options(0, folder.path()) }).await;
    assert!(told.contains("BRIDGE_WELINK_CALLS_PER_SECOND"), "{told}");
}

/// Processor time that a process has used, in hundredths of a second: other tests beside it cost it none (proc(5)).
fn cpu_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn the_built_program_is_ready_in_under_a_second_and_ends_cleanly() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let program = tests::tools::bridge().await;
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut bridge = Command::new(program)
        .args(["--port", &free.to_string(), "--data-dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // Held until the end: a program that prints into a closed pipe does not end cleanly.
    let mut printed = BufReader::new(bridge.stdout.take().unwrap());
    printed.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready");
    let worked = cpu_ticks(bridge.id());
    assert!(worked < 100, "{worked} hundredths of a second of processor time until ready");
    Command::new("kill").args(["-TERM", &bridge.id().to_string()]).status().unwrap();
    assert!(bridge.wait().unwrap().success(), "it ends cleanly");
}
