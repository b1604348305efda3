//! Reading XLSX. Whatever a file unpacks to is measured before anything is parsed.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write};
use std::path::Path;

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};
use zip::ZipArchive;

use super::{Columns, Rows, SheetError, SheetRow};

/// Entries of the archive at most; a table has about fifteen.
const ENTRIES_MAX: usize = 1_000;
/// Bytes that a worksheet unpacks to at most: it is read as a stream. 20,000 rows of nine cells are 8 MB.
const SHEET_BYTES_MAX: u64 = 24 * 1024 * 1024;
/// Bytes of the texts of all cells at most: they are held in memory.
const TEXTS_BYTES_MAX: u64 = 12 * 1024 * 1024;
/// Bytes of any other entry at most.
const OTHER_BYTES_MAX: u64 = 1024 * 1024;
/// Texts that an archive may announce at most: memory for so many is taken at once.
const TEXTS_MAX: u64 = 1_000_000;

/// Reads the first worksheet.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<SheetRow>, SheetError> {
    inspect(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| refused(&error))?;
    let sheet = book.sheet_names().first().cloned().ok_or(SheetError::Empty)?;
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(|error| refused(&error))?;
    let mut reading = Reading::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| refused(&error))? {
        let (row, column) = (cell.pos.0.saturating_add(1), usize::try_from(cell.pos.1).unwrap_or(usize::MAX));
        reading.cell(row, column, &cell.value, cell.formula.is_some())?;
    }
    reading.end_row()?;
    if reading.columns.is_some() { Ok(reading.rows.0) } else { Err(SheetError::Empty) }
}

fn refused(error: &XlsxError) -> SheetError {
    match error {
        XlsxError::Password => SheetError::OldExcel,
        _ => SheetError::Damaged,
    }
}

/// Unpacks every entry into nothing, within its limit: what an archive says of its sizes is not believed.
fn inspect(bytes: &[u8]) -> Result<(), SheetError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| SheetError::Damaged)?;
    if archive.len() > ENTRIES_MAX {
        return Err(SheetError::Bomb);
    }
    let mut is_book = false;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| SheetError::Damaged)?;
        let name = entry.name().map_err(|_| SheetError::Damaged)?.to_lowercase().replace('\\', "/");
        is_book |= name == "xl/workbook.xml";
        if name.ends_with("vbaproject.bin") {
            return Err(SheetError::Macros);
        }
        let limit = if name.starts_with("xl/worksheets/") {
            SHEET_BYTES_MAX
        } else if name.ends_with("sharedstrings.xml") {
            TEXTS_BYTES_MAX
        } else {
            OTHER_BYTES_MAX
        };
        let mut sink = Sink::default();
        let unpacked = std::io::copy(&mut (&mut entry).take(limit + 1), &mut sink);
        if unpacked.map_err(|_| SheetError::Damaged)? > limit || sink.announced > TEXTS_MAX {
            return Err(SheetError::Bomb);
        }
        let kind = Path::new(&name).extension().and_then(|extension| extension.to_str());
        if sink.has_zeros && matches!(kind, Some("xml" | "rels")) {
            // UTF-16, in which the look for announcements would see nothing. Excel writes UTF-8.
            return Err(SheetError::Damaged);
        }
    }
    if is_book { Ok(()) } else { Err(SheetError::NotATable) }
}

/// Keeps nothing of what is written to it but the largest number that an attribute `uniqueCount` announces.
#[derive(Default)]
struct Sink {
    announced: u64,
    has_zeros: bool,
    /// How much of the attribute's name has just been seen.
    seen: usize,
    /// The number being read, after the name.
    number: Option<u64>,
}

const ANNOUNCEMENT: &[u8] = b"uniqueCount";

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            self.has_zeros |= *byte == 0;
            if let Some(number) = &mut self.number {
                match byte {
                    b'0'..=b'9' => *number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0')),
                    b'=' | b'"' | b'\'' | b' ' | b'\t' | b'\r' | b'\n' | b'+' if *number == 0 => {}
                    _ => {
                        self.announced = self.announced.max(*number);
                        self.number = None;
                    }
                }
            }
            let goes_on = ANNOUNCEMENT.get(self.seen) == Some(byte);
            self.seen = if goes_on { self.seen + 1 } else { usize::from(*byte == ANNOUNCEMENT[0]) };
            if self.seen == ANNOUNCEMENT.len() {
                (self.seen, self.number) = (0, Some(0));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Cells as they come, row by row. Only those of the two columns are kept.
#[derive(Default)]
struct Reading {
    row: u32,
    /// The cells of the first row, by column.
    headings: BTreeMap<usize, String>,
    columns: Option<Columns>,
    user: String,
    value: String,
    rows: Rows,
}

impl Reading {
    fn cell(&mut self, row: u32, column: usize, value: &DataRef<'_>, formula: bool) -> Result<(), SheetError> {
        if row != self.row {
            self.end_row()?;
            self.row = row;
        }
        match self.columns {
            None => {
                self.headings.insert(column, text_of(value));
            }
            Some(columns) if column == columns.user || column == columns.relation => {
                if formula {
                    return Err(SheetError::Formula { row });
                }
                let cell = if column == columns.user { &mut self.user } else { &mut self.value };
                *cell = text_of(value);
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), SheetError> {
        if self.columns.is_some() {
            let (user, value) = (std::mem::take(&mut self.user), std::mem::take(&mut self.value));
            return self.rows.push(self.row, &user, &value);
        }
        if self.headings.values().any(|heading| !heading.trim().is_empty()) {
            let headings = self.headings.iter().map(|(column, heading)| (*column, heading.as_str()));
            self.columns = Some(Columns::find(headings)?);
        }
        Ok(())
    }
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        // A mobile number that Excel took for a number: `Display` writes no exponent, and no fraction where there is
        // none.
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(time) => time.as_f64().to_string(),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}
