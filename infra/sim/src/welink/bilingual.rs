//! Texts of messages: plain Chinese, or both languages as a JSON text inside the string (welink-api.md 6.5).

use domain::text::Lang;
use serde_json::Value;

/// A text as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bilingual {
    pub zh: String,
    /// Empty when only Chinese was given.
    pub en: String,
}

impl Bilingual {
    /// What stands in a field. Anything that is not the JSON form is shown as it is.
    pub(super) fn read(text: &str) -> Self {
        let both = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(fields)) => {
                let field = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
                field("CN").map(|zh| Self { zh, en: field("EN").unwrap_or_default() })
            }
            _ => None,
        };
        both.unwrap_or_else(|| Self { zh: text.to_owned(), en: String::new() })
    }

    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En if !self.en.is_empty() => &self.en,
            _ => &self.zh,
        }
    }

    /// Bytes of the longer of the two.
    pub(super) fn bytes(&self) -> usize {
        self.zh.len().max(self.en.len())
    }

    /// Both cut to so many bytes, on a character.
    pub(super) fn cut(mut self, bytes_max: usize) -> Self {
        for text in [&mut self.zh, &mut self.en] {
            let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_or_one() {
        let both = Bilingual::read(r#"{"CN":"你好","EN":"hello"}"#);
        assert_eq!((both.get(Lang::Zh), both.get(Lang::En), both.bytes()), ("你好", "hello", 6));
        for plain in ["你好", "{", r#"{"EN":"x"}"#, "7", ""] {
            let text = Bilingual::read(plain);
            assert_eq!((text.get(Lang::Zh), text.get(Lang::En)), (plain, plain));
        }
    }

    #[test]
    fn it_is_cut_on_a_character() {
        for (bytes, want) in [(0, ""), (2, ""), (3, "你"), (5, "你"), (6, "你好"), (9, "你好")] {
            assert_eq!(Bilingual::read("你好").cut(bytes).zh, want);
        }
    }
}
