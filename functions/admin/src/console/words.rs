//! Every text of the console that is not a problem, in both languages. The manual's own terms are used where it has
//! them.

domain::texts! {
    BRAND = "云桥" / "Bridge";
    SKIP = "跳到正文" / "Skip to content";
    MENU = "显示导航" / "Show navigation";
    NAVIGATION = "主导航" / "Main navigation";
    OTHER_LANG = "en" / "zh-CN";
    OTHER_LANG_NAME = "English" / "中文";
    SIGN_OUT = "退出" / "Sign out";
    COPY = "复制" / "Copy";
    COPIED = "已复制" / "Copied";
    SAVE = "保存" / "Save";
    CANCEL = "取消" / "Cancel";
    EDIT = "修改" / "Edit";
    DELETE = "删除" / "Delete";
    CONTINUE = "继续" / "Continue";
    NEXT_PAGE = "下一页" / "Next page";
    SEARCH = "搜索" / "Search";
    ALL_CHOICE = "全部" / "All";
    YES = "是" / "Yes";
    NO = "否" / "No";
    ON = "已开启" / "On";
    OFF = "已关闭" / "Off";
    NONE = "无" / "None";
    NAME = "名称" / "Name";
    STATE = "状态" / "State";
    CREATED = "创建时间" / "Created";
    CHANGED = "最后修改" / "Last changed";
    BY = "操作人" / "By";
    WHEN = "时间" / "When";
    WHAT = "操作" / "What";
    OBJECT = "对象" / "Object";
    RESULT = "结果" / "Result";
    DETAIL = "详情" / "Details";
    FROM = "来源地址" / "From address";
    TRACE = "追踪号" / "Trace id";
    STEP_DONE = "已完成" / "Done";
    STEP_OPEN = "未完成" / "To do";
    STEP_WARNING = "需要注意" / "Needs attention";
    STEP_FAILED = "未通过" / "Failed";
    LINKED = "已关联" / "Linked";
    NOT_LINKED = "未关联" / "Not linked";
    PROBLEM = "无法完成" / "This did not work";
    CHECK_FIELDS = "有内容需要修改，尚未保存。" / "Some values need a correction. Nothing has been saved.";
    BACK = "返回" / "Back";

    NAV_OVERVIEW = "概览" / "Overview";
    NAV_ENTERPRISES = "WeLink 企业" / "WeLink enterprises";
    NAV_NEW_ENTERPRISE = "+ 新建 Welink" / "+ New WeLink";
    NAV_APPS = "应用与设置" / "Apps and settings";
    NAV_DIRECTORY = "通讯录" / "Directory";
    NAV_BINDINGS = "用户绑定" / "Bindings";
    NAV_SYSTEM = "系统" / "System";
    NAV_OA = "OA 实例" / "OA instances";
    NAV_SCAN_LOGIN = "扫码登录" / "Scan login";
    NAV_NETWORK = "网络检查" / "Network check";
    NAV_HISTORY = "设置历史" / "Settings history";
    NAV_AUDIT = "审计日志" / "Audit log";
    NAV_ACCOUNTS = "账号与密钥" / "Accounts and keys";

    DONE_SAVED = "已保存。" / "Saved.";
    DONE_CREATED = "已创建。" / "Created.";
    DONE_DELETED = "已删除。" / "Deleted.";
    DONE_BOUND = "已关联。" / "Linked.";
    DONE_UNBOUND = "已解除关联。" / "Unbound.";
    DONE_SIGNED_OUT = "您已退出。" / "You have signed out.";
    DONE_PASSWORD = "密码已修改，请重新登录。" / "The password has been changed. Sign in again.";
    DONE_ENDED = "会话已结束。" / "The session has been ended.";
    DONE_ROLLED_BACK = "已恢复到之前的设置。" / "The earlier setting is back.";
    DONE_TESTED = "测试通过。" / "The test has passed.";

    SIGN_IN = "登录云桥管理台" / "Sign in to the bridge console";
    SIGN_IN_BUTTON = "登录" / "Sign in";
    LOGIN = "登录名" / "Login name";
    PASSWORD = "密码" / "Password";
    EXPIRED = "会话已过期，请重新登录。" / "Your session has ended. Sign in again.";
    EXPIRED_KEPT = "您填写的内容已保留，登录后可以继续（密钥和密码需要重新填写）。" / "What you typed has been kept: you can go on after signing in. \
        Secrets and passwords have to be entered again.";
    RESUME_TITLE = "继续刚才的操作" / "Go on where you were";
    RESUME_TEXT = "您填写的内容都在。点击继续即可提交。" / "What you typed is here. Continue submits it.";
    WRONG_SIGN_IN = "登录名或密码不正确。" / "The login name or the password is wrong.";
    FIRST_USE = "首次使用" / "First use";
    FIRST_USE_HINT = "还没有账号？用安装时得到的设置密钥创建第一个账号。"
        / "No account yet? Create the first one with the setup key of the installation.";
}

/// What the page says after an action, by the name in its address.
pub fn done(name: &str) -> Option<domain::text::Text> {
    Some(match name {
        "saved" => DONE_SAVED,
        "created" => DONE_CREATED,
        "deleted" => DONE_DELETED,
        "bound" => DONE_BOUND,
        "unbound" => DONE_UNBOUND,
        "signed-out" => DONE_SIGNED_OUT,
        "password" => DONE_PASSWORD,
        "ended" => DONE_ENDED,
        "rolled-back" => DONE_ROLLED_BACK,
        "tested" => DONE_TESTED,
        "imported" => super::history::words::IMPORTED,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_text_is_there_in_both_languages() {
        for text in super::ALL.iter().filter(|text| **text != super::OTHER_LANG) {
            let chinese = |text: &str| text.chars().any(|c| c >= '\u{4e00}');
            let either = chinese(text.zh) || chinese(text.en);
            assert!(either, "{}", text.en);
            assert!(text.en.chars().any(|c| c.is_ascii_alphabetic()) || chinese(text.en), "{}", text.zh);
        }
    }
}
