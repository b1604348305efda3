//! Auto-bind at sign-in: the rules are [`domain::matching`], here they meet the OA and the table.

use std::time::Duration;

use domain::audit::Action;
use domain::ids::{EnterpriseId, RunId, WeLinkUserId};
use domain::matching::{
    Account, Candidate, Key, MemberFields, OaField, PAIRS_MAX, Progress, Question, Verdict, decide,
};
use domain::model::{Enterprise, Link, LinkOrigin, OaInstance, Person, PersonStatus, Stamp};
use domain::problem;
use oa::model::{AccountType, MatchField, OaUser};
use oa::port::Port as _;
use state::bind::Conflict;
use state::link::Bound;
use welink::{Credentials, UserDetail, WeLinkError};

use crate::bridge::Bridge;
use crate::enter::{Place, Visitor};
use crate::refusal::Refusal;

/// How long the OA may take over all questions of one sign-in: its adapter's own retries go on for longer than the
/// gateway waits, and a person must be told.
const SEARCH_MAX: Duration = Duration::from_secs(12);

impl Bridge {
    /// Looks for the OA user that this person is, and links them when exactly one may be; `None` = the person has to be
    /// asked. Trust rests on what WeLink says of him now, not on what the copy remembers (product.md C19).
    pub(crate) async fn auto_bind(
        &self,
        place: Place<'_>,
        credentials: &Credentials,
        person: &Person,
        fresh: Option<UserDetail>,
        visitor: Visitor<'_>,
    ) -> Result<Option<Link>, Refusal> {
        if !place.enterprise.auto_bind.enabled || person.no_auto_bind {
            return Ok(None);
        }
        let detail = match fresh {
            Some(detail) => Some(detail),
            // Without the permission to read members nobody can be matched: he is asked instead.
            None => match self.welink().user_detail(credentials, &person.user_id).await {
                Err(WeLinkError::Permission { .. }) => None,
                answer => answer?,
            },
        };
        let Some(detail) = detail else { return Ok(None) };
        match self.matching(place.enterprise, place.instance, person, &detail).await? {
            Verdict::Link(_, hit) => {
                let link = self.new_link(&person.user_id, hit.oa_user, hit.login_id, LinkOrigin::AutoBind);
                match self.write_link(place.app, &person.user_id, &link, visitor).await? {
                    Bound::Done => Ok(Some(link)),
                    Bound::OaUserTaken => Ok(None),
                    // Linked in this very moment by somebody else: that link stands.
                    Bound::PersonRefused => {
                        let there = self.store().person(&place.enterprise.id, &person.user_id).await?;
                        Ok(there.and_then(|person| person.link))
                    }
                }
            }
            Verdict::Conflict(_, candidates) => {
                let (enterprise, user) = (place.enterprise.id.clone(), person.user_id.clone());
                let seen = self.clock().now();
                self.store().put_conflict(&Conflict { enterprise, user, candidates, seen }).await?;
                Ok(None)
            }
            Verdict::AskPassword(..) | Verdict::Excluded(..) | Verdict::Unlinked | Verdict::NotTried(_) => Ok(None),
        }
    }

    /// What auto-bind says of this person with what WeLink tells of him now; writes nothing.
    pub async fn matching(
        &self,
        enterprise: &Enterprise,
        instance: &OaInstance,
        person: &Person,
        detail: &UserDetail,
    ) -> Result<Verdict, Refusal> {
        let member = MemberFields {
            mobile: detail.mobile.as_deref().unwrap_or_default(),
            email: detail.email.as_deref().unwrap_or_default(),
            corp_user_id: detail.corp_user_id.as_deref().unwrap_or_default(),
            employee_id: detail.employee_id.as_deref().unwrap_or_default(),
        };
        let searched = tokio::time::timeout(SEARCH_MAX, self.search(enterprise, instance, person, member)).await;
        searched.map_err(|_| Refusal::because(problem::OA_DOWN, "the OA is too slow for a sign-in"))?
    }

    async fn search(
        &self,
        enterprise: &Enterprise,
        instance: &OaInstance,
        person: &Person,
        member: MemberFields<'_>,
    ) -> Result<Verdict, Refusal> {
        let mut progress = decide(&enterprise.auto_bind, person, member);
        for _ in 0..=PAIRS_MAX {
            match progress {
                Progress::Done(verdict) => return Ok(verdict),
                Progress::Ask(question) => {
                    let candidates = self.candidates(enterprise, instance, person, &question).await?;
                    progress = question.answer(&candidates);
                }
            }
        }
        // More questions than pairs cannot be: decide() ends after PAIRS_MAX answers.
        Ok(Verdict::Unlinked)
    }

    /// The OA's answer to a question, with main accounts and existing links beside it.
    async fn candidates(
        &self,
        enterprise: &Enterprise,
        instance: &OaInstance,
        person: &Person,
        question: &Question<'_>,
    ) -> Result<Vec<Candidate>, Refusal> {
        let asked = (question.field(), question.key());
        self.oa_candidates(instance, &enterprise.id, asked, &person.user_id).await
    }

    /// The OA users whose field has this value, with the main accounts of secondary ones; `linked` says whether
    /// somebody other than `person` has the link.
    pub async fn oa_candidates(
        &self,
        instance: &OaInstance,
        enterprise: &EnterpriseId,
        (field, key): (OaField, &Key),
        person: &WeLinkUserId,
    ) -> Result<Vec<Candidate>, Refusal> {
        let field = match field {
            OaField::Mobile => MatchField::Mobile,
            OaField::Email => MatchField::Email,
            OaField::WorkCode => MatchField::WorkCode,
            OaField::LoginName => MatchField::LoginName,
        };
        let oa = self.oa(instance).await?;
        let found = oa.find_users(field, key.as_str()).await?;
        let mut added: Vec<OaUser> = Vec::new();
        for main in found.iter().filter_map(|user| user.main_account.as_ref()) {
            if found.iter().chain(&added).all(|user| user.id != *main) {
                added.extend(oa.user(main).await?);
            }
        }
        let mut candidates = Vec::with_capacity(found.len() + added.len());
        for (user, was_found) in found.into_iter().map(|user| (user, true)).chain(added.into_iter().map(|u| (u, false)))
        {
            let linked = self.store().linked_to(enterprise, &user.id).await?.is_some_and(|owner| owner != *person);
            candidates.push(candidate(user, was_found, linked));
        }
        Ok(candidates)
    }
}

fn candidate(user: OaUser, found: bool, linked: bool) -> Candidate {
    Candidate {
        found,
        account: match user.account_type {
            AccountType::Main => Account::Main,
            AccountType::Secondary => Account::Secondary { main: user.main_account },
        },
        id: user.id,
        login_id: user.login_id,
        mobile: user.mobile,
        email: user.email,
        work_code: user.work_code,
        active: user.active,
        has_roles: user.has_roles,
        linked,
    }
}

impl Bridge {
    /// Links a person of the copy to the one OA user who matches him, by what a sync has just read of him. `true` = he
    /// has a link of this run, now or by an earlier attempt that was interrupted.
    pub async fn bind_new_person(
        &self,
        enterprise: &Enterprise,
        person: &Person,
        run: &RunId,
    ) -> Result<bool, Refusal> {
        let by = format!("run:{run}");
        if let Some(link) = &person.link {
            return Ok(link.bound.by == by);
        }
        if person.no_auto_bind || person.status != PersonStatus::Active {
            return Ok(false);
        }
        let config = self.store().config(&enterprise.id.tenant()).await?.ok_or(problem::NOT_FOUND)?;
        let instance = config.oa_instance(&enterprise.oa_instance).ok_or(problem::NOT_FOUND)?;
        let member = MemberFields {
            mobile: &person.mobile,
            email: &person.email,
            corp_user_id: &person.corp_user_id,
            employee_id: &person.employee_id,
        };
        match self.search(enterprise, instance, person, member).await? {
            Verdict::Link(_, hit) => {
                let bound = Stamp { at: self.clock().now(), by };
                let (oa_user, login_id) = (hit.oa_user, hit.login_id);
                let link = Link { oa_user, login_id, origin: LinkOrigin::AutoBind, bound };
                let mut entry = self.entry(enterprise.id.tenant(), Action::Bind, "sync", person.user_id.as_str(), "");
                entry.detail.insert("run".to_owned(), run.as_str().to_owned());
                entry.detail.insert("oa_user".to_owned(), link.oa_user.as_str().to_owned());
                Ok(self.store().bind(&enterprise.id, &person.user_id, &link, &entry).await? == Bound::Done)
            }
            Verdict::Conflict(_, candidates) => {
                let (enterprise, user) = (enterprise.id.clone(), person.user_id.clone());
                let seen = self.clock().now();
                self.store().put_conflict(&Conflict { enterprise, user, candidates, seen }).await?;
                Ok(false)
            }
            Verdict::AskPassword(..) | Verdict::Excluded(..) | Verdict::Unlinked | Verdict::NotTried(_) => Ok(false),
        }
    }
}
