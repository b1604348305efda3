//! The table of the contact interfaces (welink-api.md 4, 5).

use super::contact_settings::{ContactSettings, Generations};
use super::jobs::{batch, result, single};
use super::model::Permission;
use super::serve::{Endpoint, Needs};
use super::tokens::Family;
use super::write::{Of, Verb};
use super::{bulk, contact, lists};

const DETAIL: Needs = Needs::App(Family::Contact, Permission::UserDetail);
const SIMPLE: Needs = Needs::App(Family::Contact, Permission::UserSimple);
const EMAIL: Needs = Needs::App(Family::Contact, Permission::UserEmail);
const DEPARTMENTS: Needs = Needs::App(Family::Contact, Permission::Departments);
const SYNC: Needs = Needs::App(Family::Contact, Permission::ContactSync);

/// One department by its code in the path.
pub(super) const DEPARTMENT_BY_PATH: &str = "/api/contact/v1/departments/";

macro_rules! endpoints {
    ($($needs:ident $name:literal => $run:expr;)*) => {
        [$(Endpoint { name: $name, needs: $needs, run: $run }),*]
    };
}

/// Reading.
pub(super) const READ: [Endpoint; 20] = endpoints! {
    DETAIL "POST /api/contact/v2/user/detail" => contact::detail;
    DETAIL "POST /api/contact/v1/user/detail" => contact::detail;
    DETAIL "GET /api/contact/v1/users" => contact::users_v1;
    EMAIL "GET /api/contact/v1/users/email" => contact::email;
    SIMPLE "POST /api/contact/v1/users/accounts" => lists::accounts;
    DETAIL "GET /api/contact/v2/user/list" => lists::people;
    DETAIL "GET /api/contact/v1/user/list" => lists::people;
    DETAIL "GET /api/contact/v1/user/users" => lists::people_old;
    SIMPLE "GET /api/contact/v2/user/userid" => lists::people_ids;
    SIMPLE "GET /api/contact/v1/user/simplelist" => lists::people_simple;
    SIMPLE "GET /api/contact/v2/user/users" => lists::people_ids;
    DEPARTMENTS "GET /api/contact/v2/department/list" => lists::departments;
    DEPARTMENTS "GET /api/contact/v1/department/list" => lists::departments;
    DEPARTMENTS "GET /api/contact/v3/departments/list" => lists::departments_old;
    DEPARTMENTS "GET /api/contact/v2/departments/list" => lists::departments_old;
    DEPARTMENTS "GET /api/contact/v2/department/detail" => lists::department;
    DEPARTMENTS "GET /api/contact/v1/department/detail" => lists::department;
    DEPARTMENTS "GET /api/contact/v1/departments/{deptcode}" => lists::department_old;
    DETAIL "GET /api/weopen/v1/userscope" => lists::user_scope;
    SYNC "GET /api/contact/v1/batch/result" => result;
};

/// Writing.
pub(super) const WRITE: [Endpoint; 29] = endpoints! {
    SYNC "POST /api/contact/v2/departments/bulk" => bulk::departments;
    SYNC "POST /api/contact/v2/departments/status" => bulk::departments_status;
    SYNC "PUT /api/contact/v2/departments/update" => bulk::departments_update;
    SYNC "POST /api/contact/v2/departments/update" => bulk::departments_update;
    SYNC "POST /api/contact/v1/users/bulk" => bulk::users;
    SYNC "POST /api/contact/v2/users/bulk" => bulk::users_new;
    SYNC "POST /api/contact/v1/users/status" => bulk::users_status;
    SYNC "PUT /api/contact/v1/users/update" => bulk::users_update;
    SYNC "PUT /api/contact/v2/users/update" => bulk::users_update;
    SYNC "PUT /api/contact/v1/user/mobilenumber" => bulk::mobile_number;
    SYNC "POST /api/contact/v1/department/create" => |w, c, by| single(w, c, by, Of::Department, Verb::Create);
    SYNC "POST /api/contact/v1/department/update" => |w, c, by| single(w, c, by, Of::Department, Verb::Update);
    SYNC "POST /api/contact/v1/department/delete" => |w, c, by| single(w, c, by, Of::Department, Verb::Delete);
    SYNC "POST /api/contact/v2/department/batch/create" => |w, c, by| batch(w, c, by, Of::Department, Verb::Create);
    SYNC "POST /api/contact/v1/department/batch/create" => |w, c, by| batch(w, c, by, Of::Department, Verb::Create);
    SYNC "POST /api/contact/v2/department/batch/update" => |w, c, by| batch(w, c, by, Of::Department, Verb::Update);
    SYNC "POST /api/contact/v1/department/batch/update" => |w, c, by| batch(w, c, by, Of::Department, Verb::Update);
    SYNC "POST /api/contact/v1/department/batch/sync" => |w, c, by| batch(w, c, by, Of::Department, Verb::Sync);
    SYNC "POST /api/contact/v1/department/batch/delete" => |w, c, by| batch(w, c, by, Of::Department, Verb::Delete);
    SYNC "POST /api/contact/v1/department/batch/updatecorpdept" =>
        |w, c, by| batch(w, c, by, Of::Department, Verb::Adopt);
    SYNC "POST /api/contact/v1/user/create" => |w, c, by| single(w, c, by, Of::Person, Verb::Create);
    SYNC "POST /api/contact/v1/user/update" => |w, c, by| single(w, c, by, Of::Person, Verb::Update);
    SYNC "POST /api/contact/v1/user/delete" => |w, c, by| single(w, c, by, Of::Person, Verb::Delete);
    SYNC "POST /api/contact/v1/user/batch/create" => |w, c, by| batch(w, c, by, Of::Person, Verb::Create);
    SYNC "POST /api/contact/v1/user/batch/update" => |w, c, by| batch(w, c, by, Of::Person, Verb::Update);
    SYNC "POST /api/contact/v1/user/batch/sync" => |w, c, by| batch(w, c, by, Of::Person, Verb::Sync);
    SYNC "POST /api/contact/v1/user/batch/delete" => |w, c, by| batch(w, c, by, Of::Person, Verb::Delete);
    SYNC "POST /api/contact/v1/user/batch/updatecorpuid" => |w, c, by| batch(w, c, by, Of::Person, Verb::Adopt);
    SYNC "POST /api/contact/v1/user/batch/updatemobile" => |w, c, by| batch(w, c, by, Of::Person, Verb::Mobile);
};

/// Whether the enterprise has this interface. Old ones have their plural in the path (welink-api.md 4); the translation
/// of ids belongs to both.
pub(super) fn is_there(settings: &ContactSettings, name: &str) -> bool {
    let old = ["/departments", "/users"].iter().any(|part| name.contains(part)) && !name.ends_with("/accounts");
    let old = old || name.ends_with("/user/mobilenumber");
    match settings.generations {
        Generations::NewOnly if name.contains("/api/contact/") => !old,
        Generations::OldOnly if name.contains("/api/contact/") => old || name.ends_with("/accounts"),
        _ => true,
    }
}
