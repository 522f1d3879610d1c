//! Prompts, one a line.

use super::read;
use pointsman::error::Error;
use pointsman::prompt::Prompt;
use std::io::BufRead;
use std::path::Path;

/// A prompt and its one-based line.
pub type Numbered = (usize, Prompt);

/// Every line that is not blank, one at a time, so that a stream is answered as it comes. `jsonl` is a file of JSON strings
/// and JSON lists of chat messages, where `-` is standard input; without it, lines of standard input are prompts as they are.
pub fn each(jsonl: Option<&Path>) -> anyhow::Result<Box<dyn Iterator<Item = anyhow::Result<Numbered>>>> {
    let lines: Box<dyn BufRead> = match jsonl {
        Some(path) if path.as_os_str() != "-" => Box::new(std::io::Cursor::new(read(path)?)),
        _ => Box::new(std::io::stdin().lock()),
    };
    let is_json = jsonl.is_some();
    let numbered = lines.lines().enumerate().map(|(i, text)| (i + 1, text));
    let filled = numbered.filter(|(_, text)| text.as_ref().map_or(true, |text| !text.trim().is_empty()));
    Ok(Box::new(filled.map(move |(line, text)| Ok((line, parse(line, text?, is_json)?)))))
}

fn parse(line: usize, text: String, is_json: bool) -> Result<Prompt, Error> {
    if !is_json {
        return Ok(Prompt::Text(text));
    }
    serde_json::from_str(&text).map_err(|e| Error::BadInput {
        argument: format!("line {line}"),
        problem: format!("neither a JSON string nor a JSON list of messages: {e}"),
    })
}
