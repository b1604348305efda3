//! Companies of any size and shape, and what happens in them over time. The same seed gives the same company.

use platform::entropy::Entropy;

use super::{Company, Department, DepartmentKind, Person, Sex};

/// Surnames with their sound.
const SURNAMES: &str = "王wang李li张zhang刘liu陈chen杨yang黄huang赵zhao吴wu周zhou徐xu孙sun马ma朱zhu胡hu郭guo何he林lin高gao罗luo郑zheng\
    梁liang谢xie宋song唐tang许xu韩han冯feng邓deng曹cao彭peng曾zeng肖xiao田tian董dong潘pan袁yuan于yu蒋jiang蔡cai余yu杜du叶ye程cheng\
    苏su魏wei吕lv丁ding任ren沈shen姚yao卢lu姜jiang崔cui钟zhong谭tan陆lu汪wang范fan金jin石shi";
/// Characters of given names with their sound.
const GIVEN: &str = "伟wei芳fang娜na敏min静jing丽li强qiang磊lei洋yang艳yan勇yong军jun杰jie娟juan涛tao明ming超chao秀xiu霞xia平ping刚gang桂gui\
    文wen辉hui玲ling玉yu红hong建jian国guo华hua春chun梅mei宇yu晨chen欣xin怡yi子zi涵han浩hao然ran思si雨yu佳jia琪qi博bo雪xue峰feng\
    海hai波bo斌bin凯kai婷ting鑫xin鹏peng飞fei莉li兰lan云yun龙long洁jie宁ning倩qian";
const AREAS: [(&str, &str); 16] = [
    ("研发", "Development"),
    ("销售", "Sales"),
    ("财务", "Finance"),
    ("人力资源", "Human Resources"),
    ("市场", "Marketing"),
    ("生产", "Production"),
    ("采购", "Purchasing"),
    ("质量", "Quality"),
    ("物流", "Logistics"),
    ("客户服务", "Customer Service"),
    ("法务", "Legal"),
    ("信息技术", "Information Technology"),
    ("行政", "Administration"),
    ("工程", "Engineering"),
    ("设计", "Design"),
    ("安全", "Safety"),
];
const TITLES: [(&str, &str); 8] = [
    ("工程师", "Engineer"),
    ("高级工程师", "Senior Engineer"),
    ("专员", "Specialist"),
    ("主管", "Supervisor"),
    ("经理", "Manager"),
    ("助理", "Assistant"),
    ("顾问", "Consultant"),
    ("总监", "Director"),
];
/// Children of one department at most.
const CHILDREN_MAX: usize = 12;
/// Numbers begin here: far from those of the demonstration.
const MOBILE_FIRST: u64 = 15_000_000_000;

/// What a generated company looks like.
#[derive(Debug, Clone)]
pub struct Shape {
    pub seed: u64,
    pub people: usize,
    /// Without the company itself.
    pub departments: usize,
    /// Levels below the company at most.
    pub levels: usize,
    /// Of 1,000 people, how many hold a concurrent post.
    pub concurrent_per_mille: u32,
}

/// How much happens at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Changes {
    pub joiners: usize,
    pub leavers: usize,
    /// People of the past who come back: the same number, mobile and work number, a new account in the OA.
    pub rehires: usize,
    /// To another main department.
    pub moves: usize,
    /// A new family name; nothing else changes.
    pub marriages: usize,
    /// Joiners with the mobile number of somebody who is here.
    pub clashes: usize,
    pub department_moves: usize,
    pub department_names: usize,
}

/// One thing that happened; people by their id in the OA, departments by their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    Joined(String),
    Left(Box<Person>),
    Rehired(String),
    Moved(String),
    Married(String),
    /// The joiner, and whose number he has.
    Clashed(String, String),
    DepartmentMoved(usize),
    DepartmentNamed(usize),
}

/// Characters with their sounds, of [`SURNAMES`] or [`GIVEN`].
fn sounds(table: &'static str) -> Vec<(&'static str, &'static str)> {
    let begins: Vec<usize> = table.char_indices().filter(|(_, c)| !c.is_ascii()).map(|(at, _)| at).collect();
    let ends = begins.iter().skip(1).copied().chain([table.len()]);
    let entries = begins.iter().zip(ends).filter_map(|(begin, end)| table.get(*begin..end));
    entries.filter_map(|entry| entry.split_at_checked(entry.chars().next()?.len_utf8())).collect()
}

/// Draws from one seed.
struct Dice(Entropy);

impl Dice {
    fn below(&self, n: usize) -> usize {
        let n = u32::try_from(n.max(1)).unwrap_or(u32::MAX);
        usize::try_from(self.0.below(n)).unwrap_or(0)
    }

    fn one<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

struct Maker {
    dice: Dice,
    surnames: Vec<(&'static str, &'static str)>,
    given: Vec<(&'static str, &'static str)>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        Self { dice: Dice(Entropy::seeded(seed)), surnames: sounds(SURNAMES), given: sounds(GIVEN) }
    }

    fn surname(&self) -> (&'static str, &'static str) {
        self.dice.one(&self.surnames).copied().unwrap_or_default()
    }

    /// The person with that number; id, login, mobile, e-mail and work number follow from it and are nobody else's.
    fn person(&self, number: usize, department: usize) -> Person {
        let (surname, sound) = self.surname();
        let (mut zh, mut en) = (String::new(), String::new());
        for _ in 0..=self.dice.below(2) {
            let (character, its_sound) = self.dice.one(&self.given).copied().unwrap_or_default();
            zh.push_str(character);
            en.push_str(its_sound);
        }
        let (title_zh, title_en) = self.dice.one(&TITLES).copied().unwrap_or_default();
        let login = format!("{sound}{en}{number}");
        let own = u64::try_from(number).unwrap_or(u64::MAX);
        Person {
            id: (1000 + number).to_string(),
            name_zh: format!("{surname}{zh}"),
            name_en: format!("{} {}", capital(sound), capital(&en)),
            mobile: MOBILE_FIRST.saturating_add(own).to_string(),
            email: format!("{login}@corp.example"),
            work_code: format!("W{number:06}"),
            login,
            department,
            concurrent: Vec::new(),
            title_zh: title_zh.to_owned(),
            title_en: title_en.to_owned(),
            sex: if self.dice.below(2) == 0 { Sex::Male } else { Sex::Female },
        }
    }

    /// Where somebody works: rarely in the company itself.
    fn place(&self, company: &Company) -> usize {
        let below = company.departments.len().saturating_sub(1);
        if below == 0 || self.dice.below(97) == 0 { 0 } else { 1 + self.dice.below(below) }
    }
}

impl Shape {
    /// Five levels, one person in twenty with a concurrent post.
    pub fn new(seed: u64, people: usize, departments: usize) -> Self {
        Self { seed, people, departments, levels: 5, concurrent_per_mille: 50 }
    }

    pub fn build(&self) -> Company {
        let maker = Maker::new(self.seed);
        let mut company = Company {
            name_zh: "长风集团".to_owned(),
            name_en: "Changfeng Group".to_owned(),
            departments: vec![Department {
                id: "c-1".to_owned(),
                kind: DepartmentKind::Company,
                code: "CF".to_owned(),
                name_zh: "长风集团".to_owned(),
                name_en: "Changfeng Group".to_owned(),
                parent: None,
            }],
            people: Vec::new(),
        };
        self.departments(&maker, &mut company);
        for number in 1..=self.people {
            let mut person = maker.person(number, maker.place(&company));
            if maker.dice.below(1000) < usize::try_from(self.concurrent_per_mille).unwrap_or(0) {
                let extra = maker.place(&company);
                if extra != person.department && extra != 0 {
                    person.concurrent.push(extra);
                }
            }
            company.people.push(person);
        }
        company
    }

    /// Parents before children. What is full or deep enough takes no more, so the tree fills up to its levels.
    fn departments(&self, maker: &Maker, company: &mut Company) {
        let mut children = vec![0_usize];
        let mut level = vec![0_usize];
        let mut open = vec![0_usize];
        for number in 1..=self.departments {
            let at = maker.dice.below(open.len());
            let parent = open.get(at).copied().unwrap_or(0);
            let (zh, en) = AREAS.get(number % AREAS.len()).copied().unwrap_or_default();
            company.departments.push(Department {
                id: format!("d-{number}"),
                kind: DepartmentKind::Department,
                code: format!("D{number}"),
                name_zh: format!("{zh}{number}部"),
                name_en: format!("{en} {number}"),
                parent: Some(parent),
            });
            children.push(0);
            level.push(level[parent] + 1);
            children[parent] += 1;
            // The company itself always takes one more: a tree that is full elsewhere grows there.
            if parent != 0 && children[parent] >= CHILDREN_MAX {
                open.swap_remove(at);
            }
            if level[number] < self.levels {
                open.push(number);
            }
        }
    }
}

impl Company {
    /// A company of any size; see [`Shape`] for more to choose.
    pub fn generate(seed: u64, people: usize, departments: usize) -> Self {
        Shape::new(seed, people, departments).build()
    }

    /// Lets things happen. `former` remembers who left, for [`Changes::rehires`]; nobody is touched twice in one call
    /// unless there are too few people for it.
    pub fn evolve(&mut self, seed: u64, changes: Changes, former: &mut Vec<Person>) -> Vec<Happened> {
        let maker = Maker::new(seed);
        let mut happened = Vec::new();
        let ids = self.people.iter().chain(former.iter()).filter_map(|person| person.id.parse::<usize>().ok());
        let mut next = ids.max().map_or(1, |highest| highest.saturating_sub(999));
        let mut untouched: Vec<usize> = (0..self.people.len()).collect();
        let mut draw = || {
            let at = maker.dice.below(untouched.len());
            (at < untouched.len()).then(|| untouched.swap_remove(at))
        };
        for _ in 0..changes.moves {
            let Some(at) = draw() else { break };
            let place = maker.place(self);
            let person = &mut self.people[at];
            person.department = if place == person.department { 0 } else { place };
            person.concurrent.retain(|other| *other != person.department);
            happened.push(Happened::Moved(person.id.clone()));
        }
        for _ in 0..changes.marriages {
            let Some(at) = draw() else { break };
            let person = &mut self.people[at];
            marry(&maker, person);
            happened.push(Happened::Married(person.id.clone()));
        }
        let mut leaving: Vec<usize> = (0..changes.leavers).map_while(|_| draw()).collect();
        for _ in 0..changes.rehires.min(former.len()) {
            let back = former.swap_remove(maker.dice.below(former.len()));
            let person = Person { id: (1000 + next).to_string(), department: maker.place(self), ..back };
            next += 1;
            happened.push(Happened::Rehired(person.id.clone()));
            self.people.push(Person { concurrent: Vec::new(), ..person });
        }
        for number in 0..changes.joiners + changes.clashes {
            let mut person = maker.person(next, maker.place(self));
            next += 1;
            let here = maker.dice.one(&self.people).filter(|_| number >= changes.joiners);
            happened.push(if let Some(here) = here {
                person.mobile.clone_from(&here.mobile);
                Happened::Clashed(person.id.clone(), here.id.clone())
            } else {
                Happened::Joined(person.id.clone())
            });
            self.people.push(person);
        }
        leaving.sort_unstable();
        for at in leaving.into_iter().rev() {
            let person = self.people.remove(at);
            happened.push(Happened::Left(Box::new(person.clone())));
            former.push(person);
        }
        self.reorganise(&maker, changes, &mut happened);
        happened
    }

    fn reorganise(&mut self, maker: &Maker, changes: Changes, happened: &mut Vec<Happened>) {
        let below = self.departments.len().saturating_sub(1);
        for number in 0..(changes.department_moves + changes.department_names).min(below) {
            let at = 1 + maker.dice.below(below);
            if number < changes.department_moves {
                // Only under what stands before it, which is never below it.
                let parent = maker.dice.below(at);
                if self.departments[at].parent != Some(parent) {
                    self.departments[at].parent = Some(parent);
                    happened.push(Happened::DepartmentMoved(at));
                }
            } else {
                self.departments[at].name_zh.push('新');
                self.departments[at].name_en.push_str(" New");
                happened.push(Happened::DepartmentNamed(at));
            }
        }
    }
}

/// Another family name; the given name stays.
fn marry(maker: &Maker, person: &mut Person) {
    let old: String = person.name_zh.chars().take(1).collect();
    let other = (0..8).map(|_| maker.surname()).find(|(surname, _)| *surname != old);
    let Some((surname, sound)) = other else { return };
    let given: String = person.name_zh.chars().skip(1).collect();
    let given_en = person.name_en.split_once(' ').map_or("", |(_, given)| given).to_owned();
    person.name_zh = format!("{surname}{given}");
    person.name_en = format!("{} {given_en}", capital(sound));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_company_of_any_size_has_unique_keys_and_parents_before_children() {
        for (people, departments, levels) in [(0, 0, 1), (1, 0, 3), (500, 1, 1), (3_000, 400, 5), (50, 300, 2)] {
            let shape = Shape { levels, ..Shape::new(9, people, departments) };
            let company = shape.build();
            assert_eq!(company, shape.build(), "the same seed");
            assert_eq!((company.people.len(), company.departments.len()), (people, departments + 1));
            let mut depth = vec![0_usize];
            for (at, department) in company.departments.iter().enumerate().skip(1) {
                let parent = department.parent.unwrap();
                assert!(parent < at);
                depth.push(depth[parent] + 1);
            }
            assert!(depth.iter().all(|depth| *depth <= levels), "{levels}");
            let keys: [fn(&Person) -> &str; 5] =
                [|p| &p.id, |p| &p.login, |p| &p.mobile, |p| &p.email, |p| &p.work_code];
            for key in keys {
                assert_eq!(company.people.iter().map(key).collect::<BTreeSet<_>>().len(), people);
            }
            assert!(company.people.iter().all(|p| (2..=3).contains(&p.name_zh.chars().count())));
            assert!(company.people.iter().all(|p| p.department <= departments));
        }
        assert_ne!(Company::generate(1, 50, 5).people, Company::generate(2, 50, 5).people);
    }

    #[test]
    fn what_happens_is_what_is_told() {
        let mut company = Company::generate(4, 400, 40);
        let (before, mut former) = (company.clone(), Vec::new());
        let changes = Changes { joiners: 7, leavers: 9, moves: 11, marriages: 5, clashes: 3, ..Changes::default() };
        let happened = company.evolve(5, changes, &mut former);
        let count = |wanted: fn(&Happened) -> bool| happened.iter().filter(|one| wanted(one)).count();
        assert_eq!(count(|one| matches!(one, Happened::Moved(_))), 11);
        assert_eq!((former.len(), company.people.len()), (9, 400 - 9 + 7 + 3));
        for one in &happened {
            let now = |id: &str| company.people.iter().find(|person| person.id == id);
            let then = |id: &str| before.people.iter().find(|person| person.id == id);
            match one {
                Happened::Joined(id) => assert!(then(id).is_none() && now(id).is_some()),
                Happened::Left(person) => assert!(then(&person.id).is_some() && now(&person.id).is_none()),
                Happened::Moved(id) => assert_ne!(now(id).unwrap().department, then(id).unwrap().department),
                Happened::Married(id) => {
                    let (now, then) = (now(id).unwrap(), then(id).unwrap());
                    assert!(now.name_zh != then.name_zh && now.name_zh.chars().nth(1) == then.name_zh.chars().nth(1));
                    assert_eq!((&now.mobile, &now.login), (&then.mobile, &then.login));
                }
                Happened::Clashed(id, other) => {
                    let holders = company.people.iter().chain(&former).filter(|p| p.mobile == now(id).unwrap().mobile);
                    assert!(holders.filter(|p| p.id == *id || p.id == *other).count() == 2);
                }
                Happened::Rehired(_) | Happened::DepartmentMoved(_) | Happened::DepartmentNamed(_) => panic!("{one:?}"),
            }
        }
        let gone: BTreeSet<String> = former.iter().map(|person| person.work_code.clone()).collect();
        let changes = Changes { rehires: 4, department_moves: 6, department_names: 6, ..Changes::default() };
        let happened = company.evolve(6, changes, &mut former);
        let back: Vec<&Happened> = happened.iter().filter(|one| matches!(one, Happened::Rehired(_))).collect();
        assert_eq!((back.len(), former.len()), (4, 5));
        for one in back {
            let Happened::Rehired(id) = one else { continue };
            let person = company.people.iter().find(|person| person.id == *id).unwrap();
            assert!(gone.contains(&person.work_code) && before.people.iter().all(|p| p.id != *id));
        }
        for (at, department) in company.departments.iter().enumerate().skip(1) {
            assert!(department.parent.is_some_and(|parent| parent < at), "no cycle");
        }
    }
}
