"""
Small tokenizers of the kinds BPE and Unigram, built as the well-known models build theirs and trained on glosses of
WordNet and on the texts below, with the ids of Hugging Face's own tokenizer (the Rust library, through Python).
Writes test/fixtures/tokenizers/<kind>.json and tokenizer_kinds.json.
"""

import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from common import GOLDENS, write
from tokenizer_texts import TEXTS, adverb_glosses

FIXTURES = GOLDENS.parent / "fixtures" / "tokenizers"

glosses = adverb_glosses[:3000]
CORPUS = glosses + [text for text in TEXTS[:-2] for _ in range(3)]
HELD_OUT = adverb_glosses[3000:3040]


def special(*tokens):
    return [AddedToken(token, special=True, normalized=False) for token in tokens]


def bpe(size, specials, **options):
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False, **options
    )


def roberta():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    mask = AddedToken("<mask>", special=True, lstrip=True, normalized=False)
    tokenizer.train_from_iterator(CORPUS, bpe(900, special("<s>", "<pad>", "</s>", "<unk>") + [mask]))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def gpt2():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(CORPUS, bpe(600, []))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(special("<|endoftext|>"))
    return tokenizer


def modernbert():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(CORPUS, bpe(700, []))
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(8, 1, -1)])
    tokenizer.add_special_tokens(special("[UNK]", "[CLS]", "[SEP]", "[PAD]"))
    tokenizer.add_special_tokens([AddedToken("[MASK]", special=True, lstrip=True, normalized=False)])
    ids = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ids)
    return tokenizer


def llama3():
    """Digits in threes, words that are tokens taken whole, and a sequence of post-processors."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.train_from_iterator(CORPUS, bpe(600, []))
    tokenizer.add_special_tokens(special("<|begin|>", "<|end|>"))
    template = processors.TemplateProcessing("<|begin|> $A", None, [("<|begin|>", tokenizer.token_to_id("<|begin|>"))])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])
    return tokenizer


def gemma():
    """Spaces as ▁, and unknown characters as their bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    specials = special("<pad>", "<eos>", "<bos>", "<unk>")
    plain = pre_tokenizers.Split(Regex("(?=▁)"), "isolated")
    trained = Tokenizer(models.BPE())
    trained.normalizer, trained.pre_tokenizer = tokenizer.normalizer, plain
    trained.train_from_iterator(
        glosses, trainers.BpeTrainer(vocab_size=600, special_tokens=specials, show_progress=False)
    )
    model = json.loads(trained.to_str())["model"]
    vocabulary = model["vocab"]
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
    merges = [tuple(merge) for merge in model["merges"]]
    tokenizer.model = models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer.add_special_tokens(specials)
    tokenizer.post_processor = processors.TemplateProcessing("<bos> $A <eos>", None, [("<bos>", 2), ("<eos>", 1)])
    return tokenizer


def clip():
    """The end of a word as a suffix of its last piece."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    split = pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False)])
    specials = special("<|startoftext|>", "<|endoftext|>")
    tokenizer.train_from_iterator(CORPUS, bpe(900, specials, end_of_word_suffix="</w>"))
    tokenizer.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False
    )
    return tokenizer


def unigram(specials, size):
    return trainers.UnigramTrainer(vocab_size=size, special_tokens=specials, unk_token="<unk>", show_progress=False)


def xlm_roberta():
    tokenizer = Tokenizer(models.Unigram())
    collapse = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), collapse])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(CORPUS, unigram(special("<s>", "<pad>", "</s>", "<unk>"), 800))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), collapse])
    tokenizer.add_special_tokens([AddedToken("<mask>", special=True, lstrip=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 0), ("</s>", 2)])
    return tokenizer


def t5():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    split = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(split)
    tokenizer.train_from_iterator(glosses, unigram(special("<pad>", "</s>", "<unk>"), 600))
    tokenizer.add_special_tokens(special("<extra_id_1>", "<extra_id_0>"))
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)])
    return tokenizer


cases = []
for build in [roberta, gpt2, modernbert, llama3, gemma, clip, xlm_roberta, t5]:
    tokenizer = build()
    kind = build.__name__
    FIXTURES.mkdir(parents=True, exist_ok=True)
    path = FIXTURES / f"{kind}.json"
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")
    for text in TEXTS + HELD_OUT:
        cases.append({"kind": kind, "text": text, "ids": tokenizer.encode(text).ids})
    tokenizer.enable_truncation(max_length=9)
    for text in [TEXTS[3], TEXTS[6], TEXTS[-1]]:
        cases.append({"kind": kind, "text": text, "maxTokens": 9, "ids": tokenizer.encode(text).ids})

write(
    "tokenizer_kinds",
    ["tokenizers"],
    "ids by Python tokenizers for the tokenizers in test/fixtures/tokenizers, special tokens included",
    {"cases": cases},
)
