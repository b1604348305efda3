//! Every text of the phone's pages, in both languages.

use domain::text::{Lang, Text};

use crate::welink::DirectoryError;

/// The texts in one language; templates call its methods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub Lang);

macro_rules! words {
    ($($name:ident: $zh:literal, $en:literal;)*) => {
        impl Words {
            $(pub(super) fn $name(self) -> &'static str {
                const { Text::new($zh, $en) }.get(self.0)
            })*
        }
    };
}

words! {
    product: "模拟手机", "Simulated phone";
    simulation: "模拟", "Simulation";
    simulation_note: "这不是真正的 WeLink。人员和应用都是演示数据。",
        "This is not the real WeLink. People and apps are demonstration data.";
    skip: "跳到内容", "Skip to content";
    nav_label: "模拟手机导航", "Simulated phone";
    nav_people: "换人", "People";
    nav_settings: "故障与日志", "Faults and log";
    other_lang: "English", "中文";
    nav_platform: "开放平台", "Open platform";
    platform_title: "WeLink 开放平台", "WeLink open platform";
    platform_lead: "轻应用的基本信息：把 client_id 和 client_secret 填到云桥管理台，再把云桥给出的主页地址填回这里。",
        "Basic information of the light apps: enter client_id and client_secret in the bridge's console, and its \
            homepage address here.";
    platform_mobile: "手机端主页", "Homepage on the phone";
    platform_pc: "电脑端主页", "Homepage on the PC";
    scan: "扫一扫", "Scan";
    scan_lead: "把二维码对准取景框，或者粘贴二维码的内容。", "Point the scanner at a code, or paste what it holds.";
    scan_text: "二维码内容", "Content of the code";
    scan_open: "打开", "Open";
    scan_seen: "屏幕上的二维码", "Codes on open pages";
    scan_none: "现在没有打开的页面显示二维码。先打开模拟 OA 的登录页，选择扫码登录，再回来。",
        "No open page shows a code. Open the simulated OA's login page, choose to scan, and come back.";
    scan_newest: "最新", "newest";
    people_title: "你想用谁的手机？", "Whose phone do you want to hold?";
    people_lead: "选择一位成员，打开他的 WeLink 工作台，再点开应用，看看同事会看到什么。",
        "Pick a member, open his or her WeLink workbench and tap an app to see what a colleague would see.";
    search: "搜索姓名、账号或手机号", "Search by name, account or mobile";
    department: "部门", "Department";
    all_departments: "全部部门", "All departments";
    find: "查找成员", "Find members";
    reset: "清除条件", "Clear filters";
    nobody_found: "没有找到符合条件的成员。换一个姓名或部门再试。", "Nobody matches. Try another name or department.";
    previous: "上一页", "Previous page";
    next: "下一页", "Next page";
    pages_label: "分页", "Pages";
    not_open: "账号未开通", "Account not open";
    left: "已离职", "Left the company";
    out_of_range: "不在可见范围", "Out of the visible range";
    special: "只看特殊情况", "Special cases only";
    devices_label: "设备", "Device";
    device_phone: "手机", "Phone";
    device_pc: "PC 电脑", "PC";
    pc_label: "PC 客户端窗口（模拟）", "Window of the PC client (simulated)";
    pc_client: "WeLink PC 版（模拟）", "WeLink for PC (simulated)";
    opens_in_browser: "在浏览器标签页中打开", "opens in a browser tab";
    login_title: "登录 WeLink", "Sign in to WeLink";
    login_lead: "请求登录的应用：", "Asked for by the app: ";
    login_note: "真正的 WeLink 在这里要求扫码或输入密码；模拟页面只问：你是谁？",
        "The real WeLink asks for a scan or a password here. The simulation only asks who you are.";
    login_choose: "选择一位成员即以其身份登录", "Choose the member who signs in";
    login_more: "还有更多成员，请搜索。", "There are more members; search for them.";
    login_unknown_app: "没有这个 client_id 的应用，登录无法继续。",
        "There is no app with this client_id, so the sign-in ends here.";
    login_unknown_redirect: "回调地址没有登记在这个应用名下，登录无法继续。",
        "The redirect address is not registered for this app, so the sign-in ends here.";
    login_ended: "登录已停止", "The sign-in was stopped";
    login_help: "请关闭此页，并请管理员核对应用在 WeLink 登记的信息。",
        "Close this page and ask the administrator to compare what is registered for the app in WeLink.";
    element_title: "WeLink 扫码登录", "WeLink QR sign-in";
    element_note: "真正的 WeLink 在这里显示二维码，由手机扫描并确认；模拟只问：谁来扫码？",
        "The real WeLink shows a code here, which a phone scans and confirms. The simulation asks who scans.";
    element_scanned: "已扫码并确认。", "Scanned and confirmed.";
    on_pc: "PC 上的成员", "On the PC";
    no_apps_visible: "看不到任何应用", "Sees no app";
    company_root: "公司", "Company";
    messages: "消息", "Messages";
    todos: "待办", "To-dos";
    workbench: "工作台", "Workbench";
    me: "我", "Me";
    tabs_label: "手机导航", "Phone tabs";
    phone_label: "手机屏幕（模拟）", "Phone screen (simulated)";
    my_apps: "企业应用", "Company apps";
    app_opens: "在新窗口中打开", "opens in a new window";
    no_app_title: "这里还没有应用", "No app here yet";
    no_app_text: "这位成员不在任何应用的可见范围内，所以工作台是空的。",
        "This member is outside the visible range of every app, so the workbench is empty.";
    app_without_home: "尚未设置首页", "No homepage set";
    messages_title: "还没有消息", "No messages yet";
    messages_text: "OA 推送给此人的通知和卡片会出现在这里。",
        "Notices and cards that the OA sends to this person will appear here.";
    unread: "条未读", "unread";
    open_todos: "条待办", "open";
    open_details: "查看详情", "View details";
    applicant: "发起人：", "from ";
    todos_title: "还没有待办", "No to-dos yet";
    todos_text: "等待此人审批的 OA 流程会出现在这里，办完后自动消失。",
        "OA workflows that wait for this person will appear here, and leave again once they are done.";
    account: "WeLink 账号", "WeLink account";
    corp_user_id: "企业用户 ID", "Customer's user id";
    mobile: "手机号", "Mobile";
    email: "邮箱", "E-mail";
    position: "职位", "Position";
    company: "企业", "Company";
    not_maintained: "未维护", "never maintained";
    holding: "当前手机", "This phone belongs to";
    holding_pc: "当前电脑", "This PC belongs to";
    change_person: "换一位成员", "Choose someone else";
    pc_title: "在客户端内打开", "Open inside the client";
    pc_text: "用 PC 客户端自带的网页视图打开 PC 首页；那里有 HWH5，可以直接取得免登授权码。",
        "Opens the PC homepage in the client's own web view, where HWH5 hands out an auth code.";
    how_pc_1: "点工作台里的应用：PC 首页会在普通浏览器标签页中打开，相当于“用系统浏览器打开”。",
        "Click an app on the workbench: its PC homepage opens in a browser tab, as “open in the system browser” does.";
    how_pc_2: "那里没有 HWH5，页面拿不到授权码，会请你到 WeLink 登录页登录，再带着 code 回来。",
        "There is no HWH5 there, so the page sends you to WeLink's login page and gets a code that way.";
    how_title: "怎么用", "How it works";
    how_1: "点工作台里的应用：它会在一个手机大小的窗口里打开，相当于 WeLink 的网页视图。",
        "Tap an app on the workbench: it opens in a window of phone size, as WeLink's web view would.";
    how_2: "应用页面会向这部手机索取一次性的免登授权码，所以请让本页保持打开。",
        "The app's page asks this phone for a one-time auth code, so keep this page open.";
    how_3: "“最近的 WeLink 接口调用”列出网桥刚刚发出的请求。", "The list of calls shows what the bridge has just asked WeLink.";
    calls_title: "最近的 WeLink 接口调用", "Latest WeLink API calls";
    calls_refresh: "刷新列表", "Refresh the list";
    calls_empty: "还没有调用。点开一个应用后，这里会列出网桥的每一次请求。",
        "No calls yet. Open an app, and every request of the bridge is listed here.";
    time: "时间", "Time";
    call: "调用", "Call";
    outcome: "结果", "Outcome";
    took: "耗时", "Took";
    injected: "注入的故障", "Injected faults";
    ok: "成功", "OK";
    no_answer: "无应答", "No answer";
    still_open: "处理中", "Being served";
    list_comma: "、", ", ";
    settings_title: "故障与日志", "Faults and log";
    settings_lead: "让模拟的 WeLink 出错，看看网桥如何应对。开关立即生效，直到清除或用完次数。",
        "Make the simulated WeLink fail and watch how the bridge copes. \
         A switch works at once, until it is cleared or its number of calls is used up.";
    switches_title: "故障开关", "Fault switches";
    fault: "故障", "Fault";
    per_mille: "每 1000 次中的次数", "Of 1,000 calls";
    next_calls: "接下来几次必现", "Next calls for certain";
    scope: "范围", "Scope";
    fired: "已触发", "Fired";
    delay_length: "延迟时长（毫秒）", "Length of the delay (ms)";
    wobble: "字段类型在字符串和数字之间变化（官方文档自己也不一致）",
        "Field types change between string and number, as the vendor's own pages do";
    save: "应用故障开关", "Apply the fault switches";
    clear: "关闭全部故障", "Turn all faults off";
    saved: "故障开关已更新。", "The fault switches were updated.";
    active: "开启", "On";
    opened: "已打开：", "Opened: ";
    issued: "已向该页面发放免登授权码：", "Auth code handed to the page: ";
    blocked: "浏览器拦截了弹出窗口。请允许本站弹出窗口后再点一次。", "The browser blocked the window. Allow pop-ups for this site and tap again.";
    refused: "页面索取授权码被拒绝：", "The page was refused an auth code: ";
    unreachable: "模拟手机的服务没有应答。", "The server of the simulated phone does not answer.";
}

impl Words {
    /// The value of `lang`.
    pub(super) fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// The `lang` of the other language's link.
    pub(super) fn other_tag(self) -> &'static str {
        match self.0 {
            Lang::Zh => Lang::En.tag(),
            Lang::En => Lang::Zh.tag(),
        }
    }

    /// "12 of 60 members".
    pub(super) fn shown_of(self, from: usize, to: usize, total: usize) -> String {
        match self.0 {
            Lang::Zh => format!("第 {from}–{to} 位，共 {total} 位成员"),
            Lang::En => format!("{from}–{to} of {total} members"),
        }
    }

    /// "Sees 1 of 2 apps".
    pub(super) fn sees(self, visible: usize, all: usize) -> String {
        match self.0 {
            Lang::Zh => format!("可见应用 {visible}/{all}"),
            Lang::En => format!("Sees {visible} of {all} apps"),
        }
    }
}

/// Why the phone gives no auth code.
pub(super) fn refusal(reason: DirectoryError) -> Text {
    match reason {
        DirectoryError::UnknownTenant | DirectoryError::OtherTenant => Text::new("没有这个企业", "no such company"),
        DirectoryError::UnknownMember => Text::new("企业里没有这位成员", "the company has no such member"),
        DirectoryError::UnknownDepartment => Text::new("企业里没有这个部门", "the company has no such department"),
        DirectoryError::UnknownApp => Text::new("没有这个 client_id 的应用", "there is no app with this client_id"),
        DirectoryError::NotVisible => Text::new("应用对这位成员不可见", "the app is not visible to this member"),
        DirectoryError::NotOpened => Text::new("这位成员的账号未开通", "the member's account is not open"),
        DirectoryError::BadRedirect => Text::new("回调地址未登记", "the redirect address is not registered"),
    }
}
