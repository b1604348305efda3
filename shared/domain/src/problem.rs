//! Everything that can go wrong for a person, in words that say what to do (design.md 9, product.md C27).
//!
//! A problem has a stable name, an HTTP status and two texts in two languages. It never carries an inner message: what
//! a client may see is written here and nowhere else.

use crate::text::Text;

/// What people see of one kind of failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    /// The last part of the problem document's `type` (oa-api.md C.7).
    pub name: &'static str,
    pub status: u16,
    /// What happened.
    pub title: Text,
    /// What to do now.
    pub advice: Text,
}

/// One kind of failure: a reference to its facts, so that it is as cheap to hand on as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem(&'static Facts);

impl std::ops::Deref for Problem {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        self.0
    }
}

macro_rules! problems {
    ($($(#[$doc:meta])* $id:ident = $status:literal $name:literal, $tz:literal / $te:literal, $az:literal /
        $ae:literal;)*) => {
        $($(#[$doc])* pub const $id: Problem = Problem(&Facts {
            name: $name, status: $status, title: Text::new($tz, $te), advice: Text::new($az, $ae),
        });)*
        /// Every problem, for tests over the catalogue and for the API description.
        pub const ALL: &[Problem] = &[$($id),*];
    };
}

problems! {
    NOT_FOUND = 404 "not-found",
        "没有找到这个页面" / "This page does not exist",
        "请从 WeLink 工作台重新打开应用；如果仍然不行，请联系管理员。" / "Open the app again from the WeLink workbench. If that does not \
            help, ask your administrator.";
    APP_DISABLED = 403 "app-disabled",
        "这个应用已被停用" / "This app is switched off",
        "请联系管理员启用该应用。" / "Ask your administrator to switch it on.";
    STATE_REFUSED = 400 "state-refused",
        "这次登录已失效" / "This sign-in is no longer valid",
        "请关闭此页，从 WeLink 工作台重新打开应用。" / "Close this page and open the app again from the WeLink workbench.";
    CODE_REFUSED = 400 "code-refused",
        "WeLink 的一次性授权码已失效" / "WeLink's one-time code is no longer valid",
        "请关闭此页，重新打开应用。" / "Close this page and open the app again.";
    NOT_IN_RANGE = 403 "not-in-range",
        "您不在该应用的可见范围内" / "You are outside the visible range of this app",
        "请管理员在 WeLink 管理后台把您加入该应用的可见范围。" / "Ask your administrator to add you to the app's visible range in WeLink.";
    WRONG_ENTERPRISE = 403 "wrong-enterprise",
        "您的 WeLink 账号属于另一家企业" / "Your WeLink account belongs to another company",
        "请切换到集成该应用的企业后再打开。" / "Switch to the company that integrated this app, then open it again.";
    LEFT_COMPANY = 403 "left-company",
        "WeLink 没有确认您的账号" / "WeLink does not confirm your account",
        "您的账号可能已停用，或不再属于这家企业。请重新打开应用；如果仍然不行，请联系管理员。" / "It may be closed, or no longer belong to this company. \
            Open the app again; if that does not help, ask your administrator.";
    NOT_LINKED = 403 "not-linked",
        "您的 WeLink 账号还没有关联 OA 账号" / "Your WeLink account is not linked to an OA account yet",
        "请联系管理员为您关联 OA 账号，然后重新打开应用。" / "Ask your administrator to link your OA account, then open the app again.";
    LINK_GONE = 403 "link-gone",
        "您的 OA 账号关联刚刚被解除" / "Your link to the OA has just been removed",
        "请重新打开应用；如果需要恢复关联，请联系管理员。" / "Open the app again. To have the link restored, ask your administrator.";
    WELINK_DOWN = 503 "welink-down",
        "WeLink 暂时没有回应" / "WeLink is not answering at the moment",
        "请稍等一分钟后再试。" / "Wait a minute, then try again.";
    WELINK_CREDENTIALS = 503 "welink-credentials",
        "该应用与 WeLink 的连接已中断" / "This app's connection to WeLink is broken",
        "请管理员检查该应用的 client_id 和 client_secret。" / "Ask your administrator to check the app's client_id and \
            client_secret.";
    WELINK_PERMISSION = 503 "welink-permission",
        "该应用缺少 WeLink 接口权限" / "This app lacks a WeLink permission",
        "请管理员在 WeLink 开放平台开启【身份与鉴权】中的两个权限，再重新打开应用。" / "Ask your administrator to grant both permissions under \
            身份与鉴权 (identity) on the WeLink open platform, then open the app again.";
    OA_DOWN = 503 "oa-down",
        "OA 暂时没有回应" / "The OA is not answering at the moment",
        "请稍等一分钟后再试。" / "Wait a minute, then try again.";
    BUSY = 429 "busy",
        "现在使用的人太多" / "Too many people are signing in right now",
        "请几秒钟后再试。" / "Try again in a few seconds.";
    UNAVAILABLE = 503 "unavailable",
        "云桥暂时不可用" / "The bridge is not available at the moment",
        "请稍等一分钟后再试；如果仍然不行，请把追踪号告诉管理员。" / "Wait a minute, then try again. If it stays this way, tell your \
            administrator the trace id.";
    NOT_IN_WELINK = 400 "not-in-welink",
        "请在 WeLink 中打开" / "Open this page in WeLink",
        "此页面需要从 WeLink 工作台打开。" / "This page has to be opened from the WeLink workbench.";
    BAD_REQUEST = 400 "bad-request",
        "请求无法识别" / "The request cannot be understood",
        "请检查请求的内容和格式。" / "Check the content and format of the request.";
    NOT_ACCEPTABLE_FIELD = 422 "invalid",
        "有的内容不符合要求" / "Some values are not acceptable",
        "请按各字段的提示修改。" / "Correct the fields named below.";
    BODY_TOO_LARGE = 413 "body-too-large",
        "请求内容过大" / "The request is too large",
        "请减小请求的大小后再试。" / "Make the request smaller and try again.";
    METHOD_NOT_ALLOWED = 405 "method-not-allowed",
        "此地址不支持这种请求方式" / "This address does not take that method",
        "请查看接口说明。" / "See the API description.";
    UNAUTHENTICATED = 401 "unauthenticated",
        "缺少有效的密钥" / "A valid key is missing",
        "请用 Authorization: Bearer 携带管理密钥。" / "Send the operator key as Authorization: Bearer.";
    FORBIDDEN = 403 "forbidden",
        "您的角色没有这项权限" / "Your role does not allow this",
        "请联系团队的所有者（owner）调整您的角色，或由他来操作。" / "Ask an owner of the team to change your role, or to do it for you.";
    NO_PASSWORD = 403 "no-password",
        "密钥没有密码" / "A key has no password",
        "密码属于账号：请登录控制台，修改自己的密码。" / "Passwords belong to accounts: sign in to the console and change your own there.";
    WRONG_SIGN_IN = 401 "wrong-sign-in",
        "登录名或密码不正确" / "The login or the password is wrong",
        "请核对后重试；忘记密码时，请团队的所有者（owner）为您重设。" / "Check both and try again. If you forgot your password, \
            ask an owner of the team to set a new one.";
    NO_ACCOUNT = 403 "no-account",
        "您的 WeLink 账号没有关联控制台账号" / "No account of the console is linked to your WeLink account",
        "请团队的所有者（owner）为您的账号关联 WeLink，或用密码登录。" / "Ask an owner of the team to link your account to WeLink, or \
            sign in with your password.";
    SETUP_KEY_REFUSED = 403 "setup-key-refused",
        "设置密钥无效" / "The setup key is not valid",
        "设置密钥在 60 分钟内可使用一次，最多试 5 次。请用 bridge setup-key 取得新的密钥。" / "A setup key works once, for 60 minutes, \
            with five tries. Get a new one with bridge setup-key.";
    SETUP_CLOSED = 409 "setup-closed",
        "首次设置已经完成" / "The first set-up is done",
        "请用已有的账号登录；团队的所有者（owner）可以添加账号。" / "Sign in with an account; an owner of the team can add more.";
    LAST_OWNER = 409 "last-owner",
        "这是团队最后一个可用的所有者" / "This is the team's last enabled owner",
        "请先让另一个账号成为所有者（owner）。" / "Make another account an owner first.";
    LOCKED = 429 "locked",
        "错误次数过多，已暂时锁定" / "Locked for now after too many failures",
        "请稍后再试。" / "Try again later.";
    CROSS_SITE = 403 "cross-site",
        "请求来自其他网站" / "The request comes from another site",
        "请从云桥自己的页面发起操作。" / "Start again from the bridge's own page.";
    SIGNATURE_INVALID = 401 "signature-invalid",
        "签名无效" / "The signature is not valid",
        "请检查 webhook 签名密钥，并对原始请求体签名。" / "Check the webhook secret and sign the raw body.";
    TIMESTAMP_SKEW = 401 "timestamp-skew",
        "时间戳偏差过大" / "The timestamp is too far off",
        "请校准服务器时间（NTP）。" / "Set the server's clock by NTP.";
    TICKET_USED = 409 "ticket-used",
        "票据已使用" / "The ticket has been used",
        "请让用户重新打开应用。" / "Have the user open the app again.";
    TICKET_EXPIRED = 410 "ticket-expired",
        "票据已过期" / "The ticket has expired",
        "请让用户重新打开应用。" / "Have the user open the app again.";
    TICKET_UNKNOWN = 404 "ticket-unknown",
        "没有这张票据" / "There is no such ticket",
        "请检查 jti 和 aud。" / "Check jti and aud.";
    NAME_TAKEN = 409 "name-taken",
        "名称已被使用" / "The name is taken",
        "请换一个名称。" / "Choose another name.";
    CLIENT_ID_TAKEN = 409 "client-id-taken",
        "这个 client_id 已被集成" / "This client_id is integrated already",
        "同一个 WeLink 应用只能集成一次。" / "A WeLink app can be integrated once only.";
    CHANGED_MEANWHILE = 409 "changed-meanwhile",
        "内容已被他人修改" / "Somebody else changed this meanwhile",
        "请重新读取后再修改。" / "Read it again and repeat your change.";
    IN_USE = 409 "in-use",
        "还有其他内容在使用它，不能删除或更换" / "Something still uses it, so it cannot be deleted or exchanged",
        "请先处理下面列出的每一项。" / "Deal with each of the things listed below first.";
    NOT_EMPTY = 409 "not-empty",
        "这个团队已经有设置" / "This tenant has settings already",
        "设置只能导入到空的团队。请新建一个团队再导入。" / "Settings are imported into an empty tenant only. Create one, then import again.";
    NOT_RESTORABLE = 409 "not-restorable",
        "这条记录无法回滚" / "This entry cannot be rolled back",
        "新建、删除和密钥的更换不能回滚，请直接修改。" / "What was created, deleted, or a secret that was replaced is not rolled \
            back. Change it directly.";
    SECRET_MISSING = 503 "secret-missing",
        "这个应用或它的 OA 还没有设置密钥" / "A secret of this app or of its OA is not set yet",
        "请管理员在云桥中填写应用的 client_secret 和 OA 的密钥。" / "Ask your administrator to enter the app's client_secret and the \
            OA's secrets in the bridge.";
    ALREADY_LINKED = 409 "already-linked",
        "该人员或 OA 账号已有关联" / "The person or the OA account is linked already",
        "请先解除原有关联。" / "Unbind the existing link first.";
    CREDENTIALS_REFUSED = 422 "credentials-refused",
        "WeLink 不接受这组 client_id 和 client_secret" / "WeLink refuses this client_id and client_secret",
        "请在 WeLink 开放平台的【基本信息】中核对后重新填写。" / "Compare them with 基本信息 (basic information) on the WeLink open \
            platform and enter them again.";
    PREVIEW_STALE = 409 "preview-stale",
        "预览之后数据已变化，没有写入任何关联" / "Something changed since the preview; no link was written",
        "请重新导入文件并查看新的预览。" / "Import the file again and look at the new preview.";
    LINK_JOB_PHASE = 409 "link-job-phase",
        "这项任务现在不能进行此操作" / "This job cannot do that now",
        "请查看任务的当前阶段。" / "Look at the phase that the job is in.";
    ROTATION_UNDER_WAY = 409 "rotation-under-way",
        "上一次密钥轮换尚未结束" / "An earlier rotation is not finished",
        "请先停用旧的签名密钥，再开始新的轮换。" / "Retire the old signing key first, then begin another rotation.";
    KEY_IN_USE = 409 "key-in-use",
        "这把签名密钥仍在使用" / "This signing key is still in use",
        "请先轮换出新密钥，并等旧密钥签发的最后一张票据过期。" / "Rotate to a new key first, and wait until the old one's last ticket \
            has expired.";
    CLOCK_WRONG = 503 "clock-wrong",
        "云桥的时钟不准" / "The bridge's clock is wrong",
        "请校准运行云桥的机器的时间（NTP）：偏差过大时票据和签名会被拒绝。" / "Set the clock of the bridge's machine by NTP: tickets and \
            signatures are refused when it is too far off.";
    ADD_WELINK_FIRST = 409 "no-app",
        "请先添加welink" / "Add WeLink first",
        "请先新建 Welink 企业并添加应用，再设置扫码登录。" / "Create an enterprise and add an app before you set up scan login.";
    QR_OFF = 404 "qr-off",
        "扫码登录没有开启" / "Scan login is switched off",
        "请用账号密码登录 OA；需要扫码登录时，请联系管理员开启。" / "Sign in to the OA with your password. To have scan login switched on, \
            ask your administrator.";
    QR_UNKNOWN = 404 "qr-unknown",
        "这里没有这个登录二维码" / "This code does not exist here",
        "它可能来自另一套系统，或者早已失效。请在电脑上刷新二维码后重新扫描。" / "It may belong to another system, or be long gone. Show a new \
            code on the computer and scan that.";
    QR_EXPIRED = 410 "qr-expired",
        "二维码已过期" / "This code has expired",
        "请在电脑上刷新二维码，然后重新扫描。" / "Show a new code on the computer, then scan that.";
    QR_USED = 409 "qr-used",
        "二维码已被使用" / "This code has been used",
        "每个二维码只能由一部手机扫描一次。请在电脑上刷新二维码后重新扫描。" / "One phone may scan a code, once. Show a new code on the \
            computer, then scan that.";
    QR_DENIED = 403 "qr-denied",
        "这次登录已取消" / "This sign-in was cancelled",
        "如需登录，请在电脑上刷新二维码后重新扫描。" / "To sign in after all, show a new code on the computer and scan that.";
    QR_WRONG_NUMBER = 403 "qr-wrong-number",
        "数字不一致，这次登录已终止" / "That was not the number; this sign-in has ended",
        "请只确认您面前的电脑。要登录的话，请在电脑上刷新二维码后重新扫描。" / "Confirm only the computer in front of you. To sign in, show a \
            new code on it and scan that.";
    QR_NOT_LINKED = 403 "qr-not-linked",
        "您的账号还没有关联，不能扫码登录" / "Your account is not linked, so scanning cannot sign you in",
        "请先从 WeLink 工作台打开 OA 应用完成关联，或请管理员为您关联，然后重新扫描。" / "Open the OA app from the WeLink workbench to link your \
            account, or ask your administrator to do it. Then scan again.";
    QR_NOT_IN_WELINK = 400 "qr-not-in-welink",
        "请用 WeLink 的扫一扫打开" / "Scan this with WeLink",
        "这是一次登录请求，只能用手机 WeLink 的【扫一扫】扫描电脑上的二维码。" / "This is a request to sign in. Open WeLink on your phone and \
            scan the code on the computer with its scanner.";
    QR_NETWORK = 403 "qr-network",
        "这个网络不能使用扫码登录" / "Scan login is not allowed from this network",
        "请连接公司网络后再试，或用账号密码登录 OA。" / "Connect to the company's network and try again, or sign in with your password.";
    QR_REPORTED = 403 "qr-reported",
        "这台电脑暂时不能使用扫码登录" / "Scan login is blocked on this computer for now",
        "有人报告了来自这里的可疑登录。请一小时后再试，或用账号密码登录 OA。" / "Somebody reported a sign-in from here as not his own. Try again \
            in an hour, or sign in with your password.";
    QR_FRAMED = 403 "qr-framed",
        "请直接打开这个页面" / "Open this page by itself",
        "扫码登录页不能嵌入其他网页。请从 OA 登录页的链接进入。" / "The scan login page does not work inside another page. Use the link on the \
            OA's login page.";
    RATE_LIMITED = 429 "rate-limited",
        "请求过于频繁" / "Too many requests",
        "请一分钟后再试。" / "Try again in a minute.";
    SLOW_DOWN = 429 "slow_down",
        "查询过于频繁" / "Asked too often",
        "请按 Retry-After 的秒数放慢查询。" / "Wait as long as Retry-After says between two questions.";
    ENVELOPE_INVALID = 400 "envelope-invalid",
        "请求体无法识别" / "The body cannot be read",
        "请检查各字段的名称和类型。" / "Check the names and types of its fields.";
    SYNC_NOT_SET_UP = 409 "sync-not-set-up",
        "通讯录同步还没有设置" / "The sync is not set up yet",
        "请先选择以哪一侧为准，并在同步设置中选择用于同步的应用。" / "Say first which side is the authority, and choose the app of \
            the sync in its settings.";
    READ_ONLY = 403 "read-only",
        "企业处于只读模式，不能写入 WeLink" / "The enterprise is read-only: nothing is written to WeLink",
        "如需从 OA 同步，请把权威方改为 OA。" / "To sync from the OA, make the OA the authority.";
    RUN_UNDER_WAY = 409 "run-under-way",
        "另一次同步正在进行" / "Another sync of this enterprise is under way",
        "请等它结束后再试。" / "Try again when it has ended.";
    OA_REFUSED = 422 "oa-refused",
        "OA 拒绝了云桥的请求" / "The OA refuses the bridge's request",
        "请检查该 OA 实例的地址和访问令牌。" / "Check the OA instance's address and access token.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_speaks_both_languages_and_has_its_own_name() {
        let mut names = std::collections::BTreeSet::new();
        for problem in ALL {
            assert!(names.insert(problem.name), "{} twice", problem.name);
            for text in [problem.title, problem.advice] {
                assert!(text.zh.chars().any(|c| c >= '\u{4e00}'), "{}: zh", problem.name);
                assert!(text.en.chars().any(|c| c.is_ascii_alphabetic()), "{}: en", problem.name);
            }
            assert!((400..600).contains(&problem.status));
        }
    }
}
