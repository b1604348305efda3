//! Writing CSV and XLSX, in parts that a gateway lets through.

use std::borrow::Cow;

use domain::text::Text;
use rust_xlsxwriter::{Workbook, XlsxError};
use signin::Refusal;

use super::{Format, bilingual, escape};
use crate::error::ApiError;

/// Rows of a part at most, which bounds what an XLSX part holds in memory.
const PART_ROWS_MAX: u32 = 10_000;
/// Bytes of CSV from which on a part is full: with one row more it stays below 4 MiB.
const PART_BYTES_FULL: usize = 3 * 1024 * 1024;
const BOM: &[u8] = "\u{feff}".as_bytes();

/// A part that is being written.
pub(crate) struct Writer {
    file: File,
    rows: u32,
    bytes: usize,
}

enum File {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Xlsx(Box<Workbook>),
}

impl Writer {
    /// Begins with the headings; every part has them.
    pub fn new(format: Format, headings: &[Text]) -> Result<Self, ApiError> {
        let file = match format {
            Format::Csv => {
                let line_ends = csv::Terminator::CRLF;
                File::Csv(Box::new(csv::WriterBuilder::new().terminator(line_ends).from_writer(BOM.to_vec())))
            }
            Format::Xlsx => {
                let mut book = Workbook::new();
                book.add_worksheet().set_freeze_panes(1, 0).map_err(failed)?;
                File::Xlsx(Box::new(book))
            }
        };
        let mut writer = Self { file, rows: 0, bytes: 0 };
        let headings: Vec<String> = headings.iter().map(|heading| bilingual(*heading)).collect();
        writer.row(&headings.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(writer)
    }

    /// One row; every cell is text, and cannot become a formula.
    pub fn row(&mut self, cells: &[&str]) -> Result<(), ApiError> {
        // An apostrophe, two quotes and a comma at most, and each quote inside is doubled.
        self.bytes += cells.iter().map(|cell| cell.len() + cell.matches('"').count() + 4).sum::<usize>();
        match &mut self.file {
            File::Csv(csv) => {
                let escaped = cells.iter().map(|cell| escape(cell));
                csv.write_record(escaped.map(Cow::into_owned)).map_err(failed)?;
            }
            File::Xlsx(book) => {
                let sheet = book.worksheet_from_index(0).map_err(failed)?;
                for (column, cell) in (0..).zip(cells) {
                    if !cell.is_empty() {
                        sheet.write_string(self.rows, column, escape(cell)).map_err(failed::<XlsxError>)?;
                    }
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Whether the next row belongs into the next part.
    pub fn is_full(&self) -> bool {
        self.rows > PART_ROWS_MAX || self.bytes >= PART_BYTES_FULL
    }

    pub fn finish(self) -> Result<Vec<u8>, ApiError> {
        match self.file {
            File::Csv(csv) => csv.into_inner().map_err(failed),
            File::Xlsx(mut book) => book.save_to_buffer().map_err(failed),
        }
    }
}

/// A file in memory that cannot be written: only a value beyond the format's own limits.
fn failed<E: std::fmt::Display>(error: E) -> ApiError {
    Refusal::because(domain::problem::UNAVAILABLE, error.to_string()).into()
}
