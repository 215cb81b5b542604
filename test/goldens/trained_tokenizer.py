"""
What Hugging Face's WordPieceTrainer (the Rust library, through Python) learns from a small corpus: pieces of several
characters, without those that its own run differently when it is repeated.
Also the ids of Hugging Face's own tokenizer for test/fixtures/tokenizers/own.json, which trainTokenizer() made from the
same corpus (test/data/train-tokenizer.test.ts checks that it still makes that file).
"""

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from common import GOLDENS, write
from tokenizer_texts import TEXTS, adverb_glosses

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
OWN = GOLDENS.parent / "fixtures" / "tokenizers" / "own.json"


def learned(size):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        adverb_glosses[:3000],
        trainers.WordPieceTrainer(vocab_size=size, min_frequency=2, special_tokens=SPECIAL, show_progress=False),
    )
    return {piece for piece in tokenizer.get_vocab() if len(piece.removeprefix("##")) > 1 and piece not in SPECIAL}


own = Tokenizer.from_file(str(OWN))
texts = TEXTS + adverb_glosses[3000:3100]
write(
    "trained_tokenizer",
    ["tokenizers"],
    "pieces of several characters by Python tokenizers' WordPieceTrainer; ids by Python tokenizers for own.json",
    {
        "learned": [
            {"size": size, "pieces": sorted(set.intersection(*(learned(size) for _ in range(8))))}
            for size in (300, 1000, 2000)
        ],
        "cases": [{"text": text, "ids": own.encode(text).ids} for text in texts],
    },
)
