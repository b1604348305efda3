//! T8: what people are called must not become a formula in the spreadsheet of whoever exports them.

use bytes::Bytes;
use domain::audit::Action;
use domain::ids::WeLinkUserId;
use domain::model::{Person, PersonSource};
use http::{Request, StatusCode};
use tests::world::World;

/// What spreadsheets take for the beginning of a formula.
const SIGNS: [&str; 4] = ["=", "+", "-", "@"];
/// What may stand before it: nothing, blanks of several kinds, the end of a line inside the cell.
const BEFORE: [&str; 9] = ["", " ", "   ", "\t", "\r", "\u{a0}", "\u{3000}", "name\n", "name\r\n "];
const PAYLOAD: &str = "cmd|'/C calc'!A0";

/// A person for each payload, who carries it in every field that a name or an address has.
async fn people(world: &World) -> usize {
    let bridge = &world.running.bridge;
    let mut count = 0;
    for (before, sign) in BEFORE.iter().flat_map(|before| SIGNS.map(|sign| (*before, sign))) {
        let user = WeLinkUserId::parse(&format!("{sign}t8-{count}@welink")).unwrap();
        let entry = bridge.entry(world.tenant().clone(), Action::PersonCreate, "test", user.as_str(), "");
        let mut person = Person::new(world.enterprise().clone(), user, PersonSource::Sso, bridge.clock().now());
        let text = format!("{before}{sign}{PAYLOAD}");
        for field in [&mut person.name_zh, &mut person.name_en, &mut person.email, &mut person.mobile] {
            text.clone_into(field);
        }
        assert!(bridge.store().create_person(&person, &entry).await.unwrap());
        count += 1;
    }
    count
}

async fn export(world: &World, format: &str) -> Vec<u8> {
    let path = format!("/v1/enterprises/{}/people/export?format={format}", world.enterprise());
    let request = Request::get(format!("{}{path}", world.running.origin("console")))
        .header("authorization", format!("Bearer {}", world.running.operator_key));
    let minute = std::time::Duration::from_mins(1);
    let answer = world.transport().send(request.body(Bytes::new()).unwrap(), minute).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.into_body().to_vec()
}

/// Whether any line of the cell begins like a formula.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['\t', '\r'])
        || cell.split(['\n', '\r']).any(|line| SIGNS.iter().any(|sign| line.trim_start().starts_with(sign)))
}

#[tokio::test]
async fn t8_no_cell_of_an_export_is_a_formula_and_the_file_comes_back_as_it_was() {
    let world = World::start().await;
    let attempts = people(&world).await * 4;
    let file = export(&world, "csv").await;
    let mut reader = csv::Reader::from_reader(file.strip_prefix(b"\xef\xbb\xbf").unwrap());
    let (mut carried, mut formulas) = (0, 0);
    for cell in reader.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
        carried += usize::from(cell.contains(PAYLOAD));
        formulas += usize::from(is_formula(&cell));
    }
    assert_eq!((carried, formulas), (attempts, 0));

    // In a workbook every cell is a text by its type, and the file has no formula at all.
    let book = export(&world, "xlsx").await;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&book)).unwrap();
    let sheet = std::io::read_to_string(archive.by_name("xl/worksheets/sheet1.xml").unwrap()).unwrap();
    assert!(!sheet.contains("<f"), "a formula");

    // Nobody's name is another one after the way out and back: every person is found again, and none is to change.
    for file in [file, book] {
        let url = format!(
            "{}/v1/enterprises/{}/link-imports?field=mobile",
            world.running.origin("console"),
            world.enterprise()
        );
        let key = format!("Bearer {}", world.running.operator_key);
        let (url, headers) = (url.parse().unwrap(), [("authorization", key.as_str())]);
        let mut job = world.browser().send(http::Method::POST, &url, &headers, file).await.unwrap().json();
        let path = format!("/v1/link-jobs/{}/continue", job["id"].as_str().unwrap());
        for _ in 0..50 {
            if job["phase"] != "resolving" {
                break;
            }
            job = world.api(http::Method::POST, &path, None).await.json();
        }
        assert_eq!(job["counts"], serde_json::json!({ "skipped": job["total"] }), "{job}");
    }
}
