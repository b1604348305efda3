//! Messages and to-dos on the simulated devices: how they look, and where a tap leads.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use platform::transport::Transport;
use serde_json::{Value, json};
use tests::chromium::{Chromium, DESKTOP, Look, PHONE};
use tests::program::Program;

use crate::steps::{LINKED, hold};

/// WeLink's API, spoken to as the demonstration's app.
struct Api {
    way: Transport,
    origin: String,
    token: String,
}

impl Api {
    /// Reads the app's credentials where a developer reads them.
    async fn of(browser: &Chromium, bridge: &Program) -> Self {
        browser.goto(&format!("{}/platform", bridge.origin("phone"))).await;
        let credentials = json!({
            "client_id": browser.text(".client-id").await, "client_secret": browser.text(".client-secret").await,
        });
        let way = Transport::reqwest(vec!["welink.localhost".to_owned()], None);
        let mut api = Self { way, origin: bridge.origin("welink"), token: String::new() };
        let ticket = api.call("/api/auth/v2/tickets", &credentials).await;
        ticket["access_token"].as_str().expect("a token").clone_into(&mut api.token);
        api
    }

    async fn call(&self, path: &str, body: &Value) -> Value {
        let request = Request::post(format!("{}{path}", self.origin)).header("x-wlk-Authorization", &self.token);
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let answer = self.way.send(request, Duration::from_secs(5)).await.unwrap();
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(answer["code"], "0", "{path}: {answer}");
        answer
    }

    /// A notice, two cards, one of them finished, and two to-dos.
    async fn fill(&self, bridge: &Program) {
        let both = |zh: &str, en: &str| json!({ "CN": zh, "EN": en }).to_string();
        let url = |to: &str| format!("{}?to={to}", bridge.homepage());
        let to = json!([format!("{LINKED}@welink")]);
        let card = |title: String, status: String| {
            json!({
                "toUserList": to, "msgOwner": "审批中心", "msgTitle": title, "urlType": "html", "urlPath": url("/todo/42"),
                "msgContent": both(
                    "物品：14 英寸笔记本电脑；数量：3；总金额：¥20,697.00；用途：新员工入职配备",
                    "14-inch laptop, 3 pieces, ¥20,697.00, equipment for new colleagues",
                ),
                "messageStatus": status,
            })
        };
        let purchase = both("采购申请-陈静-2026-03-02", "Purchase request, Chen Jing, 2 March");
        let contract = both("合同审批-赵敏-2026-03-01", "Contract approval, Zhao Min, 1 March");
        let done = card(contract, both("待处理", "pending"));
        let done = self.call("/api/messages/v2/card/common", &done).await;
        let update = json!({
            "toUserList": to, "itemId": done["itemId"], "messageStatus": both("已处理", "done"), "statusColor": "2",
        });
        self.call("/api/messages/v1/update", &update).await;
        self.call("/api/messages/v2/card/common", &card(purchase, both("待处理", "pending"))).await;
        let notice = json!({
            "msgRange": "0", "toUserList": to, "msgOwner": "公告", "urlType": "html", "urlPath": url("/"),
            "msgTitle": both("清明节放假安排", "Holiday on Qingming"),
            "msgContent": both("4 月 4 日至 6 日放假，共 3 天。请各部门安排好值班。", "Closed from 4 to 6 April, three days."),
        });
        self.call("/api/messages/v3/send", &notice).await;
        for (id, title) in [("42", "采购申请-陈静-2026-03-02"), ("43", "请假申请-周强-2026-03-02")] {
            let todo = json!({
                "taskId": format!("t{id}"), "taskTitle": title, "userId": format!("{LINKED}@welink"),
                "userNameCn": "李华", "userNameEn": "Li Hua",
                "detailsUrl": url(&format!("/todo/{id}")), "appName": "协同办公",
                "applicantUserId": "chenjing@welink", "applicantUserNameCn": "陈静", "applicantUserNameEn": "Chen Jing",
                "applicantId": id,
            });
            self.call("/api/todo/v3/addtask", &todo).await;
        }
    }
}

/// The current window is accessible and does not scroll sideways; takes its picture.
async fn judge(browser: &Chromium, name: &str) {
    for scheme in ["dark", "light"] {
        browser.colours(scheme).await;
        browser.is_accessible(&format!("{name}, {scheme}")).await;
    }
    browser.picture(name).await;
    let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.run(overflow).await, 0, "{name} scrolls sideways");
}

#[tokio::test]
async fn ui_browser_a_tap_on_a_message_or_a_to_do_opens_its_page_signed_in() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    let api = Api::of(&browser, &bridge).await;
    hold(&browser, &bridge, LINKED).await;
    browser.click(".tabs a[href*='/messages']").await;
    browser.find(".blank").await;
    api.fill(&bridge).await;
    // It arrives by itself.
    browser.find("[data-test=inbox]").await;
    browser.until("all have arrived", "return document.querySelectorAll('.message.unread').length === 3").await;
    assert!(browser.text("[data-test=unread]").await.starts_with('3'));
    judge(&browser, "phone-messages-360-zh").await;
    let phone = browser.window().await;
    browser.opening(browser.click(".message.as-card")).await;
    browser.find("[data-test=todo-title]").await;
    assert_eq!(browser.url().await.path(), "/todo/42");
    let page = browser.window().await;
    browser.switch_to(&phone).await;
    browser.until("it is read", "return document.querySelectorAll('.message.unread').length === 2").await;
    browser.click(".tabs a[href*='/todos']").await;
    browser.find("[data-task=t43]").await;
    judge(&browser, "phone-todos-360-zh").await;
    // The app has one window, which shows another page now.
    browser.click("[data-task=t43]").await;
    browser.switch_to(&page).await;
    browser.until("the to-do is shown", "return location.pathname === '/todo/43'").await;
    browser.find("[data-test=approve]").await;
}

/// Signs in on WeLink's own page.
async fn choose(browser: &Chromium) {
    browser.fill("input[name=q]", LINKED).await;
    browser.click(".filters button[type=submit]").await;
    browser.click(&format!("button.person[value='{LINKED}@welink']")).await;
}

#[tokio::test]
async fn ui_browser_messages_on_the_pc_and_in_english() {
    let bridge = Program::start(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let look = Look { lang: domain::text::Lang::En, ..DESKTOP };
    let browser = Chromium::start(look, bridge.port).await;
    // The administrator opens sign-in by browser, after his test.
    let app = bridge.remembered.app.as_str();
    let test = bridge.command(&["app", "browser-test", app]).await;
    browser.goto(test["url"].as_str().unwrap()).await;
    choose(&browser).await;
    browser.find("#tested").await;
    bridge.command(&["app", "browser", app, "on"]).await;
    Api::of(&browser, &bridge).await.fill(&bridge).await;
    hold(&browser, &bridge, LINKED).await;
    browser.click(".tabs a[href*='/messages']").await;
    browser.find(".message .state.grey").await;
    judge(&browser, "phone-messages-1600-en").await;
    browser.click("[data-device=pc]").await;
    browser.find(".pc [data-test=inbox]").await;
    judge(&browser, "pc-messages-1600-en").await;
    // The PC hands it to the system's browser, where the person signs in to WeLink first.
    browser.opening(browser.click(".message.as-card")).await;
    browser.click("#by-browser").await;
    choose(&browser).await;
    browser.find("[data-test=todo-title]").await;
    assert_eq!(browser.url().await.path(), "/todo/42");
}
