//! What a text looks like, whatever it says: lengths, digits, code, formulas, options, the form of a question. Like the
//! embedder, it does not tell upper case from lower, nor one blank from two, and courtesies do not count.

use crate::prompt::plain;

/// How many numbers describe a text's surface.
pub const SURFACE: usize = 22;

/// Counts along one pass over the characters.
#[derive(Default)]
struct Counts {
    chars: usize,
    digits: usize,
    numbers: usize,
    operators: usize,
    brackets: usize,
    foreign: usize,
    punctuation: usize,
    quotes: usize,
    newlines: usize,
    formulas: usize,
}

impl Counts {
    fn of(text: &str) -> Self {
        let mut counts = Self::default();
        let mut before = ' ';
        for c in text.chars() {
            counts.chars += 1;
            counts.digits += usize::from(c.is_numeric());
            counts.numbers += usize::from(c.is_ascii_digit() && !before.is_ascii_digit());
            counts.operators += usize::from("=+*/^<>|~".contains(c));
            counts.brackets += usize::from("{}[]();_".contains(c));
            counts.foreign += usize::from(!c.is_ascii());
            counts.punctuation += usize::from(".,:;".contains(c));
            counts.quotes += usize::from(c == '"' || c == '\'');
            counts.newlines += usize::from(c == '\n');
            // A LaTeX command or the border of a formula.
            counts.formulas += usize::from(c == '$' || (before == '\\' && c.is_ascii_alphabetic()));
            before = c;
        }
        counts
    }
}

/// The surface of a text of so many tokens. In order: ln(1 + characters), ln(1 + tokens), tokens per character,
/// ln(1 + characters before the first option), ln(1 + line breaks), options / 10, whether there are two or more options,
/// share of digits, ln(1 + numbers), share of operators, ln(1 + LaTeX commands and dollars), share of brackets, mean word length / 10, whether it holds a question mark, whether its stem ends in one, whether it has a
/// blank to fill, ln(1 + code keywords), share of non-ASCII, of punctuation, of quotes, distinct words per word,
/// negations per word.
pub fn surface(text: &str, tokens: usize) -> [f32; SURFACE] {
    let text = &*plain(text);
    let counts = Counts::of(text);
    let share = |count: usize| count as f64 / counts.chars.max(1) as f64;
    let log = |count: usize| libm::log1p(count as f64);
    let words: Vec<&str> = runs(text, |c| c.is_ascii_alphabetic()).map(|(_, word)| word).collect();
    let per_word = |count: f64| count / words.len().max(1) as f64;
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let distinct: std::collections::HashSet<&String> = lower.iter().collect();
    let options = text.lines().filter(|line| option(line).is_some()).count();
    let stem = stem(text);
    let flag = |is: bool| f64::from(u8::from(is));
    let values = [
        log(counts.chars),
        log(tokens),
        share(tokens),
        log(stem.chars().count()),
        log(counts.newlines),
        options as f64 / 10.0,
        flag(options >= 2),
        share(counts.digits),
        log(counts.numbers),
        share(counts.operators),
        log(counts.formulas),
        share(counts.brackets),
        per_word(words.iter().map(|word| word.len() as f64).sum()) / 10.0,
        flag(text.contains('?')),
        flag(stem.trim_end().ends_with('?')),
        flag(text.contains("____")),
        log(keywords(text)),
        share(counts.foreign),
        share(counts.punctuation),
        share(counts.quotes),
        per_word(distinct.len() as f64),
        per_word(lower.iter().filter(|word| NEGATIONS.contains(&word.as_str())).count() as f64),
    ];
    values.map(|value| value as f32)
}

const NEGATIONS: [&str; 4] = ["not", "no", "never", "except"];
const KEYWORDS: [&str; 9] = ["def", "return", "import", "for", "while", "if", "assert", "print", "class"];

/// The letter of an option line such as `B) ...` or `(c. ...`, in upper case.
fn option(line: &str) -> Option<char> {
    let line = line.trim_start();
    let mut chars = line.strip_prefix('(').unwrap_or(line).chars();
    let letter = chars.next().map(|c| c.to_ascii_uppercase()).filter(|c| ('A'..='J').contains(c))?;
    let closed = chars.next().is_some_and(|c| c == '.' || c == ')');
    (closed && chars.next().is_none_or(char::is_whitespace)).then_some(letter)
}

/// What comes before option A.
fn stem(text: &str) -> &str {
    let first = text.lines().find(|line| option(line) == Some('A'));
    // Both are slices of the same text.
    first.map_or(text, |line| &text[..line.as_ptr().addr() - text.as_ptr().addr()])
}

/// Words of code that stand as such, followed by what code has behind them.
fn keywords(text: &str) -> usize {
    let follows = |end: usize| text[end..].starts_with([' ', '(', ':']);
    let words = runs(text, |c| c.is_alphanumeric() || c == '_');
    words.filter(|(start, word)| KEYWORDS.contains(&word.to_ascii_lowercase().as_str()) && follows(start + word.len())).count()
}

/// The longest runs of such characters, and where they start.
fn runs(text: &str, is: impl Fn(char) -> bool + Copy) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is)?;
        let len = text[start..].find(|c| !is(c)).unwrap_or(text.len() - start);
        at = start + len;
        Some((start, &text[start..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_with_options_is_read_as_one() {
        let text = "Which is NOT prime?\nA) 2\n(B) 4\nC. 5 and 13\n";
        let s = surface(text, 20);
        assert_eq!((s[5], s[6], s[13], s[14]), (0.3, 1.0, 1.0, 1.0));
        assert_eq!(s[3], libm::log1p(20.0) as f32);
        assert_eq!(surface(&text.to_lowercase(), 20), s);
        assert_eq!(s[8], libm::log1p(4.0) as f32);
        assert_eq!(s[21], 1.0 / 8.0);
        assert!(option("I. e. it").is_some() && option("Iam)").is_none() && option("K) no").is_none());
    }

    #[test]
    fn code_and_formulas_are_seen_and_anything_is_survived() {
        assert_eq!(surface("def f(x): return x", 9)[16], libm::log1p(2.0) as f32);
        assert_eq!(surface("define returns", 2)[16], 0.0);
        assert_eq!(surface(r"$\frac{1}{2}$", 9)[10], libm::log1p(3.0) as f32);
        for text in ["", "\n", "\u{1F600}A) \u{301}", "A)", "((((", "é", "____"] {
            assert!(surface(text, 0).iter().all(|x| x.is_finite()), "{text:?}");
        }
    }
}
