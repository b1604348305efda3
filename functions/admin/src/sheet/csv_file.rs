//! Reading CSV.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord};

use super::{Columns, Encoding, Rows, SheetError, SheetRow};

const BOM: &str = "\u{feff}";
/// What may stand between cells; spreadsheets of some languages write a semicolon, some systems a tab.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Reads a text; without an encoding it has to be UTF-8.
pub(super) fn read(bytes: &[u8], encoding: Option<Encoding>) -> Result<Vec<SheetRow>, SheetError> {
    let text = decode(bytes, encoding)?;
    let text = text.strip_prefix(BOM).unwrap_or(&text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(text)).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let (mut columns, mut rows) = (None, Rows::default());
    let mut number = 0;
    while reader.read_record(&mut record).map_err(|_| SheetError::Damaged)? {
        number += 1;
        match columns {
            None => columns = Some(Columns::find(record.iter().enumerate())?),
            Some(Columns { user, relation }) => {
                let cell = |index| record.get(index).unwrap_or_default();
                if [user, relation].into_iter().any(|index| cell(index).starts_with('=')) {
                    return Err(SheetError::Formula { row: number });
                }
                rows.push(number, cell(user), cell(relation))?;
            }
        }
    }
    if columns.is_some() { Ok(rows.0) } else { Err(SheetError::Empty) }
}

fn decode(bytes: &[u8], encoding: Option<Encoding>) -> Result<Cow<'_, str>, SheetError> {
    // No text has these, and every other kind of file has some of them soon.
    let binary = |byte: &u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127);
    if bytes.iter().any(binary) {
        return Err(SheetError::NotATable);
    }
    let gbk = || {
        let (text, damaged) = encoding_rs::GBK.decode_without_bom_handling(bytes);
        (!damaged).then_some(text).ok_or(SheetError::BadEncoding)
    };
    match (encoding, std::str::from_utf8(bytes)) {
        (Some(Encoding::Gbk), _) => gbk(),
        (_, Ok(text)) => Ok(Cow::Borrowed(text)),
        (_, Err(_)) => Err(gbk().map_or(SheetError::BadEncoding, |_| SheetError::Gbk)),
    }
}

/// The delimiter that the headings have most of.
fn delimiter(text: &str) -> u8 {
    let headings = text.split(['\n', '\r']).next().unwrap_or_default();
    let count = |delimiter: &u8| headings.bytes().filter(|byte| byte == delimiter).count();
    DELIMITERS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}
