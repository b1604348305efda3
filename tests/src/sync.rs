//! Runs of a sync in a world: set up, started through the API, carried out by what the local bridge calls.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::web::Page;
use crate::world::World;

/// Looks at a run until a test gives up: the embedded queue works in the machine's own time.
const LOOKS_MAX: usize = 1_500;
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl World {
    pub fn enterprise_path(&self, rest: &str) -> String {
        format!("/v1/enterprises/{}{rest}", self.enterprise())
    }

    /// Says which side is the authority.
    pub async fn authority(&self, side: &str) {
        let enterprise = self.api(Method::GET, &self.enterprise_path(""), None).await.json();
        let change = json!({ "version": enterprise["version"], "authority": side });
        let saved = self.api(Method::PUT, &self.enterprise_path("/authority"), Some(&change)).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    }

    /// Saves sync settings over those that are there; the version is looked up.
    pub async fn save_sync(&self, change: Value) -> Page {
        let now = self.api(Method::GET, &self.enterprise_path("/sync-settings"), None).await.json();
        let mut change = change;
        change["version"] = now["version"].clone();
        self.api(Method::PUT, &self.enterprise_path("/sync-settings"), Some(&change)).await
    }

    /// Chooses the authority and the demonstration's app: what a run needs.
    pub async fn set_up_sync(&self, side: &str) {
        self.authority(side).await;
        let saved = self.save_sync(json!({ "app": self.demo().remembered.app })).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    }

    /// Asks for a run.
    pub async fn ask_for_run(&self, kind: &str) -> Page {
        self.api(Method::POST, &self.enterprise_path("/runs"), Some(&json!({ "kind": kind }))).await
    }

    /// Starts a run and waits for its end.
    pub async fn run_sync(&self, kind: &str) -> Value {
        let begun = self.ask_for_run(kind).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
        self.end_of_run(begun.json()["id"].as_str().unwrap()).await
    }

    /// The run once it has ended.
    pub async fn end_of_run(&self, run: &str) -> Value {
        self.run_once(run, |run| run["status"] != "running").await
    }

    /// The run as soon as it is as asked.
    pub async fn run_once(&self, run: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..LOOKS_MAX {
            last = self.api(Method::GET, &format!("/v1/runs/{run}"), None).await.json();
            if is_so(&last) {
                return last;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("the run is not as it should be after {LOOKS_MAX} looks: {last}");
    }

    /// The newest runs once there are so many.
    pub async fn runs(&self, count: usize) -> Vec<Value> {
        for _ in 0..LOOKS_MAX {
            let runs = self.api(Method::GET, &self.enterprise_path("/runs"), None).await.json();
            let runs = runs.as_array().unwrap().clone();
            if runs.len() >= count {
                return runs;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("there are no {count} runs after {LOOKS_MAX} looks");
    }

    /// The whole journal of a run.
    pub async fn journal(&self, run: &Value) -> Vec<Value> {
        let (mut entries, mut next) = (Vec::new(), Some(0));
        while let Some(at) = next {
            let path = format!("/v1/runs/{}/journal?cursor={at}", run["id"].as_str().unwrap());
            let page = self.api(Method::GET, &path, None).await.json();
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            next = page["next"].as_u64();
        }
        entries
    }
}

/// The names of a run's notes.
pub fn notes(run: &Value) -> Vec<&str> {
    run["notes"].as_array().unwrap().iter().map(|note| note["name"].as_str().unwrap()).collect()
}
