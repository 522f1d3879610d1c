//! Chat messages become the one text that is embedded: the person's last request.

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

impl Prompt {
    /// The text to embed: the whole of a bare text, or the text of the last user message that has any.
    ///
    /// # Errors
    /// [`Error::BadInput`] where there is no text to route on.
    pub fn text(&self) -> Result<Cow<'_, str>> {
        let text = match self {
            Self::Text(text) => Cow::Borrowed(text.as_str()),
            Self::Chat(messages) => last_request(messages)?,
        };
        if text.trim().is_empty() {
            return Err(Error::input("prompt", "it is empty; give the text that the language model will answer"));
        }
        Ok(text)
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

fn last_request(messages: &[Message]) -> Result<Cow<'_, str>> {
    let requests = messages.iter().rev().filter(|m| m.role == "user");
    requests
        .map(|m| m.content.text())
        .find(|text| !text.trim().is_empty())
        .ok_or_else(|| Error::input("prompt", "the chat holds no user message with text; add one with role \"user\""))
}

impl Content {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(|p| p.text.as_deref()).collect();
                Cow::Owned(texts.join("\n"))
            }
            Self::Nothing => Cow::Borrowed(""),
        }
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
        ];
        for (json, expected) in table {
            assert_eq!(text(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn a_prompt_without_text_is_refused() {
        for json in [r#""""#, r#"" \n\t""#, "[]", r#"[{"role":"system","content":"x"}]"#, r#"[{"role":"user","content":" "}]"#] {
            assert_eq!(text(json).unwrap_err().code(), "BAD_INPUT", "{json}");
        }
    }
}
