//! Tables that administrators bring and take: CSV and XLSX (product.md Q6, C24, SEC-07).
//!
//! A file is judged by its content, never by its name. Formulas are never evaluated: where one stands in a column that
//! is read, the file is refused; what is written as text cannot become one ([`escape`]), and reading takes that back.

mod csv_file;
mod part;
mod write;
mod xlsx_file;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use domain::link_job::{CELL_BYTES_MAX, ROWS_MAX};
use domain::text::Text;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;

pub(crate) use part::Part;
pub(crate) use write::Writer;

/// Bytes of an uploaded file at most (product.md C24).
pub(crate) const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A column's heading: a file names it in either language or in both.
pub(crate) mod heading {
    domain::texts! {
        USER = "WeLink 账号" / "WeLink account";
        NAME = "姓名" / "Name";
        NAME_EN = "英文名" / "English name";
        MOBILE = "手机" / "Mobile";
        EMAIL = "邮箱" / "E-mail";
        WORK_NUMBER = "工号" / "Work number";
        DEPARTMENT = "部门" / "Department";
        OA_USER = "OA 用户" / "OA user";
        OA_LOGIN = "OA 登录名" / "OA login";
        RELATION = "关联值" / "Relation value";
        ROW = "行号" / "Row";
        OUTCOME = "结果" / "Outcome";
        EXPLANATION = "说明" / "Explanation";
        LINK_BEFORE = "原关联" / "Link before";
        LINK_AFTER = "新关联" / "Link after";
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// UTF-8 with a byte order mark, without which Excel takes it for something else.
    #[default]
    Csv,
    Xlsx,
}

/// The encoding of a text file, where it is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Encoding {
    #[serde(alias = "utf8")]
    Utf8,
    Gbk,
}

/// One row of a file, its cells as they stand there but for [`escape`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SheetRow {
    /// Headings are row 1.
    pub number: u32,
    pub user: String,
    pub value: String,
}

/// Why a file is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SheetError {
    Empty,
    NotATable,
    OldExcel,
    Utf16,
    Gbk,
    BadEncoding,
    Bomb,
    Macros,
    Damaged,
    NoUserColumn,
    NoRelationColumn,
    ColumnTwice,
    TooManyRows,
    Formula { row: u32 },
    CellTooLong { row: u32 },
}

impl fmt::Display for SheetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the file is empty / 文件为空",
            Self::NotATable => "this is neither CSV nor XLSX, whatever its name says / 文件内容不是 CSV 或 XLSX（与文件名无关）",
            Self::OldExcel => {
                "an old or protected Excel file: save it as .xlsx without a password / 旧版或加密的 Excel 文件：请另存为不带密码的 .xlsx"
            }
            Self::Utf16 => "the text is UTF-16: save it as 'CSV UTF-8' / 文本是 UTF-16 编码：请另存为“CSV UTF-8”",
            Self::Gbk => {
                "the text is GBK: save it as 'CSV UTF-8', or send it again with encoding=gbk / 文本是 GBK 编码：\
                 请另存为“CSV UTF-8”，或用 encoding=gbk 重新上传"
            }
            Self::BadEncoding => "the text is neither UTF-8 nor GBK / 文本既不是 UTF-8 也不是 GBK 编码",
            Self::Bomb => "the file unpacks to far more than a table needs / 文件解压后过大",
            Self::Macros => "the file contains macros: save it as .xlsx / 文件含有宏：请另存为 .xlsx",
            Self::Damaged => "the file is damaged / 文件已损坏",
            Self::NoUserColumn => "the column 'WeLink account' is missing / 缺少“WeLink 账号”列",
            Self::NoRelationColumn => "the column 'Relation value' is missing / 缺少“关联值”列",
            Self::ColumnTwice => {
                "'WeLink account' or 'Relation value' heads two columns / “WeLink 账号”或“关联值”列出现两次"
            }
            Self::TooManyRows => return write!(f, "more than {ROWS_MAX} rows: split the file / 超过 {ROWS_MAX} 行，请拆分文件"),
            Self::Formula { row } => {
                return write!(f, "row {row} holds a formula: paste it as a value / 第 {row} 行含有公式：请粘贴为数值");
            }
            Self::CellTooLong { row } => {
                let bytes = CELL_BYTES_MAX;
                return write!(f, "row {row}: more than {bytes} bytes in a cell / 第 {row} 行：单元格超过 {bytes} 字节");
            }
        })
    }
}

impl From<SheetError> for ApiError {
    fn from(error: SheetError) -> Self {
        Self::field("file", error)
    }
}

/// Reads a file of whichever kind it is; at most [`ROWS_MAX`] rows.
pub(crate) fn read(bytes: &[u8], encoding: Option<Encoding>) -> Result<Vec<SheetRow>, SheetError> {
    match bytes {
        [] => Err(SheetError::Empty),
        [b'P', b'K', 3, 4, ..] => xlsx_file::read(bytes),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(SheetError::OldExcel),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(SheetError::Utf16),
        _ => csv_file::read(bytes, encoding),
    }
}

/// What makes a spreadsheet take a text for a formula, and the apostrophe that prevents it (product.md C24). The
/// apostrophe is among them, so that one which was there before is not mistaken for ours.
const LEADING: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// Whether a line of a cell may be taken for a formula, blanks before it or not.
fn is_formula(line: &str) -> bool {
    line.starts_with(LEADING) || line.trim_start().starts_with(LEADING)
}

/// The lines of a cell with their ends. A program that splits a file by lines before it reads quotes sees each of them
/// as the beginning of a cell.
fn lines(cell: &str) -> impl Iterator<Item = &str> {
    cell.split_inclusive(['\n', '\r'])
}

/// A cell that a spreadsheet shows as the text that it is.
pub(crate) fn escape(cell: &str) -> Cow<'_, str> {
    if !lines(cell).any(is_formula) {
        return Cow::Borrowed(cell);
    }
    Cow::Owned(lines(cell).flat_map(|line| [if is_formula(line) { "'" } else { "" }, line]).collect())
}

/// Takes back what [`escape`] did, and nothing else.
pub(crate) fn unescape(cell: &str) -> String {
    lines(cell).map(|line| line.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(line)).collect()
}

/// Where the two columns stand that are read; the others may be anything.
#[derive(Debug, Clone, Copy)]
struct Columns {
    user: usize,
    relation: usize,
}

impl Columns {
    fn find<'a>(headings: impl Iterator<Item = (usize, &'a str)>) -> Result<Self, SheetError> {
        let (mut user, mut relation) = (None, None);
        for (index, heading) in headings {
            for (found, name) in [(&mut user, heading::USER), (&mut relation, heading::RELATION)] {
                if is_named(heading, name) && found.replace(index).is_some() {
                    return Err(SheetError::ColumnTwice);
                }
            }
        }
        let user = user.ok_or(SheetError::NoUserColumn)?;
        Ok(Self { user, relation: relation.ok_or(SheetError::NoRelationColumn)? })
    }
}

/// The heading in both languages.
pub(crate) fn bilingual(text: Text) -> String {
    format!("{} / {}", text.zh, text.en)
}

fn is_named(heading: &str, name: Text) -> bool {
    let heading = heading.trim();
    let fits = |part: &str| part == name.zh || part.eq_ignore_ascii_case(name.en);
    heading.split_once('/').map_or_else(|| fits(heading), |(zh, en)| fits(zh.trim()) && fits(en.trim()))
}

/// The rows that have been read so far.
#[derive(Debug, Default)]
struct Rows(Vec<SheetRow>);

impl Rows {
    /// Takes a row as it stands in the file; rows without user and value are not there.
    fn push(&mut self, row: u32, user: &str, value: &str) -> Result<(), SheetError> {
        if user.len().max(value.len()) > CELL_BYTES_MAX {
            return Err(SheetError::CellTooLong { row });
        }
        if user.trim().is_empty() && value.trim().is_empty() {
            return Ok(());
        }
        if self.0.len() == ROWS_MAX {
            return Err(SheetError::TooManyRows);
        }
        self.0.push(SheetRow { number: row, user: unescape(user), value: unescape(value) });
        Ok(())
    }
}
