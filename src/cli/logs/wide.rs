//! Tables as RouterBench has them: a row is a prompt, and every candidate has a column of scores under its own name and a
//! column of costs, `<candidate>|total_cost`. Its answers, `<candidate>|model_response`, are not read.

use pointsman::error::Error;
use pointsman::train::{Asked, Entry, Outcome, Split};
use std::borrow::Cow;

const QUERIES: [&str; 5] = ["prompt", "query", "question", "text", "input"];
const DATASETS: [&str; 2] = ["eval_name", "dataset"];
const COSTS: [&str; 2] = ["|total_cost", "|cost"];
/// What a cell without a value may say.
const MISSING: [&str; 6] = ["", "nan", "null", "none", "na", "n/a"];

/// One cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Missing,
    Text(Cow<'a, str>),
    Number(f64),
    Flag(bool),
    /// Of a type that no column here may have, by its name.
    Other(&'static str),
}

/// Where things are in a table.
#[derive(Debug, PartialEq)]
pub struct Wide {
    query: usize,
    dataset: Option<usize>,
    task: Option<usize>,
    split: Option<usize>,
    candidates: Vec<Columns>,
}

#[derive(Debug, PartialEq)]
struct Columns {
    id: String,
    score: usize,
    cost: usize,
}

impl Wide {
    /// Finds its columns among these. `line` is where they were found.
    pub fn of(line: usize, names: &[&str]) -> Result<Self, Error> {
        let find = |name: &str| names.iter().position(|n| n.trim() == name);
        let twice = |i: usize| !names[i].trim().is_empty() && names[..i].contains(&names[i]);
        let first = |aliases: &[&str]| aliases.iter().find_map(|alias| find(alias));
        let bad = |what: &str| {
            let expected = "expected `prompt` (or query, question, text, input) and for every candidate a column of scores under its \
                            name and a column of costs, `<candidate>|total_cost`";
            let found = names.join(", ");
            Error::BadLog { line, problem: format!("{what}; {expected}; found the columns {found}") }
        };
        if let Some(i) = (0..names.len()).find(|&i| twice(i)) {
            return Err(bad(&format!("two columns are called {:?}", names[i])));
        }
        let query = first(&QUERIES).ok_or_else(|| bad("no column holds the prompt"))?;
        let costs = names.iter().enumerate().filter_map(|(cost, name)| Some((cost, COSTS.iter().find_map(|end| name.strip_suffix(end))?)));
        let columns = |(cost, id): (usize, &str)| match names.iter().position(|name| *name == id) {
            Some(score) => Ok(Columns { id: id.trim().into(), score, cost }),
            None => Err(bad(&format!("{id:?} has a column of costs and none of scores"))),
        };
        let candidates = costs.map(columns).collect::<Result<Vec<_>, _>>()?;
        if candidates.is_empty() {
            return Err(bad("no candidate has a column of costs"));
        }
        Ok(Self { query, dataset: first(&DATASETS), task: find("task"), split: find("split"), candidates })
    }

    /// The columns that are read.
    pub fn used(&self) -> Vec<usize> {
        let own = self.candidates.iter().flat_map(|c| [c.score, c.cost]);
        [self.query].into_iter().chain(self.dataset).chain(self.task).chain(self.split).chain(own).collect()
    }

    /// The row that was found at a line.
    pub fn entry<'a>(&self, line: usize, cell: impl Fn(usize) -> Cell<'a>) -> Result<Entry, Error> {
        let bad = |problem: String| Error::BadLog { line, problem };
        let text = |column: Option<usize>| match column.map(&cell) {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        };
        let query = text(Some(self.query)).ok_or_else(|| bad("its prompt is no text".into()))?;
        let answers = self.candidates.iter().filter_map(|columns| columns.answer(&cell).transpose());
        Ok(Entry {
            query: unwrap_list(&query).unwrap_or_else(|| query.into_owned()),
            dataset: text(self.dataset).unwrap_or_default().into_owned(),
            task: text(self.task).unwrap_or_default().into_owned(),
            split: split(text(self.split).as_deref()).map_err(bad)?,
            answers: answers.collect::<Result<_, _>>().map_err(bad)?,
            asked: Asked::Openly,
        })
    }
}

impl Columns {
    fn answer<'a>(&self, cell: impl Fn(usize) -> Cell<'a>) -> Result<Option<(String, Outcome)>, String> {
        let number = |what: &str, column| match number(cell(column)) {
            Ok(number) => Ok(number),
            Err(found) => Err(format!("the {what} of {:?} is {found}, which is no number", self.id)),
        };
        match (number("score", self.score)?, number("cost", self.cost)?) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(format!("{:?} has a score but no cost", self.id)),
            (Some(score), Some(usd)) => Ok(Some((self.id.clone(), Outcome { score, usd, tokens_out: None }))),
        }
    }
}

/// None where there is no value. What is no number comes back as it reads.
fn number(cell: Cell) -> Result<Option<f64>, String> {
    match cell {
        Cell::Missing => Ok(None),
        Cell::Number(number) => Ok(Some(number).filter(|number| !number.is_nan())),
        Cell::Flag(is) => Ok(Some(f64::from(u8::from(is)))),
        Cell::Other(kind) => Err(kind.into()),
        Cell::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            missing if MISSING.contains(&missing) => Ok(None),
            "true" => Ok(Some(1.0)),
            "false" => Ok(Some(0.0)),
            number => number.parse().map(Some).map_err(|_| format!("{text:?}")),
        },
    }
}

fn split(text: Option<&str>) -> Result<Option<Split>, String> {
    match text.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        missing if MISSING.contains(&missing) => Ok(None),
        "train" => Ok(Some(Split::Train)),
        "test" => Ok(Some(Split::Test)),
        other => Err(format!("its split is {other:?}, neither train nor test")),
    }
}

/// The text of a list that holds one text and nothing else, as JSON or Python writes it. RouterBench wraps prompts so.
fn unwrap_list(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let list: Option<[String; 1]> = serde_json::from_str(text).ok();
    list.map(|[only]| only).or_else(|| python_string(inner))
}

/// The value of a Python string literal that is the whole of `literal`.
fn python_string(literal: &str) -> Option<String> {
    let mut chars = literal.chars();
    let quote = chars.next().filter(|c| *c == '\'' || *c == '"')?;
    let mut value = String::new();
    loop {
        match chars.next()? {
            c if c == quote => break,
            '\\' => value.push(escaped(&mut chars)?),
            c => value.push(c),
        }
    }
    chars.next().is_none().then_some(value)
}

/// What follows a backslash.
fn escaped(chars: &mut std::str::Chars) -> Option<char> {
    let digits = match chars.next()? {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c @ ('\\' | '\'' | '"') => return Some(c),
        _ => return None,
    };
    let rest = chars.as_str();
    let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
    *chars = rest.get(digits..)?.chars();
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(names: &[&str], cells: &[&str]) -> Result<Entry, Error> {
        Wide::of(1, names)?.entry(2, |i| Cell::Text(cells[i].into()))
    }

    const NAMES: [&str; 8] = ["sample_id", "prompt", "eval_name", "a", "b", "a|model_response", "a|total_cost", "b|total_cost"];

    #[test]
    fn a_routerbench_row_is_read() {
        let row =
            entry(&NAMES, &["mmlu.1", "['It\\'s 2 + 2?\\nA) \\u0034']", "mmlu", "True", "0.25", "4, of course", "0.001", "0"]).unwrap();
        assert_eq!((row.query.as_str(), row.dataset.as_str(), row.split), ("It's 2 + 2?\nA) 4", "mmlu", None));
        let outcome = |score, usd| Outcome { score, usd, tokens_out: None };
        assert_eq!(row.answers, [("a".to_owned(), outcome(1.0, 0.001)), ("b".to_owned(), outcome(0.25, 0.0))]);
    }

    #[test]
    fn what_was_not_answered_is_left_out() {
        let row = entry(&NAMES, &["", "x", "", "", "1", "", "", "0.5"]).unwrap();
        assert_eq!(row.answers.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["b"]);
        let row = entry(&NAMES, &["", "x", "", "nan", "NaN", "", "0.1", ""]).unwrap();
        assert!(row.answers.is_empty());
    }

    #[test]
    fn only_lists_of_one_text_are_unwrapped() {
        for (text, expected) in [
            (r#"["one"]"#, Some("one")),
            (r#"["say \"hi\""]"#, Some("say \"hi\"")),
            (r#"["it's"]"#, Some("it's")),
            (r"['a\\b']", Some(r"a\b")),
            ("['one', 'two']", None),
            ("[1, 2]", None),
            ("['open]", None),
            ("[]", None),
            ("plain", None),
            (r"['\ud800']", None),
        ] {
            assert_eq!(unwrap_list(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn tables_that_cannot_be_used_say_what_they_hold() {
        for names in [&["id", "a", "a|total_cost"][..], &["prompt", "a", "b"], &["prompt", "a|total_cost"]] {
            let problem = Wide::of(1, names).unwrap_err().to_string();
            assert!(problem.contains("expected `prompt`") && problem.contains(&names.join(", ")), "{problem}");
        }
        for cells in [["", "x", "", "high", "1", "", "0", "0"], ["", "x", "", "1", "1", "", "", "0"]] {
            assert!(matches!(entry(&NAMES, &cells), Err(Error::BadLog { line: 2, .. })), "{cells:?}");
        }
        let sides = |split: &str| entry(&["query", "split", "a", "a|cost"], &["x", split, "1", "0"]).map(|row| row.split);
        assert_eq!((sides("Test").unwrap(), sides("train").unwrap(), sides("").unwrap()), (Some(Split::Test), Some(Split::Train), None));
        assert!(sides("validation").is_err());
    }
}
