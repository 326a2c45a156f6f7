"""The tiny tokenizer of the from-scratch runs: a byte-level BPE trained on the release's own text.

The paper takes GPT-2's and CLIP's tokenizers (sec. 3.2); `mini` and `small` have no hub, so one
small BPE serves prompts and language model. `<|endoftext|>` ends a text, as in GPT-2, and pads.
Every text begins with a space, so that a word is the same token wherever it stands: labels that
open a text ("rain") are else learned apart from those inside ("water, rain").
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from pengi_model.reads import texts

END = "<|endoftext|>"


def of_release(spec: dict[str, Any], vocab_size: int) -> PreTrainedTokenizerFast:
    """The tokenizer of all distinct texts of a training's pairs; every stage makes the same."""
    pairs = [pair for group in texts(spec).values() for pair in group]
    return train_tokenizer([text for pair in pairs for text in pair], vocab_size)


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of at most `vocab_size` entries; the order of the texts does not matter."""
    counted = Counter(texts)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(counted.elements()), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=END, bos_token=END
    )


def end_of(tokenizer: PreTrainedTokenizerFast) -> int:
    """The id that ends a text."""
    end = tokenizer.convert_tokens_to_ids(END)
    assert isinstance(end, int)
    return end
