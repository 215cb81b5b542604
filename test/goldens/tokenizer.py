"""
Golden ids of Hugging Face's own tokenizer (the Rust library, through Python) for the MiniLM package's tokenizer.json.
Truncation and padding, which that file switches on, are off, except where a case says otherwise.
"""

from tokenizers import Tokenizer

from common import MINILM, package_version, write

TEXTS = [
    "",
    " ",
    " \t\n\r  ",
    "a",
    "a large musical instrument",
    "The quick brown fox jumps over the lazy dog.",
    "(of a person) tending to be uneasy; \"he's jumpy, isn't he?\" -- said 3.14159 times",
    "HELLO World hElLo",
    "café naïve façade Ångström",
    "cafe\u0301 A\u030angstro\u0308m",
    "İstanbul ISPARTA ıssız",
    "straße STRASSE ẞ",
    "Ελληνικά ποίηση",
    "ΛΟΓΟΣ ΟΔΥΣΣΕΥΣ",
    "Привет, мир! Ёлка",
    "שלום עולם",
    "مرحبا بالعالم",
    "हिन्दी में लिखा",
    "ภาษาไทย",
    "中文分词 needs 空格",
    "日本語のテキスト、カタカナ",
    "한국어 텍스트",
    "\U00020000\U00020001 beyond the basic plane",
    "emoji 🎉 and 👩‍👩‍👧‍👦 and 🇨🇭",
    "🎉🎉🎉",
    "[SEP]",
    "[CLS] [MASK] a [SEP] b [PAD] [UNK]",
    "[sep] [Sep] [ SEP ]",
    "##ing ## # play##ing",
    "flibbertigibbetish antidisestablishmentarianism",
    "xqzjkvvw zzyzx",
    "x" * 100,
    "x" * 101,
    "zero\u200bwidth\u200djoiner\ufeffmark soft\u00adhyphen",
    "null\u0000byte control\u0007bell replacement\ufffdcharacter",
    "no\u00a0break thin\u2009space ideographic\u3000space line\u2028separator",
    "ﬁne ﬂow ½ ² ™ №",
    "price: $5.00 + 10% = €4.60 (≈£4)",
    "user@example.org https://example.org/a?b=c&d=e#f",
    "don't won't it's o'clock rock'n'roll",
    "end.\nNew line.\r\nAnother\tTab",
    "𝒎𝒂𝒕𝒉 𝔣𝔯𝔞𝔨𝔱𝔲𝔯",
    "q̈̃ multiple marks",
    "word " * 700,
]

TRUNCATED = [4, 5, 16, 128, 512]

tokenizer = Tokenizer.from_file(str(MINILM / "model" / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.no_truncation()
cases = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]

truncated = []
for length in TRUNCATED:
    tokenizer.enable_truncation(max_length=length)
    for text in [TEXTS[3], TEXTS[4], TEXTS[29], TEXTS[-1]]:
        truncated.append({"maxTokens": length, "text": text, "ids": tokenizer.encode(text).ids})

write(
    "tokenizer",
    ["tokenizers"],
    "ids by Python tokenizers for the package's tokenizer.json, special tokens included, truncation and padding off; "
    "then the same under truncation",
    {"cases": cases, "truncated": truncated},
    inputs=package_version(),
)
