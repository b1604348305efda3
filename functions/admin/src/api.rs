//! Every route of the JSON API, once: the router, the permissions and the description are made from this list.

use axum::Router;
use axum::routing::{MethodFilter, on};
use domain::role::Permission::{self, Bind, Install, Operate, Own, Read};
use domain::text::Text;
use signin::Bridge;

use crate::{apps, audit, auto_bind, enterprises, links, oa_instances, scan_login, tenants};

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
    GET "/v1/tenants/{tenant}/audit" Read => audit::list, "审计日志" / "Audit log";
    GET "/v1/tenants/{tenant}/oa-instances" Read => oa_instances::list, "列出 OA 实例" / "List the OA instances";
    POST "/v1/tenants/{tenant}/oa-instances" Own => oa_instances::create, "添加 OA 实例" / "Add an OA instance";
    GET "/v1/tenants/{tenant}/scan-login" Read => scan_login::show, "扫码登录设置" / "Settings of scan login";
    PUT "/v1/tenants/{tenant}/scan-login" Operate => scan_login::save,
        "保存扫码登录设置" / "Save the settings of scan login";
    GET "/v1/oa-instances/{instance}" Read => oa_instances::show, "读取 OA 实例" / "Read an OA instance";
    GET "/v1/oa-instances/{instance}/apps" Read => oa_instances::apps, "OA 的应用" / "Applications of the OA";
    GET "/v1/tenants/{tenant}/enterprises" Read => enterprises::list, "列出企业" / "List the enterprises";
    POST "/v1/tenants/{tenant}/enterprises" Operate => enterprises::create, "新建 WeLink" / "Create an enterprise";
    GET "/v1/enterprises/{enterprise}" Read => enterprises::show, "读取企业" / "Read an enterprise";
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
    PUT "/v1/apps/{app}/credentials" Own => apps::credentials, "更换应用密钥" / "Replace an app's secret";
    POST "/v1/apps/{app}/browser-test" Operate => apps::browser_test,
        "开始浏览器登录测试" / "Begin a test of the browser sign-in";
    GET "/v1/enterprises/{enterprise}/people/{user}" Read => links::person, "读取人员" / "Read a person";
    POST "/v1/enterprises/{enterprise}/links" Bind => links::bind, "绑定" / "Bind a person to an OA user";
    DELETE "/v1/enterprises/{enterprise}/links/{user}" Bind => links::unbind, "解绑" / "Unbind a person";
}

/// What the route demands; `None` = no such route.
pub(crate) fn needs(method: &str, path: &str) -> Option<Permission> {
    ROUTES.iter().find(|route| route.method == method && route.path == path).map(|route| route.needs)
}
