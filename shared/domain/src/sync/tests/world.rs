//! A world of two sides that a plan can be carried out on, and that refuses what WeLink would refuse.

use std::collections::BTreeMap;

use crate::sync::*;
use crate::time::Timestamp;

pub const NOW: Timestamp = Timestamp(1_790_000_000_000);
pub const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    pub id: String,
    pub parent: String,
    pub name: String,
    pub order: u16,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id: String,
    pub name: String,
    pub mobile: String,
    pub email: String,
    pub work_code: String,
    pub title: String,
    pub units: Vec<String>,
    pub active: bool,
    pub no_auto_link: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Dept {
    pub code: String,
    pub parent: String,
    pub name: String,
    pub corp: String,
    pub link: String,
    pub order: u16,
    pub missing: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub user: String,
    pub corp: String,
    pub name: String,
    pub mobile: String,
    pub email: String,
    pub employee: String,
    pub position: String,
    pub sex: String,
    pub departments: Vec<String>,
    pub link: String,
    pub no_auto_bind: bool,
    pub seen: Seen,
    pub leaving: Option<Timestamp>,
    pub written: Option<Fingerprint>,
    pub kept: Option<Fingerprint>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct World {
    pub units: Vec<Unit>,
    pub users: Vec<User>,
    pub depts: Vec<Dept>,
    pub members: Vec<Member>,
    pub created: u32,
}

pub fn unit(id: &str, parent: &str, name: &str) -> Unit {
    Unit { id: id.into(), parent: parent.into(), name: name.into(), order: 0, active: true }
}

pub fn user(id: &str, name: &str, units: &[&str]) -> User {
    User {
        id: id.into(),
        name: name.into(),
        mobile: format!("+86138{:0>8}", id.trim_start_matches(|c: char| !c.is_ascii_digit())),
        email: String::new(),
        work_code: String::new(),
        title: String::new(),
        units: units.iter().map(|id| (*id).to_owned()).collect(),
        active: true,
        no_auto_link: false,
    }
}

pub fn dept(code: &str, parent: &str, name: &str) -> Dept {
    let (link, corp) = (String::new(), String::new());
    Dept { code: code.into(), parent: parent.into(), name: name.into(), corp, link, order: 0, missing: None }
}

pub fn member(user: &str, name: &str, departments: &[&str]) -> Member {
    Member {
        user: user.into(),
        corp: String::new(),
        name: name.into(),
        mobile: String::new(),
        email: String::new(),
        employee: String::new(),
        position: String::new(),
        sex: String::new(),
        departments: departments.iter().map(|code| (*code).to_owned()).collect(),
        link: String::new(),
        no_auto_bind: false,
        seen: Seen::Shown,
        leaving: None,
        written: None,
        kept: None,
    }
}

impl Dept {
    pub fn linked(self, unit: &str) -> Self {
        Self { link: unit.into(), corp: unit.into(), ..self }
    }
}

impl Member {
    /// Linked to this user, and saying what the user says.
    pub fn of(user: &User, welink: &str, departments: &[&str]) -> Self {
        Self {
            corp: user.id.clone(),
            link: user.id.clone(),
            mobile: user.mobile.clone(),
            email: user.email.clone(),
            employee: user.work_code.clone(),
            position: user.title.clone(),
            ..member(welink, &user.name, departments)
        }
    }
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

impl World {
    pub fn oa(&self) -> OaSide {
        let mut builder = OaBuilder::default();
        for Unit { id, parent, name, order, active } in &self.units {
            builder.department(&OaDepartment { id, parent, name, order: *order, active: *active }).unwrap();
        }
        for one in &self.users {
            let person = OaPerson {
                id: &one.id,
                name: &one.name,
                login: "",
                work_code: &one.work_code,
                mobile: &one.mobile,
                email: &one.email,
                title: &one.title,
                departments: &texts(&one.units),
                active: one.active,
                no_auto_link: one.no_auto_link,
            };
            builder.person(&person).unwrap();
        }
        builder.finish()
    }

    pub fn copy(&self) -> Directory {
        let mut builder = DirectoryBuilder::default();
        for Dept { code, parent, name, corp, link, order, missing } in &self.depts {
            let (order, missing) = (*order, *missing);
            builder.department(&CopyDepartment { code, parent, name, corp_code: corp, link, order, missing }).unwrap();
        }
        for one in &self.members {
            let person = CopyPerson {
                user: &one.user,
                corp_user: &one.corp,
                name_zh: &one.name,
                name_en: "",
                mobile: &one.mobile,
                email: &one.email,
                employee: &one.employee,
                position: &one.position,
                sex: &one.sex,
                departments: &texts(&one.departments),
                link: &one.link,
                no_auto_bind: one.no_auto_bind,
                seen: one.seen,
                leaving: one.leaving,
                written: one.written,
                kept: one.kept,
            };
            builder.person(&person).unwrap();
        }
        builder.finish()
    }

    pub fn plan(&self, settings: &Settings) -> (Plan, Vec<(Reason, String)>) {
        let (copy, oa) = (self.copy(), self.oa());
        let (plan, complaints) = plan(&copy, &oa, settings, NOW);
        let complaints = complaints.iter().map(|one| (one.reason, one.id.to_owned())).collect();
        (plan, complaints)
    }

    fn dept_mut(&mut self, code: &str) -> &mut Dept {
        self.depts.iter_mut().find(|dept| dept.code == code).expect("the department exists")
    }

    fn member_mut(&mut self, user: &str) -> &mut Member {
        self.members.iter_mut().find(|member| member.user == user).expect("the member exists")
    }

    /// The world after a run of its plan. Panics at whatever WeLink would refuse.
    pub fn run(&self, settings: &Settings) -> (World, Plan) {
        let (copy, oa) = (self.copy(), self.oa());
        let (plan, _) = plan(&copy, &oa, settings, NOW);
        let mut run = Run { world: self.clone(), plan, copy: &copy, oa: &oa, settings, codes: BTreeMap::new() };
        if let Ok(batches) = run.plan.release(&guard(&run.plan, settings), None) {
            run.carry_out(&batches);
        }
        (run.world, run.plan)
    }
}

struct Run<'a> {
    world: World,
    plan: Plan,
    copy: &'a Directory,
    oa: &'a OaSide,
    settings: &'a Settings,
    /// Codes of new departments.
    codes: BTreeMap<OaRow, String>,
}

impl Run<'_> {
    fn carry_out(&mut self, batches: &Batches) {
        let mut last = None;
        for Batch { phase, items } in &batches.list {
            assert!(last <= Some(*phase), "phases in order");
            last = Some(*phase);
            assert!(!items.is_empty() && items.len() <= self.settings.family.batch());
            for at in items {
                let at = usize::try_from(*at).unwrap();
                match phase {
                    Phase::DepartmentAdopt | Phase::DepartmentWrite { .. } | Phase::DepartmentRemove { .. } => {
                        let item = self.plan.departments[at];
                        self.department(*phase, item);
                    }
                    Phase::PersonAdopt | Phase::PersonWrite | Phase::PersonRemove => {
                        let item = self.plan.people[at];
                        self.person(*phase, item);
                    }
                }
            }
        }
        self.bridge_only();
    }

    fn parent_code(&self, parent: Parent) -> String {
        match parent {
            Parent::Copy(row) => self.copy.department_code(row).to_owned(),
            Parent::Oa(unit) => match self.plan.department(unit) {
                Some(row) => self.copy.department_code(row).to_owned(),
                None => self.codes.get(&unit).expect("the parent was created before").clone(),
            },
        }
    }

    fn department(&mut self, phase: Phase, item: DepartmentItem) {
        if let Phase::DepartmentRemove { .. } = phase {
            let code = self.copy.department_code(item.copy.unwrap()).to_owned();
            let world = &mut self.world;
            assert!(world.depts.iter().all(|dept| dept.parent != code || dept.missing.is_some()), "no children");
            let inside = |member: &Member| member.departments.contains(&code);
            assert!(!world.members.iter().any(|member| inside(member) && !matches!(member.seen, Seen::Missing(_))));
            world.depts.retain(|dept| dept.code != code);
            return;
        }
        let unit = item.oa.unwrap();
        let id = self.oa.department_id(unit).to_owned();
        if phase == Phase::DepartmentAdopt {
            self.world.dept_mut(self.copy.department_code(item.copy.unwrap())).corp = id;
            return;
        }
        let parent = self.parent_code(item.parent);
        assert!(self.world.depts.iter().any(|dept| dept.code == parent));
        let source = self.world.units.iter().find(|unit| unit.id == id).unwrap().clone();
        if let Some(row) = item.copy {
            let dept = self.world.dept_mut(self.copy.department_code(row));
            assert!(item.renames || item.moves || item.reorders);
            dept.name = source.name;
            dept.parent = parent;
            dept.order = if source.order == 0 { dept.order } else { source.order };
        } else {
            self.world.created += 1;
            let code = format!("n{}", self.world.created);
            // What is created again with our id takes the place of what has gone.
            self.world.depts.retain(|dept| dept.link != id);
            self.world.depts.push(Dept { order: source.order, ..dept(&code, &parent, &source.name).linked(&id) });
            self.codes.insert(unit, code);
        }
    }

    fn person(&mut self, phase: Phase, item: PersonItem) {
        if phase == Phase::PersonRemove {
            let user = self.copy.user(item.copy.unwrap());
            self.world.members.retain(|member| member.user != user);
            return;
        }
        let write = self.plan.person_write(self.oa, self.copy, self.settings, &item).unwrap();
        if phase == Phase::PersonAdopt {
            let member = self.world.member_mut(write.user.unwrap());
            assert!(member.corp.is_empty() && member.link.is_empty());
            member.corp = write.corp_user.to_owned();
            return;
        }
        let departments: Vec<String> = write.departments.iter().map(|place| self.parent_code(*place)).collect();
        for code in &departments {
            assert!(self.world.depts.iter().any(|dept| dept.code == *code), "the department exists");
        }
        let codes = &self.codes;
        let row = item.oa.unwrap();
        let code = |unit: OaRow| codes[&unit].clone();
        let written = self.plan.written((self.oa, self.copy), self.settings, row, code);
        let member = if let Some(user) = write.user {
            self.world.member_mut(user)
        } else {
            assert!(!departments.is_empty());
            assert!(self.world.members.iter().all(|member| member.corp != write.corp_user), "never doubled");
            self.world.created += 1;
            let user = format!("w{}", self.world.created);
            self.world.members.push(Member { corp: write.corp_user.into(), ..member(&user, "", &[]) });
            self.world.members.last_mut().unwrap()
        };
        for (field, value) in write.fields {
            let place = match field {
                Field::NameZh => &mut member.name,
                Field::Mobile => &mut member.mobile,
                Field::Email => &mut member.email,
                Field::EmployeeId => &mut member.employee,
                Field::Position => &mut member.position,
                Field::Sex => &mut member.sex,
                Field::NameEn => continue,
            };
            assert!(!value.is_empty());
            *place = value.into_owned();
        }
        if !departments.is_empty() {
            member.departments = departments;
        }
        member.written = written;
        member.kept = None;
        if item.copy.is_none() {
            member.link = self.oa.person_id(row).to_owned();
        }
    }

    /// Links and marks, which WeLink does not know of.
    fn bridge_only(&mut self) {
        for item in self.plan.departments.clone() {
            if let Some(row) = item.copy.filter(|_| item.links) {
                let id = self.oa.department_id(item.oa.unwrap()).to_owned();
                self.world.dept_mut(self.copy.department_code(row)).link = id;
            }
        }
        for item in self.plan.people.clone() {
            let Some(row) = item.copy.filter(|_| item.state != State::Delete) else { continue };
            let member = self.world.member_mut(self.copy.user(row));
            if item.links {
                assert!(member.link.is_empty(), "links are never rewritten");
                member.link = self.oa.person_id(item.oa.unwrap()).to_owned();
            }
            match item.mark {
                Mark::Keep => {}
                Mark::Set => member.leaving = Some(NOW),
                Mark::Clear => member.leaving = None,
            }
        }
    }
}

/// The tree of a plan as lines: depth, colour, name.
pub fn tree(world: &World, settings: &Settings) -> String {
    let (copy, oa) = (world.copy(), world.oa());
    let (plan, _) = plan(&copy, &oa, settings, NOW);
    let mut lines = Vec::new();
    let of = |unit: &str| plan.departments.iter().find(|item| item.oa.is_some_and(|row| oa.department_id(row) == unit));
    let mut todo: Vec<(usize, &Unit)> =
        world.units.iter().rev().filter(|one| one.parent.is_empty()).map(|one| (0, one)).collect();
    while let Some((depth, one)) = todo.pop() {
        if let Some(item) = of(&one.id) {
            let dot = if item.copy.is_some() || item.state == State::New { "●" } else { "○" };
            lines.push(format!("{}{dot} {} {:?}", "  ".repeat(depth), one.name, item.state));
        }
        todo.extend(world.units.iter().rev().filter(|child| child.parent == one.id).map(|child| (depth + 1, child)));
    }
    for item in plan.departments.iter().filter(|item| item.oa.is_none()) {
        lines.push(format!("- {} {:?}", copy.department_name(item.copy.unwrap()), item.state));
    }
    lines.join("\n")
}
