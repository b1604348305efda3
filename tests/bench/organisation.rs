//! A company of any size on both sides, and its pages as the planner's callers would read them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use domain::sync::{
    CopyDepartment, CopyPerson, Directory, DirectoryBuilder, OaBuilder, OaDepartment, OaPerson, OaSide,
};
use serde::Deserialize;

/// People of one page.
const PAGE: u32 = 200;
/// People of one department, in the mean.
const PEOPLE_PER_DEPARTMENT: u32 = 20;

/// What is different on the OA's side, in per cent: 2 new, 1 gone, 5 edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delta {
    None,
    Gone,
    Edited,
}

/// The same company whenever it is asked for: no two neighbours have the same fate.
fn delta(person: u32) -> Delta {
    match person.wrapping_mul(2_654_435_761) >> 16 & 0x3ff {
        0..10 => Delta::Gone,
        10..61 => Delta::Edited,
        _ => Delta::None,
    }
}

/// An account name that has nothing to do with the order of the OA's ids.
fn account(person: u32) -> String {
    format!("{:08x}@welink", person.wrapping_mul(0x9e37_79b1))
}

fn code(department: u32) -> String {
    if department == 0 { "0".to_owned() } else { format!("{}", 100_000 + department * 7) }
}

/// Six children each, as in a real tree.
fn parent(department: u32) -> u32 {
    (department - 1) / 6
}

fn mobile(person: u32, edited: bool) -> String {
    format!("1{:02}{:08}", if edited { 39 } else { 38 }, person)
}

/// Writes `oa.jsonl` and `copy.jsonl`, a page a line.
pub fn write(folder: &Path, people: u32) -> Result<()> {
    let departments = people / PEOPLE_PER_DEPARTMENT;
    let mut oa = BufWriter::new(File::create(folder.join("oa.jsonl"))?);
    let mut copy = BufWriter::new(File::create(folder.join("copy.jsonl"))?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for one in 0..departments {
        let up = if one == 0 { String::new() } else { format!("d{:06}", parent(one)) };
        let up_code = if one == 0 { String::new() } else { code(parent(one)) };
        let name = if one == 0 { "演示集团".to_owned() } else { format!("部门{one}") };
        ours.push(format!(r#"{{"id":"d{one:06}","parent":"{up}","name":"{name}","active":true}}"#));
        let code = code(one);
        theirs.push(format!(
            r#"{{"code":"{code}","parent":"{up_code}","name":"{name}","corp_code":"d{one:06}","link":"d{one:06}"}}"#
        ));
    }
    pages(&mut oa, "departments", &ours)?;
    pages(&mut copy, "departments", &theirs)?;
    let in_oa = (0..people).filter(|one| delta(*one) != Delta::Gone).chain(people..people + people / 50);
    write_people(&mut oa, in_oa, |one| of_oa(one, departments, delta(one) == Delta::Edited && one < people))?;
    // The copy comes in the order of the accounts, as its table has them.
    let mut order: Vec<u32> = (0..people).collect();
    order.sort_unstable_by_key(|one| one.wrapping_mul(0x9e37_79b1));
    write_people(&mut copy, order.into_iter(), |one| of_copy(one, departments))?;
    oa.flush()?;
    copy.flush()?;
    Ok(())
}

fn of_oa(one: u32, departments: u32, edited: bool) -> String {
    let title = if edited && !one.is_multiple_of(3) { "高级工程师" } else { "工程师" };
    let mobile = mobile(one, edited && one.is_multiple_of(3));
    format!(
        r#"{{"id":"{}","name":"员工{one}","login":"user{one}","work_code":"W{one:07}","mobile":"+86{mobile}","#,
        1_000_000 + one
    ) + &format!(
        r#""email":"user{one}@corp.example","title":"{title}","departments":["d{:06}"],"active":true}}"#,
        one % departments
    )
}

fn of_copy(one: u32, departments: u32) -> String {
    let (account, mobile, id) = (account(one), mobile(one, false), 1_000_000 + one);
    let code = code(one % departments);
    let name = format!(r#"{{"user":"{account}","corp_user":"{id}","name_zh":"员工{one}","mobile":"+86-{mobile}","#);
    let rest = format!(r#""email":"user{one}@corp.example","employee":"W{one:07}","position":"工程师","#);
    format!(r#"{name}{rest}"departments":["{code}"],"link":"{id}"}}"#)
}

fn write_people(
    file: &mut BufWriter<File>,
    people: impl Iterator<Item = u32>,
    line: impl Fn(u32) -> String,
) -> Result<()> {
    let mut page = Vec::new();
    for one in people {
        page.push(line(one));
        if page.len() >= usize::try_from(PAGE)? {
            pages(file, "people", &page)?;
            page.clear();
        }
    }
    pages(file, "people", &page)
}

fn pages(file: &mut BufWriter<File>, kind: &str, records: &[String]) -> Result<()> {
    for page in records.chunks(usize::try_from(PAGE)?) {
        let mut line = String::new();
        writeln!(line, r#"{{"{kind}":[{}]}}"#, page.join(","))?;
        file.write_all(line.as_bytes())?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct OaPage<'a> {
    #[serde(borrow, default)]
    departments: Vec<Unit<'a>>,
    #[serde(borrow, default)]
    people: Vec<User<'a>>,
}

#[derive(Deserialize)]
struct Unit<'a> {
    id: &'a str,
    parent: &'a str,
    name: &'a str,
    active: bool,
}

#[derive(Deserialize)]
struct User<'a> {
    id: &'a str,
    name: &'a str,
    login: &'a str,
    work_code: &'a str,
    mobile: &'a str,
    email: &'a str,
    title: &'a str,
    #[serde(borrow)]
    departments: Vec<&'a str>,
    active: bool,
}

#[derive(Deserialize)]
struct CopyPage<'a> {
    #[serde(borrow, default)]
    departments: Vec<Department<'a>>,
    #[serde(borrow, default)]
    people: Vec<Member<'a>>,
}

#[derive(Deserialize)]
struct Department<'a> {
    code: &'a str,
    parent: &'a str,
    name: &'a str,
    corp_code: &'a str,
    link: &'a str,
}

#[derive(Deserialize)]
struct Member<'a> {
    user: &'a str,
    corp_user: &'a str,
    name_zh: &'a str,
    mobile: &'a str,
    email: &'a str,
    employee: &'a str,
    position: &'a str,
    #[serde(borrow)]
    departments: Vec<&'a str>,
    link: &'a str,
}

fn oa_page(builder: &mut OaBuilder, line: &[u8]) -> Result<()> {
    let page: OaPage<'_> = serde_json::from_slice(line)?;
    for Unit { id, parent, name, active } in page.departments {
        builder.department(&OaDepartment { id, parent, name, order: 0, active })?;
    }
    for one in page.people {
        let User { id, name, login, work_code, mobile, email, title, departments, active } = one;
        let (departments, no_auto_link) = (departments.as_slice(), false);
        builder.person(&OaPerson {
            id,
            name,
            login,
            work_code,
            mobile,
            email,
            title,
            departments,
            active,
            no_auto_link,
        })?;
    }
    Ok(())
}

fn copy_page(builder: &mut DirectoryBuilder, line: &[u8]) -> Result<()> {
    let page: CopyPage<'_> = serde_json::from_slice(line)?;
    for Department { code, parent, name, corp_code, link } in page.departments {
        builder.department(&CopyDepartment { code, parent, name, corp_code, link, order: 0, missing: None })?;
    }
    for one in page.people {
        let Member { user, corp_user, name_zh, mobile, email, employee, position, departments, link } = one;
        let departments = departments.as_slice();
        builder.person(&CopyPerson {
            user,
            corp_user,
            name_zh,
            mobile,
            email,
            employee,
            position,
            departments,
            link,
            ..CopyPerson::default()
        })?;
    }
    Ok(())
}

/// Both sides out of two files in memory.
pub fn parse(oa: &[u8], copy: &[u8]) -> Result<(OaSide, Directory)> {
    let (mut ours, mut theirs) = (OaBuilder::default(), DirectoryBuilder::default());
    for line in oa.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        oa_page(&mut ours, line)?;
    }
    for line in copy.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        copy_page(&mut theirs, line)?;
    }
    Ok((ours.finish(), theirs.finish()))
}

/// Both sides page by page, each page dropped once it is read.
pub fn read(folder: &Path) -> Result<(OaSide, Directory)> {
    let (mut ours, mut theirs) = (OaBuilder::default(), DirectoryBuilder::default());
    each_line(&folder.join("oa.jsonl"), |line| oa_page(&mut ours, line))?;
    each_line(&folder.join("copy.jsonl"), |line| copy_page(&mut theirs, line))?;
    Ok((ours.finish(), theirs.finish()))
}

fn each_line(path: &Path, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        take(&line)?;
        line.clear();
    }
    Ok(())
}

/// The most memory that this process has held, megabytes.
pub fn peak_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")).ok_or_else(|| anyhow!("no VmHWM"))?;
    Ok(kilobytes.trim().parse::<f64>()? / 1024.0)
}
