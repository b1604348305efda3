//! The demonstration company that both simulators start from: 60 people in four levels of departments. Companies of
//! any other size are drawn from a seed ([`Company::generate`]).
//!
//! The tables below are read at start, one row a line. Columns are separated by `|` so that names may contain spaces.
//! Two people share a name on purpose, a handful hold a concurrent post, two branch managers sit directly in their
//! branch: what a real directory holds, a demonstration must hold too.

mod generate;

use std::collections::BTreeMap;

pub use generate::{Changes, Happened, Shape};

/// Where a department stands in the OA's organisation (oa-api.md 0, `unit.kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DepartmentKind {
    Company,
    Subcompany,
    Department,
}

impl DepartmentKind {
    /// The word of the contract: `company`, `subcompany` or `department`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Subcompany => "subcompany",
            Self::Department => "department",
        }
    }
}

/// One department, branch or the company itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Opaque id in the OA: `c-1`, `s-1` or `d-12`.
    pub id: String,
    pub kind: DepartmentKind,
    /// Short code as the OA shows it, e.g. `RD`.
    pub code: String,
    pub name_zh: String,
    pub name_en: String,
    /// Index into [`Company::departments`]; none for the company. A parent always stands before its children.
    pub parent: Option<usize>,
}

/// Sex as a personnel record holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    Male,
    Female,
}

/// One employee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Opaque id in the OA, from `1001` upwards.
    pub id: String,
    /// Login name, unique, lower case.
    pub login: String,
    pub name_zh: String,
    pub name_en: String,
    /// Eleven digits without country code, from `13800000001` upwards, unique.
    pub mobile: String,
    /// `{login}@corp.example`.
    pub email: String,
    /// Work number, from `W0001` upwards, unique.
    pub work_code: String,
    /// Main department, an index into [`Company::departments`].
    pub department: usize,
    /// Departments of concurrent posts (兼职部门), indexes into [`Company::departments`].
    pub concurrent: Vec<usize>,
    pub title_zh: String,
    pub title_en: String,
    pub sex: Sex,
}

/// A company as a whole: what a simulator starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    pub name_zh: String,
    pub name_en: String,
    /// Parents before children; index 0 is the company itself.
    pub departments: Vec<Department>,
    pub people: Vec<Person>,
}

/// id | kind | code | parent | Chinese name | English name
const DEPARTMENTS: &str = "\
c-1|c|YF||远帆智造集团|Yuanfan Manufacturing Group
s-1|s|SZ|c-1|深圳总部|Shenzhen Headquarters
s-2|s|SH|c-1|上海分公司|Shanghai Branch
s-3|s|CD|c-1|成都分公司|Chengdu Branch
d-10|d|GM|s-1|总经理办公室|Executive Office
d-11|d|HR|s-1|人力资源部|Human Resources
d-12|d|RD|s-1|研发部|Research and Development
d-13|d|FIN|s-1|财务部|Finance
d-14|d|ADM|s-1|行政部|Administration
d-111|d|HR-REC|d-11|招聘组|Recruiting Team
d-121|d|RD-PLT|d-12|平台组|Platform Team
d-122|d|RD-APP|d-12|应用组|Application Team
d-123|d|RD-QA|d-12|测试组|Quality Team
d-20|d|SAL|s-2|华东销售部|East China Sales
d-21|d|MKT|s-2|市场部|Marketing
d-201|d|SAL-CH|d-20|渠道组|Channel Team
d-202|d|SAL-KA|d-20|大客户组|Key Account Team
d-40|d|DEL|s-3|交付部|Delivery
d-41|d|SCM|s-3|供应链部|Supply Chain
d-401|d|DEL-IMP|d-40|实施组|Implementation Team
d-402|d|DEL-CS|d-40|客户服务组|Customer Service Team
d-411|d|SCM-PUR|d-41|采购组|Purchasing Team";

/// login | Chinese name | English name | sex | department | concurrent departments | Chinese title | English title
const PEOPLE: &str = "\
lihua|李华|Li Hua|m|d-12|d-40|工程师|Engineer
wangfang|王芳|Wang Fang|f|d-13||财务经理|Finance Manager
zhangwei|张伟|Zhang Wei|m|d-10||总经理|General Manager
liuyang|刘洋|Liu Yang|m|d-12|d-10|研发总监|Director of Research and Development
chenjing|陈静|Chen Jing|f|d-11|d-10|人力资源总监|Director of Human Resources
yangmin|杨敏|Yang Min|f|d-13||财务总监|Chief Financial Officer
zhaolei|赵磊|Zhao Lei|m|d-121||平台组组长|Platform Team Lead
huangli|黄丽|Huang Li|f|d-121||高级工程师|Senior Engineer
zhoujie|周杰|Zhou Jie|m|d-121||后端工程师|Backend Engineer
wuqiang|吴强|Wu Qiang|m|d-121||运维工程师|Operations Engineer
xuna|徐娜|Xu Na|f|d-122||应用组组长|Application Team Lead
sunhao|孙浩|Sun Hao|m|d-122||前端工程师|Frontend Engineer
mayan|马艳|Ma Yan|f|d-122||移动端工程师|Mobile Engineer
zhujun|朱军|Zhu Jun|m|d-122||后端工程师|Backend Engineer
hubin|胡斌|Hu Bin|m|d-123||测试组组长|Quality Team Lead
guoting|郭婷|Guo Ting|f|d-123||测试工程师|Test Engineer
hejun|何俊|He Jun|m|d-123||自动化测试工程师|Test Automation Engineer
linxiao|林晓|Lin Xiao|f|d-12||产品经理|Product Manager
gaofeng|高峰|Gao Feng|m|d-12|d-40,d-20|架构师|Architect
luoyi|罗怡|Luo Yi|f|d-12||研发助理|Research Assistant
zhengkai|郑凯|Zheng Kai|m|d-111||招聘主管|Recruiting Supervisor
liangxue|梁雪|Liang Xue|f|d-111||招聘专员|Recruiter
xieting|谢婷|Xie Ting|f|d-11||薪酬专员|Payroll Specialist
songtao|宋涛|Song Tao|m|d-11||培训专员|Training Specialist
tangyu|唐宇|Tang Yu|m|d-13||会计|Accountant
xuli|许丽|Xu Li|f|d-13||出纳|Cashier
hanmei|韩梅|Han Mei|f|d-14||行政经理|Office Manager
fengchao|冯超|Feng Chao|m|d-14||资产管理员|Asset Administrator
dengna|邓娜|Deng Na|f|d-14||前台|Receptionist
caoyang|曹阳|Cao Yang|m|d-10|d-14|总经理助理|Assistant to the General Manager
pengfei|彭飞|Peng Fei|m|s-2||分公司总经理|Branch Manager
zenglin|曾琳|Zeng Lin|f|d-20||销售总监|Director of Sales
xiaobo|肖波|Xiao Bo|m|d-201||渠道经理|Channel Manager
tianxin|田欣|Tian Xin|f|d-201||渠道专员|Channel Specialist
dongliang|董亮|Dong Liang|m|d-201||渠道专员|Channel Specialist
yuanyuan|袁媛|Yuan Yuan|f|d-202||大客户经理|Key Account Manager
panwei|潘伟|Pan Wei|m|d-202||大客户代表|Key Account Representative
yuhui|于慧|Yu Hui|f|d-202||大客户代表|Key Account Representative
jiangtao|蒋涛|Jiang Tao|m|d-20||销售运营专员|Sales Operations Specialist
wangfang2|王芳|Wang Fang|f|d-20||商务专员|Contract Specialist
duanyu|段宇|Duan Yu|m|d-21||市场经理|Marketing Manager
weilan|魏兰|Wei Lan|f|d-21||品牌专员|Brand Specialist
shenyi|沈逸|Shen Yi|m|d-21|d-20|活动策划|Event Planner
luping|陆萍|Lu Ping|f|d-21||平面设计师|Graphic Designer
jiangnan|姜楠|Jiang Nan|f|d-20|d-12|售前工程师|Presales Engineer
cuiming|崔明|Cui Ming|m|s-3||分公司总经理|Branch Manager
zhongling|钟玲|Zhong Ling|f|d-40||交付总监|Director of Delivery
tanbo|谭波|Tan Bo|m|d-401||项目经理|Project Manager
liaoyun|廖云|Liao Yun|f|d-401||实施顾问|Implementation Consultant
fangyuan|方圆|Fang Yuan|f|d-401||实施顾问|Implementation Consultant
shiyu|石宇|Shi Yu|m|d-401||实施工程师|Implementation Engineer
jinling|金玲|Jin Ling|f|d-402||客服主管|Customer Service Supervisor
daili|戴丽|Dai Li|f|d-402||客服专员|Customer Service Agent
jiaxin|贾昕|Jia Xin|m|d-402||客服专员|Customer Service Agent
xiazhi|夏志|Xia Zhi|m|d-402|d-121|技术支持工程师|Technical Support Engineer
fuyao|付瑶|Fu Yao|f|d-41||供应链经理|Supply Chain Manager
baixue|白雪|Bai Xue|f|d-411||采购主管|Purchasing Supervisor
qinfeng|秦峰|Qin Feng|m|d-411||采购专员|Purchasing Specialist
mengfan|孟凡|Meng Fan|m|d-41||仓储主管|Warehouse Supervisor
yinxia|尹霞|Yin Xia|f|d-41||计划专员|Planning Specialist";

/// People of the company whom the demonstration leaves without a link, and who have one OA account to find.
pub const UNLINKED: [&str; 2] = ["qinfeng", "yinxia"];
/// A person of the company without a link, whose mobile two OA accounts have once [`Company::namesake`] is in the OA.
pub const TWO_CANDIDATES: &str = "mengfan";
/// In WeLink only: whose account was closed (userStatus 4).
pub const CLOSED: &str = "luojun";
/// In WeLink only: whom the app's visible range is to leave out.
pub const OUT_OF_RANGE: &str = "weiqi";
/// In WeLink only: whom no OA account matches by any field.
pub const UNKNOWN_TO_OA: &str = "chengyu";

/// People who are in WeLink and not in the OA, with the columns of [`PEOPLE`].
const STRANGERS: &str = "\
luojun|罗军|Luo Jun|m|d-401||实施工程师|Implementation Engineer
weiqi|韦琪|Wei Qi|f|d-14||外协人员|Contractor
chengyu|程宇|Cheng Yu|m|d-122||实习生|Intern";
/// The number of the first stranger: far from those of the company's people, so that no field matches by accident.
const STRANGER_FIRST: u64 = 9_001;

impl Company {
    /// The people who are in WeLink and not in the OA ([`CLOSED`], [`OUT_OF_RANGE`], [`UNKNOWN_TO_OA`]). They have no
    /// id in the OA; mobile, e-mail and work number are nobody else's.
    pub fn strangers(&self) -> Vec<Person> {
        let index_by_id = self.departments.iter().enumerate().map(|(index, d)| (d.id.as_str(), index)).collect();
        (STRANGER_FIRST..)
            .zip(STRANGERS.lines())
            .map(|(number, row)| Person { id: String::new(), ..person(number, row, &index_by_id) })
            .collect()
    }

    /// A second OA account of the person [`TWO_CANDIDATES`]: the same name and mobile, its own id, login, e-mail and
    /// work number. With it in the OA, two accounts match that person (product.md Q5).
    pub fn namesake(&self) -> Option<Person> {
        let twin = self.person(TWO_CANDIDATES)?;
        let number = self.people.len() + 1;
        let login = format!("{TWO_CANDIDATES}2");
        Some(Person {
            id: (1000 + number).to_string(),
            email: format!("{login}@corp.example"),
            work_code: format!("W{number:04}"),
            login,
            ..twin.clone()
        })
    }

    /// The demonstration company: one company, three branches, 22 units in all, 60 people with ids `1001` to `1060`.
    pub fn demo() -> Self {
        let mut company = Self {
            name_zh: "远帆智造集团".to_owned(),
            name_en: "Yuanfan Manufacturing Group".to_owned(),
            departments: Vec::new(),
            people: Vec::new(),
        };
        let mut index_by_id = BTreeMap::new();
        for row in DEPARTMENTS.lines() {
            let [id, kind, code, parent, name_zh, name_en] = columns(row);
            index_by_id.insert(id, company.departments.len());
            company.departments.push(Department {
                id: id.to_owned(),
                kind: match kind {
                    "c" => DepartmentKind::Company,
                    "s" => DepartmentKind::Subcompany,
                    _ => DepartmentKind::Department,
                },
                code: code.to_owned(),
                name_zh: name_zh.to_owned(),
                name_en: name_en.to_owned(),
                parent: index_by_id.get(parent).copied(),
            });
        }
        for (number, row) in (1_u64..).zip(PEOPLE.lines()) {
            company.people.push(person(number, row, &index_by_id));
        }
        company
    }

    /// The person with this login name, if there is one. Case does not matter.
    pub fn person(&self, login: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.login.eq_ignore_ascii_case(login))
    }
}

/// The person of one row; `number` gives id, mobile and work number.
fn person(number: u64, row: &str, index_by_id: &BTreeMap<&str, usize>) -> Person {
    let [login, name_zh, name_en, sex, department, concurrent, title_zh, title_en] = columns(row);
    Person {
        id: format!("{}", 1000 + number),
        login: login.to_owned(),
        name_zh: name_zh.to_owned(),
        name_en: name_en.to_owned(),
        mobile: format!("{}", 13_800_000_000_u64 + number),
        email: format!("{login}@corp.example"),
        work_code: format!("W{number:04}"),
        department: index_by_id.get(department).copied().unwrap_or_default(),
        concurrent: concurrent.split(',').filter_map(|id| index_by_id.get(id).copied()).collect(),
        title_zh: title_zh.to_owned(),
        title_en: title_en.to_owned(),
        sex: if sex == "f" { Sex::Female } else { Sex::Male },
    }
}

/// The columns of one row; a missing column is empty, and the tables' own test fails on it.
fn columns<const N: usize>(row: &str) -> [&str; N] {
    let mut cells = row.split('|').map(str::trim);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_all_its_columns_and_every_reference_exists() {
        assert!(DEPARTMENTS.lines().all(|row| row.split('|').count() == 6));
        assert!(PEOPLE.lines().chain(STRANGERS.lines()).all(|row| row.split('|').count() == 8));
        let ids: BTreeSet<&str> = DEPARTMENTS.lines().map(|row| columns::<6>(row)[0]).collect();
        for row in PEOPLE.lines().chain(STRANGERS.lines()) {
            let cells = columns::<8>(row);
            assert!(ids.contains(cells[4]), "{row}");
            assert!(cells[5].split(',').all(|id| id.is_empty() || (ids.contains(id) && id != cells[4])), "{row}");
        }
    }

    #[test]
    fn the_demo_company_has_sixty_people_in_four_levels_and_unique_keys() {
        let company = Company::demo();
        assert_eq!(company.people.len(), 60);
        let depth = |mut at: usize| {
            let mut levels = 1;
            while let Some(parent) = company.departments[at].parent {
                assert!(parent < at, "a parent stands before its children");
                (at, levels) = (parent, levels + 1);
            }
            levels
        };
        assert_eq!((0..company.departments.len()).map(depth).max(), Some(4));
        assert_eq!(company.departments.iter().filter(|d| d.parent.is_none()).count(), 1);
        let keys: [fn(&Person) -> &str; 5] = [|p| &p.id, |p| &p.login, |p| &p.mobile, |p| &p.email, |p| &p.work_code];
        for key in keys {
            assert_eq!(company.people.iter().map(key).collect::<BTreeSet<_>>().len(), 60);
        }
        let names: BTreeSet<&str> = company.people.iter().map(|p| p.name_zh.as_str()).collect();
        assert_eq!(names.len(), 59, "two people share a name");
        assert!(company.people.iter().filter(|p| !p.concurrent.is_empty()).count() >= 5);
        assert!(company.people.iter().all(|p| !p.title_en.is_empty() && !p.name_en.is_empty()));
        assert!(UNLINKED.iter().all(|login| company.person(login).is_some()));
        assert_eq!(company.person("LiHua").map(|p| p.mobile.as_str()), Some("13800000001"));
    }

    #[test]
    fn strangers_share_nothing_with_the_company_and_the_namesake_only_the_mobile() {
        let company = Company::demo();
        let strangers = company.strangers();
        let logins: Vec<&str> = strangers.iter().map(|p| p.login.as_str()).collect();
        assert_eq!(logins, [CLOSED, OUT_OF_RANGE, UNKNOWN_TO_OA]);
        let keys: [fn(&Person) -> &str; 4] = [|p| &p.login, |p| &p.mobile, |p| &p.email, |p| &p.work_code];
        let all = || company.people.iter().chain(&strangers);
        for key in keys {
            assert_eq!(all().map(key).collect::<BTreeSet<_>>().len(), 63);
        }
        assert!(strangers.iter().all(|p| p.id.is_empty() && p.department > 0));
        let (twin, namesake) = (company.person(TWO_CANDIDATES).unwrap(), company.namesake().unwrap());
        assert_eq!((&twin.mobile, &twin.name_zh), (&namesake.mobile, &namesake.name_zh));
        for key in [keys[0], keys[2], keys[3], |p: &Person| &p.id] {
            assert!(all().all(|person| key(person) != key(&namesake)));
        }
    }
}
