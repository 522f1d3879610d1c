//! Promise: ids equal those of the reference tokenizer, on any text.

mod support;

use pointsman::tokenizer::{Normalization, Tokenizer};
use support::{Rng, minilm_folder};

/// The reference, with its special tokens taken away: in a prompt, `[SEP]` is text.
fn reference(json: &str) -> tokenizers::Tokenizer {
    let mut json: serde_json::Value = serde_json::from_str(json).unwrap();
    json["added_tokens"] = serde_json::json!([]);
    json["truncation"] = serde_json::Value::Null;
    json["padding"] = serde_json::Value::Null;
    json.to_string().parse().unwrap()
}

fn both() -> Option<(tokenizers::Tokenizer, Tokenizer)> {
    let folder = minilm_folder()?;
    let json = std::fs::read_to_string(folder.join("tokenizer.json")).unwrap();
    let vocabulary = std::fs::read_to_string(folder.join("vocab.txt")).unwrap();
    let plain = Normalization { lowercase: true, strip_accents: true };
    Some((reference(&json), Tokenizer::new(vocabulary.lines(), 1 << 20, plain).unwrap()))
}

/// Pieces of text that tokenizers disagree about.
const PIECES: &[&str] = &[
    "hello",
    "WORLD",
    "unaffable",
    "don't",
    "co-operate",
    "naïve",
    "Ångström",
    "crème brûlée",
    "straße",
    "İstanbul",
    "ﬁne",
    "Ⅷ",
    "½",
    "x²",
    "中文字符",
    "日本語テキスト",
    "한국어",
    "ไทย",
    "हिन्दी",
    "العربية",
    "עברית",
    "Ελληνικά ΣΑΣ",
    "русский",
    "Tiếng Việt",
    "🙂",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "e\u{301}",
    "\u{200b}",
    "\u{200d}",
    "\u{ad}",
    "\u{feff}",
    "\u{fffd}",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{3000}",
    "\u{e000}",
    "\t",
    "\r\n",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[PAD]",
    "[UNK]",
    "##ing",
    "1,234.56",
    "$9.99",
    "€5",
    "a_b",
    "`code`",
    "fn f() -> u8 { 0 }",
    "https://a.b/c?d=e#f",
    "…",
    "“q”",
    "—",
    "\u{300}",
    "𝔘𝔫𝔦",
    "𠀀",
    "\u{2b920}",
    "\u{2b830}",
    "\u{11935}",
    "\u{1e030}",
    "ǅ",
    "ß",
    "ﷺ",
    "\u{378}",
];

fn random_text(rng: &mut Rng) -> String {
    let length = 1 + rng.below(24);
    let piece = |rng: &mut Rng| match rng.below(6) {
        0 => char::from_u32(rng.below(0x3000) as u32).map(String::from).unwrap_or_default(),
        1 => char::from_u32(rng.below(0x11_0000) as u32).map(String::from).unwrap_or_default(),
        2 => "x".repeat(rng.below(130)),
        _ => PIECES[rng.below(PIECES.len())].to_owned(),
    };
    (0..length).map(|_| piece(rng) + if rng.below(3) == 0 { "" } else { " " }).collect()
}

#[test]
fn ids_equal_the_reference() {
    let Some((reference, ours)) = both() else { return };
    let mut rng = Rng::new(1);
    let mut texts: Vec<String> = PIECES.iter().map(|&p| p.to_owned()).collect();
    texts.extend((0..4000).map(|_| random_text(&mut rng)));
    texts.extend((0..20).map(|_| (0..400).map(|_| random_text(&mut rng)).collect::<String>()));
    for text in &texts {
        let expected = reference.encode(text.as_str(), true).unwrap();
        assert_eq!(ours.encode(text).ids, expected.get_ids(), "{text:?}");
    }
    println!("{} texts, the longest of {} bytes: all ids equal", texts.len(), texts.iter().map(String::len).max().unwrap());
}

#[test]
fn every_character_alone_equals_the_reference() {
    let Some((reference, ours)) = both() else { return };
    let mut checked = 0;
    for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| (*c as u32) < 0x3_4000 || (*c as u32).is_multiple_of(97)) {
        let text = format!("a{c}b {c}");
        let expected = reference.encode(text.as_str(), true).unwrap();
        assert_eq!(ours.encode(&text).ids, expected.get_ids(), "U+{:04X}", c as u32);
        checked += 1;
    }
    println!("{checked} characters: all ids equal");
}
