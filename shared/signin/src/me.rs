//! A member's own page: his link, his last sign-ins, and the wish to be unlinked (product.md HOM-10).

use domain::audit::Action;
use domain::model::{Link, SignInNote};
use domain::problem;
use domain::session::VisitedPage;
use domain::time::Timestamp;

use crate::bridge::Bridge;
use crate::enter::Visitor;
use crate::refusal::Refusal;

/// What a member sees of himself.
#[derive(Debug)]
pub struct MyPage {
    pub oa_name: String,
    pub link: Option<Link>,
    /// Newest first, at most ten.
    pub sign_ins: Vec<SignInNote>,
    pub unlink_asked: Option<Timestamp>,
}

impl Bridge {
    /// The page of this browser's visit.
    pub async fn my_page(&self, cookie: Option<&str>) -> Result<MyPage, Refusal> {
        let place = self.visited(cookie, VisitedPage::Me).await?;
        let person = self.store().person(&place.enterprise.id, &place.session.user).await?.ok_or(problem::NOT_FOUND)?;
        Ok(MyPage {
            oa_name: place.instance.name,
            link: person.link,
            sign_ins: person.sign_ins,
            unlink_asked: person.unlink_asked,
        })
    }

    /// Notes that he asks to be unlinked; an administrator decides.
    pub async fn ask_unlink(&self, cookie: Option<&str>, visitor: Visitor<'_>) -> Result<(), Refusal> {
        let place = self.visited(cookie, VisitedPage::Me).await?;
        let user = &place.session.user;
        let actor = format!("welink:{user}");
        let entry = self.entry(place.app.id.tenant(), Action::UnbindAsked, &actor, user.as_str(), visitor.from);
        if self.store().ask_unlink(&place.enterprise.id, user, &entry).await? {
            Ok(())
        } else {
            Err(problem::NOT_LINKED.into())
        }
    }
}
