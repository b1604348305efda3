//! What a browser says of itself, in two words that its owner recognises. It can say what it likes: this is shown to a
//! person and decides nothing.

/// The browser's name; `None` when it says nothing that is known. The order matters: each one also names those below
/// it.
const BROWSERS: [(&str, &str); 12] = [
    ("WeLink", "WeLink"),
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("QQBrowser", "QQ Browser"),
    ("SamsungBrowser", "Samsung Internet"),
    ("OPR/", "Opera"),
    ("Edg", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chromium", "Chromium"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 9] = [
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

fn first(agent: &str, known: &[(&str, &'static str)]) -> Option<&'static str> {
    known.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name)
}

/// The browser's name.
pub fn browser(agent: &str) -> Option<&'static str> {
    first(agent, &BROWSERS)
}

/// The name of the system that it runs on.
pub fn system(agent: &str) -> Option<&'static str> {
    first(agent, &SYSTEMS)
}

/// Both as one text, `Chrome · Windows`; empty when neither is known.
pub fn named(agent: &str) -> String {
    let known: Vec<&str> = [browser(agent), system(agent)].into_iter().flatten().collect();
    known.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_browsers_are_recognised() {
        for (agent, want) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 \
                 Safari/537.36",
                (Some("Chrome"), Some("Windows")),
            ),
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", (Some("Edge"), Some("Windows"))),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
                (Some("Safari"), Some("macOS")),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                (Some("Firefox"), Some("Linux")),
            ),
            ("Mozilla/5.0 (Linux; Android 14) Mobile WeLink/7.40", (Some("WeLink"), Some("Android"))),
            ("curl/8.5", (None, None)),
            ("", (None, None)),
        ] {
            assert_eq!((browser(agent), system(agent)), want, "{agent}");
        }
    }
}
