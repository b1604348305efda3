//! What a person reads exists in Chinese and English by construction: a [`Text`] cannot be built with one language
//! only.

use serde::{Deserialize, Serialize};

/// A language the product speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Lang {
    #[default]
    #[serde(rename = "zh-CN")]
    Zh,
    #[serde(rename = "en")]
    En,
}

impl Lang {
    /// The value of an HTML `lang` attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Picks the first language of an `Accept-Language` header that we speak, in the order of its weights; Chinese when
    /// none is.
    pub fn from_accept(header: &str) -> Self {
        let mut best: Option<(Self, f32)> = None;
        for part in header.split(',').take(16) {
            let mut pieces = part.trim().split(';');
            let tag = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = pieces.find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            let lang = match tag.split('-').next() {
                Some("zh") => Self::Zh,
                Some("en") => Self::En,
                _ => continue,
            };
            if weight > 0.0 && best.is_none_or(|(_, w)| weight > w) {
                best = Some((lang, weight));
            }
        }
        best.map_or(Self::Zh, |(lang, _)| lang)
    }

    /// The language of an explicit choice (`?lang=en`), if it names one of ours.
    pub fn from_choice(choice: &str) -> Option<Self> {
        match choice {
            "zh-CN" | "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

/// One message in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    pub zh: &'static str,
    pub en: &'static str,
}

impl Text {
    pub const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh, en }
    }

    pub fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

/// A catalogue: constants of type [`Text`], and `ALL` of them for a test over the catalogue.
#[macro_export]
macro_rules! texts {
    ($($(#[$doc:meta])* $id:ident = $zh:literal / $en:literal;)*) => {
        $($(#[$doc])* pub const $id: $crate::text::Text = $crate::text::Text::new($zh, $en);)*
        /// Every text of this catalogue.
        pub const ALL: &[$crate::text::Text] = &[$($id),*];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_language_is_read_by_weight() {
        for (header, want) in [
            ("", Lang::Zh),
            ("en-US,en;q=0.9", Lang::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh),
            ("fr, en;q=0.5, zh;q=0.7", Lang::Zh),
            ("en;q=0, zh", Lang::Zh),
            ("de", Lang::Zh),
        ] {
            assert_eq!(Lang::from_accept(header), want, "{header}");
        }
    }
}
