//! Every code of WeLink in one table: what it means, what the client does about it, what a person can do about it
//! (welink-api.md 11, with 2.3, 3.4, 5A.7, 6.4 and 7.4).

use domain::text::Text;

/// What the client does when it reads the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Done. Only `0` is success for a call; the others are outcomes of one item.
    Ok,
    /// The token is not accepted: fetch a new one and repeat once.
    RefreshToken,
    /// The interface has not been applied for: repeat once with a new token, then [`Class::Permission`].
    NotApplied,
    /// Too many calls: wait and go on.
    RateLimited,
    /// A passing failure on WeLink's side: repeat within bounds.
    Retry,
    /// The app may not do this: the administrator has to act.
    Permission,
    /// There is nothing of that kind.
    Empty,
    /// Accepted, not finished.
    Pending,
    /// Something else has to exist first.
    Prerequisite,
    /// The credentials are refused: stop calling (product.md OPS-02).
    Credentials,
    /// The one-time code is not accepted: the person opens the app again.
    CodeRefused,
    /// The request is wrong: repeating it is useless.
    BadRequest,
    /// It contradicts what WeLink holds.
    Conflict,
    /// A limit per day: not before tomorrow.
    Quota,
    /// Final; so is every code that is not in the table.
    Final,
}

/// The part of WeLink's API that a code belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    General,
    Tickets,
    AuthCode,
    JsTickets,
    Contact,
    Messages,
    Todo,
    OAuth,
    Knowledge,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub code: &'static str,
    pub family: Family,
    pub class: Class,
    pub meaning: Text,
    /// For the administrator.
    pub advice: Text,
}

/// The row of a code, if it is known.
pub fn find(code: &str) -> Option<&'static Code> {
    TABLE.binary_search_by(|row| order(row.code).cmp(&order(code))).ok().and_then(|at| TABLE.get(at))
}

/// The class of a code; unknown ones are final (welink-api.md 11).
pub fn class(code: &str) -> Class {
    find(code).map_or(Class::Final, |row| row.class)
}

/// All codes are plain numbers, so shorter is smaller.
fn order(code: &str) -> (usize, &str) {
    (code.len(), code)
}

/// What to say of a code that is not in the table.
pub const UNKNOWN: Text =
    Text::new("未收录的返回码，请连同返回信息一起查阅。", "A code that is not in the table; see WeLink's own message.");

const NOTHING: Text = Text::new("无需操作。", "Nothing to do.");
const AUTOMATIC: Text =
    Text::new("云桥会自动重新获取凭证并重试。", "The bridge fetches a new token and repeats the call.");
const SLOWER: Text = Text::new(
    "云桥会自动放慢并重试；若经常出现，请调低调用频率设置。",
    "The bridge slows down and repeats the call. If it happens often, lower the call rate setting.",
);
const WAIT: Text = Text::new("请稍后再试；若持续出现，请联系 WeLink。", "Try again later. If it goes on, ask WeLink.");
const RUNNING: Text = Text::new("请稍候，云桥会再次查询结果。", "Wait; the bridge will ask for the outcome again.");
const APPLY: Text = Text::new(
    "请在 WeLink 开放平台为该应用申请此接口权限，批准后再试。",
    "Apply for this interface's permission on the WeLink open platform and try again once it is granted.",
);
const SCOPE: Text = Text::new(
    "请检查该应用的接口权限、通讯录权限范围和可见范围。",
    "Check the app's interface permissions, its contact scope and its visible range.",
);
const SECRET: Text = Text::new(
    "请在开放平台的【基本信息】中核对 client_id 和 client_secret 并重新填写；修改前云桥不再调用。",
    "Compare client_id and client_secret with 基本信息 (basic information) on the open platform and enter them again; \
     until then the bridge makes no calls.",
);
const LOCKED: Text = Text::new(
    "请先核对 client_secret，等锁定结束后再试，不要反复尝试。",
    "Check the client_secret, then wait until the lock ends; do not keep trying.",
);
const QUARTER: Text = Text::new(
    "请等待 15 分钟后再登录，期间不要反复尝试；若再次出现，请核对 client_secret。",
    "Wait 15 minutes before the next sign-in and do not keep trying. If it happens again, check the client_secret.",
);
const PAIR: Text = Text::new(
    "请在开放平台的【基本信息】中核对 client_id 和 client_secret，并确认该应用已开通浏览器登录。",
    "Compare client_id and client_secret with 基本信息 (basic information) on the open platform, and check that sign-in \
     by browser is open to the app.",
);
const REOPEN: Text = Text::new("请重新打开应用。", "Open the app again.");
const ADDRESS: Text =
    Text::new("请检查 WeLink 服务地址设置。", "Check the address of the WeLink service in the settings.");
const FIELDS: Text = Text::new("请检查所填内容和格式。", "Check the values and their format.");
const SMALLER: Text = Text::new("请减少一次提交的数量。", "Send less at a time.");
const FIRST: Text = Text::new("云桥会在所需对象建立后重试。", "The bridge tries again once the other object exists.");
const DATA: Text = Text::new("请在 OA 或 WeLink 中修正冲突的数据。", "Correct the data in the OA or in WeLink.");
const ACCOUNT: Text = Text::new("请检查该人员在 WeLink 中的账号状态。", "Check the person's account in WeLink.");
const TOMORROW: Text = Text::new("请于次日再试。", "Try again tomorrow.");
const RECEIVERS: Text =
    Text::new("请检查接收人是否在应用的可见范围内。", "Check that the receivers are in the app's visible range.");
const ITEM: Text =
    Text::new("请检查该对象是否已被删除或属于其他应用。", "Check whether it was deleted or belongs to another app.");
const TENANT: Text =
    Text::new("请确认企业已开通 WeLink 且处于有效期内。", "Check that the company's WeLink is open and licensed.");
const REDIRECT: Text = Text::new(
    "请检查在 WeLink 登记的首页地址和回调地址。",
    "Check the home page and redirect address registered with WeLink.",
);

macro_rules! table {
    ($($code:literal $family:ident $class:ident, $zh:literal / $en:literal, $advice:ident;)*) => {
        /// All codes in numerical order.
        pub const TABLE: &[Code] = &[$(Code {
            code: $code,
            family: Family::$family,
            class: Class::$class,
            meaning: Text::new($zh, $en),
            advice: $advice,
        }),*];
    };
}

table! {
    "0" General Ok, "成功" / "success", NOTHING;
    "401" General RefreshToken, "非法请求：超出权限" / "illegal request: beyond authority", AUTOMATIC;
    "403" General Permission, "禁止访问" / "forbidden", SCOPE;
    "404" General Final, "接口地址不存在" / "no such address", ADDRESS;
    "500" General Retry, "WeLink 系统错误" / "WeLink system error", WAIT;
    "501" General NotApplied, "第三方接口无权限" / "the interface's permission has not been applied for", APPLY;
    "1000" General RefreshToken, "access_token 失效" / "access_token expired or unusable", AUTOMATIC;
    "10007" Tickets Credentials, "client_id 或 client_secret 错误" / "client_id or client_secret wrong", SECRET;
    "41403" Tickets Credentials, "失败次数过多，client_id 已锁定" / "too many failures: the client_id is locked", LOCKED;
    "41500" Tickets Retry, "获取凭证或用户信息失败" / "could not get the token or the user", WAIT;
    "41501" AuthCode CodeRefused, "授权码格式错误" / "authorisation code malformed", REOPEN;
    "41502" Tickets Retry, "获取凭证失败" / "could not get the token", WAIT;
    "41503" AuthCode CodeRefused, "授权码已过期" / "authorisation code expired", REOPEN;
    "41504" AuthCode CodeRefused, "授权码已使用" / "authorisation code already used", REOPEN;
    "41579" Tickets BadRequest, "client_id 为空" / "client_id empty", SECRET;
    "41580" Tickets BadRequest, "client_secret 为空" / "client_secret empty", SECRET;
    "41600" JsTickets RefreshToken, "凭证无效（jstickets）" / "token invalid (jstickets)", AUTOMATIC;
    "43011" Knowledge BadRequest, "知识接口：参数错误" / "knowledge: wrong parameter", FIELDS;
    "43012" Knowledge Final, "知识接口：操作失败" / "knowledge: failed", WAIT;
    "43021" Knowledge Permission, "知识接口：鉴权失败" / "knowledge: authentication failed", APPLY;
    "43051" Knowledge Final, "知识接口：用户不存在" / "knowledge: no such user", ACCOUNT;
    "43052" Knowledge Final, "知识接口：部门不存在" / "knowledge: no such department", ITEM;
    "43999" Knowledge Retry, "知识接口：系统错误" / "knowledge: system error", WAIT;
    "47000" Contact Permission, "无权限" / "no permission", SCOPE;
    "47001" Contact Final, "未获取到当前用户信息" / "current user info not obtained", ACCOUNT;
    "47002" Contact BadRequest, "部门编码为空" / "department code empty", FIELDS;
    "47003" Contact BadRequest, "参数为空" / "parameter empty", FIELDS;
    "47004" Contact BadRequest, "参数错误（邮箱、手机号格式等）" / "parameter wrong (mail or mobile format and the like)", FIELDS;
    "47005" Contact BadRequest, "取值不在允许范围内" / "value not among the allowed ones", FIELDS;
    "47006" Contact Final, "企业不存在、未开通或开通失败" / "company missing, not opened or opening failed", TENANT;
    "47007" Contact Final, "调用者非法或个人信息无效" / "caller illegal or personal details invalid", ACCOUNT;
    "47008" Contact BadRequest, "参数校验失败" / "parameter check failed", FIELDS;
    "47009" Contact Retry, "提交失败（列表中表示无数据）" / "submit failed (in lists: nothing there)", WAIT;
    "47012" Contact Empty, "无数据" / "no data", SCOPE;
    "47013" Contact BadRequest, "超过查询数量限制" / "query amount limit", SMALLER;
    "47023" Contact Conflict, "corpUserId 与 userId 不是同一人" / "corpUserId and userId are different people", DATA;
    "47100" Contact Pending, "等待处理" / "waiting", RUNNING;
    "47101" Contact RefreshToken, "凭证格式错误" / "token format", AUTOMATIC;
    "47102" Contact Permission, "无权限" / "no permission", SCOPE;
    "47103" Contact RefreshToken, "凭证已过期" / "token expired", AUTOMATIC;
    "47104" Contact Pending, "处理中" / "processing", RUNNING;
    "47105" Contact Prerequisite, "秘书账号尚未创建" / "secretary account not created yet", FIRST;
    "47106" Contact Prerequisite, "上级部门尚未创建" / "parent department not created yet", FIRST;
    "47107" Contact Ok, "已保存，未开户" / "stored, account not opened", NOTHING;
    "47108" Contact Pending, "开户中" / "account being opened", RUNNING;
    "47109" Contact Ok, "开户或操作成功" / "account opened, or operation done", NOTHING;
    "47110" Contact Final, "开户失败，原因见返回信息" / "opening failed, reason in WeLink's message", ACCOUNT;
    "47111" Contact Final, "账号不存在" / "account does not exist", ACCOUNT;
    "47112" Contact Pending, "处理中，请勿重复提交" / "processing, do not submit again", RUNNING;
    "47113" Contact Pending, "等待中，请勿重复提交" / "waiting, do not submit again", RUNNING;
    "47114" Contact Final, "部门处理失败" / "department failed", DATA;
    "47118" Contact Pending, "部门处理中" / "department being processed", RUNNING;
    "47119" Contact Ok, "部门处理成功" / "department done", NOTHING;
    "47120" Contact Conflict, "登录手机号已被注册" / "login mobile already registered", DATA;
    "47124" Contact Quota, "24 小时内修改手机号次数过多" / "mobile number changed too often in 24 hours", TOMORROW;
    "48503" General RateLimited, "超过调用频率限制" / "rate limit", SLOWER;
    "51002" Messages Final, "推送失败" / "push failed", WAIT;
    "51003" Messages BadRequest, "未提供公众号 ID" / "no public account id given", FIELDS;
    "51010" Messages Final, "公众号不存在" / "the public account does not exist", FIELDS;
    "51018" Messages BadRequest, "一次接收人超过 1000" / "more than 1,000 receivers in one call", SMALLER;
    "51019" Messages Final, "不能推送给未关注的用户" / "cannot push to people who do not follow", RECEIVERS;
    "51021" Messages BadRequest, "缺少参数" / "missing parameter", FIELDS;
    "51033" Messages Empty, "没有匹配的数据" / "no matching data", ITEM;
    "51036" Messages RefreshToken, "用户未登录" / "user not logged in", AUTOMATIC;
    "51042" Messages BadRequest, "接收人列表为空" / "receiver list empty", RECEIVERS;
    "51100" Messages Conflict, "消息属于其他企业" / "the message belongs to another company", ITEM;
    "51104" Messages BadRequest, "messageStatus 无效" / "messageStatus invalid", FIELDS;
    "51107" Messages Final, "消息没有状态标签，不能更改" / "the message has no status label and cannot be changed", ITEM;
    "51111" Messages Empty, "消息不存在" / "message not found", ITEM;
    "51112" Messages Empty, "公众号不存在" / "public account not found", FIELDS;
    "51113" Messages Empty, "企业不存在" / "company not found", TENANT;
    "51114" Messages Empty, "接收人不存在" / "receiver not found", RECEIVERS;
    "55000" Todo RefreshToken, "鉴权失败" / "authentication failed", AUTOMATIC;
    "55002" Todo Permission, "无权限" / "no permission", SCOPE;
    "55004" Todo Retry, "服务端异常" / "server exception", WAIT;
    "55005" Todo BadRequest, "缺少参数" / "missing parameter", FIELDS;
    "55006" Todo BadRequest, "参数校验失败" / "parameter check failed", FIELDS;
    "55007" Todo Conflict, "创建失败（可能已存在）" / "creation failed (it may exist already)", DATA;
    "55008" Todo Final, "更新失败" / "update failed", ITEM;
    "55009" Todo Final, "删除失败（可能已不存在）" / "deletion failed (it may be gone already)", ITEM;
    "55010" Todo Conflict, "已存在" / "exists already", DATA;
    "55011" Todo Conflict, "非法更新：属于其他应用的流程" / "illegal update: another app's task", ITEM;
    "55012" Todo Retry, "鉴权服务不可用" / "authentication service down", WAIT;
    "55014" Todo RefreshToken, "凭证校验失败" / "token check failed", AUTOMATIC;
    "56100" General Final, "另一类接口的成功码" / "success in another family of services", ADDRESS;
    "60001" OAuth Ok, "成功（仅 OAuth）" / "success (OAuth only)", NOTHING;
    "60002" OAuth CodeRefused, "授权码长度超过 2000" / "code longer than 2,000", REOPEN;
    "60003" OAuth CodeRefused, "授权码为空" / "code empty", REOPEN;
    "60004" OAuth BadRequest, "client_id 长度超过 255" / "client_id longer than 255", SECRET;
    "60005" OAuth BadRequest, "client_secret 长度超过 255" / "client_secret longer than 255", SECRET;
    "60006" OAuth BadRequest, "state 长度超过 255" / "state longer than 255", REOPEN;
    "60007" OAuth CodeRefused, "授权码已过期" / "code expired", REOPEN;
    "60008" OAuth CodeRefused, "授权码无效" / "code invalid", REOPEN;
    "60009" OAuth Final, "账号已锁定，15 分钟后再试" / "account locked, try again in 15 minutes", QUARTER;
    "60010" OAuth Credentials, "client_id 与 client_secret 不匹配" / "client_id and client_secret do not match", PAIR;
    "60011" OAuth Retry, "系统繁忙" / "busy", WAIT;
    "60012" OAuth Retry, "暂时不可用" / "temporarily unavailable", WAIT;
    "60013" OAuth BadRequest, "grant_type 错误" / "grant_type wrong", FIELDS;
    "60018" OAuth BadRequest, "首页地址无效" / "home page address invalid", REDIRECT;
    "60019" OAuth BadRequest, "回调地址或名称无效" / "redirect address or name invalid", REDIRECT;
    "60020" OAuth BadRequest, "缺少名称、首页或回调地址" / "name, home page or redirect address missing", REDIRECT;
    "60021" OAuth Final, "登记失败" / "registration failed", REDIRECT;
    "60022" OAuth Final, "登记失败" / "registration failed", REDIRECT;
    "60023" OAuth Final, "登记失败" / "registration failed", REDIRECT;
    "60024" OAuth Final, "登记失败" / "registration failed", REDIRECT;
    "411000" Tickets BadRequest, "请求体不是 JSON 或 type 错误" / "the body is not JSON, or its type is wrong", ADDRESS;
    "411007" Tickets Credentials, "client_id 未知或 client_secret 错误" / "client_id unknown or client_secret wrong", SECRET;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// welink-api.md 11, and the tables it points to (2.1, 3.4, 5A.7, 6.4, 7.4, 16).
    const CONTRACT: &str = "0 60001 56100 401 403 404 500 501 1000 10007 41403 41579 41580 41500 41502 411000 411007 \
        41501 41503 41504 41600 43011 43012 43021 43051 43052 43999 48503 47000 47001 47002 47003 47004 47005 47006 \
        47007 47008 47009 47012 47013 47023 47100 47101 47102 47103 47104 47105 47106 47107 47108 47109 47110 47111 \
        47112 47113 47114 47118 47119 47120 47124 51002 51003 51010 51018 51019 51036 51042 51021 51033 51100 51104 \
        51107 51111 51112 51113 51114 55000 55002 55004 55005 55006 55007 55008 55009 55010 55011 55012 55014 60002 \
        60003 60004 60005 60006 60007 60008 60009 60010 60011 60012 60013 60018 60019 60020 60021 60022 60023 60024";

    #[test]
    fn every_code_of_the_contract_has_a_row_and_nothing_else_does() {
        let codes: Vec<&str> = CONTRACT.split_whitespace().collect();
        for code in &codes {
            assert_eq!(find(code).map(|row| row.code), Some(*code), "{code}");
        }
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn rows_are_sorted_and_unique() {
        for pair in TABLE.windows(2) {
            let [a, b] = pair else { continue };
            assert!(order(a.code) < order(b.code), "{} before {}", a.code, b.code);
        }
    }

    #[test]
    fn rows_speak_both_languages() {
        for row in TABLE {
            for text in [row.meaning, row.advice] {
                assert!(text.zh.chars().any(|c| c >= '\u{4e00}'), "{}: zh", row.code);
                assert!(text.en.chars().any(|c| c.is_ascii_alphabetic()), "{}: en", row.code);
                assert!(text.en.chars().all(|c| c.is_ascii() || c >= '\u{4e00}'), "{}: en", row.code);
            }
        }
    }

    #[test]
    fn classes_follow_the_contract() {
        for code in ["1000", "401", "47101", "47103", "41600", "51036", "55000", "55014"] {
            assert_eq!(class(code), Class::RefreshToken, "{code} (welink-api.md 2.3)");
        }
        for code in domain::breaker::CODES {
            assert_eq!(class(code), Class::Credentials, "{code} (welink-api.md 2.1)");
        }
        for code in ["41501", "41503", "41504", "60002", "60003", "60007", "60008"] {
            assert_eq!(class(code), Class::CodeRefused, "{code} (product.md C3)");
        }
        for code in ["58001", "", "none", "00", "-1"] {
            assert_eq!(class(code), Class::Final, "{code} is unknown");
        }
    }
}
