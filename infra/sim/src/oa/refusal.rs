//! Every way in which a ticket can fail, and what its reader can do about it.

use axum::http::StatusCode;
use domain::text::Text;

/// Why a ticket opened no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// This OA knows no bridge yet.
    NotConnected,
    /// The query form is switched off, or there is no ticket at all.
    NoTicket,
    Malformed,
    /// Signed with anything but Ed25519: `none` and HMAC too.
    Algorithm,
    /// The header brings its own key, or asks for an extension.
    ForeignKey,
    Type,
    UnknownKey,
    Signature,
    Issuer,
    Audience,
    Expired,
    /// Issued in the future, or valid for more than 60 s.
    Lifetime,
    Destination,
    /// The nonce is not the one that this browser was given, or one is missing.
    Nonce,
    Used,
    /// The bridge does not know the ticket, or not for this OA.
    Unknown,
    /// The bridge refused the OA's own signature.
    NotAuthorised,
    /// The bridge answered something that the contract does not know, or for somebody else.
    Answer,
    Unreachable,
    /// The account does not exist here, or is switched off.
    Account,
    /// `/sso/start` was asked to return somewhere other than to the bridge.
    ReturnTo,
}

/// What the error page shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explained {
    pub(super) status: StatusCode,
    /// A short stable name, for tests and for a support call.
    pub(super) code: &'static str,
    pub(super) title: Text,
    pub(super) what: Text,
    pub(super) todo: Text,
}

const REOPEN: Text = Text::new(
    "请回到 WeLink，重新打开 OA 应用。如果仍然失败，请把下面的编号发给管理员。",
    "Go back to WeLink and open the OA app again. If it fails once more, send the number below to your administrator.",
);
const ADMIN: Text = Text::new(
    "请把下面的编号发给管理员，由管理员核对云桥与 OA 的连接设置。您也可以先用账号密码登录。",
    "Send the number below to your administrator, who should compare the connection settings of the bridge and the OA. \
     Meanwhile you can sign in with your password.",
);
const LATER: Text = Text::new(
    "请稍等一分钟，再从 WeLink 打开 OA 应用。您也可以先用账号密码登录。",
    "Wait a minute and open the OA app from WeLink again. Meanwhile you can sign in with your password.",
);

impl Refusal {
    pub(super) fn explain(self) -> Explained {
        let (status, code, title, what) = match self {
            Self::NotConnected | Self::NoTicket | Self::Malformed | Self::Destination | Self::ReturnTo => {
                self.unreadable()
            }
            Self::Algorithm | Self::ForeignKey | Self::Type | Self::UnknownKey | Self::Signature => self.not_genuine(),
            Self::Issuer | Self::Audience | Self::Expired | Self::Lifetime | Self::Nonce => self.not_for_now(),
            _ => self.not_redeemed(),
        };
        Explained { status, code, title, what, todo: self.todo() }
    }

    fn todo(self) -> Text {
        match self {
            Self::Unreachable => LATER,
            Self::NotConnected | Self::Issuer | Self::Audience | Self::NotAuthorised | Self::Answer | Self::Account => {
                ADMIN
            }
            _ => REOPEN,
        }
    }

    fn unreadable(self) -> (StatusCode, &'static str, Text, Text) {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::NotConnected => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not-connected",
                Text::new("尚未连接云桥", "No bridge is connected"),
                Text::new(
                    "这个 OA 还没有配置云桥，无法接受来自 WeLink 的登录。",
                    "This OA has not been told about a bridge yet, so it cannot accept a sign-in from WeLink.",
                ),
            ),
            Self::NoTicket => (
                bad,
                "ticket-missing",
                Text::new("没有收到登录票据", "There was no ticket"),
                Text::new(
                    "打开这个页面时没有带上登录票据，或者票据的传递方式未被允许。",
                    "This page was opened without a ticket, or the ticket came in a way that is switched off here.",
                ),
            ),
            Self::Destination => (
                bad,
                "ticket-destination",
                Text::new("目标页面不正确", "The target page is not valid"),
                Text::new(
                    "票据要打开的页面不属于这个 OA。",
                    "The page that the ticket wants to open is not part of this OA.",
                ),
            ),
            Self::ReturnTo => (
                bad,
                "return-to",
                Text::new("返回地址不正确", "The return address is not valid"),
                Text::new("登录只能返回到已连接的云桥。", "A sign-in can only return to the connected bridge."),
            ),
            _ => (
                bad,
                "ticket-malformed",
                Text::new("登录票据无法识别", "The ticket cannot be read"),
                Text::new("收到的登录票据不完整或格式不正确。", "The ticket is incomplete or has the wrong form."),
            ),
        }
    }

    fn not_genuine(self) -> (StatusCode, &'static str, Text, Text) {
        let title = Text::new("登录票据未通过验证", "The ticket is not genuine");
        let (code, what) = match self {
            Self::Algorithm => (
                "ticket-algorithm",
                Text::new("票据使用了不被允许的签名算法。", "The ticket is signed in a way that is not allowed here."),
            ),
            Self::ForeignKey => (
                "ticket-foreign-key",
                Text::new(
                    "票据自带了签名密钥，这不被允许。",
                    "The ticket brings a key of its own, which is not allowed.",
                ),
            ),
            Self::Type => (
                "ticket-type",
                Text::new("这不是用于登录 OA 的票据。", "This is not a ticket for signing in to an OA."),
            ),
            Self::UnknownKey => (
                "ticket-unknown-key",
                Text::new(
                    "票据的签名密钥不在云桥公布的密钥之中。",
                    "The ticket is signed with a key that the bridge does not publish.",
                ),
            ),
            _ => (
                "ticket-signature",
                Text::new("票据的签名与内容不一致。", "The signature of the ticket does not match its content."),
            ),
        };
        (StatusCode::FORBIDDEN, code, title, what)
    }

    fn not_for_now(self) -> (StatusCode, &'static str, Text, Text) {
        let refused = StatusCode::FORBIDDEN;
        match self {
            Self::Issuer => (
                refused,
                "ticket-issuer",
                Text::new("票据来自别的云桥", "The ticket is from another bridge"),
                Text::new(
                    "签发票据的云桥不是这个 OA 连接的云桥。",
                    "The bridge that issued the ticket is not the one this OA is connected to.",
                ),
            ),
            Self::Audience => (
                refused,
                "ticket-audience",
                Text::new("票据属于另一个 OA", "The ticket is for another OA"),
                Text::new(
                    "这张票据是为另一个 OA 签发的，不能在这里使用。",
                    "The ticket was issued for another OA and cannot be used here.",
                ),
            ),
            Self::Expired => (
                StatusCode::GONE,
                "ticket-expired",
                Text::new("登录票据已过期", "The ticket has expired"),
                Text::new("票据只在签发后的一分钟内有效。", "A ticket is valid for one minute after it was issued."),
            ),
            Self::Lifetime => (
                refused,
                "ticket-lifetime",
                Text::new("票据的有效期不正确", "The ticket's time is not right"),
                Text::new(
                    "票据的签发时间在将来，或者有效期超过一分钟。可能是服务器时钟不一致。",
                    "The ticket is from the future or lasts more than a minute. The servers' clocks may differ.",
                ),
            ),
            _ => (
                refused,
                "ticket-nonce",
                Text::new("登录不是从这个浏览器开始的", "This sign-in was not started in this browser"),
                Text::new(
                    "票据与这个浏览器不匹配，可能同时打开了多个登录页面，或者链接来自别人。",
                    "The ticket is not this browser's. Several sign-ins were open, or somebody sent you the link.",
                ),
            ),
        }
    }

    fn not_redeemed(self) -> (StatusCode, &'static str, Text, Text) {
        match self {
            Self::Used => (
                StatusCode::CONFLICT,
                "ticket-used",
                Text::new("登录票据已经使用过", "The ticket has been used"),
                Text::new("每张票据只能登录一次。", "Each ticket opens one sign-in only."),
            ),
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "ticket-unknown",
                Text::new("云桥不认识这张票据", "The bridge does not know this ticket"),
                Text::new("云桥没有为这个 OA 签发过这张票据。", "The bridge has not issued this ticket for this OA."),
            ),
            Self::NotAuthorised => (
                StatusCode::BAD_GATEWAY,
                "redeem-not-authorised",
                Text::new("云桥拒绝了 OA 的请求", "The bridge refused the OA's request"),
                Text::new(
                    "OA 的签名密钥与云桥中的不一致，或者服务器时钟相差过大。",
                    "The OA's signing secret differs from the bridge's, or the servers' clocks differ too much.",
                ),
            ),
            Self::Unreachable => (
                StatusCode::BAD_GATEWAY,
                "bridge-unreachable",
                Text::new("暂时无法联系云桥", "The bridge cannot be reached"),
                Text::new(
                    "OA 没有得到云桥的答复，因此没有登录。",
                    "The OA got no answer from the bridge, so nobody was signed in.",
                ),
            ),
            Self::Account => (
                StatusCode::FORBIDDEN,
                "account-unavailable",
                Text::new("账号不可用", "The account is not available"),
                Text::new("绑定的 OA 账号不存在或已停用。", "The linked OA account does not exist or is switched off."),
            ),
            _ => (
                StatusCode::BAD_GATEWAY,
                "redeem-answer",
                Text::new("云桥的答复无法识别", "The bridge's answer was not understood"),
                Text::new(
                    "云桥对这张票据的答复不符合约定，因此没有登录。",
                    "The bridge's answer to this ticket is not what was agreed, so nobody was signed in.",
                ),
            ),
        }
    }
}
