//! Building the world and setting both tenants up through the administrator's API, before any fault is on.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use bytes::Bytes;
use domain::ids::{EnterpriseId, OaInstanceId, RANDOM_CHARS, TENANT_CHARS, TenantId};
use domain::time::Timestamp;
use http::{Method, Request, header};
use platform::clock::Clock;
use platform::config::Config;
use platform::entropy::Entropy;
use platform::secret::{Secret, sha256_hex};
use platform::transport::Transport;
use serde_json::{Value, json};
use sim::faults::{Dialect, Faults};
use sim::{oa, welink};
use tower::service_fn;

use super::fleet::Ingredients;
use super::record::{lock, route};
use super::wires::Wires;
use super::{
    BRIDGE, CONSOLE, Canaries, Facts, Fleet, Knobs, Member, Options, Record, Side, Simulated, Standing, Table, people,
    table,
};

/// 2026-06-01T00:00:00Z, in the middle of a month: a simulation lasts some hours.
const BEGINS: Timestamp = Timestamp(1_780_272_000_000);
const SIDES: usize = 2;

/// One independent source of randomness a use, so that one party's draws do not move another's.
struct Seeds(u64, u64);

impl Seeds {
    fn next(&mut self) -> Entropy {
        self.1 += 1;
        Entropy::seeded(self.0.wrapping_mul(7919).wrapping_add(self.1 << 48))
    }
}

fn config(options: &Options, operator_key: &str) -> Config {
    let mut settings = BTreeMap::from([
        ("BRIDGE_TABLE", table::NAME.to_owned()),
        ("BRIDGE_ORIGIN", BRIDGE.to_owned()),
        ("BRIDGE_CONSOLE_ORIGIN", CONSOLE.to_owned()),
        ("BRIDGE_WELINK_BASE", "http://welink.localhost".to_owned()),
        ("BRIDGE_OPERATOR_KEY_SHA256", sha256_hex(operator_key)),
    ]);
    if options.slow_pace {
        settings.insert("BRIDGE_WELINK_CALLS_PER_SECOND", "3".to_owned());
        settings.insert("BRIDGE_WELINK_CALLS_PER_MINUTE", "120".to_owned());
        settings.insert("BRIDGE_WELINK_CALLS_PER_ADDRESS", "100".to_owned());
    }
    Config::read(settings.into_iter().map(|(k, v)| (k.to_owned(), v))).expect("good settings")
}

fn welink(options: &Options, clock: &Clock, entropy: Entropy, faults: Faults) -> welink::WeLink {
    let mut settings = welink::Settings { log_entries_max: 100_000, ..welink::Settings::default() };
    if options.slow_pace {
        // The same distance between our limits and WeLink's as in production.
        settings.rates.per_second_max = 4;
        settings.rates.per_minute_max = 150;
        settings.rates.per_address_max = 125;
    }
    settings.wobble = options.seed.is_multiple_of(3);
    welink::WeLink::new(welink::Options { clock: clock.clone(), entropy, faults, settings })
}

pub(super) async fn start(options: Options) -> Simulated {
    let clock = Clock::virtual_from(BEGINS);
    let mut seeds = Seeds(options.seed, 0);
    let record = Record::new(&clock);
    let (canaries, facts) = (Canaries::default(), Facts::default());
    let knobs = Knobs::new(seeds.next());
    let (welink_faults, oa_faults) = (Faults::new(seeds.next()), Faults::new(seeds.next()));
    let welink = welink(&options, &clock, seeds.next(), welink_faults.clone());
    let table = Table::new(&clock, seeds.next(), knobs.clone(), record.clone()).expect("a table in memory");
    let wires = Wires {
        entropy: seeds.next(),
        record: record.clone(),
        facts: facts.clone(),
        canaries: canaries.clone(),
        clock: clock.clone(),
        way_ms_max: if options.slow_pace { 3 } else { 20 },
    };
    let operator_key = seeds.next().token(52);
    canaries.plant("operator key", &operator_key);
    let mut sides = sides(&mut seeds);
    // The OAs call the bridge and the bridge calls the OAs: the way in is filled when the fleet is there.
    let way_in: Arc<Mutex<Option<Fleet>>> = Arc::default();
    for (side, at) in sides.iter_mut().zip(0..) {
        side.oa = oa::Oa::new(oa::Options {
            clock: clock.clone(),
            entropy: seeds.next(),
            origin: format!("http://oa{at}.localhost"),
            company: side.company.clone(),
            bridge: back_channel(&way_in, &facts, at),
        });
    }
    let routers: Vec<Router> = sides
        .iter()
        .enumerate()
        .map(|(at, side)| oa_faults.wrap(wires.observed(at, &side.company, side.oa.router()), Dialect::Oa))
        .collect();
    let (config, master_key) = (config(&options, &operator_key), seeds.next().bytes::<32>().to_vec());
    let ways = Ways { wires: wires.clone(), welink: welink.router(), clients: clients(&sides), oas: routers.clone() };
    let ingredients = ways.ingredients(options.seed, config, &table, &clock, master_key);
    let fleet = Fleet::new(ingredients, seeds.next(), knobs.clone(), record.clone(), &options.skews_ms);
    *lock(&way_in) = Some(fleet.clone());
    let internet = internet(&fleet, to_oas(&wires, "browser", &routers));
    let members = Vec::new();
    let mut world = Simulated {
        seed: options.seed,
        clock,
        entropy: seeds.next(),
        record,
        canaries,
        facts,
        knobs,
        welink,
        welink_faults,
        oa_faults,
        table,
        fleet,
        auto_bind: options.auto_bind,
        sides,
        members,
        internet,
        operator_key,
    };
    world.set_up(&mut seeds).await;
    if options.auto_bind {
        world.switch_auto_bind_on(0).await;
        // Until every sandbox has read it.
        tokio::time::sleep(std::time::Duration::from_mins(2)).await;
    }
    world
}

/// The ways out of every sandbox.
struct Ways {
    wires: Wires,
    welink: Router,
    clients: Vec<String>,
    oas: Vec<Router>,
}

impl Ways {
    fn ingredients(self, seed: u64, config: Config, table: &Table, clock: &Clock, master_key: Vec<u8>) -> Ingredients {
        let Self { wires, welink, clients, oas } = self;
        let to_oa = wires.clone();
        Ingredients {
            seed,
            config,
            table: table.clone(),
            clock: clock.clone(),
            master_key,
            welink: Box::new(move |name| wires.to_welink(name.to_owned(), welink.clone(), clients.clone())),
            oa: Box::new(move |name| to_oas(&to_oa, name, &oas)),
        }
    }
}

fn clients(sides: &[Side]) -> Vec<String> {
    sides.iter().map(|side| side.client_id.clone()).collect()
}

fn sides(seeds: &mut Seeds) -> Vec<Side> {
    let nowhere = TenantId::from_random([0; TENANT_CHARS]);
    (0..SIDES)
        .map(|at| {
            let company = people::company(at);
            Side {
                oa: oa::Oa::new(oa::Options {
                    clock: Clock::virtual_from(BEGINS),
                    entropy: seeds.next(),
                    origin: String::new(),
                    company: company.clone(),
                    bridge: Transport::router(Router::new()),
                }),
                company,
                welink_tenant: seeds.next().hex(16).to_uppercase(),
                client_id: format!("2026060108000000{at}"),
                instance: OaInstanceId::from_random(&nowhere, [0; RANDOM_CHARS]),
                enterprise: EnterpriseId::from_random(&nowhere, [0; RANDOM_CHARS]),
                app: domain::ids::AppId::from_random(&nowhere, [0; RANDOM_CHARS]),
                tenant: nowhere.clone(),
                bound_to_browser: at == 0,
                binds: at == 0,
                push_secret: String::new(),
            }
        })
        .collect()
}

/// An OA's server on its way to the bridge. What it signed is kept, to be replayed.
fn back_channel(way_in: &Arc<Mutex<Option<Fleet>>>, facts: &Facts, side: usize) -> Transport {
    let (way_in, facts) = (Arc::clone(way_in), facts.clone());
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (fleet, facts) = (lock(&way_in).clone(), facts.clone());
        async move {
            if request.uri().path() == "/v1/tickets/redeem" {
                facts.see().redeems.push(request.clone());
            }
            fleet.expect("the fleet is there").serve(&format!("oa{side}"), request).await
        }
    }))
}

fn to_oas(wires: &Wires, from: &str, routers: &[Router]) -> Transport {
    let ways: Vec<Transport> = routers.iter().map(|router| wires.to_router(from.to_owned(), router.clone())).collect();
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let host = request.uri().host().unwrap_or_default();
        let side = usize::from(host.starts_with("oa1."));
        let way = ways[side].clone();
        async move { way.send(request, std::time::Duration::from_hours(24)).await }
    }))
}

fn internet(fleet: &Fleet, oas: Transport) -> Transport {
    let fleet = fleet.clone();
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (fleet, oas) = (fleet.clone(), oas.clone());
        async move {
            if request.uri().host().is_some_and(|host| host.starts_with("oa")) {
                return oas.send(request, std::time::Duration::from_hours(24)).await;
            }
            fleet.serve("browser", request).await
        }
    }))
}

impl Simulated {
    /// Calls the administrator's API; the status and the body, or none without an answer.
    pub async fn api(&self, method: Method, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.call(method, path, Bytes::from(body.to_string())).await
    }

    /// Posts a file to the administrator's API.
    pub async fn upload(&self, path: &str, file: String) -> Option<(u16, Value)> {
        self.call(Method::POST, path, Bytes::from(file)).await
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Option<(u16, Value)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{CONSOLE}{path}"))
            .header(header::HOST, CONSOLE.trim_start_matches("http://"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.operator_key))
            .body(body)
            .expect("a request");
        let answer = tokio::time::timeout(std::time::Duration::from_mins(1), self.fleet.serve("operator", request));
        let answer = answer.await.ok()?.ok()?;
        Some((answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default()))
    }

    async fn create(&self, path: &str, body: Value) -> Value {
        let (status, made) = self.api(Method::POST, path, &body).await.expect("no fault during set-up");
        assert_eq!(status, 201, "{}: {made}", route(path));
        made
    }

    async fn set_up(&mut self, seeds: &mut Seeds) {
        let sandbox = self.fleet.pick();
        state::table::create(sandbox.bridge.store().client(), table::NAME).await.expect("the table can be made");
        for at in 0..self.sides.len() {
            self.set_up_side(at, seeds).await;
            let mut members = people::members(at, &self.sides[at].company);
            people::prepare(&self.welink, &self.sides[at], &members);
            let linked = |member: &&Member| !matches!(member.standing, Standing::Unlinked | Standing::OutOfRange);
            for member in members.iter().filter(linked) {
                people::link(&sandbox.bridge, &self.sides[at], member).await;
            }
            self.members.append(&mut members);
        }
        self.plant_people();
    }

    async fn set_up_side(&mut self, at: usize, seeds: &mut Seeds) {
        let oa = format!("http://oa{at}.localhost");
        let (bearer, client_secret) = (seeds.next().hex(24), seeds.next().hex(16));
        let tenant = self.create("/v1/tenants", json!({ "name": format!("tenant {at}") })).await;
        let tenant: TenantId = id(&tenant);
        let mut instance = json!({
            "name": "OA", "base": oa, "scim_base": format!("{oa}/scim/v2"), "scim_bearer": bearer,
            "sso_landing": format!("{oa}/sso/landing"), "allowed_dest_prefixes": ["/"],
        });
        if self.sides[at].bound_to_browser {
            instance["start_url"] = Value::from(format!("{oa}/sso/start"));
        }
        if self.sides[at].binds {
            instance["verify_url"] = Value::from(format!("{oa}/v1/credential/verify"));
            instance["binding_mode"] = Value::from("password");
        }
        let made = self.create(&format!("/v1/tenants/{tenant}/oa-instances"), instance).await;
        let secret = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        let (push, pull) = (secret("push_secret"), secret("pull_secret"));
        for (kind, text) in [("webhook secret", &push), ("webhook secret", &pull), ("bearer", &bearer)] {
            self.canaries.plant(kind, text);
        }
        self.canaries.plant("client secret", &client_secret);
        let connection = oa::Connection {
            instance_id: secret("id"),
            bridge_origin: BRIDGE.to_owned(),
            push_secret: Secret::new(push.clone()),
            pull_secret: Secret::new(pull),
            scim_bearer: Secret::new(bearer),
        };
        self.sides[at].oa.connect(connection).expect("a good connection");
        self.sides[at].instance = id(&made);
        self.sides[at].push_secret = push;
        self.put_into_welink(at, &client_secret);
        let made = self.create(&format!("/v1/tenants/{tenant}/enterprises"), json!({ "name": "enterprise" })).await;
        self.sides[at].enterprise = id(&made);
        let app = json!({
            "name": "OA", "client_id": self.sides[at].client_id, "client_secret": client_secret,
            "homepage": { "mode": "oa-app", "oa_app": "portal" },
        });
        let app = self.create(&format!("/v1/enterprises/{}/apps", self.sides[at].enterprise), app).await;
        self.sides[at].app = id(&app);
        self.sides[at].tenant = tenant;
    }

    async fn switch_auto_bind_on(&self, at: usize) {
        let path = format!("/v1/enterprises/{}/sign-in/auto-bind", self.sides[at].enterprise);
        let pairs = json!([{ "welink": "mobile", "oa": "mobile" }]);
        let setting = json!({ "version": 0, "enabled": true, "pairs": pairs });
        let (status, saved) = self.api(Method::PUT, &path, &setting).await.expect("no fault during set-up");
        assert_eq!(status, 200, "{saved}");
    }

    fn put_into_welink(&self, at: usize, client_secret: &str) {
        let side = &self.sides[at];
        let tenant = welink::Tenant {
            tenant_id: side.welink_tenant.clone(),
            name_zh: side.company.name_zh.clone(),
            name_en: side.company.name_en.clone(),
            domain: "corp.example".to_owned(),
            created: BEGINS,
        };
        self.welink.load(&side.company, tenant, &[]).expect("a company");
        let app = welink::NewApp {
            tenant_id: side.welink_tenant.clone(),
            credentials: Some((side.client_id.clone(), client_secret.to_owned())),
            ..welink::NewApp::default()
        };
        self.welink.add_app(app).expect("the company exists");
    }

    fn plant_people(&self) {
        for person in self.sides.iter().flat_map(|side| &side.company.people) {
            self.canaries.plant("name", &person.name_zh);
            self.canaries.plant("name", &person.name_en);
            self.canaries.plant("mobile", &person.mobile);
            self.canaries.plant("e-mail", &person.email);
        }
    }

    /// A code as the phone of this member gets it.
    pub fn code(&self, member: &Member) -> String {
        let code = people::code(&self.welink, &self.sides[member.side], member);
        self.canaries.plant("auth code", &code);
        let fact = super::facts::Code { side: member.side, user: member.user.clone() };
        self.facts.see().codes.insert(super::facts::code_name(&code), fact);
        code
    }

    /// A redeem request that the OA of this side signs anew.
    pub fn signed_redeem(&self, side: usize, jti: &str) -> Request<Bytes> {
        let side = &self.sides[side];
        let body = json!({ "op": "ticket.redeem", "jti": jti, "aud": side.instance.as_str() }).to_string();
        let id = format!("msg_{}", self.entropy.hex(16));
        let at = self.clock.now().epoch_s();
        let secret = standardwebhooks::Webhook::new(&side.push_secret).expect("a good secret");
        let signature = secret.sign(&id, at, body.as_bytes()).expect("a signature");
        Request::post(format!("{BRIDGE}/v1/tickets/redeem"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(Bytes::from(body))
            .expect("a request")
    }
}

fn id<T: serde::de::DeserializeOwned>(made: &Value) -> T {
    serde_json::from_value(made["id"].clone()).expect("an id")
}
