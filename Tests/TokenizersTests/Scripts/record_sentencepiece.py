"""Trains small sentencepiece models and records what the Python package `sentencepiece` makes of hard texts.

    python record_sentencepiece.py FIXTURES/sentencepiece

Writes NAME.model and NAME.json: {"cases": [{"text", "ids", "decoded"}]}. The texts are those of FIXTURES/texts.json."""
import io
import json
import os
import sys

import sentencepiece

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
texts = [text.replace("\x00", "") for text in json.load(open(f"{folder}/../texts.json"))]
texts += ["a<sep>b <sep>c", "<sep><sep>x<mask >y", "<s>a</s>", "▁a ▁▁ b", "   ", "wow   ", " \t\n x"]
corpus = [text for text in texts[:40] if text.strip()] * 2 + [
    "the quick brown fox jumps over the lazy dog and then the dog sleeps in the sun while the fox is hunting",
    "Once upon a time there was a little girl who was hungry and wanted to eat her breakfast in the garden",
    "she said it's the best thing they've seen and he'd say we'll see what we're going to do, don't you think?",
] * 4

# A small map, since the published ones have a quarter of a megabyte.
RULES = [("A", "a"), ("É", "e"), ("é", "e"), ("e\u0301", "ê"), ("ﬁ", "fi"), ("①", "1"), ("\t", " "), ("\u3000", " "), ("\u200b", ""), ("か\u3099", "が"),
         ("½", "1/2"), ("\x07", ""), ("…", "..."), ("\u00a0", " "), ("\n", " "), ("H", "h"), ("He", "hE"), ("\r\n", " ")]
rules = f"{folder}/rules.tsv"
with open(rules, "w") as file:
    for old, new in RULES:
        file.write(" ".join(f"{ord(c):X}" for c in old) + "\t" + " ".join(f"{ord(c):X}" for c in new) + "\n")

MODELS = {
    "unigram": dict(model_type="unigram", normalization_rule_name="identity", user_defined_symbols=["<sep>", "ing"], control_symbols=["<ctl>"]),
    "unigram-bytes": dict(model_type="unigram", byte_fallback=True, vocab_size=500, normalization_rule_name="identity"),
    "bpe": dict(model_type="bpe", user_defined_symbols=["<sep>", "▁the"], normalization_rule_tsv=rules),
    "bpe-bytes": dict(model_type="bpe", byte_fallback=True, vocab_size=500, normalization_rule_name="identity",
                      remove_extra_whitespaces=False, split_digits=True),
    "unigram-plain": dict(model_type="unigram", add_dummy_prefix=False, normalization_rule_tsv=rules,
                          remove_extra_whitespaces=False, unk_surface="?"),
    "bpe-suffix": dict(model_type="bpe", treat_whitespace_as_suffix=True, normalization_rule_name="identity"),
}
for name, options in MODELS.items():
    model = io.BytesIO()
    settings = dict(vocab_size=230, character_coverage=0.98, hard_vocab_limit=False, minloglevel=2)
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=model, **(settings | options))
    with open(f"{folder}/{name}.model", "wb") as file:
        file.write(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    cases = []
    for text in texts[:90] + texts[-7:]:
        ids = processor.encode(text)
        cases.append({"text": text, "ids": ids, "decoded": processor.decode(ids)})
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump({"made_with": f"sentencepiece {sentencepiece.__version__}", "cases": cases}, file, ensure_ascii=False,
                  separators=(",", ":"))
os.remove(rules)
