//! Editors and agents wrap what a person asks in text of their own. In a chat, that text is no reason to route otherwise.

use std::borrow::Cow;

/// What stands between these is the person's own words, and all else of the message is not.
const REQUESTS: &[&str] = &["user_query", "userRequest", "user_request", "user_message"];

/// Blocks that tools put into user messages.
const NOISE: &[&str] = &[
    "system-reminder",
    "system_reminder",
    "environment_context",
    "environment_details",
    "user_instructions",
    "user_info",
    "project_layout",
    "git_status",
    "open_and_recently_viewed_files",
    "additional_data",
    "attached_files",
    "ide_opened_file",
    "ide_selection",
    "editorContext",
    "reminderInstructions",
    "command-message",
    "command-name",
    "local-command-stdout",
    "local-command-caveat",
    "task-notification",
    "tool_result",
    "function_results",
];

/// What the person wrote of a user message; empty where a tool wrote all of it.
pub(super) fn person(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("</") {
        return text;
    }
    if let Some((start, end)) = REQUESTS.iter().find_map(|tag| last_block(&text, tag)) {
        return Cow::Owned(text[start..end].trim().to_owned());
    }
    let kept = NOISE.iter().fold(text.as_ref().to_owned(), |text, tag| without(&text, tag));
    if kept.len() == text.len() { text } else { Cow::Owned(kept.trim().to_owned()) }
}

/// Where the content of the last such block starts and ends.
fn last_block(text: &str, tag: &str) -> Option<(usize, usize)> {
    let open = format!("<{tag}>");
    let start = text.rfind(&open)? + open.len();
    let end = start + text[start..].find(&format!("</{tag}>"))?;
    Some((start, end))
}

/// The text without its blocks of this tag. One that is never closed stays: it may be the person's.
fn without(text: &str, tag: &str) -> String {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, inside)) = rest.split_once(&open) {
        let Some((_, after)) = inside.split_once(&close) else { break };
        kept.push_str(before);
        rest = after;
    }
    kept + rest
}
