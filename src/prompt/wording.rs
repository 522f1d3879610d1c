//! How something is asked, apart from what is asked: a greeting, a "please answer this:", thanks and doubled blanks are no
//! reason to route otherwise.

use std::borrow::Cow;

/// A clause before or after the request is only looked at within so many bytes.
const WINDOW: usize = 120;
/// A clause of more words says something.
const MOST_WORDS: usize = 14;

/// What makes a clause before the request a courtesy, where all its other words are in [`FILLERS`].
const OPENERS: &str = "please pls plz kindly hi hello hey dear greetings morning afternoon evening thanks thank help answer respond reply solve \
    question questions problem problems task request query";
/// The same after the request, beside [`CLOSING_FILLERS`].
const CLOSERS: &str = "please pls plz thanks thank thx cheers regards";
const FILLERS: &str = "a about afternoon ai all am an and appreciate assist assistant be below bot can chatgpt claude consider could day \
    everyone following for friend get give good got great have here hope i is it just let like look may me might my need of \
    on one our quick read so some take tell that the there these this those to try us very want we well will with would you \
    your";
const CLOSING_FILLERS: &str = "a advance all and best for help in kind lot many much so the very you your";

/// The request without courtesies around it, each run of blanks as one. Of nothing but
/// courtesies, the last stays. Doing it twice changes nothing.
pub fn plain(text: &str) -> Cow<'_, str> {
    let text = single_blanks(text);
    let core = without_courtesies(&text);
    if core.len() == text.len() { text } else { Cow::Owned(core.to_owned()) }
}

/// As [`plain`], of a text that may be the caller's or not.
pub(super) fn plain_of(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => plain(text),
        Cow::Owned(text) => Cow::Owned(plain(&text).into_owned()),
    }
}

fn without_courtesies(text: &str) -> &str {
    let mut core = text;
    while let Some(shorter) = without_opening(core).or_else(|| without_closing(core)) {
        core = shorter;
    }
    core
}

/// The rest after a first clause that is courtesy alone, or after a "please". None where there is none, or no rest.
fn without_opening(text: &str) -> Option<&str> {
    let start = &text[..text.floor_char_boundary(WINDOW)];
    let clause = start.find([':', ',', '!', '?', '.', ';', '\n']).filter(|end| is_courtesy(&start[..*end], OPENERS, FILLERS));
    let word = |end: usize| matches!(&*start[..end].to_ascii_lowercase(), "please" | "pls" | "plz" | "kindly").then_some(end);
    let end = clause.map(|end| end + 1).or_else(|| start.find(' ').and_then(word))?;
    some_words(text[end..].trim_start())
}

/// The rest before a last clause that is thanks or a "please" alone.
fn without_closing(text: &str) -> Option<&str> {
    let bare = text.trim_end_matches(['.', '!', ' ', '\n']);
    let end = &bare[bare.ceil_char_boundary(bare.len().saturating_sub(WINDOW))..];
    let clause = end.rfind(['.', ',', '!', '?', ';', '\n'])?;
    // A question keeps its mark.
    let mark = usize::from(end[clause..].starts_with('?'));
    let kept = &bare[..bare.len() - end.len() + clause + mark];
    is_courtesy(&end[clause + 1..], CLOSERS, CLOSING_FILLERS).then_some(kept.trim_end()).and_then(some_words)
}

fn some_words(text: &str) -> Option<&str> {
    text.contains(char::is_alphanumeric).then_some(text)
}

/// Whether all words are of one of the lists, and one of the first.
fn is_courtesy(clause: &str, signs: &str, fillers: &str) -> bool {
    let words: Vec<String> = clause.split_whitespace().map(str::to_ascii_lowercase).collect();
    let among = |list: &str, word: &String| list.split(' ').any(|known| known == word);
    let known = |word: &String| among(signs, word) || among(fillers, word);
    words.len() <= MOST_WORDS && words.iter().all(known) && words.iter().any(|word| among(signs, word))
}

/// Runs of spaces and tabs as one space each; none at the ends.
fn single_blanks(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.contains('\t') && !text.contains("  ") {
        return Cow::Borrowed(text);
    }
    let mut blank = false;
    let kept = |c: &char| {
        let again = blank && matches!(c, ' ' | '\t');
        blank = matches!(c, ' ' | '\t');
        !again
    };
    Cow::Owned(text.chars().filter(kept).map(|c| if c == '\t' { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courtesies_go_and_requests_stay() {
        let same = "What is 2 + 2?";
        let table = [
            ("Please answer this: What is 2 + 2?", same),
            ("please What is 2 + 2?", same),
            ("Hi there! Could you please help me with the following question?\nWhat is 2 + 2?", same),
            ("Hello, I have a quick question: What is 2 + 2?  Thanks in advance!", same),
            ("What is 2 + 2? Thank you so much.", same),
            ("What is 2 + 2?\n\nThanks!", same),
            ("Name a prime, please.", "Name a prime"),
            ("  What\t is  2 + 2? ", same),
            // Words of their own weight, and texts of nothing else.
            ("Can you divide by zero?", "Can you divide by zero?"),
            ("Help: the pump leaks.", "the pump leaks."),
            ("Helping others: is it a duty?", "Helping others: is it a duty?"),
            ("Hi! Thank you.", "Thank you."),
            ("Please?", "Please?"),
            ("Thanks to you, it works.", "it works."),
            ("def f(x):\n    return x", "def f(x):\n return x"),
            ("Sea, please, or land?", "Sea, please, or land?"),
            ("Bitte: was ist 2 + 2?", "Bitte: was ist 2 + 2?"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), expected, "{text:?}");
            assert_eq!(plain(&plain(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn what_needs_nothing_is_not_copied_and_nothing_panics() {
        assert!(matches!(plain("Why is the sky blue?"), Cow::Borrowed(_)));
        for text in ["é", "é: é", "please", "please ", "\u{301}please: \u{1F600}", "?!?", "please: please: please:", "\t", "a, please,\n"]
        {
            let once = plain(text).into_owned();
            assert_eq!(plain(&once), once, "{text:?}");
        }
        assert_eq!(plain(&"please ".repeat(2000)).len(), "please".len());
    }
}
