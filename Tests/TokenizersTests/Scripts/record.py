"""Records what the Python package `tokenizers` makes of hard texts, with tokenizers trained tiny here.

    python record.py FIXTURES

Writes texts.json and one NAME.json a tokenizer: {"tokenizer": …, "ids": [[…]], "offsets": [[start, end, …]],
"decoded": […]}, in the order of the texts. Offsets are converted from characters to UTF-8 bytes."""
import json
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, __version__
from tokenizers import decoders as D, models as M, normalizers as N, pre_tokenizers as P, processors as R, trainers as T

folder = sys.argv[1]

TEXTS = [
    "", " ", "  ", "\n", "Hello world", "Hello, world!", " leading and trailing ", "two  spaces   three    four",
    "I'm you're WE'LL they'Ve can't 'tis it'ſ o'clock's", "tabs\tand\r\nCRLF\r\n\r\nlines\n\n\n  indented",
    "3 33 333 3333 33333 1,234.56 ½ ² Ⅷ १२३४ ٣٤٥", "สวัสดีชาวโลก ภาษาไทย", "नमस्ते दुनिया क्षत्रिय", "가나다 각 ᄒ\u1161ᆫ 한글",
    "keycap 1\ufe0f\u20e3 #\ufe0f\u20e3", "family 👨\u200d👩\u200d👧\u200d👦 flag 🇬🇧 skin 👍🏽", "cafe\u0301 café a\u0323\u0307 a\u0307\u0323 Å Å Ω Ω",
    "が ガ か\u3099 ｶﾞ ﾊﾟ ぱ は\u309a", "ﬁ ﬃ ① ㎏ ｆｕｌｌ １２ Ⅳ …", "\u0301\u0308 lone marks \u0301", "İstanbul Iğdır ǅ ẞ ß Σίσυφος ΣΑΣ",
    "control \x00\x01\x07\x1b[0m\x7f\x85 end", "zero\u200bwidth\u200djoin\ufeffbom\u00adsoft", "nb\u00a0sp\u2003em\u3000ideo\u2028line\u2029para",
    "中文字符 mixed 日本語 text한국어", "def f(x):\n    return x**2  # comment\n", "<s> </s> [CLS] [MASK] <|end|> x<|end|>y", "don't.stop?!wow  ,no",
    "http://example.com/a_b-c?d=e&f=1", "CamelCaseHTTPServer snake_case XMLParser's ABCs", "\u200d\u200c", "\ufffd � 🤷", "a" * 60, "ab " * 20,
    "السلام عليكم שלום", "x\u0300\u0301\u0302\u0316\u0317y", "\U0001d400\U0001d7d8\U0002f800豈", "▁low ▁▁ line", "MiXeD ÀÉÎ õü Ñ", "end with space ",
]
POOL = list("aBzéßИж中あनि1२¼Ⅷ²'ſsStdlLrReEvVmM.,!/_-\"$€ \t\n\r\u00a0\u2028\u200d\u0301👍ǅʰ\u0308\u0903()#<>") + [" ", " ", " ", "'s", "'LL", "\r\n", "  ", "12", "İ"]
draw = random.Random(7)
for _ in range(80):
    TEXTS.append("".join(draw.choice(POOL) for _ in range(draw.randint(3, 24))))

CORPUS = [t for t in TEXTS[:40] for _ in range(2)] + [
    "the quick brown fox jumps over the lazy dog and then the dog sleeps in the sun while the fox is hunting",
    "Once upon a time there was a little girl who was hungry and wanted to eat her breakfast in the garden",
    "she said it's the best thing they've seen and he'd say we'll see what we're going to do, don't you think?",
    "numbers 1 12 123 1234 2024 1999, years and prices $5.99 for 20% of 300 items",
] * 3


def save(name, tokenizer, texts=TEXTS[:60], keys=("ids", "offsets", "decoded")):
    """Of pieces the ids say nothing (all unknown), of steps alone the decoding."""
    ids, offsets, decoded = [], [], []
    for text in texts:
        encoding = tokenizer.encode(text)
        place = [0]
        for character in text:
            place.append(place[-1] + len(character.encode()))
        ids.append(encoding.ids)
        offsets.append([place[i] for pair in encoding.offsets for i in pair])
        decoded.append([tokenizer.decode(encoding.ids), tokenizer.decode(encoding.ids, skip_special_tokens=False)])
    record = {"made_with": f"tokenizers {__version__}", "tokenizer": json.loads(tokenizer.to_str())}
    values = {"ids": ids, "offsets": offsets, "decoded": decoded}
    record |= {key: values[key] for key in keys}
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump(record, file, ensure_ascii=False, separators=(",", ":"))


with open(f"{folder}/texts.json", "w") as file:
    json.dump(TEXTS, file, ensure_ascii=False, indent=0)

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = SHORT + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + TAIL
QWEN2 = SHORT + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + TAIL
QWEN35 = SHORT + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
SLASH = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
HEAD = r"[^\r\n\p{L}\p{N}]?"
O200K = f"{HEAD}{UPPER}*{LOWER}+{SHORT}?|{HEAD}{UPPER}+{LOWER}*{SHORT}?" + r"|\p{N}{1,3}" + SLASH
TEKKEN = f"{HEAD}{UPPER}*{LOWER}+|{HEAD}{UPPER}+{LOWER}*" + r"|\p{N}" + SLASH


# Patterns without a scanner of their own: they run through the general engine.
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+"
            r"|\s+(?!\S)|\s+")
KIMI = (r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+" + SHORT + "?|"
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*" + SHORT + r"?|\p{N}{1,3}" + TAIL)
STARCODER2 = r"(?:'(?:[sdmt]|ll|ve|re))|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?+[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
RIGHT = r"(?<=\d)(?=(?:\d{3})+(?!\d))"


def split(pattern, behavior="isolated", invert=False):
    return P.Split(Regex(pattern), behavior, invert)


# Pre-tokenizers alone: every piece is one unknown token, so that the offsets are the pieces.
PIECES = {
    "bytelevel": P.ByteLevel(add_prefix_space=False),
    "bytelevel-prefix": P.ByteLevel(add_prefix_space=True),
    "gpt2": split(GPT2), "llama3": split(LLAMA3), "qwen2": split(QWEN2), "qwen35": split(QWEN35),
    "o200k": split(O200K), "tekken": split(TEKKEN),
    "gpt2-removed-invert": split(r"\p{N}{1,3}", "removed", True),
    "space-previous": P.Split(" ", "merged_with_previous"), "space-next": P.Split(" ", "merged_with_next"),
    "spaces-contiguous": split(r"\s", "contiguous"), "line-ends": split(r"[\r\n]", "merged_with_previous"),
    "number": split(r"\p{N}", "merged_with_next"), "spaces-removed": split(r"\s+", "removed"),
    "digits": P.Digits(individual_digits=False), "digits-single": P.Digits(individual_digits=True),
    "punctuation": P.Punctuation(), "punctuation-contiguous": P.Punctuation("contiguous"),
    "punctuation-previous": P.Punctuation("merged_with_previous"), "whitespace": P.Whitespace(),
    "whitespace-split": P.WhitespaceSplit(), "bert": P.BertPreTokenizer(), "delimiter": P.CharDelimiterSplit("e"),
    "metaspace": P.Metaspace(), "metaspace-first": P.Metaspace(prepend_scheme="first"),
    "metaspace-never": P.Metaspace(prepend_scheme="never", split=False),
    "deepseek": P.Sequence([split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK)]), "kimi": split(KIMI),
    "possessive": split(STARCODER2), "thousands": split(RIGHT, "merged_with_next"), "contractions": split(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)", "removed"),
    "digits-from-right": split(r"\d{1,3}(?=(?:\d{3})*\b)"), "line-starts": split(r"^\s*", "merged_with_next"), "word-edges": split(r"\b"),
    "behind": split(r"(?<![\p{L}'])\p{L}|(?<=a|bc|, )."), "posix": split(r"[[:punct:]&&[^_'-]]+|[[:^print:]]+", "contiguous"),
    "scripts": P.UnicodeScripts(), "scripts-words": P.Sequence([P.WhitespaceSplit(), P.UnicodeScripts()]), "fixed-length": P.FixedLength(5),
    "falcon": P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(),
                          split("[0-9][0-9][0-9]")]),
}
for name, step in PIECES.items():
    tokenizer = Tokenizer(M.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = step
    save("pieces-" + name, tokenizer, TEXTS, ["offsets"])

# Normalizers alone: every byte is one token, so that the ids are the bytes and the offsets the alignment.
BYTES = {f"<0x{b:02X}>": b for b in range(256)}
STEPS = {
    "nfc": N.NFC(), "nfd": N.NFD(), "nfkc": N.NFKC(), "nfkd": N.NFKD(), "lowercase": N.Lowercase(), "nmt": N.Nmt(),
    "strip-accents": N.Sequence([N.NFD(), N.StripAccents()]), "strip": N.Strip(), "strip-left": N.Strip(left=True, right=False),
    "bert": N.BertNormalizer(), "bert-cased": N.BertNormalizer(lowercase=False), "bytelevel": N.ByteLevel(),
    "llama": N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]),
    "spm": N.Sequence([N.Replace(Regex(" {2,}"), " "), N.Replace(Regex(r"\A +| +\z"), ""), N.Prepend("▁"), N.Replace(" ", "▁")]),
}


def charsmap(rules):
    """The precompiled_charsmap that sentencepiece makes of rules: field 2 of field 3 of the model file."""
    import io
    import os
    import tempfile

    import sentencepiece

    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "rules.tsv")
        with open(path, "w") as file:
            for old, new in rules:
                file.write(" ".join(f"{ord(c):X}" for c in old) + "\t" + " ".join(f"{ord(c):X}" for c in new) + "\n")
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a"] * 20), model_writer=model, vocab_size=8, normalization_rule_tsv=path,
            hard_vocab_limit=False, minloglevel=2)

    def fields(data):
        index = 0

        def varint():
            nonlocal index
            value = shift = 0
            while True:
                byte = data[index]
                index += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        while index < len(data):
            key = varint()
            if key & 7 == 2:
                size = varint()
                yield key >> 3, data[index : index + size]
                index += size
            elif key & 7 == 5:
                index += 4
            else:
                varint()

    spec = dict(fields(model.getvalue()))[3]
    return dict(fields(spec))[2]


STEPS["charsmap"] = N.Precompiled(charsmap([
    ("A", "a"), ("É", "e"), ("é", "e"), ("e\u0301", "ê"), ("ﬁ", "fi"), ("ﬃ", "ffi"), ("①", "1"), ("\t", " "), ("\u3000", " "), ("\u200b", " "),
    ("か\u3099", "が"), ("½", "1/2"), ("\x07", ""), ("한", "\u1112\u1161\u11ab"), ("…", "..."), ("\u0301", "'"), ("👨", "man"),
]))
STEPS |= {
    "insert": N.Replace(Regex("^"), "é"), "insert-before": N.Replace(Regex("(?=[aeiou])|$"), "-"), "collapse": N.Replace(Regex(r"[\s\u200b]+"), " "),
    "control": N.Sequence([N.Replace(Regex(r"[\x00-\x08\x0b\x0e-\x1f\x7f]"), ""), N.Replace(Regex(r"\p{M}+"), "")]),
}
for name, step in STEPS.items():
    tokenizer = Tokenizer(M.BPE(vocab=BYTES, merges=[], byte_fallback=True))
    tokenizer.normalizer = step
    save("normal-" + name, tokenizer, TEXTS[:40], ["ids", "offsets"])

SPECIAL = ["<s>", "</s>", "<unk>"]


def train(name, tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def bpe(**options):
    options = {"vocab_size": 420, "special_tokens": SPECIAL, "show_progress": False} | options
    return T.BpeTrainer(**options)


alphabet = {"initial_alphabet": P.ByteLevel.alphabet()}
bos = R.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)])

t = Tokenizer(M.BPE())
t.pre_tokenizer, t.decoder = P.ByteLevel(add_prefix_space=False), D.ByteLevel()
t.post_processor = R.ByteLevel(trim_offsets=True)
save("bpe-gpt2", train("gpt2", t, bpe(**alphabet)))

t = Tokenizer(M.BPE(ignore_merges=True))
t.pre_tokenizer = P.Sequence([split(LLAMA3), P.ByteLevel(add_prefix_space=False, use_regex=False)])
t.decoder = D.ByteLevel()
t.post_processor = R.Sequence([R.ByteLevel(trim_offsets=False), bos])
train("llama3", t, bpe(**alphabet))
t.add_special_tokens([AddedToken("<|end|>", special=True, normalized=False)])
save("bpe-llama3", t)

t = Tokenizer(M.BPE())
t.normalizer = N.NFC()
t.pre_tokenizer = P.Sequence([split(QWEN2), P.ByteLevel(add_prefix_space=False, use_regex=False)])
t.decoder, t.post_processor = D.ByteLevel(), R.ByteLevel(trim_offsets=False)
save("bpe-qwen2", train("qwen2", t, bpe(**alphabet)))

t = Tokenizer(M.BPE())
t.pre_tokenizer, t.decoder = P.ByteLevel(add_prefix_space=True), D.ByteLevel()
t.post_processor = R.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
save("bpe-roberta", train("roberta", t, bpe(**alphabet)))

t = Tokenizer(M.BPE())
t.pre_tokenizer = P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)])
t.decoder = D.ByteLevel()
save("bpe-starcoder", train("starcoder", t, bpe(**alphabet)))

t = Tokenizer(M.BPE())
t.pre_tokenizer, t.decoder = PIECES["falcon"], D.ByteLevel()
save("bpe-falcon", train("falcon", t, bpe(**alphabet)))

t = Tokenizer(M.BPE(unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=False))
t.normalizer, t.pre_tokenizer = N.Sequence([N.NFC(), N.Lowercase()]), P.Whitespace()
t.decoder = D.BPEDecoder("</w>")
save("bpe-suffix", train("suffix", t, bpe(end_of_word_suffix="</w>", limit_alphabet=60)))

t = Tokenizer(M.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True))
t.pre_tokenizer, t.decoder = P.BertPreTokenizer(), D.WordPiece()
save("bpe-prefix", train("prefix", t, bpe(continuing_subword_prefix="##", limit_alphabet=60)))

for name, scheme in (("bpe-llama2", None), ("bpe-metaspace", "first"), ("bpe-gemma", "gemma")):
    t = Tokenizer(M.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if scheme is None:
        t.normalizer = N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")])
    elif scheme == "first":
        t.pre_tokenizer = P.Metaspace(prepend_scheme="first", split=False)
    else:
        t.normalizer, t.pre_tokenizer = N.Replace(" ", "▁"), P.Split(" ", "merged_with_previous")
    train(name, t, bpe(special_tokens=SPECIAL + list(BYTES), vocab_size=600, limit_alphabet=60))
    # Bytes are ordinary tokens in published files.
    state = json.loads(t.to_str())
    state["added_tokens"] = [a for a in state["added_tokens"] if not a["content"].startswith("<0x")]
    t = Tokenizer.from_str(json.dumps(state))
    t.post_processor = bos
    strip = [D.Strip(" ", 1, 0)] if scheme != "gemma" else []
    t.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()] + strip)
    save(name, t)

t = Tokenizer(M.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
t.normalizer, t.pre_tokenizer, t.decoder = N.BertNormalizer(), P.BertPreTokenizer(), D.WordPiece()
special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
train("wordpiece", t, T.WordPieceTrainer(vocab_size=400, special_tokens=special, limit_alphabet=90, show_progress=False))
t.post_processor = R.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
save("wordpiece", t)

t = Tokenizer(M.WordLevel(unk_token="<unk>"))
t.normalizer, t.pre_tokenizer = N.Sequence([N.NFKC(), N.Lowercase(), N.Strip()]), P.Sequence([P.WhitespaceSplit(), P.Punctuation()])
save("wordlevel", train("wordlevel", t, T.WordLevelTrainer(vocab_size=60, special_tokens=SPECIAL, show_progress=False)))

for name, fallback in (("unigram", False), ("unigram-bytes", True)):
    t = Tokenizer(M.Unigram())
    t.normalizer = N.Sequence([N.NFKC(), N.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer, t.decoder = P.Metaspace(), D.Metaspace()
    train(name, t, T.UnigramTrainer(vocab_size=300, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False))
    state = json.loads(t.to_str())
    rare = [v for v in state["model"]["vocab"] if not all(c < "\u0370" or c == "▁" for c in v[0])]
    state["model"]["vocab"] = [v for v in state["model"]["vocab"] if v not in rare[::2]]
    if fallback:
        state["model"]["byte_fallback"] = True
        state["model"]["vocab"] += [[b, -12.0] for b in BYTES]
        state["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, state["decoder"]]}
    t = Tokenizer.from_str(json.dumps(state))
    t.post_processor = R.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    save(name, t)

# What a CTC decoder makes of ids.
t = Tokenizer(M.WordLevel({"<pad>": 0, "|": 1, "a": 2, "b": 3, "n't": 4, "?": 5}, unk_token="?"))
t.pre_tokenizer, t.decoder = P.Split("", "isolated"), D.CTC()
LISTS = [[], [0], [2, 2, 0, 2, 1, 1, 3, 3], [2, 1, 4, 1, 5, 5, 0, 5], [1, 2], [0, 0, 2, 0, 0]]
json.dump({"tokenizer": json.loads(t.to_str()), "lists": LISTS, "texts": [t.decode(ids) for ids in LISTS]}, open(f"{folder}/lists-ctc.json", "w"))

# Two texts at once.
PAIRS = [("Hello there", "General"), ("", "x"), ("a b", ""), (" spaces ", " at ends "), ("é 中", "the fox's <s> tail")]
PROCESSORS = {
    "bert": R.BertProcessing(("</s>", 1), ("<s>", 0)), "roberta": R.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=False),
    "template": R.TemplateProcessing(single="<s> $A </s>", pair="<s> $B:1 </s>:2 $A:0 <unk>:3 <s>", special_tokens=[("<s>", 0), ("</s>", 1), ("<unk>", 2)]),
    "sequence": R.Sequence([R.ByteLevel(trim_offsets=True), R.TemplateProcessing(single="<s> $0", pair="<s> $A $B:1", special_tokens=[("<s>", 0)])]),
    "bytelevel": R.ByteLevel(trim_offsets=True), "none": None,
}
for name, step in PROCESSORS.items():
    t = Tokenizer(M.BPE())
    t.pre_tokenizer, t.decoder = P.ByteLevel(add_prefix_space=False), D.ByteLevel()
    t = train("pairs", t, bpe(vocab_size=300, **alphabet))
    if step:
        t.post_processor = step
    cases = []
    for first, second in PAIRS:
        for special in (True, False):
            e = t.encode(first, second, add_special_tokens=special)
            places = []
            for text in (first, second):
                places.append([0])
                for character in text:
                    places[-1].append(places[-1][-1] + len(character.encode()))
            offsets = [places[s or 0][i] for s, pair in zip(e.sequence_ids, e.offsets) for i in pair]
            cases.append({"texts": [first, second], "special": special, "ids": e.ids, "types": e.type_ids,
                          "sequences": [-1 if s is None else s for s in e.sequence_ids], "offsets": offsets})
    json.dump({"tokenizer": json.loads(t.to_str()), "cases": cases}, open(f"{folder}/pairs-{name}.json", "w"), ensure_ascii=False, separators=(",", ":"))

# Added tokens with every flag.
t = Tokenizer(M.BPE(unk_token="<unk>"))
t.normalizer, t.pre_tokenizer, t.decoder = N.Lowercase(), P.Metaspace(), D.Metaspace()
train("added", t, bpe(vocab_size=120, limit_alphabet=60))
t.add_tokens([AddedToken("<L>", lstrip=True), AddedToken("<R>", rstrip=True), AddedToken("ing", single_word=True),
              AddedToken("Fox", normalized=True), AddedToken("FOX", normalized=False), AddedToken("  ", normalized=False),
              AddedToken("Fox trot", normalized=True)])
t.add_special_tokens([AddedToken("<B>", lstrip=True, rstrip=True), AddedToken("<BB>")])
ADDED = ["a <L> b <R> c <B> d", "<L><R><B>", "  <L>  <R>  <B>", "sing ing ing. hunting _ing ing", "fox Fox FOX fOx trot FOX TROT foxtrot",
         "<BB><B><BB>x", "x<l>y", "a   b    c", "<s>hello</s>", "", "été ing é", "\u3000<L>\u3000<R>\u3000x"]
with open(f"{folder}/texts-added.json", "w") as file:
    json.dump(ADDED, file, ensure_ascii=False, indent=0)
# Decoding is left out: this version of the package decodes a normalised token to its normalised content.
save("added", t, ADDED, ["ids", "offsets"])
