"""Encodes generated texts with the Python packages, for the property tests.

    python oracle.py FIXTURES SEED COUNT KIND [MODEL...]

One line of JSON a case. KIND `tokenizers`: every record of FIXTURES, COUNT texts each: {"name", "text", "ids", "offsets"};
`expressions`: COUNT generated patterns: {"pattern", "text", "matches"}, no matches where the package refuses the pattern;
`sentencepiece`: COUNT texts for each MODEL: {"name", "text", "ids", "decoded"}."""
import json
import os
import random
import sys

folder, seed, count, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
sys.stdout.reconfigure(encoding="utf-8")
draw = random.Random(seed)
POOL = list("aAbBeéIiſsSßzZżЖжΣςσ中あカｱ한अनिก้ำعربי0123456789²½१٣Ⅷ.,!?'’\"-_/\\()<>[]{}|~`^+=$€©№@#%&*…—«»¿\t\n\r\v\f\x00\x1b\x7f\x85\u00a0\u00ad\u1680"
            "\u2003\u2028\u2029\u200b\u200c\u200d\u2060\ufeff\ufffd\u0300\u0301\u0323\u0327\u0345\u0903\u20e3\ufe0f👍🏽👨👩🇬🇧🤷ǅʰⒶ\U0001d7d8\U0002f800\U00011938")
POOL += [" "] * 12 + ["  ", "   ", "\r\n", "\n\n", "'s", "'LL", "'re", "don't", "the", " and", "ing", "Fox", "FOX", "<s>", "</s>", "<unk>",
                      "[CLS]", "[MASK]", "<L>", "<R>", "<B>", "<BB>", "<|end|>", "<0x0A>", "▁", "e\u0301", "か\u3099", "각", "1\ufe0f\u20e3", "👨\u200d👩"]


def text():
    mode = draw.random()
    if mode < 0.05:
        return draw.choice(POOL) * draw.randint(1, 40)
    if mode < 0.15:
        # Any scalar that there is, among spaces.
        return "".join(draw.choice([" ", "a", chr(draw.choice([draw.randint(0x20, 0x2FF), draw.randint(0x300, 0xD7FF), draw.randint(0xE000, 0x1FFFF)]))])
                       for _ in range(draw.randint(1, 20)))
    return "".join(draw.choice(POOL) for _ in range(draw.randint(0, 30)))


def show(**case):
    print(json.dumps(case, ensure_ascii=False))


if kind == "tokenizers":
    from tokenizers import Tokenizer

    for file in sorted(name for name in os.listdir(folder) if name.endswith(".json")):
        record = json.load(open(f"{folder}/{file}"))
        if not isinstance(record, dict) or "tokenizer" not in record:
            continue
        tokenizer = Tokenizer.from_str(json.dumps(record["tokenizer"]))
        for _ in range(count):
            content = text()
            encoding = tokenizer.encode(content)
            place = [0]
            for character in content:
                place.append(place[-1] + len(character.encode()))
            show(name=file[:-5], text=content, ids=encoding.ids, offsets=[place[i] for pair in encoding.offsets for i in pair])
elif kind == "expressions":
    from tokenizers import Regex, pre_tokenizers

    ATOMS = ["a", "b", "s", "1", " ", "é", "中", ".", r"\s", r"\S", r"\d", r"\w", r"\W", r"\p{L}", r"\p{N}", r"\P{L}", r"\p{Lu}", r"\p{M}", r"\p{Han}", "[ab]",
             "[^ab]", r"[^\s\p{L}\p{N}]", r"[\r\n]", "[a-z&&[^b]]", "[[:punct:]]", r"\n", "'", r"[\p{L}\p{M}]", r"[^\W_]", r"\h", r"\p{Greek}", "[一-龥]"]

    def pattern(depth=0):
        parts = []
        for _ in range(draw.randint(1, 3)):
            mode = draw.random()
            if depth < 3 and mode < 0.3:
                head = draw.choice(["(?:", "(", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?m:"])
                atom = head + pattern(depth + 1) + ")"
                if head in ("(?=", "(?!", "(?<=", "(?<!"):
                    parts.append(atom)
                    continue
            elif mode < 0.36:
                parts.append(draw.choice(["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z"]))
                continue
            else:
                atom = draw.choice(ATOMS)
            parts.append(atom + draw.choice(["", "", "", "*", "+", "?", "+?", "*?", "??", "++", "?+", "{2}", "{1,2}", "{2,}", "{,2}", "{1,3}?", "{2}?"]))
        both = "".join(parts)
        return both + "|" + pattern(depth + 1) if draw.random() < 0.25 and depth < 3 else both

    SMALL = list("aabbsS1 2\n\r'é中ΩxK_-.") + ["ss", "  ", "\r\n", "\u0301", "ſ"]
    for _ in range(count):
        one = pattern()
        content = "".join(draw.choice(SMALL) for _ in range(draw.randint(1, 24)))
        place = [0]
        for character in content:
            place.append(place[-1] + len(character.encode()))
        try:
            pieces = pre_tokenizers.Split(Regex(one), "removed", invert=True).pre_tokenize_str(content)
        except BaseException:  # a pattern may make the package panic
            show(pattern=one, text=content, matches=None)
            continue
        show(pattern=one, text=content, matches=[place[i] for _, pair in pieces for i in pair])
else:
    import sentencepiece

    for model in sys.argv[5:]:
        processor = sentencepiece.SentencePieceProcessor(model_file=model)
        for _ in range(count):
            content = text().replace("\x00", "")
            ids = processor.encode(content)
            show(name=model, text=content, ids=ids, decoded=processor.decode(ids))
