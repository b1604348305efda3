//! The to-dos of the demonstration: three a person, always the same ones, each waiting for a decision; and what people
//! have asked for since (`flow`).

use domain::text::{Lang, Text};
use domain::time::Timestamp;

use super::flow::Made;
use super::view::{day_text, pick};
use super::{Oa, lock};

/// The first person's first to-do is 42, as in the samples of the contract.
const FIRST_ID: u32 = 42;
const PER_PERSON: u32 = 3;
const HOUR_MS: i64 = 3_600_000;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Purchase,
    Leave,
    Contract,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Purchase, Self::Leave, Self::Contract];

    /// The value in a form.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Leave => "leave",
            Self::Contract => "contract",
        }
    }
}

/// How a to-do ended: what its owner decided, or that its applicant took it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    Returned,
    Withdrawn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) at: Timestamp,
}

/// One to-do of one person.
#[derive(Debug, Clone)]
pub(super) struct Todo {
    pub(super) id: u32,
    /// The account that it waits for.
    pub(super) owner: String,
    pub(super) kind: Kind,
    pub(super) urgent: bool,
    pub(super) received: Timestamp,
    pub(super) decision: Option<Decision>,
    /// The account that asked.
    pub(super) applicant: String,
    /// Asked on the pages; the others belong to the demonstration, and only their owners see them.
    made: bool,
    applicant_zh: String,
    applicant_en: String,
    /// Chooses among the variants below.
    variant: usize,
}

/// Item, quantity, price in yuan each, reason.
const PURCHASES: [(Text, u32, u32, Text); 4] = [
    (
        Text::new("14 英寸笔记本电脑", "14-inch laptop"),
        3,
        6_899,
        Text::new("新员工入职配备", "Equipment for new colleagues"),
    ),
    (
        Text::new("27 英寸显示器", "27-inch monitor"),
        6,
        1_599,
        Text::new("测试工位更换", "Replacement at the test desks"),
    ),
    (Text::new("投影仪", "Projector"), 1, 8_299, Text::new("三楼会议室", "Meeting room on the third floor")),
    (
        Text::new("工业扫码枪", "Industrial barcode scanner"),
        10,
        730,
        Text::new("仓库盘点", "Stocktaking in the warehouse"),
    ),
];
/// Kind, days, reason.
const LEAVES: [(Text, i64, Text); 4] = [
    (Text::new("年假", "Annual leave"), 3, Text::new("家庭出行", "Family trip")),
    (Text::new("事假", "Personal leave"), 1, Text::new("办理证件", "Renewing documents")),
    (Text::new("病假", "Sick leave"), 2, Text::new("感冒休养", "Recovering from a cold")),
    (Text::new("调休", "Time off in lieu"), 1, Text::new("上周末加班调休", "Worked last weekend")),
];
/// Partner, amount in yuan, subject.
const CONTRACTS: [(Text, u32, Text); 4] = [
    (
        Text::new("江南电子有限公司（演示）", "Jiangnan Electronics (demo)"),
        186_000,
        Text::new("年度备件供应", "Yearly supply of spare parts"),
    ),
    (
        Text::new("蓝海物流有限公司（演示）", "Blue Sea Logistics (demo)"),
        74_500,
        Text::new("华东仓配服务", "Warehousing in East China"),
    ),
    (
        Text::new("青禾文化有限公司（演示）", "Qinghe Culture (demo)"),
        32_800,
        Text::new("展会搭建", "Building an exhibition stand"),
    ),
    (
        Text::new("北辰软件有限公司（演示）", "Beichen Software (demo)"),
        258_000,
        Text::new("生产系统维护", "Maintenance of the production system"),
    ),
];

impl Kind {
    pub(super) fn name(self) -> Text {
        match self {
            Self::Purchase => Text::new("采购申请", "Purchase request"),
            Self::Leave => Text::new("请假申请", "Leave request"),
            Self::Contract => Text::new("合同审批", "Contract approval"),
        }
    }

    pub(super) fn step(self) -> Text {
        match self {
            Self::Purchase => Text::new("部门审批", "Department approval"),
            Self::Leave => Text::new("直属上级审批", "Approval by the line manager"),
            Self::Contract => Text::new("会签", "Countersignature"),
        }
    }
}

impl Todo {
    /// Whether this account asked for it, and may remind and withdraw.
    pub(super) fn is_asked_by(&self, account: &str) -> bool {
        self.made && self.applicant == account
    }

    pub(super) fn title(&self, lang: Lang) -> String {
        format!("{}-{}-{}", self.kind.name().get(lang), self.applicant(lang), day_text(self.received))
    }

    pub(super) fn applicant(&self, lang: Lang) -> &str {
        pick(lang, &self.applicant_zh, &self.applicant_en)
    }

    pub(super) fn state(&self) -> Text {
        match self.decision.map(|decision| decision.verdict) {
            None => self.kind.step(),
            Some(Verdict::Approved) => Text::new("已同意", "Approved"),
            Some(Verdict::Returned) => Text::new("已退回", "Returned"),
            Some(Verdict::Withdrawn) => Text::new("已撤回", "Withdrawn"),
        }
    }

    /// What the form says, as label and value.
    pub(super) fn facts(&self, lang: Lang) -> Vec<(&'static str, String)> {
        let label = |zh, en| Text::new(zh, en).get(lang);
        match self.kind {
            Kind::Purchase => {
                let (item, quantity, price, reason) = PURCHASES[self.variant % PURCHASES.len()];
                vec![
                    (label("物品", "Item"), item.get(lang).to_owned()),
                    (label("数量", "Quantity"), quantity.to_string()),
                    (label("单价", "Unit price"), yuan(price)),
                    (label("总金额", "Total"), yuan(quantity * price)),
                    (label("用途", "Purpose"), reason.get(lang).to_owned()),
                ]
            }
            Kind::Leave => {
                let (kind, days, reason) = LEAVES[self.variant % LEAVES.len()];
                let from = self.received.plus_ms(72 * HOUR_MS);
                let until = from.plus_ms((days - 1) * 24 * HOUR_MS);
                let unit = if days == 1 { label("天", "day") } else { label("天", "days") };
                vec![
                    (label("假别", "Kind"), kind.get(lang).to_owned()),
                    (label("开始日期", "From"), day_text(from)),
                    (label("结束日期", "Until"), day_text(until)),
                    (label("时长", "Length"), format!("{days} {unit}")),
                    (label("事由", "Reason"), reason.get(lang).to_owned()),
                ]
            }
            Kind::Contract => {
                let (partner, amount, subject) = CONTRACTS[self.variant % CONTRACTS.len()];
                vec![
                    (label("合同编号", "Contract number"), format!("HT-{:05}", self.id)),
                    (label("合同对方", "Partner"), partner.get(lang).to_owned()),
                    (label("合同金额", "Amount"), yuan(amount)),
                    (label("合同内容", "Subject"), subject.get(lang).to_owned()),
                ]
            }
        }
    }
}

/// An amount with thousands separators.
fn yuan(amount: u32) -> String {
    let digits = amount.to_string();
    let mut out = String::from("¥");
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + ".00"
}

/// The to-do with this number, whomever it waits for.
pub(super) fn find(oa: &Oa, id: u32) -> Option<Todo> {
    let flows = lock(&oa.0.flows);
    let mut todo = match flows.made(id) {
        Some(made) => asked_for(oa, id, made)?,
        None => standing(oa, id)?,
    };
    flows.apply(&mut todo);
    Some(todo)
}

/// One of the three that everybody has.
fn standing(oa: &Oa, id: u32) -> Option<Todo> {
    let number = id.checked_sub(FIRST_ID)?;
    let people = &oa.0.company.people;
    let at = usize::try_from(number / PER_PERSON).ok()?;
    let owner = people.get(at)?;
    let variant = usize::try_from(number).ok()?;
    let kind = match number % PER_PERSON {
        0 => Kind::Purchase,
        1 => Kind::Leave,
        _ => Kind::Contract,
    };
    // Seven and eleven share no factor with sixty, so that applicants spread over the whole company.
    let stride = (at * 7 + variant * 11 + 1) % people.len();
    let applicant = if people[stride].id == owner.id { &people[(stride + 1) % people.len()] } else { &people[stride] };
    Some(Todo {
        id,
        owner: owner.id.clone(),
        kind,
        urgent: number % 5 == 2,
        received: oa.0.started.plus_ms(-HOUR_MS * (2 + i64::from(number * 13 % 70))),
        decision: None,
        applicant: applicant.id.clone(),
        made: false,
        applicant_zh: applicant.name_zh.clone(),
        applicant_en: applicant.name_en.clone(),
        variant,
    })
}

fn asked_for(oa: &Oa, id: u32, made: &Made) -> Option<Todo> {
    let directory = lock(&oa.0.directory);
    let applicant = directory.accounts().iter().find(|account| account.id == made.applicant)?;
    Some(Todo {
        id,
        owner: made.owner.clone(),
        kind: made.kind,
        urgent: false,
        received: made.at,
        decision: None,
        applicant: made.applicant.clone(),
        made: true,
        applicant_zh: applicant.name(Lang::Zh).to_owned(),
        applicant_en: applicant.name(Lang::En).to_owned(),
        variant: usize::try_from(id).unwrap_or(0),
    })
}

/// Every to-do there is, in the order of their numbers.
pub(super) fn all(oa: &Oa) -> Vec<Todo> {
    let standing = u32::try_from(oa.0.company.people.len()).unwrap_or(0).saturating_mul(PER_PERSON);
    let made = lock(&oa.0.flows).made_ids();
    (FIRST_ID..FIRST_ID.saturating_add(standing)).chain(made).filter_map(|id| find(oa, id)).collect()
}

fn newest_first(mut todos: Vec<Todo>) -> Vec<Todo> {
    todos.sort_by_key(|todo| std::cmp::Reverse((todo.received, todo.id)));
    todos
}

/// Everything that waits for this account or has been decided by it, newest first. What was withdrawn is gone.
pub(super) fn of(oa: &Oa, account: &str) -> Vec<Todo> {
    let withdrawn = |todo: &Todo| todo.decision.is_some_and(|decision| decision.verdict == Verdict::Withdrawn);
    newest_first(all(oa).into_iter().filter(|todo| todo.owner == account && !withdrawn(todo)).collect())
}

/// Everything that this account has asked for, newest first.
pub(super) fn asked_by(oa: &Oa, account: &str) -> Vec<Todo> {
    newest_first(all(oa).into_iter().filter(|todo| todo.is_asked_by(account)).collect())
}

#[cfg(test)]
mod tests {
    use super::yuan;

    #[test]
    fn amounts_have_thousands_separators() {
        for (amount, want) in [(0, "¥0.00"), (730, "¥730.00"), (8_299, "¥8,299.00"), (1_234_567, "¥1,234,567.00")] {
            assert_eq!(yuan(amount), want);
        }
    }
}
