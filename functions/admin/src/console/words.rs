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
    NOT_FOUND = "它可能已被删除，或者地址不完整。请从概览重新进入。"
        / "It may have been deleted, or the address is not complete. Start from the overview.";
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
    EXPIRED_TOO_LONG = "您填写的内容太长，无法保留：请在浏览器中后退，复制后再登录。" / "What you typed is too long to be kept: go back in \
        the browser and copy it before you sign in.";
    EXPIRED_FILE = "文件没有保存：登录后请重新选择。" / "The file was not taken: choose it again after signing in.";
    STILL_HERE = "没有保存任何内容，您填写的内容还在下面；再次保存会覆盖对方的修改。"
        / "Nothing was saved. What you typed is still below; saving it again replaces what somebody else has saved.";
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
    use domain::text::Text;

    use super::super::{
        accounts, app_checks, apps, audit, auto_bind, bindings, danger, directory, enterprises, history, link_jobs,
        network, oa_instances, overview, person, scan_login, setup, welink_sign_in,
    };

    /// The catalogue of each file that has one.
    const CATALOGUES: [&[Text]; 19] = [
        super::ALL,
        accounts::words::ALL,
        app_checks::words::ALL,
        apps::words::ALL,
        audit::words::ALL,
        auto_bind::words::ALL,
        bindings::words::ALL,
        danger::words::ALL,
        directory::words::ALL,
        enterprises::words::ALL,
        history::words::ALL,
        link_jobs::words::ALL,
        network::words::ALL,
        oa_instances::words::ALL,
        overview::words::ALL,
        person::words::ALL,
        scan_login::words::ALL,
        setup::words::ALL,
        welink_sign_in::words::ALL,
    ];

    /// WeLink's own words, which stand in its pages in Chinese alone.
    const OF_WELINK: [&str; 7] = ["身份与鉴权", "通讯录同步", "通讯录", "获取…", "待办通知", "基本信息", "接口权限"];

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|c| ('\u{3000}'..'\u{a000}').contains(&c) || ('\u{ff00}'..'\u{fff0}').contains(&c))
    }

    #[test]
    fn adm_09_every_text_of_the_console_is_there_in_both_languages() {
        let mut count = 0;
        for text in CATALOGUES.iter().copied().flatten() {
            // The way to the other language is named in that language.
            if [super::OTHER_LANG, super::OTHER_LANG_NAME].contains(text) {
                continue;
            }
            // A name that is the same in both, such as TLS.
            let is_name = text.zh == text.en && text.zh.is_ascii();
            assert!(is_name || is_chinese(text.zh), "no Chinese: {text:?}");
            let en = OF_WELINK.iter().fold(text.en.to_owned(), |en, word| en.replace(word, ""));
            assert!(!is_chinese(&en) && en.chars().any(|c| c.is_ascii_alphabetic()), "no English: {text:?}");
            count += 1;
        }
        assert!(count > 400, "{count}");
    }

    #[test]
    fn adm_09_no_catalogue_of_the_console_is_left_out() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        let with_one = texts.filter(|text| text.contains("domain::texts! {\n")).count();
        assert_eq!(with_one, CATALOGUES.len());
    }
}
