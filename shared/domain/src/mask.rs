//! Personal data as it may appear in a log line or on a screen that others can see (product.md C25).

/// `13812341234` becomes `138****1234`; anything shorter than seven digits becomes stars alone.
pub fn mobile(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 7 {
        return "****".to_owned();
    }
    let local = &digits[digits.len().saturating_sub(11)..];
    let head: String = local.iter().take(3).collect();
    let tail: String = local.iter().skip(local.len() - 4).collect();
    format!("{head}****{tail}")
}

/// `王小明` becomes `王**`.
pub fn name(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{first}**"))
}

/// `lihua@corp.example` becomes `l***@corp.example`.
pub fn email(text: &str) -> String {
    match text.split_once('@') {
        Some((local, domain)) => format!("{}***@{domain}", local.chars().next().unwrap_or('*')),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_remains_does_not_identify() {
        assert_eq!(super::mobile("+86-13812341234"), "138****1234");
        assert_eq!(super::mobile("12"), "****");
        assert_eq!(super::name("王小明"), "王**");
        assert_eq!(super::email("lihua@corp.example"), "l***@corp.example");
        assert_eq!(super::email("nothing"), "***");
    }
}
