//! Whether a text is in another language than English, so that an embedder of English does not judge it on a guess.
//!
//! Two witnesses must agree where a text is short: trigrams name another language, and the vocabulary, which is English,
//! breaks many of its words apart. Code, formulas and logs break apart too, but seldom look like another language.

use crate::tokenizer::Tokens;

/// So much of a long text tells its language.
const SAMPLE_CHARS: usize = 600;
/// Texts of which the vocabulary holds so many words are English: nobody else is asked.
const ENGLISH: f64 = 0.9;
/// Texts of which it holds so few may be of another language.
const BROKEN: f64 = 0.7;
/// A name or a word of a trade is no other language; two may be.
const FEW_BROKEN: usize = 2;
/// Trigrams that are so sure need no second witness.
const SURE: f64 = 0.7;

/// Whether a text is likely not English. `tokens` are those of the same text, by an embedder of English.
pub fn is_foreign(text: &str, tokens: &Tokens) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (latin, all) = letters.fold((0usize, 0usize), |(latin, all), c| (latin + usize::from(c < '\u{250}'), all + 1));
    if 2 * latin < all {
        return true;
    }
    // Accents are gone when the vocabulary is asked, and it would take "capitale" with or without one.
    let accented = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_ascii()).count();
    let whole = tokens.whole_words.saturating_sub(accented);
    let share = whole as f64 / tokens.words.max(1) as f64;
    if tokens.words == 0 || share >= ENGLISH {
        return false;
    }
    let end = text.char_indices().nth(SAMPLE_CHARS).map_or(text.len(), |(end, _)| end);
    whatlang::detect(&text[..end]).is_some_and(|found| {
        found.lang() != whatlang::Lang::Eng && (found.confidence() >= SURE || (share < BROKEN && tokens.words - whole >= FEW_BROKEN))
    })
}
