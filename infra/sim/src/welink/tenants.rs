//! The company behind a token (welink-api.md 4.6).

use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, china_time, put};
use super::world::{Call, Caller, World};

/// `GET /api/tenant/v1/tenants`: `data` with the company's id, names and times.
pub(super) fn tenants(world: &mut World, _: &Call, caller: Option<&Caller>) -> Answer {
    let tenant = caller.and_then(|caller| world.tenants.get(&caller.tenant_id));
    let Some(tenant) = tenant else { return Err(Refusal::new("500")) };
    let mut data = Fields::new();
    put(&mut data, "tenantId", Some(&tenant.tenant_id));
    put(&mut data, "companyNameCn", Some(&tenant.name_zh));
    put(&mut data, "companyNameEn", Some(&tenant.name_en));
    put(&mut data, "companyDomainName", Some(&tenant.domain));
    put(&mut data, "creationTime", Some(&china_time(tenant.created)));
    put(&mut data, "lastUpdatedTime", Some(&china_time(tenant.created)));
    Ok([("data".to_owned(), Value::Object(data))].into_iter().collect())
}
