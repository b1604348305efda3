//! What people see in the simulated WeLink, for the phone and for tests: who saw what, how often.

use domain::time::Timestamp;

use super::WeLink;
use super::messages::{Message, MessageCopy};
use super::todos::{TodoEvent, TodoRow};

/// One person's copy of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message; its `copies` hold only this person's.
    pub message: Message,
    pub copy: MessageCopy,
}

impl WeLink {
    /// What a person finds in the notification centre, on all devices, newest first; what was recalled is gone.
    pub fn inbox(&self, tenant_id: &str, user_id: &str) -> Vec<Received> {
        let world = self.world();
        let messages = world.messages.all().rev().filter(|m| m.tenant_id == tenant_id && !m.recalled);
        let own = |message: &Message| {
            let copy = message.copies.get(user_id)?.clone();
            let copies = std::iter::once((user_id.to_owned(), copy.clone())).collect();
            Some(Received { message: Message { copies, ..message.clone() }, copy })
        };
        messages.filter_map(own).collect()
    }

    /// Every message that was taken, oldest first, recalled ones included: what was delivered to whom.
    pub fn messages(&self) -> Vec<Message> {
        self.world().messages.all().cloned().collect()
    }

    /// A person has opened a message.
    pub fn read_message(&self, number: u64, user_id: &str) {
        self.world().messages.mark_read(number, user_id);
    }

    /// The to-dos of a person, newest first.
    pub fn todos(&self, tenant_id: &str, user_id: &str) -> Vec<TodoRow> {
        let now: Timestamp = self.now();
        let mut world = self.world();
        let life_ms = world.settings.todo_life_ms;
        world.todos.expire(now, life_ms);
        world.todos.of(tenant_id, user_id)
    }

    /// Every change of a to-do, oldest first.
    pub fn todo_history(&self) -> Vec<TodoEvent> {
        self.world().todos.history().cloned().collect()
    }
}
