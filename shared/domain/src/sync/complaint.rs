//! What the planner cannot settle: it says so, leaves the object as it is, and goes on. Only an [`Abort`] stops a plan.

use crate::text::{Lang, Text};

macro_rules! reasons {
    ($($(#[$doc:meta])* $id:ident $name:literal $zh:literal / $en:literal;)*) => {
        /// Why something is held, kept or worth a look.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $id,)* }

        impl Reason {
            pub const ALL: &[Self] = &[$(Self::$id),*];

            /// The name that interfaces use; it never changes.
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => $name,)* }
            }

            pub fn text(self) -> Text {
                match self { $(Self::$id => Text::new($zh, $en),)* }
            }
        }
    };
}

reasons! {
    /// Two different records of one side have one id.
    DuplicateId "duplicate-id"
        "有两条不同的记录使用同一个编号，已搁置" / "Two different records have this id; held";
    /// A unit of the OA names a parent that does not exist.
    Orphan "orphan"
        "上级部门在 OA 中不存在，该分支已搁置" / "Its parent does not exist in the OA; the branch is held";
    /// Units of the OA are each other's parents.
    Cycle "cycle"
        "OA 中的部门互为上下级，该分支已搁置" / "Departments of the OA are each other's parents; the branch is held";
    NoDepartmentName "no-department-name"
        "部门没有名称，该分支已搁置" / "The department has no name; the branch is held";
    /// Siblings of one name, in the OA or in WeLink (product.md Q16).
    DuplicateName "duplicate-name"
        "同一上级下有重名部门，该分支已搁置；请改名或手动关联" /
        "Two departments under one parent have this name; the branch is held. Rename one, or link them by hand";
    /// Below something that is held.
    ParentHeld "parent-held"
        "上级部门已搁置" / "A department above is held";
    /// A name that differs only in width, case or spaces (product.md Q16).
    NearMiss "near-miss"
        "WeLink 中有名称相近的部门（仅全半角、大小写或空格不同），将新建部门" /
        "WeLink has a department whose name differs only in width, case or spaces; a new one is created";
    /// Two objects of WeLink are linked to one of the OA.
    LinkNotUnique "link-not-unique"
        "WeLink 中有两个对象关联了同一个 OA 对象，已搁置" / "Two objects of WeLink are linked to one of the OA; held";
    /// The root's name is WeLink's own and is not written.
    RootName "root-name"
        "根部门名称不同，WeLink 的企业名称不会被修改" / "The roots have different names; the name of the WeLink company is not changed";
    /// Members or departments would be left behind (product.md Q14).
    NotEmpty "not-empty"
        "部门中还有保留的成员或下级部门，未删除" / "Members or departments that stay are still in it; it is not removed";
    /// His main department is unknown, sealed or held.
    DepartmentUnclear "department-unclear"
        "主部门不存在、已封存或已搁置，人员保持不变" / "The main department is unknown, sealed or held; the person is left as he is";
    /// Included, and in no written department (product.md Q13).
    AtTheTop "at-the-top"
        "所在部门不在同步范围内，人员将放在顶级部门下" / "None of the departments is in scope; the person goes to the top department";
    /// Several members or several OA users have the value (product.md Q5).
    Ambiguous "ambiguous"
        "匹配字段对应多个人，已搁置；请手动关联" / "The matching fields name several people; held. Link them by hand";
    /// The only match has a link already, or is marked (product.md Q26).
    Taken "taken"
        "匹配到的成员已关联其他 OA 用户或不允许自动关联，已搁置" /
        "The member that matches is linked to somebody else or must not be linked automatically; held";
    /// The OA user is on the deny-list or has roles (product.md C19).
    NotAutomatic "not-automatic"
        "该 OA 用户不允许自动关联，已搁置；请手动关联" / "This OA user must not be linked automatically; held. Link him by hand";
    /// An OA user who matches him waits for a decision.
    Wanted "wanted"
        "另一个 OA 用户与该成员匹配，未删除" / "Another OA user matches this member; he is not removed";
    NoName "no-name"
        "没有姓名，无法在 WeLink 创建" / "Without a name WeLink cannot create him";
    NoMobile "no-mobile"
        "没有手机号，无法在 WeLink 创建" / "Without a mobile number WeLink cannot create him";
    /// WeLink has not shown the linked member of late (product.md Q25).
    Missing "missing"
        "关联的成员在 WeLink 中已不可见，关联暂停" / "WeLink no longer shows the linked member; the link is suspended";
    /// WeLink has never shown the linked member to a sync (product.md Q24).
    NotInRange "not-in-range"
        "关联的成员不在应用可见范围内，保持不变" / "The linked member is outside the app's visible range; left as he is";
    /// The interface takes one department a person (product.md Q12).
    OneDepartment "one-department"
        "当前接口每人只支持一个部门，兼职部门未同步" / "The interface takes one department a person; the others are not written";
    /// The interface cannot give an existing object our id.
    CannotAdopt "cannot-adopt"
        "当前接口无法为已有对象设置编号，仅在云桥中关联" / "The interface cannot give it our id; it is linked in the bridge only";
    /// Out of scope, waiting (product.md TWL-15).
    Grace "grace"
        "已离开同步范围，宽限期后删除" / "Out of scope; removed when his time of grace is over";
    /// New, and people are not added (product.md M54).
    BridgeOnly "bridge-only"
        "未开启添加用户，仅保留在云桥" / "Adding people is off; he exists in the bridge only";
}

/// One thing to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Complaint<'a> {
    pub reason: Reason,
    /// The id of what it is about: of the OA where it has one, else of WeLink.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it collides with, where there is such a thing.
    pub other: &'a str,
}

/// Why nothing can be planned at all. Nothing is written then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Abort {
    /// The names of the roots, OA and WeLink (product.md M71, Q17).
    RootMismatch { oa: String, welink: String },
    /// Without a top department the OA must have one root.
    SeveralRoots { names: Vec<String> },
    /// The chosen top department is gone (product.md Q17).
    TopMissing { code: String },
    /// The OA's departments are linked to what contains the top department.
    TopInside { name: String },
    /// The copy has no root: from-WeLink was not complete.
    NoRoot,
    /// The OA showed no department that can be followed, or nobody at all.
    OaEmpty,
    /// A selected unit is gone: removing everybody else would be a guess (goals.md, promise 4).
    ScopeMissing { id: String },
}

impl Abort {
    /// The status that a run ends with (product.md Q17).
    pub fn name(&self) -> &'static str {
        match self {
            Self::RootMismatch { .. } | Self::SeveralRoots { .. } => "root-mismatch",
            Self::TopMissing { .. } => "top-department-missing",
            Self::TopInside { .. } => "top-department-inside",
            Self::NoRoot => "copy-incomplete",
            Self::OaEmpty => "oa-empty",
            Self::ScopeMissing { .. } => "scope-missing",
        }
    }

    /// `{oa}` and `{welink}` stand for the names.
    fn text(&self) -> Text {
        match self {
            Self::RootMismatch { .. } => Text::new(
                "OA 的根部门「{oa}」与 WeLink 的根部门「{welink}」名称不同，同步已中止，没有任何改动。请把其中一个改名，或在设置中选择顶级部门。",
                "The OA's root \"{oa}\" and WeLink's root \"{welink}\" have different names. The sync has stopped and \
                 changed nothing. Rename one of them, or choose a top department in the settings.",
            ),
            Self::SeveralRoots { .. } => Text::new(
                "OA 有多个根部门（{oa}），无法与 WeLink 的根部门对应。请在设置中选择顶级部门，或在 OA 中只保留一个根部门。",
                "The OA has several roots ({oa}), and WeLink has one. Choose a top department in the settings, or give \
                 the OA one root.",
            ),
            Self::TopMissing { .. } => Text::new(
                "选择的顶级部门（{welink}）在 WeLink 中已不存在，同步已中止。请重新选择顶级部门。",
                "The chosen top department ({welink}) no longer exists in WeLink. Choose another one.",
            ),
            Self::TopInside { .. } => Text::new(
                "OA 部门「{oa}」已关联到包含顶级部门的 WeLink 部门。请解除该关联，或选择其他顶级部门。",
                "The OA's department \"{oa}\" is linked to a department that contains the top department. Remove that \
                 link, or choose another top department.",
            ),
            Self::NoRoot => Text::new(
                "云桥通讯录中没有根部门，请先完整执行「从 WeLink 同步」。",
                "The bridge copy has no root. Run from-WeLink completely first.",
            ),
            Self::OaEmpty => Text::new(
                "OA 没有返回任何可用的部门或人员，同步已中止，没有任何改动。",
                "The OA returned no department or nobody. The sync has stopped and changed nothing.",
            ),
            Self::ScopeMissing { .. } => Text::new(
                "同步范围中的部门（{oa}）在 OA 中已不存在，同步已中止。请检查范围设置。",
                "The department {oa} of the scope no longer exists in the OA. Check the scope.",
            ),
        }
    }

    /// What a person reads: what happened and every remedy.
    pub fn message(&self, lang: Lang) -> String {
        let several;
        let (oa, welink) = match self {
            Self::RootMismatch { oa, welink } => (oa.as_str(), welink.as_str()),
            Self::SeveralRoots { names } => {
                several = names.join(", ");
                (several.as_str(), "")
            }
            Self::TopMissing { code } => ("", code.as_str()),
            Self::TopInside { name } => (name.as_str(), ""),
            Self::ScopeMissing { id } => (id.as_str(), ""),
            Self::NoRoot | Self::OaEmpty => ("", ""),
        };
        // Piece by piece: a name may contain the other placeholder.
        let pieces = self.text().get(lang).split('{').enumerate().map(|(at, piece)| match piece.split_once('}') {
            Some((name, rest)) if at > 0 => format!("{}{rest}", if name == "oa" { oa } else { welink }),
            _ => piece.to_owned(),
        });
        pieces.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn twl_04_a_root_mismatch_names_both_roots_and_both_remedies() {
        let abort = Abort::RootMismatch { oa: "Re{welink}部门".to_owned(), welink: "演示部门".to_owned() };
        let (zh, en) = (abort.message(Lang::Zh), abort.message(Lang::En));
        for part in ["「Re{welink}部门」", "「演示部门」", "改名", "顶级部门"] {
            assert!(zh.contains(part), "{zh}");
        }
        for part in ["\"Re{welink}部门\"", "\"演示部门\"", "Rename one", "choose a top department"] {
            assert!(en.contains(part), "{en}");
        }
    }

    #[test]
    fn reasons_have_names_of_their_own() {
        let names: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(!reason.text().zh.is_empty() && !reason.text().en.is_empty());
        }
    }
}
