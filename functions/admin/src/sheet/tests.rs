use std::io::Write as _;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const HEADINGS: [Text; 3] = [heading::USER, heading::NAME, heading::RELATION];

fn written(format: Format, rows: &[(String, String)]) -> Vec<u8> {
    let mut writer = Writer::new(format, &HEADINGS).unwrap();
    for (user, value) in rows {
        writer.row(&[user, "李华", value]).unwrap();
    }
    writer.finish().unwrap()
}

fn row(number: u32, user: &str, value: &str) -> SheetRow {
    SheetRow { number, user: user.to_owned(), value: value.to_owned() }
}

fn csv(text: &str) -> Result<Vec<SheetRow>, SheetError> {
    read(text.as_bytes(), None)
}

/// Texts as people and their systems write them, with everything that makes a formula.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["[=+@'\"\t,; \n-]{0,3}[a-z0-9@.,\"'\n李华-]{0,20}", "[ -~\u{e9}\u{4e00}-\u{4e20}]{0,40}"]
}

fn rows() -> impl Strategy<Value = Vec<(String, String)>> {
    let visible = |(user, value): &(String, String)| !user.trim().is_empty() || !value.trim().is_empty();
    prop::collection::vec((cell(), cell()).prop_filter("a row that is there", visible), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// import(export(x)) = x, and what is exported is no formula.
    #[test]
    fn sec_07_what_was_exported_is_imported_as_it_was(rows in rows()) {
        for format in [Format::Csv, Format::Xlsx] {
            let read = read(&written(format, &rows), None).unwrap();
            let want: Vec<_> = (2..).zip(&rows).map(|(number, (user, value))| row(number, user, value)).collect();
            prop_assert_eq!(read, want, "{:?}", format);
        }
    }

    #[test]
    fn escaping_is_taken_back(cell in prop_oneof![any::<String>(), "[ '=+@\t\r\n\u{a0}a-]{0,12}"]) {
        let escaped = escape(&cell);
        for line in escaped.split(['\n', '\r']) {
            prop_assert!(!line.trim_start().starts_with(['=', '+', '-', '@']), "{:?}", escaped);
        }
        prop_assert!(!escaped.starts_with(['\t', '\r']));
        prop_assert_eq!(unescape(&escaped), cell);
    }

    /// A damaged file is refused or read, and does not end the program.
    #[test]
    fn damage_is_survived(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        for format in [Format::Csv, Format::Xlsx] {
            let mut bytes = written(format, &[("a@welink".to_owned(), "13800000001".to_owned())]);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _: Result<_, _> = read(&bytes, None);
            bytes.truncate(cut.index(bytes.len()));
            let _: Result<_, _> = read(&bytes, Some(Encoding::Gbk));
        }
    }
}

#[test]
fn columns_are_found_by_either_language() {
    let want = Ok(vec![row(2, "b@welink", "138")]);
    for headings in [
        "WeLink 账号 / WeLink account,关联值 / Relation value",
        "\u{feff}WeLink 账号,关联值",
        "welink account,RELATION VALUE",
        "\"WeLink account\",\"Relation value\"",
    ] {
        assert_eq!(csv(&format!("{headings}\r\nb@welink,138\r\n")), want, "{headings}");
    }
    // Unknown columns and another order; a semicolon or a tab between them.
    assert_eq!(csv("Relation value,性别,WeLink account\n138,f,b@welink\n"), want);
    assert_eq!(csv("Relation value;x;WeLink account\n138;;b@welink\n"), want);
    assert_eq!(csv("Relation value\tWeLink account\n138\tb@welink\n"), want);
    // A line break inside of quotes, a row that is too short, rows with nothing in them.
    assert_eq!(
        csv("WeLink account,Relation value\n\"b\n@welink\",\" 138\"\nc\n,\n"),
        Ok(vec![row(2, "b\n@welink", " 138"), row(3, "c", "")])
    );
}

#[test]
fn sec_07_each_wrong_file_is_refused_for_what_it_is() {
    let headings = "WeLink account,Relation value\n";
    let long = format!("{headings}b,{}\n", "x".repeat(257));
    let gbk = encoding_rs::GBK.encode("WeLink 账号,关联值\nb,李华\n").0.into_owned();
    for (bytes, want) in [
        (&b""[..], SheetError::Empty),
        (b"\n\n", SheetError::Empty),
        (b"%PDF-1.7\n\x01\x02", SheetError::NotATable),
        (b"\x89PNG\r\n\x1a\n\0\0", SheetError::NotATable),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", SheetError::OldExcel),
        (b"\xff\xfea\0b\0", SheetError::Utf16),
        (b"{\"user\": 1}", SheetError::NoUserColumn),
        (b"name,Relation value\nb,1\n", SheetError::NoUserColumn),
        (b"WeLink account\nb\n", SheetError::NoRelationColumn),
        (b"WeLink account,Relation value,relation value\n", SheetError::ColumnTwice),
        (b"WeLink account,Relation value\nb,1\nb,=1+1\n", SheetError::Formula { row: 3 }),
        (long.as_bytes(), SheetError::CellTooLong { row: 2 }),
        (&gbk, SheetError::Gbk),
        (b"WeLink account,Relation value\nb,\xff\xff\n", SheetError::BadEncoding),
        (b"PK\x03\x04 and then nothing", SheetError::Damaged),
    ] {
        assert_eq!(read(bytes, None), Err(want), "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(read(&gbk, Some(Encoding::Gbk)), Ok(vec![row(2, "b", "李华")]));
    let many = |rows: usize| format!("{headings}{}", "b,1\n".repeat(rows));
    assert_eq!(csv(&many(ROWS_MAX)).unwrap().len(), ROWS_MAX);
    assert_eq!(csv(&many(ROWS_MAX + 1)), Err(SheetError::TooManyRows));
}

/// An archive with these entries.
fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in entries {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn sec_07_archives_that_are_no_tables_or_bombs_are_refused_unparsed() {
    let zeros = vec![b' '; 13 * 1024 * 1024];
    let texts = br#"<sst uniqueCount = "99999999999"></sst>"#;
    let book = ("xl/workbook.xml", &b"<workbook/>"[..]);
    for (entries, want) in [
        (vec![("word/document.xml", &b"<w/>"[..])], SheetError::NotATable),
        (vec![book, ("xl/vbaProject.bin", b"x")], SheetError::Macros),
        (vec![book, ("xl/sharedStrings.xml", &zeros)], SheetError::Bomb),
        (vec![book, ("xl/styles.xml", &zeros)], SheetError::Bomb),
        (vec![book, ("docProps/thumbnail.png", &zeros)], SheetError::Bomb),
        (vec![book, ("xl/sharedStrings.xml", texts)], SheetError::Bomb),
        (vec![book, ("xl/styles.xml", b"<\0s\0")], SheetError::Damaged),
    ] {
        let names: Vec<_> = entries.iter().map(|(name, _)| *name).collect();
        assert_eq!(read(&zipped(&entries), None), Err(want), "{names:?}");
    }
}

#[test]
fn sec_07_formulas_and_numbers_of_a_workbook() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, text) in [(0, "WeLink account"), (1, "Relation value"), (2, "x")] {
        sheet.write_string(2, column, text).unwrap();
    }
    sheet.write_string(3, 0, "b@welink").unwrap();
    sheet.write_number(3, 1, 13_800_000_001.0).unwrap();
    // A formula that nobody reads does no harm.
    sheet.write_formula(3, 2, "=1+1").unwrap();
    let bytes = book.save_to_buffer().unwrap();
    assert_eq!(read(&bytes, None), Ok(vec![row(4, "b@welink", "13800000001")]));
    let sheet = book.worksheet_from_index(0).unwrap();
    sheet.write_formula(4, 1, "=HYPERLINK(\"https://x.example\")").unwrap();
    assert_eq!(read(&book.save_to_buffer().unwrap(), None), Err(SheetError::Formula { row: 5 }));
}

#[test]
fn a_part_is_full_before_it_is_too_large() {
    for format in [Format::Csv, Format::Xlsx] {
        let mut writer = Writer::new(format, &HEADINGS).unwrap();
        let mut rows = 0;
        while !writer.is_full() {
            writer.row(&["b@welink", "\"李华\"", &"\"".repeat(300)]).unwrap();
            rows += 1;
        }
        assert!(rows > 4_500, "{rows}");
        let bytes = writer.finish().unwrap();
        assert!(bytes.len() <= FILE_BYTES_MAX, "{format:?}: {}", bytes.len());
    }
}

#[test]
fn every_refusal_speaks_both_languages() {
    let lines = [SheetError::Formula { row: 1 }, SheetError::CellTooLong { row: 1 }, SheetError::Gbk];
    for line in lines.map(|line| line.to_string()) {
        let (en, zh) = line.rsplit_once(" / ").unwrap();
        assert!(en.is_ascii() && zh.chars().any(|c| c >= '\u{4e00}'), "{line}");
    }
}
