//! Which call a tool result answers. OpenAI insists on ids; Ollama's older clients send names, or nothing.

use crate::chat::{ToolCall, ToolResult};

/// The calls of the conversation so far.
#[derive(Debug, Default)]
pub(super) struct CallHistory<'a> {
    calls: Vec<PastCall<'a>>,
}

#[derive(Debug)]
struct PastCall<'a> {
    id: &'a str,
    name: &'a str,
    answered: bool,
}

impl<'a> CallHistory<'a> {
    /// The model made a call.
    pub(super) fn called(&mut self, call: &'a ToolCall) {
        self.calls.push(PastCall { id: &call.id, name: &call.name, answered: false });
    }

    /// The id of the call a result answers: the one it states, else the oldest open call of its name,
    /// else (without a name) the oldest open call. `None` for a result nobody asked for.
    pub(super) fn answered(&mut self, result: &ToolResult) -> Option<&'a str> {
        let fits = |call: &&mut PastCall<'_>| match (&result.call_id, &result.name) {
            (Some(id), _) => call.id == id,
            (None, Some(name)) => !call.answered && call.name == name,
            (None, None) => !call.answered,
        };
        let call = self.calls.iter_mut().find(fits)?;
        call.answered = true;
        Some(call.id)
    }
}
