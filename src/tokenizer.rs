//! Text becomes [`Tokens`] (BERT WordPiece), exactly as the reference tokenizer does.
//!
//! The rules are those of BERT's uncased vocabularies: control characters are dropped, CJK characters stand alone,
//! accents are stripped after canonical decomposition, letters are lowered, punctuation stands alone, and each word is
//! cut greedily into the longest pieces the vocabulary knows. Special tokens such as `[SEP]` written in a prompt are
//! text like any other.

use crate::error::{Error, Result};
use std::collections::HashMap;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

/// A word with more characters than this becomes one unknown token, as in the reference.
const MAX_WORD_CHARS: usize = 100;

/// Lengths of words whose letters may have been swapped; shorter ones are too often names, longer ones are in no vocabulary.
const MENDABLE: std::ops::RangeInclusive<usize> = 4..=20;

/// A word of so many pieces means nothing to the vocabulary as it stands; one of two is mostly a known word and its ending.
const SHATTERED: usize = 3;

/// Of text that is no words: hashes, base64, emoji. Byte-pair tokenizers take some two to four.
const BYTES_PER_PIECE: usize = 3;

/// What the embedder reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Token ids from `[CLS]` to `[SEP]`.
    pub ids: Vec<u32>,
    /// Tokens of the whole text, the two special ones included, before anything was cut out.
    pub total: usize,
    /// Bytes of the words that became an unknown token each: emoji, other scripts, and words beyond all length.
    pub unread: usize,
    /// Words of two or more letters.
    pub words: usize,
    /// Those of them that the vocabulary holds whole.
    pub whole_words: usize,
}

impl Tokens {
    /// About how many tokens a language model makes of the whole text. What this vocabulary cannot spell, a model's cuts
    /// into pieces of a few bytes.
    pub fn length(&self) -> usize {
        self.total + self.unread / BYTES_PER_PIECE
    }

    /// Whether the text was longer than the embedder reads.
    pub fn truncated(&self) -> bool {
        self.total > self.ids.len()
    }
}

/// How a text is normalised before it is cut into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalization {
    /// Lower the letters.
    pub lowercase: bool,
    /// Drop accents after canonical decomposition.
    pub strip_accents: bool,
}

/// A WordPiece tokenizer over one vocabulary.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    ids: HashMap<Box<str>, u32>,
    /// Bytes of the longest token.
    longest: usize,
    normalization: Normalization,
    max_tokens: usize,
    unknown: u32,
    first: u32,
    last: u32,
}

impl Tokenizer {
    /// `vocabulary[i]` is the text of token i; `max_tokens` includes `[CLS]` and `[SEP]`.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where a special token is missing, a token appears twice, or `max_tokens` leaves no room for text.
    pub fn new<'a>(vocabulary: impl Iterator<Item = &'a str>, max_tokens: usize, normalization: Normalization) -> Result<Self> {
        // A map that grew to BERT's thirty thousand would move fifteen times.
        let mut ids = HashMap::with_capacity(1 << 15);
        for (id, token) in (0u32..).zip(vocabulary) {
            if ids.insert(Box::from(token), id).is_some() {
                return Err(Error::artifact("vocabulary", format!("token {token:?} appears twice")));
            }
        }
        let special = |name: &str| ids.get(name).copied().ok_or_else(|| Error::artifact("vocabulary", format!("{name} is missing")));
        let (unknown, first, last) = (special("[UNK]")?, special("[CLS]")?, special("[SEP]")?);
        if max_tokens < 3 {
            return Err(Error::artifact("limits", format!("{max_tokens} tokens leave no room for text")));
        }
        let longest = ids.keys().map(|token| token.len()).max().unwrap_or(0);
        Ok(Self { ids, longest, normalization, max_tokens, unknown, first, last })
    }

    /// Number of tokens in the vocabulary.
    pub fn vocabulary_len(&self) -> usize {
        self.ids.len()
    }

    /// Cuts a text into tokens. Of one that is longer than the embedder reads, the beginning and the end are kept, half
    /// each: a long prompt says what it wants in one of the two.
    pub fn encode(&self, text: &str) -> Tokens {
        self.encode_words(text, |_, _| None)
    }

    /// As [`Self::encode`], but a word that the vocabulary holds whole once two neighbouring letters are swapped back is
    /// read as that word, where as it stands it breaks into three pieces or more: a slip of the finger is no other prompt.
    pub fn encode_mended(&self, text: &str) -> Tokens {
        self.encode_words(text, |word, pieces| (pieces >= SHATTERED).then(|| self.swapped_back(word)).flatten())
    }

    /// `mend` may give a token for a word of so many pieces.
    fn encode_words(&self, text: &str, mend: impl Fn(&str, usize) -> Option<u32>) -> Tokens {
        let mut tokens = Tokens { ids: vec![self.first], ..Tokens::default() };
        let normal = self.normalize(text);
        for word in words(&normal) {
            let before = tokens.ids.len();
            self.cut(word, &mut tokens.ids);
            if let Some(mended) = mend(word, tokens.ids.len() - before) {
                tokens.ids.truncate(before);
                tokens.ids.push(mended);
            }
            if tokens.ids[before] == self.unknown {
                tokens.unread += word.len();
            }
            if word.chars().all(char::is_alphabetic) && word.chars().nth(1).is_some() {
                tokens.words += 1;
                tokens.whole_words += usize::from(tokens.ids.len() == before + 1 && tokens.ids[before] != self.unknown);
            }
        }
        tokens.ids.push(self.last);
        tokens.total = tokens.ids.len();
        keep_ends(&mut tokens.ids, self.max_tokens);
        tokens
    }

    /// Length of a text in a language model's tokens, as [`Tokens::length`], without the two special ones.
    pub fn count(&self, text: &str) -> usize {
        self.encode(text).length() - 2
    }

    fn normalize(&self, text: &str) -> String {
        if text.is_ascii() {
            return self.normalize_ascii(text);
        }
        let clean = text.chars().filter(|&c| !is_dropped(c)).map(|c| if c.is_whitespace() { ' ' } else { c });
        let spaced: String = clean.flat_map(pad_cjk).filter(|&c| c != '\0').collect();
        let bare: String = if self.normalization.strip_accents {
            spaced.nfd().map(|(c, _)| c).filter(|&c| !c.is_mark_nonspacing()).collect()
        } else {
            spaced
        };
        if self.normalization.lowercase { bare.chars().flat_map(char::to_lowercase).collect() } else { bare }
    }

    /// What [`Self::normalize`] does, where there are neither accents nor CJK characters: most prompts, ten times faster.
    fn normalize_ascii(&self, text: &str) -> String {
        let kept = text.bytes().filter(|&b| !b.is_ascii_control() || matches!(b, b'\t' | b'\n' | b'\r'));
        let case = |b: u8| if self.normalization.lowercase { b.to_ascii_lowercase() } else { b };
        kept.map(|b| char::from(if b.is_ascii_whitespace() { b' ' } else { case(b) })).collect()
    }

    /// Greedy longest match. A word with any unmatched rest is one unknown token.
    fn cut(&self, word: &str, ids: &mut Vec<u32>) {
        let mut pieces = Vec::new();
        let mut rest = word;
        let mut key = String::new();
        let too_long = word.len() > MAX_WORD_CHARS && word.chars().count() > MAX_WORD_CHARS;
        while !rest.is_empty() && !too_long {
            let Some((id, len)) = self.longest_piece(rest, rest.len() < word.len(), &mut key) else {
                pieces.clear();
                break;
            };
            pieces.push(id);
            rest = &rest[len..];
        }
        if pieces.is_empty() {
            pieces.push(self.unknown);
        }
        ids.extend(pieces);
    }

    /// Of the words that one swap of two neighbouring letters makes, the first in the vocabulary: those of BERT begin with
    /// the most frequent.
    fn swapped_back(&self, word: &str) -> Option<u32> {
        let mut letters = word.as_bytes().to_vec();
        if !letters.iter().all(u8::is_ascii_alphabetic) || !MENDABLE.contains(&letters.len()) {
            return None;
        }
        let known = |at: usize| {
            letters.swap(at, at + 1);
            let id = std::str::from_utf8(&letters).ok().and_then(|word| self.ids.get(word).copied());
            letters.swap(at, at + 1);
            id
        };
        (0..word.len() - 1).filter_map(known).min()
    }

    fn longest_piece(&self, rest: &str, continues: bool, key: &mut String) -> Option<(u32, usize)> {
        let prefix = if continues { "##" } else { "" };
        key.clear();
        key.push_str(prefix);
        key.push_str(rest);
        // No token is longer than the longest: without this, a text of long words would take minutes.
        let most = self.longest.saturating_sub(prefix.len()).min(rest.len());
        let ends = rest[..rest.floor_char_boundary(most)].char_indices().map(|(i, c)| i + c.len_utf8()).rev();
        for end in ends {
            key.truncate(prefix.len() + end);
            if let Some(&id) = self.ids.get(key.as_str()) {
                return Some((id, end));
            }
        }
        None
    }
}

/// Takes the middle out where there are more than `most`.
fn keep_ends(ids: &mut Vec<u32>, most: usize) {
    if let Some(excess) = ids.len().checked_sub(most) {
        let head = most.div_ceil(2);
        ids.drain(head..head + excess);
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(char::is_whitespace).flat_map(|chunk| {
        chunk.split_inclusive(is_punctuation).flat_map(|part| {
            // `part` is a run of letters, or ends in the one punctuation character that closed it.
            let split = part.char_indices().next_back().filter(|(_, c)| is_punctuation(*c)).map_or(part.len(), |(i, _)| i);
            let (run, mark) = part.split_at(split);
            [run, mark].into_iter().filter(|piece| !piece.is_empty())
        })
    })
}

fn is_dropped(c: char) -> bool {
    let other = c.is_other_control() || c.is_other_format() || c.is_other_private_use();
    c == '\0' || c == '\u{fffd}' || (other && !matches!(c, '\t' | '\n' | '\r'))
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || c.is_punctuation()
}

/// `' ', c, ' '` around a CJK character; `'\0'` marks the places to leave out, as no text still holds it here.
fn pad_cjk(c: char) -> [char; 3] {
    if is_cjk(c) { [' ', c, ' '] } else { ['\0', c, '\0'] }
}

fn is_cjk(c: char) -> bool {
    // 2B920 (not 2B820) is the reference's own figure: ids must agree with what the embedder was trained on.
    matches!(c,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}' | '\u{2A700}'..='\u{2B73F}'
        | '\u{2B740}'..='\u{2B81F}' | '\u{2B920}'..='\u{2CEAF}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCABULARY: &str = "[PAD] [UNK] [CLS] [SEP] un ##aff ##able the cafe ! , 中 [ ] sep a ##a";

    fn tokenizer(max_tokens: usize) -> Tokenizer {
        Tokenizer::new(VOCABULARY.split(' '), max_tokens, Normalization { lowercase: true, strip_accents: true }).unwrap()
    }

    fn spell(text: &str) -> String {
        let vocabulary: Vec<&str> = VOCABULARY.split(' ').collect();
        let ids = tokenizer(64).encode(text).ids;
        let pieces: Vec<&str> = ids.iter().map(|&id| vocabulary[id as usize]).collect();
        pieces.join(" ")
    }

    #[test]
    fn words_become_pieces() {
        let long = "a".repeat(101);
        let table = [
            ("", "[CLS] [SEP]"),
            ("UNaffable, the café!", "[CLS] un ##aff ##able , the cafe ! [SEP]"),
            ("the\u{200b}中the", "[CLS] the 中 the [SEP]"),
            ("unaffablex", "[CLS] [UNK] [SEP]"),
            ("[SEP]", "[CLS] [ sep ] [SEP]"),
            (long.as_str(), "[CLS] [UNK] [SEP]"),
        ];
        for (text, expected) in table {
            assert_eq!(spell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn swapped_letters_are_put_right_where_the_word_is_nothing_else() {
        let vocabulary = "[UNK] [CLS] [SEP] answer ##n ##s ##w ##r ##e a an ##sw ##re cafe cef ##a fix ##es";
        let tokenizer = Tokenizer::new(vocabulary.split(' '), 9, Normalization { lowercase: true, strip_accents: true }).unwrap();
        let spelt = |tokens: Tokens| tokens.ids.iter().map(|&id| vocabulary.split(' ').nth(id as usize).unwrap()).collect::<Vec<_>>();
        assert_eq!(spelt(tokenizer.encode("Answre")), ["[CLS]", "an", "##sw", "##re", "[SEP]"]);
        assert_eq!(spelt(tokenizer.encode_mended("Answre")), ["[CLS]", "answer", "[SEP]"]);
        // Two pieces are a word and its ending; a whole word is itself; and some are no slip of a known word.
        for text in ["cefa", "fixes", "answer", "answreanswreanswrean", "anna"] {
            assert_eq!(tokenizer.encode_mended(text), tokenizer.encode(text), "{text}");
        }
        assert_eq!(tokenizer.encode_mended("answre").whole_words, 1);
    }

    #[test]
    fn long_texts_keep_their_beginning_their_end_and_their_count() {
        let tokens = tokenizer(5).encode("the un ! , cafe");
        assert_eq!((&*tokens.ids, tokens.total, tokens.truncated()), (&[2, 7, 4, 8, 3][..], 7, true));
        let whole = tokenizer(7).encode("the un ! , cafe");
        assert_eq!((whole.ids.len(), whole.truncated(), whole.total), (7, false, tokens.total));
    }

    #[test]
    fn a_vocabulary_without_its_special_tokens_is_refused() {
        let plain = Normalization { lowercase: true, strip_accents: true };
        assert_eq!(Tokenizer::new(["a", "b"].into_iter(), 8, plain).unwrap_err().code(), "BAD_ARTIFACT");
        assert_eq!(Tokenizer::new(VOCABULARY.split(' '), 2, plain).unwrap_err().code(), "BAD_ARTIFACT");
    }

    #[test]
    fn what_cannot_be_spelt_still_has_a_length() {
        let long = "x".repeat(3000);
        assert_eq!((tokenizer(64).count("the cafe"), tokenizer(64).count(&long)), (2, 1001));
        let tokens = tokenizer(64).encode(&format!("the {long} 🙂🙂🙂"));
        assert_eq!((tokens.total, tokens.unread, tokens.length(), tokens.truncated()), (5, 3012, 1009, false));
    }
}
