//! Verdicts of auto-bind and origins of links, in words.

use domain::matching::{NotTried, OaField, Pair, Reason, Verdict, WeLinkField};
use domain::model::LinkOrigin;
use domain::text::Text;

use crate::person_trace::{Judged, Step};

const NAME: &str = "auto-bind";

pub(crate) fn origin(origin: LinkOrigin) -> Text {
    match origin {
        LinkOrigin::Card => Text::new("由管理员绑定", "bound by an administrator"),
        LinkOrigin::Password => Text::new("本人用 OA 密码绑定", "bound by himself with his OA password"),
        LinkOrigin::Redirect => Text::new("本人在 OA 登录页确认", "bound by himself at the OA's sign-in page"),
        LinkOrigin::Import => Text::new("由文件导入", "bound by an import"),
        LinkOrigin::AutoBind => Text::new("自动绑定", "bound by matching fields"),
    }
}

/// What the next sign-in would do, and why.
pub(crate) fn auto_bind(verdict: &Verdict) -> Step {
    match verdict {
        Verdict::NotTried(why) => not_tried(*why),
        Verdict::Link(pair, hit) => {
            let (pair, user) = (words(*pair), &hit.oa_user);
            let zh = format!("下次登录会自动绑定 OA 用户 {user}（{}）。", pair.0);
            let en = format!("His next sign-in links him to OA user {user} ({}).", pair.1);
            Step::new(NAME, Judged::Ok, zh, en)
        }
        Verdict::AskPassword(pair, hit) => {
            let (pair, user) = (words(*pair), &hit.oa_user);
            let zh = format!("匹配到 OA 用户 {user}（{}），登录时需输入一次 OA 密码。", pair.0);
            let en = format!("OA user {user} matches ({}); he is asked for the OA password once.", pair.1);
            Step::new(NAME, Judged::Ok, zh, en)
        }
        Verdict::Excluded(pair, user, reason) => {
            let (pair, why) = (words(*pair), excluded(*reason));
            let zh = format!("匹配到 OA 用户 {user}（{}），但{}。", pair.0, why.zh);
            let en = format!("OA user {user} matches ({}), but {}.", pair.1, why.en);
            let step = Step::new(NAME, Judged::Problem, zh, en);
            step.advise("请核对后在人员卡片上绑定。", "Check it, then bind him on his card.")
        }
        Verdict::Conflict(pair, users) => {
            let (pair, count) = (words(*pair), users.len());
            let zh = format!("匹配到 {count} 个 OA 用户（{}），不会自动绑定。", pair.0);
            let en = format!("{count} OA users match ({}), so none is linked.", pair.1);
            let step = Step::new(NAME, Judged::Problem, zh, en);
            step.advise("请在人员卡片上选择正确的一个。", "Choose the right one on his card.")
        }
        Verdict::Unlinked => {
            let step = Step::new(NAME, Judged::Problem, "没有匹配的 OA 用户。", "No OA user matches.");
            step.advise(
                "请核对两侧用于匹配的字段，或在人员卡片上绑定。",
                "Compare the matching fields on both sides, or bind him on his card.",
            )
        }
    }
}

fn not_tried(why: NotTried) -> Step {
    match why {
        NotTried::Off => Step::new(NAME, Judged::Warning, "自动绑定未开启。", "Auto-bind is off.").advise(
            "可以开启自动绑定，或由他本人或管理员绑定。",
            "Switch it on, or have him bound by himself or by an administrator.",
        ),
        NotTried::Marked => {
            Step::new(NAME, Judged::Warning, "此人被标记为不自动绑定。", "He is marked: do not auto-link.")
                .advise("需要时请在人员卡片上取消标记。", "Remove the mark on his card if that is no longer meant.")
        }
        NotTried::Linked => Step::new(NAME, Judged::Ok, "已有关联，不再匹配。", "Linked already: nothing is matched."),
    }
}

fn excluded(reason: Reason) -> Text {
    match reason {
        Reason::Linked => Text::new("已关联其他人", "he is linked to somebody else"),
        Reason::Denied => {
            Text::new("在不自动绑定名单上", "he is on the list of those who are never linked by matching")
        }
        Reason::Roles => Text::new("在 OA 中有管理角色", "he has roles in the OA"),
        Reason::NoMainAccount => Text::new("主账号不明或已停用", "his main account is unknown or disabled"),
    }
}

/// The pair of fields, in Chinese and in English.
fn words(pair: Pair) -> (String, String) {
    let welink = match pair.welink {
        WeLinkField::Mobile => Text::new("手机号", "mobile"),
        WeLinkField::Email => Text::new("邮箱", "e-mail"),
        WeLinkField::CorpUserId => Text::new("企业用户 ID", "corporate user id"),
        WeLinkField::EmployeeId => Text::new("工号", "employee id"),
    };
    let oa = match pair.oa {
        OaField::Mobile => Text::new("手机号", "mobile"),
        OaField::Email => Text::new("邮箱", "e-mail"),
        OaField::WorkCode => Text::new("工号", "work code"),
        OaField::LoginName => Text::new("登录名", "login name"),
    };
    (format!("WeLink {} = OA {}", welink.zh, oa.zh), format!("WeLink {} = OA {}", welink.en, oa.en))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::OaUserId;
    use domain::matching::Hit;

    #[test]
    fn every_verdict_is_said_in_both_languages() {
        let pair = Pair { welink: WeLinkField::Mobile, oa: OaField::Mobile };
        let user = OaUserId::parse("1001").unwrap();
        let hit = Hit { oa_user: user.clone(), login_id: String::new() };
        let reasons = [Reason::Linked, Reason::Denied, Reason::Roles, Reason::NoMainAccount];
        let mut verdicts = vec![
            Verdict::Link(pair, hit.clone()),
            Verdict::AskPassword(pair, hit),
            Verdict::Conflict(pair, vec![user.clone(); 2]),
            Verdict::Unlinked,
        ];
        verdicts.extend([NotTried::Off, NotTried::Marked, NotTried::Linked].map(Verdict::NotTried));
        verdicts.extend(reasons.map(|reason| Verdict::Excluded(pair, user.clone(), reason)));
        for verdict in verdicts {
            let step = auto_bind(&verdict);
            let works = matches!(verdict, Verdict::Link(..) | Verdict::AskPassword(..));
            assert_eq!(step.advice.is_some(), !works && verdict != Verdict::NotTried(NotTried::Linked), "{step:?}");
            for said in std::iter::once(&step.text).chain(&step.advice) {
                assert!(said.zh.chars().any(|c| c >= '\u{4e00}') && !said.en.chars().any(|c| c >= '\u{4e00}'));
            }
        }
    }
}
