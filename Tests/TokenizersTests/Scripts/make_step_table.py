"""Writes Sources/Tokenizers/StepTable.swift: which scalars the steps of the Python package `tokenizers` take.

    python make_step_table.py > StepTable.swift

The package's steps follow tables of Unicode of different ages (8.0 for punctuation, 12.0 for accents, 16.0 for regular
expressions, 17.0 for digits): the sets are asked of the package itself, scalar by scalar. Takes some minutes."""
import sys

from tokenizers import Regex, __version__
from tokenizers import normalizers as N, pre_tokenizers as P

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SCALARS = [i for i in range(0x110000) if not 0xD800 <= i < 0xE000]

# The names that Oniguruma knows scripts by.
SCRIPTS = """Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi
Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot
Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian
Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana
Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi
Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar
Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao
Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki
Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya
Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian
Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham
Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho
Warang_Citi Yezidi Yi Zanabazar_Square""".split()


def ranges(scalars):
    result = []
    for value in sorted(scalars):
        if result and result[-1][1] == value - 1:
            result[-1][1] = value
        else:
            result.append([value, value])
    return result


def where(condition):
    return {i for i in SCALARS if condition(chr(i))}


def matched(expression):
    """The scalars that an expression for one scalar takes."""
    found = set()
    split = P.Split(Regex(f"(?:{expression})+"), "removed", invert=True)
    for start in range(0, len(SCALARS), 0x1000):
        block = "".join(map(chr, SCALARS[start : start + 0x1000]))
        for _, (first, last) in split.pre_tokenize_str(block):
            found.update(map(ord, block[first:last]))
    return found


def numbers(values):
    """Five bits a character, lowest first; the sixth bit says that more follow."""
    text = ""
    for value in values:
        while value >= 32:
            text += ALPHABET[value % 32 + 32]
            value //= 32
        text += ALPHABET[value]
    return text


def packed(scalars, labels=None):
    """For each range: distance from the end of the one before, size less one, and its label."""
    values, end = [], 0
    for first, last in scalars:
        values += [first - end, last - first]
        if labels:
            values.append(labels[first])
        end = last
    return numbers(values)


digits, punctuation = P.Digits(True), P.Punctuation()
accents, control = N.StripAccents(), N.BertNormalizer(True, False, False, False)
bert = N.BertNormalizer(False, False, True, False)
number = matched(r"\p{N}")
sets = {
    "lateNumbers": where(lambda c: len(digits.pre_tokenize_str("a" + c)) == 2) - number,
    "punctuation": where(lambda c: len(punctuation.pre_tokenize_str("a" + c)) == 2),
    "accents": where(lambda c: accents.normalize_str(c) == ""),
    "bertAccents": where(lambda c: bert.normalize_str(c) == ""),
    "bertControls": where(lambda c: control.normalize_str(c) == ""),
}
scripts = {name: matched(rf"\p{{{name}}}") for name in SCRIPTS}
of = {value: index for index, name in enumerate(SCRIPTS) for value in scripts[name]}
by_script = []
for value in sorted(of):
    if by_script and by_script[-1][1] == value - 1 and of[by_script[-1][0]] == of[value]:
        by_script[-1][1] = value
    else:
        by_script.append([value, value])

# UnicodeScripts: which scalars stay together with which.
cut = P.UnicodeScripts()
heads, labels = [], {}
for value in SCALARS:
    text = chr(value)
    if not cut.pre_tokenize_str(text):
        continue  # of any script
    for label in sorted(range(len(heads)), key=lambda i: of.get(heads[i]) != of.get(value)):
        if len(cut.pre_tokenize_str(chr(heads[label]) + text)) == 1:
            labels[value] = label
            break
    else:
        labels[value] = len(heads)
        heads.append(value)
together = []
for value in sorted(labels):
    if together and together[-1][1] == value - 1 and labels[together[-1][0]] == labels[value]:
        together[-1][1] = value
    else:
        together.append([value, value])


def literal(text):
    return "\n".join("    " + text[i : i + 104] + "\\" for i in range(0, len(text), 104))


print(f"""// Generated by Tests/TokenizersTests/Scripts/make_step_table.py: do not edit.

/// Which scalars the steps of the package `tokenizers` ({__version__}) take: ranges as numbers of five bits a character
/// (``ScalarRanges`` reads them).
enum StepTable {{
  /// The names of the scripts, in the order of their numbers.
  static let scriptNames = \"\"\"
{literal(" ".join(name.replace("_", "").lower() for name in SCRIPTS))}

    \"\"\"
""")
notes = {
    "lateNumbers": "Numbers of Unicode 17.0 that regular expressions do not know yet.",
    "punctuation": "What `Punctuation` and `BertPreTokenizer` cut at.",
    "accents": "What `StripAccents` drops.", "bertAccents": "What `BertNormalizer` drops as accents.",
    "bertControls": "What `BertNormalizer` drops when it cleans.",
}
for name, scalars in sets.items():
    print(f"  /// {notes[name]}\n  static var {name}: StaticString {{\n    \"\"\"\n{literal(packed(ranges(scalars)))}\n\n    \"\"\"\n  }}\n")
print(f"""  /// The script of scalars (Unicode 16.0), as numbers of ``scriptNames``.
  static var scripts: StaticString {{
    \"\"\"
{literal(packed(by_script, of))}

    \"\"\"
  }}

  /// What `UnicodeScripts` keeps together: each range with the number of its kind.
  static var together: StaticString {{
    \"\"\"
{literal(packed(together, labels))}

    \"\"\"
  }}
}}""")
print(len(heads), "kinds of scripts", file=sys.stderr)
