//! The envelope: flat JSON with `code` and `message`, empty fields left out, types that may wobble (welink-api.md 1).

use std::borrow::Cow;

use domain::text::{Lang, Text};
use platform::entropy::Entropy;
use serde_json::{Map, Number, Value};

/// The payload of an answer, beside `code` and `message`.
pub(super) type Fields = Map<String, Value>;

/// A business error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub code: Cow<'static, str>,
    /// The HTTP status; nearly always 200.
    pub status: u16,
    /// What stands beside the code.
    pub fields: Fields,
}

impl Refusal {
    pub(super) fn new(code: impl Into<Cow<'static, str>>) -> Self {
        Self::with_status(code, 200)
    }

    pub(super) fn with_status(code: impl Into<Cow<'static, str>>, status: u16) -> Self {
        Self { code: code.into(), status, fields: Fields::new() }
    }

    /// With fields beside the code.
    pub(super) fn with(code: impl Into<Cow<'static, str>>, fields: Fields) -> Self {
        Self { fields, ..Self::new(code) }
    }
}

/// What an endpoint returns.
pub(super) type Answer = Result<Fields, Refusal>;

/// Adds a text unless it is empty.
pub(super) fn put(fields: &mut Fields, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|v| !v.is_empty()) {
        fields.insert(name.to_owned(), Value::from(value));
    }
}

/// Adds a list unless it is empty.
pub(super) fn put_list(fields: &mut Fields, name: &str, values: &[String]) {
    if !values.is_empty() {
        fields.insert(name.to_owned(), Value::from(values.to_vec()));
    }
}

/// Fields whose type differs between the vendor's own pages (welink-api.md 1).
const WOBBLING: [&str; 11] = [
    "code",
    "pageNo",
    "pages",
    "pageSize",
    "total",
    "orderNo",
    "deptLevel",
    "userStatus",
    "isActivated",
    "uuid",
    "hasMore",
];

/// Draws for every wobbling field of the top level whether it is a string or a number this time.
pub(super) fn wobble(fields: &mut Fields, entropy: &Entropy) {
    for name in WOBBLING {
        let Some(value) = fields.get_mut(name) else { continue };
        let as_number = entropy.below(2) == 0;
        let changed = match &*value {
            Value::String(text) if as_number => text.parse::<i64>().ok().map(|n| Value::Number(Number::from(n))),
            Value::Number(number) if !as_number => Some(Value::String(number.to_string())),
            _ => None,
        };
        if let Some(changed) = changed {
            *value = changed;
        }
    }
}

/// The sentence beside a code (welink-api.md 11).
pub(super) fn message(code: &str, lang: Lang) -> &'static str {
    let text = match code {
        "0" => Text::new("OK", "OK"),
        "404" => Text::new("地址不存在", "no such address"),
        "500" => Text::new("系统错误", "system error"),
        "501" => Text::new("第三方接口无权限", "the interface permission has not been applied for"),
        "1000" => Text::new("access_token 无效或已过期", "access_token is invalid or expired"),
        "10007" | "411007" => Text::new("client_id 或 client_secret 错误", "client_id or client_secret is wrong"),
        "41403" => Text::new("失败次数过多，client_id 已锁定", "too many failures, the client_id is locked"),
        "41500" => Text::new("获取用户信息失败", "could not get the user or the token"),
        "41501" => Text::new("code 格式错误", "the code is malformed"),
        "41503" | "60007" => Text::new("code 已过期", "the code has expired"),
        "41504" => Text::new("code 已被使用", "the code has been used"),
        "41579" => Text::new("client_id 为空", "client_id is empty"),
        "41580" => Text::new("client_secret 为空", "client_secret is empty"),
        "411000" => Text::new("请求体不是 JSON 或 type 错误", "the body is not JSON, or type is wrong"),
        "47000" => Text::new("没有权限", "no permission"),
        "47003" => Text::new("参数为空", "a parameter is empty"),
        "47004" => Text::new("参数错误", "a parameter is wrong"),
        "47007" => Text::new("用户不合法", "the user is not valid"),
        "47012" => Text::new("没有数据", "no data"),
        "47002" => Text::new("部门编码为空", "the department code is empty"),
        "47005" => Text::new("取值不在允许范围内", "a value is not allowed"),
        "47009" => Text::new("提交失败", "the submission failed"),
        "47013" => Text::new("超过查询数量限制", "too many at once"),
        "47023" => Text::new("corpUserId 与 userId 不是同一人", "corpUserId and userId are different people"),
        "47105" => Text::new("秘书账号未创建", "the secretary's account has not been created"),
        "47106" => Text::new("上级部门未创建", "the parent department has not been created"),
        "47107" => Text::new("无需操作", "no need to operate"),
        "47109" => Text::new("操作成功", "the operation succeeded"),
        "47110" => Text::new("开户失败：号码不可用", "opening failed: the number cannot be used"),
        "47112" => Text::new("处理中，请勿重复提交", "processing, do not submit again"),
        "47119" => Text::new("部门操作成功", "the department is done"),
        "47120" => Text::new("登录手机号已被注册", "the login mobile is already registered"),
        "47124" => Text::new("24 小时内修改手机号次数过多", "the mobile number was changed too often in 24 hours"),
        "58003" => Text::new("对象已存在", "it exists already"),
        "47114" | "58010" => {
            Text::new("部门下有成员或子部门，不能删除", "the department is not empty and cannot be deleted")
        }
        "47101" => Text::new("access_token 格式错误", "access_token is malformed"),
        "47103" => Text::new("access_token 已过期", "access_token has expired"),
        "47111" => Text::new("账号不存在", "the account does not exist"),
        "41600" => Text::new("jstickets 凭证无效", "the token for jstickets is not valid"),
        "48503" => Text::new("调用过于频繁", "too many calls"),
        "51002" => Text::new("推送失败", "the push failed"),
        "51010" => Text::new("公众号不存在", "the public account does not exist"),
        "51018" => Text::new("接收人超过 1000", "more than 1000 receivers"),
        "51019" => Text::new("不能给未关注的用户推送", "cannot push to people who do not follow"),
        "51033" => Text::new("没有匹配的数据", "no matching data"),
        "51036" => Text::new("用户未登录", "the user is not logged in"),
        "51042" => Text::new("接收人列表为空", "the receiver list is empty"),
        "51100" => Text::new("消息不属于本企业", "the message belongs to another tenant"),
        "51104" => Text::new("messageStatus 无效", "messageStatus is invalid"),
        "51107" => Text::new("消息没有状态标签，不能修改", "the message has no status label"),
        "51111" => Text::new("消息不存在", "the message was not found"),
        "55000" => Text::new("鉴权失败", "authentication failed"),
        "51021" | "55005" => Text::new("缺少参数", "a parameter is missing"),
        "55006" => Text::new("参数校验失败", "the parameter check failed"),
        "55007" => Text::new("创建失败", "it could not be created"),
        "55008" => Text::new("更新失败", "it could not be updated"),
        "55010" => Text::new("待办已存在", "the task exists already"),
        "55011" => Text::new("非法更新流程", "illegal update of the flow"),
        "55009" => Text::new("删除失败", "it could not be deleted"),
        "55014" => Text::new("token 校验失败", "the token check failed"),
        "60001" => Text::new("成功", "success"),
        "60002" => Text::new("code 长度超过 2000", "the code is longer than 2000"),
        "60003" => Text::new("code 为空", "the code is empty"),
        "60004" => Text::new("client_id 长度超过 255", "client_id is longer than 255"),
        "60005" => Text::new("client_secret 长度超过 255", "client_secret is longer than 255"),
        "60006" => Text::new("state 长度超过 255", "state is longer than 255"),
        "60008" => Text::new("code 无效", "the code is invalid"),
        "60009" => Text::new("账号已锁定，请 15 分钟后再试", "the account is locked, try again in 15 minutes"),
        "60010" => Text::new("client_id 与 client_secret 不匹配", "client_id and client_secret do not match"),
        "60011" => Text::new("系统繁忙", "the system is busy"),
        "60012" => Text::new("服务暂时不可用", "temporarily unavailable"),
        "60013" => Text::new("grant_type 错误", "grant_type is wrong"),
        _ => Text::new("请求失败", "the request failed"),
    };
    text.get(lang)
}

/// A time as the contact and tenant families write it: China time without a zone (welink-api.md 1).
pub(super) fn china_time(at: domain::time::Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|instant| jiff::tz::offset(8).to_datetime(instant).strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}
