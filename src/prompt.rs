//! Chat messages become the one text that is embedded: the person's last request.

#[cfg(feature = "train")]
pub mod edits;
mod harness;
mod wording;

pub use wording::plain;

use crate::error::{Error, Result};
use serde::Deserialize;
use std::borrow::Cow;

/// What a caller hands over: a bare text, or a chat in the shape every LLM client uses.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Prompt {
    /// A bare text.
    Text(String),
    /// Messages, oldest first.
    Chat(Vec<Message>),
}

/// One turn of a chat.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Message {
    /// `user`, `assistant`, `system`, `tool` ...
    pub role: String,
    /// Text, or a list of parts.
    #[serde(default)]
    pub content: Content,
}

/// The content of a message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts, of which those with a `text` are read.
    Parts(Vec<Part>),
    /// `null`, as in an assistant's tool call.
    #[default]
    Nothing,
}

/// One part of a multi-part message. Pictures and files have no text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Part {
    /// The part's text, if it is a text part.
    #[serde(default)]
    pub text: Option<String>,
}

/// What a router reads of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    /// A bare text, or the person's own words in the last user message that has any, as [`plain`] leaves them. `None` where
    /// the user sent pictures or files alone.
    pub text: Option<Cow<'a, str>>,
    /// Every text that the language model will read.
    pub all: Vec<&'a str>,
}

impl Prompt {
    /// What to route on.
    ///
    /// # Errors
    /// [`Error::BadInput`] where the user sent nothing.
    pub fn request(&self) -> Result<Request<'_>> {
        match self {
            Self::Text(text) if text.trim().is_empty() => {
                Err(Error::input("prompt", "it is empty; give the text that the language model will answer"))
            }
            Self::Text(text) => Ok(Request { text: Some(plain(text)), all: vec![text] }),
            Self::Chat(messages) => last_request(messages),
        }
    }

    /// The text to embed.
    ///
    /// # Errors
    /// [`Error::BadInput`] where there is no text.
    pub fn text(&self) -> Result<Cow<'_, str>> {
        self.request()?.text.ok_or_else(|| Error::input("prompt", "it holds pictures or files alone; there is no text to embed"))
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

fn last_request(messages: &[Message]) -> Result<Request<'_>> {
    let all: Vec<&str> = messages.iter().flat_map(|m| m.content.texts()).collect();
    let users = || messages.iter().rev().filter(|m| m.role == "user");
    let text = users().map(|m| harness::person(m.content.text())).find(|text| !text.trim().is_empty());
    if text.is_none() && !users().any(|m| m.content.is_more_than_text()) {
        return Err(Error::input("prompt", "the chat holds no user message with text; add one with role \"user\""));
    }
    Ok(Request { text: text.map(wording::plain_of), all })
}

impl Content {
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
            Self::Nothing => vec![],
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(_) => Cow::Owned(self.texts().join("\n")),
            Self::Nothing => Cow::Borrowed(""),
        }
    }

    /// Whether it holds pictures or files.
    fn is_more_than_text(&self) -> bool {
        matches!(self, Self::Parts(parts) if parts.iter().any(|part| part.text.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Result<String> {
        let prompt: Prompt = serde_json::from_str(json).unwrap();
        prompt.text().map(Cow::into_owned)
    }

    #[test]
    fn the_last_user_request_is_what_counts() {
        let table = [
            (r#""hi""#, "hi"),
            (r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]"#, "hi"),
            (r#"[{"role":"user","content":"old"},{"role":"assistant","content":null},{"role":"user","content":"new"}]"#, "new"),
            (r#"[{"role":"user","content":"ask"},{"role":"tool","content":"42"}]"#, "ask"),
            (r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]}]"#, "a\nb"),
            (r#"[{"role":"user","content":"ask"},{"role":"user","content":[{"type":"image_url"}]}]"#, "ask"),
            (r#"[{"role":"user","content":"<system-reminder>Be <b>kind</b>.</system-reminder>\nask<git_status>M a</git_status>"}]"#, "ask"),
            (r#"[{"role":"user","content":"ask"},{"role":"user","content":"<environment_details>\nx\n</environment_details>"}]"#, "ask"),
            (r#"[{"role":"user","content":"<additional_data>x</additional_data><user_query>\nask\n</user_query>"}]"#, "ask"),
            (r#"[{"role":"user","content":"What does <system-reminder> mean in </b>?"}]"#, "What does <system-reminder> mean in </b>?"),
        ];
        for (json, expected) in table {
            assert_eq!(text(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn pictures_alone_are_a_request_without_text() {
        let prompt: Prompt = serde_json::from_str(
            r#"[{"role":"system","content":"Look."},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]}]"#,
        )
        .unwrap();
        assert_eq!(prompt.request().unwrap(), Request { text: None, all: vec!["Look."] });
        assert_eq!(prompt.text().unwrap_err().code(), "BAD_INPUT");
    }

    #[test]
    fn all_that_the_language_model_reads_counts() {
        let prompt: Prompt = serde_json::from_str(
            r#"[{"role":"system","content":"a"},{"role":"user","content":[{"text":"b"},{"text":"c"}]},{"role":"tool","content":"d"}]"#,
        )
        .unwrap();
        assert_eq!(prompt.request().unwrap().all, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_prompt_without_text_is_refused() {
        for json in [r#""""#, r#"" \n\t""#, "[]", r#"[{"role":"system","content":"x"}]"#, r#"[{"role":"user","content":" "}]"#] {
            assert_eq!(text(json).unwrap_err().code(), "BAD_INPUT", "{json}");
        }
    }
}
