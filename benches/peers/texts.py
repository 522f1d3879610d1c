"""The texts that everyone embeds, and their f32 embeddings. The same on every run: the seed is fixed.

texts.json: `varied`, 240 texts of all kinds; `lengths`, for each number of tokens (the two special ones included) 24
texts of exactly so many; `batch`, 32 texts of 16 tokens. Each is {texts, ids}.
reference.json: the f32 embeddings of `varied`, by onnxruntime: mean over the tokens, unit length.

usage: texts.py MODEL_FOLDER OUT_FOLDER     the model's folder holds tokenizer.json and f32.onnx
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

LENGTHS, TEXTS_PER_LENGTH, BATCH, BATCH_LENGTH, LIMIT = (8, 16, 32, 64, 128), 24, 32, 16, 256
OPENERS = ("", "Please ", "Can you ", "I need you to ", "Hi! ", "Quick one: ", "Could you possibly ", "As an expert, ")
VERBS = ("write explain summarise translate debug refactor plan compare list prove draft rewrite classify extract solve "
         "describe optimise review estimate schedule").split()
THINGS = ("a haiku about rain", "this Python traceback", "the causes of the 1929 crash", "a Rust lifetime error", "my cover letter",
          "quicksort in C", "the French Revolution", "an SQL join across three tables", "a binomial proof", "a vegan dinner for six",
          "the Krebs cycle", "a contract clause", "Kubernetes ingress rules", "a bedtime story about a fox",
          "the derivative of x^3 sin(x)", "a README for a small library", "Newton's second law", "a polite refusal email",
          "the plot of Hamlet", "this CSV of sales figures", "an integral by parts", "React hooks", "a regex for ISO dates",
          "my quarterly budget", "a marathon training week", "the difference between TCP and UDP", "Spanish past tenses",
          "a haunted-house scene", "the GDPR in plain words", "a unit test for this parser")
TAILS = ("in two sentences", "for a ten-year-old", "with an example", "step by step", "as a table", "without jargon", "and say why",
         "using bullet points", "before Friday", "in German", "with citations", "as JSON", "under 100 words", "in a formal tone",
         "for a beginner", "and check the edge cases", "so my team can reuse it", "with a short test")
SENTENCES = 200
ODD = ("hello", "café naïve façade", "你好,世界", "def f(x): return x**2 + 1", "SELECT * FROM users WHERE id = 42;", "???",
       "The quick brown fox jumps over the lazy dog.", "E = mc^2", "😀 feeling great today!", "Antidisestablishmentarianism", "ok",
       "What's the weather in Paris tomorrow?", "1 2 3 4 5 6 7 8 9 10", "http://example.org/a?b=c&d=e", "ΑΒΓ δεζ", "русский текст",
       "日本語のテスト", "مرحبا بالعالم", "a " * 40, "lorem ipsum dolor sit amet consectetur adipiscing elit " * 5,
       "I love this product", "I hate this product", "The cat sat on the mat", "A feline rested on a rug",
       "Stock markets fell sharply on Monday", "He plays guitar", "She plays the violin", "Compute 17 * 23",
       "Who won the 1966 World Cup?", "Explain monads", "Fix: TypeError: 'NoneType' object is not iterable",
       "Book a flight from Oslo to Rome", "Write unit tests", "How do I centre a div?", "Tell me a joke", "Is P equal to NP?",
       "Translate 'good morning' to Japanese", "What is the capital of Australia?", "Rust borrow checker", "Vaccines and immunity")

dice = random.Random(7)


def request():
    return f"{dice.choice(VERBS)} {dice.choice(THINGS)} {dice.choice(TAILS)}"


def sentence():
    words = dice.choice(OPENERS) + request()
    if dice.random() < 0.35:
        words += f", and then {request()}"
    return words + dice.choice([".", "?", "", "!"])


def exactly(length, count):
    """A text of exactly `length` tokens, grown word by word."""
    while True:
        words = []
        for word in " ".join(sentence() for _ in range(1 + length // 8)).split():
            words.append(word)
            tokens = count(" ".join(words))
            if tokens == length:
                return " ".join(words)
            if tokens > length:
                break


def embed(session, ids):
    row = np.array([ids], np.int64)
    feeds = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
    mean = session.run(None, feeds)[0][0].mean(0)
    return [round(float(x), 7) for x in mean / np.linalg.norm(mean)]


def main(folder, out):
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    ids = lambda text: tokenizer.encode(text).ids[:LIMIT]
    count = lambda text: len(tokenizer.encode(text).ids)
    both = lambda texts: {"texts": texts, "ids": [ids(text) for text in texts]}
    varied = both([sentence() for _ in range(SENTENCES)] + list(ODD))
    lengths = {length: both([exactly(length, count) for _ in range(TEXTS_PER_LENGTH)]) for length in LENGTHS}
    batch = both([exactly(BATCH_LENGTH, count) for _ in range(BATCH)])
    (out / "texts.json").write_text(json.dumps({"varied": varied, "lengths": lengths, "batch": batch}, ensure_ascii=False))
    session = onnxruntime.InferenceSession(folder / "f32.onnx", providers=["CPUExecutionProvider"])
    (out / "reference.json").write_text(json.dumps([embed(session, row) for row in varied["ids"]]))


main(Path(sys.argv[1]), Path(sys.argv[2]))
