//! Every route of the JSON API, once: the router, the permissions and the description are made from this list.

use axum::Router;
use axum::routing::{MethodFilter, on};
use domain::role::Permission::{self, Bind, Install, Operate, Own, Read};
use domain::text::Text;
use signin::Bridge;

use crate::openapi;
use crate::scan_login;
use crate::{accounts, api_keys, console_session, directory, person_trace, setup};
use crate::{apps, audit, auto_bind, enterprises, links, oa_instances, tenants};
use crate::{conflicts, link_jobs, people_export};
use crate::{history, oa_secrets, own_password, transfer};
use crate::{messages, rules};
use crate::{network, permissions, self_test, signing_keys, visible_range};
use crate::{runs, sync_settings};

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// What it demands of whoever calls it.
    pub needs: Permission,
    /// What it does, in a line.
    pub summary: Text,
}

macro_rules! routes {
    ($($method:ident $path:literal $needs:ident => $handler:path, $zh:literal / $en:literal;)*) => {
        pub const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method), path: $path, needs: $needs, summary: Text::new($zh, $en),
        }),*];

        /// The router of the list.
        pub(crate) fn router() -> Router<Bridge> {
            Router::new()$(.route($path, on(MethodFilter::$method, $handler)))*
        }
    };
}

routes! {
    GET "/v1/tenants" Install => tenants::list, "列出团队" / "List the tenants";
    POST "/v1/tenants" Install => tenants::create, "新建团队" / "Create a tenant";
    GET "/v1/tenants/{tenant}" Read => tenants::show, "读取团队" / "Read a tenant";
    PATCH "/v1/tenants/{tenant}" Own => tenants::change, "修改团队" / "Change a tenant";
    GET "/v1/tenants/{tenant}/audit" Read => audit::list, "审计日志" / "Audit log";
    GET "/v1/tenants/{tenant}/audit/export" Read => audit::export, "导出审计日志" / "Export a month of the audit log";
    GET "/v1/tenants/{tenant}/settings-history" Read => history::list, "设置历史" / "History of the settings";
    GET "/v1/tenants/{tenant}/settings-history/{entry}" Read => history::show,
        "读取一次设置修改" / "Read a change of settings";
    POST "/v1/tenants/{tenant}/settings-history/{entry}/roll-back" Own => history::roll_back,
        "回滚一次设置修改" / "Roll a change of settings back";
    GET "/v1/tenants/{tenant}/settings/export" Read => transfer::export, "导出设置" / "Export the settings";
    POST "/v1/tenants/{tenant}/settings/import" Own => transfer::import,
        "导入设置到空的团队" / "Import settings into an empty tenant";
    GET "/v1/tenants/{tenant}/oa-instances" Read => oa_instances::list, "列出 OA 实例" / "List the OA instances";
    POST "/v1/tenants/{tenant}/oa-instances" Own => oa_instances::create, "添加 OA 实例" / "Add an OA instance";
    GET "/v1/tenants/{tenant}/scan-login" Read => scan_login::show, "扫码登录设置" / "Settings of scan login";
    PUT "/v1/tenants/{tenant}/scan-login" Operate => scan_login::save,
        "保存扫码登录设置" / "Save the settings of scan login";
    GET "/v1/oa-instances/{instance}" Read => oa_instances::show, "读取 OA 实例" / "Read an OA instance";
    PATCH "/v1/oa-instances/{instance}" Own => oa_instances::change, "修改 OA 实例" / "Change an OA instance";
    DELETE "/v1/oa-instances/{instance}" Own => oa_instances::delete, "删除 OA 实例" / "Delete an OA instance";
    PUT "/v1/oa-instances/{instance}/secrets" Own => oa_secrets::save,
        "更换 OA 实例的密钥" / "Replace an OA instance's secrets";
    GET "/v1/oa-instances/{instance}/apps" Read => oa_instances::apps, "OA 的应用" / "Applications of the OA";
    GET "/v1/tenants/{tenant}/enterprises" Read => enterprises::list, "列出企业" / "List the enterprises";
    POST "/v1/tenants/{tenant}/enterprises" Operate => enterprises::create, "新建 WeLink" / "Create an enterprise";
    GET "/v1/enterprises/{enterprise}" Read => enterprises::show, "读取企业" / "Read an enterprise";
    PATCH "/v1/enterprises/{enterprise}" Operate => enterprises::change, "修改企业" / "Change an enterprise";
    DELETE "/v1/enterprises/{enterprise}" Own => enterprises::delete, "删除企业" / "Delete an enterprise";
    PUT "/v1/enterprises/{enterprise}/authority" Operate => enterprises::save_authority,
        "以哪一侧为准" / "Say which side is the authority";
    GET "/v1/enterprises/{enterprise}/sign-in/auto-bind" Read => auto_bind::show,
        "用户绑定设置（单点登录）" / "Auto-bind setting, as sign-in shows it";
    PUT "/v1/enterprises/{enterprise}/sign-in/auto-bind" Operate => auto_bind::save,
        "保存用户绑定设置（单点登录）" / "Save the auto-bind setting, at sign-in";
    GET "/v1/enterprises/{enterprise}/from-welink/auto-bind" Read => auto_bind::show,
        "新用户关联系统（从 Welink 同步）" / "Auto-bind setting, as from-WeLink shows it";
    PUT "/v1/enterprises/{enterprise}/from-welink/auto-bind" Operate => auto_bind::save,
        "保存新用户关联系统（从 Welink 同步）" / "Save the auto-bind setting, at from-WeLink";
    GET "/v1/enterprises/{enterprise}/from-oa/auto-bind" Read => auto_bind::show,
        "用户绑定（从 OA 同步）" / "Auto-bind setting, as from-OA shows it";
    PUT "/v1/enterprises/{enterprise}/from-oa/auto-bind" Operate => auto_bind::save,
        "保存用户绑定（从 OA 同步）" / "Save the auto-bind setting, at from-OA";
    GET "/v1/enterprises/{enterprise}/conflicts" Read => links::conflicts, "待处理的冲突" / "People with several candidates";
    GET "/v1/enterprises/{enterprise}/apps" Read => apps::list, "列出应用" / "List the apps";
    POST "/v1/enterprises/{enterprise}/apps" Own => apps::create, "添加应用" / "Add an app";
    GET "/v1/apps/{app}" Read => apps::show, "读取应用" / "Read an app";
    PATCH "/v1/apps/{app}" Operate => apps::change, "修改应用" / "Change an app";
    DELETE "/v1/apps/{app}" Own => apps::delete, "删除应用" / "Delete an app";
    PUT "/v1/apps/{app}/credentials" Own => apps::credentials, "更换应用密钥" / "Replace an app's secret";
    POST "/v1/apps/{app}/browser-test" Operate => apps::browser_test,
        "开始浏览器登录测试" / "Begin a test of the browser sign-in";
    GET "/v1/enterprises/{enterprise}/departments/{department}" Read => directory::show_department,
        "部门及其下级部门和人员" / "A department with its children and people; the root is 0";
    GET "/v1/enterprises/{enterprise}/people" Read => directory::list_people, "查找人员" / "Search people";
    GET "/v1/enterprises/{enterprise}/people/{user}/trace" Read => person_trace::show,
        "人员诊断（为什么不行）" / "Why a person can or cannot sign in, step by step";
    PUT "/v1/enterprises/{enterprise}/people/{user}/no-auto-bind" Bind => directory::set_no_auto_bind,
        "标记为不自动绑定" / "Mark a person: do not auto-link";
    DELETE "/v1/enterprises/{enterprise}/people/{user}/no-auto-bind" Bind => directory::remove_no_auto_bind,
        "取消不自动绑定标记" / "Remove the mark: do not auto-link";
    POST "/v1/enterprises/{enterprise}/directory/reindex" Operate => directory::reindex,
        "重建通讯录索引（分段）" / "Give people of an older release their place in the listings, a slice at a time";
    GET "/v1/enterprises/{enterprise}/people/{user}" Read => links::person, "读取人员" / "Read a person";
    POST "/v1/enterprises/{enterprise}/links" Bind => links::bind, "绑定" / "Bind a person to an OA user";
    GET "/v1/network-check" Read => network::check, "网络检查" / "Check the network";
    GET "/v1/tenants/{tenant}/network-check" Read => network::check_tenant,
        "网络检查（含 OA）" / "Check the network, the tenant's OAs included";
    POST "/v1/apps/{app}/permission-probe" Operate => permissions::probe, "检查接口权限" / "Probe an app's permissions";
    POST "/v1/apps/{app}/visible-range-check" Operate => visible_range::check,
        "检查可见范围" / "List linked people whom an app cannot see";
    GET "/v1/self-test" Install => self_test::test, "自检" / "Test the installation";
    GET "/v1/audit" Install => audit::of_installation, "安装级审计日志" / "Audit log of the installation";
    GET "/v1/signing-keys" Install => signing_keys::list, "列出签名密钥" / "List the signing keys";
    POST "/v1/signing-keys/rotate" Install => signing_keys::rotate, "轮换签名密钥" / "Rotate the signing key";
    DELETE "/v1/signing-keys/{kid}" Install => signing_keys::retire, "停用签名密钥" / "Retire a signing key";
    DELETE "/v1/enterprises/{enterprise}/links/{user}" Bind => links::unbind, "解绑" / "Unbind a person";
    POST "/v1/setup-keys" Install => setup::create, "生成设置密钥" / "Make a setup key for the first account";
    GET "/v1/openapi.json" Read => openapi::show, "本接口的说明（OpenAPI）" / "This description of the API (OpenAPI 3.1)";
    GET "/v1/me" Read => accounts::me, "我是谁" / "Who am I";
    POST "/v1/me/password" Read => own_password::change,
        "修改自己的密码（用控制台会话，不用密钥）" / "Change one's own password, by a session of the console instead of a key";
    GET "/v1/tenants/{tenant}/accounts" Own => accounts::list, "列出账号" / "List the accounts";
    POST "/v1/tenants/{tenant}/accounts" Own => accounts::create, "添加账号" / "Add an account";
    GET "/v1/accounts/{account}" Own => accounts::show, "读取账号" / "Read an account";
    PATCH "/v1/accounts/{account}" Own => accounts::change, "修改账号" / "Change an account; its sessions end";
    DELETE "/v1/accounts/{account}" Own => accounts::delete, "删除账号" / "Delete an account";
    GET "/v1/accounts/{account}/sessions" Own => console_session::list, "列出会话" / "List an account's sessions";
    DELETE "/v1/accounts/{account}/sessions/{session}" Own => console_session::end, "结束会话" / "End a session";
    GET "/v1/tenants/{tenant}/api-keys" Own => api_keys::list, "列出 API 密钥" / "List the API keys";
    POST "/v1/tenants/{tenant}/api-keys" Own => api_keys::create, "添加 API 密钥" / "Add an API key";
    DELETE "/v1/api-keys/{key}" Own => api_keys::delete, "删除 API 密钥" / "Delete an API key";
    POST "/v1/enterprises/{enterprise}/conflicts/{user}/settle" Bind => conflicts::post_settle,
        "处理冲突" / "Settle a conflict by choosing a candidate";
    GET "/v1/enterprises/{enterprise}/people/export" Read => people_export::get,
        "导出人员" / "Export the people, with a relation column to fill in";
    POST "/v1/enterprises/{enterprise}/link-imports" Bind => link_jobs::post_import,
        "导入关联" / "Import links from a file";
    GET "/v1/enterprises/{enterprise}/bulk-unbind" Read => link_jobs::get_bulk_unbind,
        "现有关联数" / "How many links there are to unbind";
    POST "/v1/enterprises/{enterprise}/bulk-unbind" Bind => link_jobs::post_bulk_unbind,
        "批量解绑" / "Unbind everybody";
    GET "/v1/enterprises/{enterprise}/link-jobs" Read => link_jobs::get_list, "最近的任务" / "The newest link jobs";
    GET "/v1/link-jobs/{job}" Read => link_jobs::get_job, "读取任务" / "Read a link job";
    POST "/v1/link-jobs/{job}/continue" Bind => link_jobs::post_continue, "继续任务" / "Work on a link job for a while";
    POST "/v1/link-jobs/{job}/apply" Bind => link_jobs::post_apply, "按预览写入" / "Write what the preview shows";
    GET "/v1/link-jobs/{job}/result" Read => link_jobs::get_result, "任务结果" / "One outcome per row, as a file";
    POST "/v1/link-jobs/{job}/undo" Bind => link_jobs::post_undo, "撤销任务" / "Take back what a link job wrote";
    GET "/v1/enterprises/{enterprise}/sync-settings" Read => sync_settings::show,
        "同步设置" / "Settings of the sync";
    PUT "/v1/enterprises/{enterprise}/sync-settings" Operate => sync_settings::save,
        "保存同步设置" / "Save the settings of the sync";
    GET "/v1/enterprises/{enterprise}/runs" Read => runs::list, "最近的同步" / "The newest runs of the sync";
    POST "/v1/enterprises/{enterprise}/runs" Operate => runs::create, "开始同步" / "Begin a run of the sync";
    GET "/v1/runs/{run}" Read => runs::show, "读取一次同步" / "Read a run";
    GET "/v1/tenants/{tenant}/rules" Read => rules::list, "列出消息推送规则" / "List the rules of push";
    POST "/v1/tenants/{tenant}/rules" Operate => rules::create, "新建消息推送规则" / "Create a rule of push";
    GET "/v1/rules/{rule}" Read => rules::show, "读取消息推送规则" / "Read a rule of push";
    PUT "/v1/rules/{rule}" Operate => rules::save, "保存消息推送规则" / "Save a rule of push, as a whole";
    DELETE "/v1/rules/{rule}" Operate => rules::delete, "删除消息推送规则" / "Delete a rule of push";
    GET "/v1/tenants/{tenant}/messages" Read => messages::list,
        "推送记录" / "What became of a day's messages, newest first";
    GET "/v1/messages/{message}" Read => messages::show, "读取一条推送" / "What became of a message at each receiver";
    POST "/v1/messages/{message}/resend" Operate => messages::resend,
        "重发" / "Send a message again to those whom it did not reach";
    GET "/v1/runs/{run}/plan" Read => runs::plan, "同步计划" / "What the plan of a run would do, object by object";
    GET "/v1/runs/{run}/journal" Read => runs::journal, "同步日志" / "What a run did, object by object";
}

/// What the route demands; `None` = no such route.
pub(crate) fn needs(method: &str, path: &str) -> Option<Permission> {
    ROUTES.iter().find(|route| route.method == method && route.path == path).map(|route| route.needs)
}
