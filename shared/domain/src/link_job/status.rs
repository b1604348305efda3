//! What became of a row, in a word and in two sentences.

use serde::{Deserialize, Serialize};

use super::Ending;
use crate::text::Text;

macro_rules! statuses {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $zh:literal / $en:literal;)*) => {
        /// What is to become of a row, or became of it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Status { $($(#[$doc])* $id),* }

        impl Status {
            pub const ALL: &[Self] = &[$(Self::$id),*];

            /// As the API and the result file name it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => $name),* }
            }

            /// As a person reads it.
            pub fn text(self) -> Text {
                match self { $(Self::$id => Text::new($zh, $en)),* }
            }
        }
    };
}

statuses! {
    Link = "link", "将关联" / "will be linked";
    Relink = "relink", "将改为关联到另一个 OA 用户" / "will be linked to another OA user";
    Unlink = "unlink", "将解除关联" / "will be unlinked";
    Restore = "restore", "将恢复到原来的状态" / "will be as it was before";
    Linked = "linked", "已关联" / "linked";
    Relinked = "relinked", "已改为关联到另一个 OA 用户" / "linked to another OA user";
    Unlinked = "unlinked", "已解除关联" / "unlinked";
    Restored = "restored", "已恢复到原来的状态" / "as it was before";
    /// The facts of the preview no longer hold; nothing was written.
    Changed = "changed", "期间已被更改，保持现状" / "changed meanwhile, left as it is";
    Unchanged = "unchanged", "已是此关联，无需更改" / "linked this way already";
    Skipped = "skipped", "关联值为空，跳过" / "no relation value, skipped";
    NoUserId = "no-user-id", "缺少 WeLink 账号" / "the WeLink account is missing";
    UnknownPerson = "unknown-person", "云桥中没有此 WeLink 账号" / "the bridge knows no such WeLink account";
    UnknownValue = "unknown-value", "没有匹配的 OA 用户" / "no OA user matches";
    AmbiguousValue = "ambiguous-value", "匹配到多个 OA 用户" / "several OA users match";
    InactiveOaUser = "inactive-oa-user", "该 OA 用户已停用" / "this OA user is not active";
    NoMainAccount = "no-main-account", "该次账号没有可用的主账号" / "this secondary account has no active main account";
    OaUserTaken = "oa-user-taken", "该 OA 用户已关联到他人" / "this OA user is linked to somebody else";
    AlreadyLinked = "already-linked", "此人已关联到另一个 OA 用户" / "the person is linked to another OA user";
    DuplicateClaim = "duplicate-claim", "多行指向同一个 OA 用户" / "several rows mean this OA user";
    DuplicatePerson = "duplicate-person", "同一个 WeLink 账号出现多次" / "several rows have this WeLink account";
}

impl Status {
    /// Whether a row with this plan changes a link.
    pub fn writes(self) -> bool {
        matches!(self, Self::Link | Self::Relink | Self::Unlink | Self::Restore)
    }

    /// Whether somebody has to look at the row.
    pub fn is_error(self) -> bool {
        self >= Self::NoUserId
    }

    /// The status once an attempt to write ended.
    pub(super) fn ended(self, ending: Ending) -> Self {
        match (ending, self) {
            (Ending::Changed, _) => Self::Changed,
            (Ending::Applied, Self::Link) => Self::Linked,
            (Ending::Applied, Self::Relink) => Self::Relinked,
            (Ending::Applied, Self::Unlink) => Self::Unlinked,
            (Ending::Applied, Self::Restore) => Self::Restored,
            (Ending::Applied, other) => other,
        }
    }
}
