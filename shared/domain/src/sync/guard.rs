//! Whether a plan may be carried out (product.md Q15, TWL-12 to TWL-14). A verdict of its own, so that a simulation can
//! show it and a run can stop on it before its first write.

use super::complaint::Abort;
use super::execute::Batches;
use super::fingerprint::PlanHash;
use super::plan::Plan;
use super::settings::Settings;

/// A number that is over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked {
    /// How many there would be.
    pub count: u32,
    /// How many there may be.
    pub most: u32,
    /// Of how many.
    pub of: u32,
}

impl Blocked {
    fn over(count: u32, most: u32, of: u32) -> Option<Self> {
        (count > most).then_some(Self { count, most, of })
    }
}

/// What stands against a plan; nothing = it may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guard {
    /// Fewer OA users in scope than at the last completed run, by more than x. `of` is that run's number.
    pub decrease: Option<Blocked>,
    /// People who would be removed.
    pub people: Option<Blocked>,
    /// People who would be marked to leave.
    pub marks: Option<Blocked>,
    pub departments: Option<Blocked>,
}

impl Guard {
    pub fn is_blocked(&self) -> bool {
        *self != Self::default()
    }
}

/// Judges a plan. The baseline is moved by completed real runs only, and by no blocked one.
pub fn guard(plan: &Plan, settings: &Settings) -> Guard {
    let Settings { baseline, decrease_max, cap, .. } = settings;
    let most = cap.of(plan.linked_people);
    let decrease = baseline.and_then(|before| {
        let fewer = before.saturating_sub(plan.in_scope);
        Blocked::over(fewer, *decrease_max, before)
    });
    Guard {
        decrease: decrease.filter(|_| plan.abort.is_none()),
        people: Blocked::over(plan.person_counts.delete, most, plan.linked_people),
        marks: Blocked::over(plan.person_counts.marked, most, plan.linked_people),
        departments: Blocked::over(
            plan.department_counts.delete,
            cap.of(plan.linked_departments),
            plan.linked_departments,
        ),
    }
}

/// Why a plan is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    Aborted(Abort),
    Blocked(Guard),
    /// Another plan was approved: the world has changed (product.md TWL-09).
    NotThisPlan {
        asked: PlanHash,
    },
}

impl Plan {
    /// The batches of this plan, if it may run. `approved` names the one plan that an administrator has released; it
    /// lifts a block, never an abort, and releases no other plan.
    pub fn release(&self, guard: &Guard, approved: Option<PlanHash>) -> Result<Batches, Stop> {
        if let Some(abort) = &self.abort {
            return Err(Stop::Aborted(abort.clone()));
        }
        match approved {
            Some(asked) if asked != self.hash => Err(Stop::NotThisPlan { asked }),
            None if guard.is_blocked() => Err(Stop::Blocked(*guard)),
            _ => Ok(self.batches()),
        }
    }
}
