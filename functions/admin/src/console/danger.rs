//! Deleting a thing: apart from everything else, and confirmed by typing its name.

use axum::response::Response;

use super::blocks::{Card, Html, folded, html};
use super::form::{Field, Fields, Form, Given};
use super::oa_instances::done;
use super::page::problem_block;
use super::visitor::{Visitor, status_of};
use super::words as w;
use crate::error::ApiError;
use crate::input::Confirm;

/// Texts of this card.
pub mod words {
    domain::texts! {
        LEAD = "删除后不能恢复。仍在使用的不能删除；WeLink 和 OA 都不会被修改。"
            / "It cannot be brought back. What is still in use is not deleted; neither WeLink nor the OA is changed.";
        CONFIRM = "输入名称以确认" / "Type the name to confirm";
    }
}

/// The card; `label` says what is deleted, `action` is where it posts to.
pub fn card(visitor: &Visitor, label: &str, action: String, given: &Given) -> Html {
    let lang = visitor.lang();
    let form = Form { guard: false, ..Form::post(action, visitor.csrf(), label) }
        .danger()
        .field(Field::new("confirm", words::CONFIRM.get(lang)), given)
        .html();
    let body = if given.errors.is_empty() { folded(label, &form) } else { form };
    html(&Card {
        id: "delete",
        title: w::DELETE.get(lang).to_owned(),
        lead: words::LEAD.get(lang).to_owned(),
        blocks: vec![body],
        ..Card::default()
    })
}

/// What was typed.
pub fn confirmation(fields: &Fields) -> Confirm {
    Confirm { confirm: fields.text("confirm") }
}

/// Back to `to` after a deletion; a refusal is a page that says who uses the thing, or that the name is another one.
pub fn answer(visitor: &Visitor, label: &str, (action, to): (String, &str), outcome: Result<(), ApiError>) -> Response {
    let error = match outcome {
        Ok(()) => return done(to, "deleted"),
        Err(error) if error.problem() == domain::problem::NOT_FOUND => return visitor.problem(&error),
        Err(error) => error,
    };
    error.log();
    let given = Given::refused(Fields::default(), &error, visitor.lang());
    super::page::Page::new(visitor, super::page::Section::Overview, None, label)
        .block(problem_block(&error, visitor.lang()))
        .block(card(visitor, label, action, &given))
        .answer_with(status_of(&error))
}
