//! The console as a browser without a screen uses it: signed in over HTTP, its forms read from its pages.

use std::collections::BTreeMap;

use domain::role::Role;
use http::{Method, StatusCode};
use regex::Regex;
use serde_json::{Value, json};
use url::Url;

use crate::web::{Browser, Page, encode, unescape};
use crate::world::{LINKED, OtherTenant, World};

/// The password of every account that is made here.
pub const PASSWORD: &str = "correct horse battery";
/// Between the parts of an upload.
const BOUNDARY: &str = "part-of-this-test";

/// Fields of a form with their values.
pub type Values = Vec<(String, String)>;

/// A form of a page, as a browser would send it untouched.
#[derive(Debug, Clone)]
pub struct Form {
    pub method: String,
    pub action: String,
    pub values: Values,
    /// Names of the fields in which something is typed.
    pub typed: Vec<String>,
    /// Names of the fields in which what is typed is not shown.
    pub secret: Vec<String>,
    pub upload: bool,
}

impl Form {
    /// The form with this field filled in.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.values.retain(|(field, _)| field != name);
        self.values.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// An attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let found = Regex::new(&format!(r#"\s{name}="([^"]*)""#)).unwrap().captures(tag)?;
    Some(unescape(&found[1]))
}

fn has(tag: &str, flag: &str) -> bool {
    Regex::new(&format!(r"\s{flag}(\s|>|$)")).unwrap().is_match(tag)
}

/// Every form of a page.
pub fn forms(body: &str) -> Vec<Form> {
    let form = Regex::new(r"(?s)<form([^>]*)>(.*?)</form>").unwrap();
    form.captures_iter(body).map(|found| read(&found[1], &found[2])).collect()
}

fn read(tag: &str, inner: &str) -> Form {
    let mut form = Form {
        method: attribute(tag, "method").unwrap_or_else(|| "get".to_owned()).to_ascii_uppercase(),
        action: attribute(tag, "action").unwrap_or_default(),
        values: Vec::new(),
        typed: Vec::new(),
        secret: Vec::new(),
        upload: tag.contains("multipart/form-data"),
    };
    let control = r"(?s)<input([^>]*)>|<textarea([^>]*)>(.*?)</textarea>|<select([^>]*)>(.*?)</select>";
    for found in Regex::new(control).unwrap().captures_iter(inner) {
        let part = |n: usize| found.get(n).map(|part| part.as_str());
        let tag = part(1).or(part(2)).or(part(4)).unwrap_or_default();
        let Some(name) = attribute(tag, "name") else { continue };
        let value = match (part(1), part(5)) {
            (Some(tag), _) => match attribute(tag, "type").as_deref() {
                Some("checkbox" | "radio") if !has(tag, "checked") => continue,
                Some("file") => continue,
                Some("password") => {
                    form.secret.push(name.clone());
                    String::new()
                }
                Some("text") if !has(tag, "hidden") => {
                    form.typed.push(name.clone());
                    attribute(tag, "value").unwrap_or_default()
                }
                _ => attribute(tag, "value").unwrap_or_default(),
            },
            (None, Some(options)) => chosen(options),
            (None, None) => {
                form.typed.push(name.clone());
                unescape(part(3).unwrap_or_default())
            }
        };
        form.values.push((name, value));
    }
    form
}

fn chosen(options: &str) -> String {
    let options: Vec<&str> =
        Regex::new("<option[^>]*>").unwrap().find_iter(options).map(|found| found.as_str()).collect();
    let selected = options.iter().find(|tag| has(tag, "selected")).or(options.first());
    selected.and_then(|tag| attribute(tag, "value")).unwrap_or_default()
}

/// Where the links of a page lead to, those of the console itself.
pub fn links(page: &Page) -> Vec<Url> {
    let href = Regex::new(r#"<a[^>]*\shref="([^"]*)""#).unwrap();
    let elsewhere = |found: &regex::Captures<'_>| !found[1].starts_with('#');
    let all =
        href.captures_iter(&page.body).filter(elsewhere).map(|found| page.url.join(&unescape(&found[1])).unwrap());
    all.filter(|url| url.origin() == page.url.origin()).collect()
}

/// The page or action that a path belongs to.
pub fn route(method: &str, path: &str) -> Option<&'static admin::PageRoute> {
    let fits = |pattern: &str| {
        let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
        let same = |(a, b): (&&str, &&str)| a == b || (a.starts_with('{') && !b.is_empty());
        pattern.len() == path.len() && pattern.iter().zip(&path).all(same)
    };
    admin::PAGES.iter().find(|page| page.method == method && fits(page.path))
}

/// An account of this role; its login is the same as its name.
pub async fn account(world: &World, tenant: &str, login: &str, role: Role) -> Value {
    let body = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
    let made = world.api(Method::POST, &format!("/v1/tenants/{tenant}/accounts"), Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.json()
}

/// A browser in front of the console.
#[derive(Debug)]
pub struct Console<'a> {
    world: &'a World,
    pub browser: Browser,
    /// The token that the forms of its session carry.
    pub csrf: String,
}

impl<'a> Console<'a> {
    /// Nobody is signed in.
    pub fn stranger(world: &'a World) -> Self {
        Self { world, browser: world.browser(), csrf: String::new() }
    }

    pub async fn sign_in(world: &'a World, login: &str, password: &str) -> Self {
        let mut console = Self::stranger(world);
        let page = console.post("/sign-in", &[("login", login), ("password", password)]).await;
        assert_eq!((page.status, page.header("location")), (StatusCode::SEE_OTHER, Some("/")), "{}", page.body);
        console.learn_token().await;
        console
    }

    /// The owner of the demonstration.
    pub async fn owner(world: &'a World) -> Self {
        Self::sign_in(world, "admin", &world.demo().remembered.admin_password).await
    }

    /// A new account of the demonstration's tenant.
    pub async fn of_role(world: &'a World, role: Role) -> Self {
        let login = format!("the.{}", role.name());
        account(world, world.tenant().as_str(), &login, role).await;
        Self::sign_in(world, &login, PASSWORD).await
    }

    /// Reads the token of the present session from a page.
    pub async fn learn_token(&mut self) {
        let page = self.get("/me").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let form = forms(&page.body).into_iter().find(|form| form.action == "/sign-out").expect("a way out");
        form.value("csrf").unwrap().clone_into(&mut self.csrf);
    }

    pub fn url(&self, path: &str) -> Url {
        self.world.running.origin("console").parse::<Url>().unwrap().join(path).unwrap()
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let url = self.url(path);
        self.browser.get(&url).await.unwrap()
    }

    /// Posts fields with the session's token, as a page of the console does.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut values: Values = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        values.push(("csrf".to_owned(), self.csrf.clone()));
        self.post_as(path, &values, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form of a page as it stands.
    pub async fn submit(&mut self, form: &Form) -> Page {
        self.post_as(&form.action, &form.values, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Posts these fields and no others, with these headers; an upload is one of several parts.
    pub async fn post_as(&mut self, path: &str, values: &Values, headers: &[(&str, &str)]) -> Page {
        let upload = route("POST", path.split('?').next().unwrap()).is_some_and(|page| page.path.ends_with("}/import"));
        let multipart = format!("multipart/form-data; boundary={BOUNDARY}");
        let (kind, body) = if upload {
            let of_upload = |name: &str| ["csrf", "field", "overwrite", "gbk"].contains(&name);
            let values: Values = values.iter().filter(|(name, _)| of_upload(name)).cloned().collect();
            (multipart.as_str(), parts(&values))
        } else {
            ("application/x-www-form-urlencoded", encode(values))
        };
        let headers: Vec<(&str, &str)> = [("content-type", kind)].into_iter().chain(headers.iter().copied()).collect();
        let url = self.url(path);
        self.browser.send(Method::POST, &url, &headers, body).await.unwrap()
    }

    /// The form of this page that posts to this path.
    pub async fn form(&mut self, page: &str, action: &str) -> Form {
        let page = self.get(page).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let found = forms(&page.body).into_iter().find(|form| form.method == "POST" && form.action == action);
        found.unwrap_or_else(|| panic!("no form for {action}: {}", page.body))
    }

    pub async fn is_in(&mut self) -> bool {
        self.get("/me").await.status == StatusCode::OK
    }
}

/// An upload of these fields and a file of one row.
fn parts(values: &Values) -> String {
    let part = |(name, value): &(String, String)| {
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"links.csv\"\r\n\r\n\
         WeLink account,Relation value\n{LINKED}@welink,\n\r\n--{BOUNDARY}--\r\n"
    );
    values.iter().map(part).chain([file]).collect()
}

/// One of each thing that the path of a page can name, by its name there.
#[derive(Debug, Clone)]
pub struct Things(pub BTreeMap<&'static str, String>);

impl Things {
    /// Those of the demonstration's tenant.
    pub async fn own(world: &World) -> Self {
        let known = world.demo().remembered.clone();
        let (tenant, enterprise) = (known.tenant.as_str(), known.enterprise.as_str());
        let ids = [known.oa_instance.as_str(), known.app.as_str(), &format!("{LINKED}@welink")].map(str::to_owned);
        Self::of(world, tenant, enterprise, ids).await
    }

    pub async fn other(world: &World, other: &OtherTenant) -> Self {
        let ids = [&other.instance, &other.app, &other.member].map(Clone::clone);
        Self::of(world, &other.tenant, &other.enterprise, ids).await
    }

    async fn of(world: &World, tenant: &str, enterprise: &str, [instance, app, user]: [String; 3]) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned();
        let login = format!("thing.{tenant}");
        let account = text(&account(world, tenant, &login, Role::Auditor).await["id"]);
        Console::sign_in(world, &login, PASSWORD).await;
        let sessions = world.api(Method::GET, &format!("/v1/accounts/{account}/sessions"), None).await.json();
        let key = json!({ "name": "thing", "role": "auditor" });
        let key = world.api(Method::POST, &format!("/v1/tenants/{tenant}/api-keys"), Some(&key)).await.json();
        let renamed = format!("/v1/enterprises/{enterprise}");
        let version = world.api(Method::GET, &renamed, None).await.json()["version"].clone();
        let change = json!({ "version": version, "name": "改过名的企业" });
        assert_eq!(world.api(Method::PATCH, &renamed, Some(&change)).await.status, StatusCode::OK);
        let history = world.api(Method::GET, &format!("/v1/tenants/{tenant}/settings-history"), None).await.json();
        let job = format!("/v1/enterprises/{enterprise}/link-imports?field=mobile");
        let bearer = format!("Bearer {}", world.running.operator_key);
        let url = format!("{}{job}", world.running.origin("console")).parse().unwrap();
        let file = format!("WeLink account,Relation value\n{user},\n");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/octet-stream")];
        let job = world.browser().send(Method::POST, &url, &headers, file).await.unwrap().json();
        Self(BTreeMap::from([
            ("{instance}", instance),
            ("{enterprise}", enterprise.to_owned()),
            ("{app}", app),
            ("{user}", user),
            ("{account}", account),
            ("{session}", text(&sessions[0]["id"])),
            ("{key}", text(&key["id"])),
            ("{entry}", text(&history["entries"][0]["id"])),
            ("{job}", text(&job["id"])),
        ]))
    }

    /// Ids that nobody was given.
    pub fn of_nobody() -> Self {
        let id = |kind: &str| format!("{kind}_{}", "z".repeat(36));
        Self(BTreeMap::from([
            ("{instance}", id("o")),
            ("{enterprise}", id("e")),
            ("{app}", id("a")),
            ("{user}", "nobody@welink".to_owned()),
            ("{account}", id("u")),
            ("{session}", "0".repeat(64)),
            ("{key}", id("y")),
            ("{entry}", "0".repeat(26)),
            ("{job}", id("j")),
        ]))
    }

    /// A path with these ids in it.
    pub fn fill(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id))
    }

    /// The addresses of all pages that are looked at while signed in.
    pub fn pages(&self) -> Vec<(&'static admin::PageRoute, String)> {
        let shown = |page: &&admin::PageRoute| page.method == "GET" && !page.api.is_empty();
        let month = |path: &str| if path == "/audit-export" { "?month=2026-01" } else { "" };
        let filled = |page: &'static admin::PageRoute| (page, self.fill(page.path) + month(page.path));
        admin::PAGES.iter().filter(shown).map(filled).collect()
    }
}
