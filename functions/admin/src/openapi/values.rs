//! How values of the domain look in a request: the domain itself describes nothing.

use domain::matching;
use domain::model;
use domain::role;
use domain::run;
use serde_json::to_value;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

type Schemas = Vec<(String, RefOr<Schema>)>;

macro_rules! choices {
    ($($name:ident of $of:path: $($variant:ident)+;)*) => {$(
        #[derive(Debug)]
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                use $of as Of;
                // Does not compile when one is forgotten.
                let of = |of: Of| match of { $(Of::$variant)|+ => to_value(of).unwrap_or_default() };
                let names = [$(of(Of::$variant)),+];
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

choices! {
    Role of role::Role: Owner Operator Binder Auditor;
    BindingMode of model::BindingMode: Password Redirect Both Off;
    TicketDelivery of model::TicketDelivery: FormPost Query;
    Authority of model::Authority: Welink Oa;
    WeLinkField of matching::WeLinkField: Mobile Email CorpUserId EmployeeId;
    RunKind of run::Kind: FromWelink FromOa;
    OaField of matching::OaField: Mobile Email WorkCode LoginName;
}

/// [`matching::Pair`].
#[derive(Debug)]
pub(crate) enum Pair {}

impl PartialSchema for Pair {
    fn schema() -> RefOr<Schema> {
        let field = |name: &str| Ref::from_schema_name(name);
        let pair = ObjectBuilder::new().property("welink", field("WeLinkField")).property("oa", field("OaField"));
        pair.required("welink").required("oa").into()
    }
}

impl ToSchema for Pair {
    fn schemas(schemas: &mut Schemas) {
        schemas.push(("WeLinkField".to_owned(), WeLinkField::schema()));
        schemas.push(("OaField".to_owned(), OaField::schema()));
    }
}

/// [`domain::account::WeLinkPerson`].
#[derive(Debug)]
pub(crate) enum WeLinkPerson {}

impl PartialSchema for WeLinkPerson {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let person = ObjectBuilder::new().property("enterprise", text()).property("user", text());
        let person = person.required("enterprise").required("user");
        person.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false))).into()
    }
}

impl ToSchema for WeLinkPerson {}
