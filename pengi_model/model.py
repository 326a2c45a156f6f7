"""Pengi (sec. 3): audio and prompt become a prefix, a frozen language model continues it."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerBase

from pengi_model import checkpoint, decode, likelihood, text
from pengi_model.audio import Audio, per_clip
from pengi_model.config import LanguageConfig, ModelConfig
from pengi_model.encoders import AudioEncoder, DualEncoder, TextEncoder, unit
from pengi_model.interpret import Interpretation, interpret
from pengi_model.likelihood import Form
from pengi_model.mapping import MappingNetwork

# What `describe` asks (wrapper.py of the released code).
DESCRIBED = ("generate audio caption", "generate metadata", "this is a sound of")


@dataclass(frozen=True)
class Generation:
    """The best text of one clip; `score` is the mean log-probability per token, stop included."""

    text: str
    score: float


def gpt2(config: LanguageConfig) -> GPT2LMHeadModel:
    """GPT-2 of this shape with random weights."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocabulary,
            n_embd=config.width,
            n_layer=config.layers,
            n_head=config.heads,
            n_positions=config.positions,
            embd_pdrop=config.dropout,
            attn_pdrop=config.dropout,
            resid_pdrop=config.dropout,
            bos_token_id=None,
            eos_token_id=None,
        )
    )


class Pengi(DualEncoder):
    """The audio language model.

    `tokenizer` serves the language model, `prompt_tokenizer` (default: the same) the prompts.
    Vectors named audio_vector and text_vector are the encoders' outputs, not yet normalised.
    """

    kind = "pengi"

    def __init__(
        self,
        config: ModelConfig,
        tokenizer: PreTrainedTokenizerBase | None = None,
        prompt_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.prompt_tokenizer = prompt_tokenizer or tokenizer
        width = config.language.width
        source = config.projection if config.text else None
        self.audio_encoder = AudioEncoder(config)
        self.text_encoder = TextEncoder(config) if config.text else None
        self.audio_mapping = MappingNetwork(config.audio_mapping, config.projection, width)
        self.text_mapping = (
            MappingNetwork(config.text_mapping, source, width) if config.text_mapping else None
        )
        self.language_model = gpt2(config.language)

    def caption_ids(self, captions: Sequence[str]) -> text.Ids:
        """Ids and mask (captions, longest) with the stop suffix."""
        ids, mask = text.caption_ids(self.tokenizer, captions, self.config)
        return ids.to(self.device), mask.to(self.device)

    def text_vector(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Encoded prompts (batch, projection); without a text encoder (batch, length, width)."""
        if self.text_encoder is None:
            return self.language_model.transformer.wte(ids)
        return self.text_encoder(ids, mask)

    def prefix_from(self, audio_vector: torch.Tensor, text_vector: torch.Tensor) -> torch.Tensor:
        """Encoder outputs -> prefix (batch, audio prefix + text prefix, width), audio first."""
        if self.text_encoder is not None and self.config.normalise_text:
            text_vector = unit(text_vector)
        audio_prefix = self.audio_mapping(unit(audio_vector))
        text_prefix = self.text_mapping(text_vector) if self.text_mapping else text_vector
        return torch.cat((audio_prefix, text_prefix), dim=1)

    def token_log_probs(self, prefix: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Log-probability (batch, length) of every token of `ids` after `prefix`."""
        sequence = torch.cat((prefix, self.language_model.transformer.wte(ids[:, :-1])), dim=1)
        logits = self.language_model(
            inputs_embeds=sequence, logits_to_keep=ids.shape[1], use_cache=False
        ).logits
        return -F.cross_entropy(logits.float().transpose(1, 2), ids, reduction="none")

    def loss(self, prefix: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Cross-entropy (eq. 3): mean over the caption tokens where `mask` is 1."""
        return -(self.token_log_probs(prefix, ids) * mask).sum() / mask.sum()

    def forward(
        self,
        samples: torch.Tensor,
        prompt: text.Ids,
        caption: text.Ids,
    ) -> torch.Tensor:
        """Loss of a batch: waves (batch, samples), prompt and caption as ids and mask."""
        prefix = self.prefix_from(self.audio_encoder(samples), self.text_vector(*prompt))
        return self.loss(prefix, *caption)

    def in_bfloat16(self) -> Self:
        """Answer in bfloat16: the language model's weights; the rest by autocast, save log-mels."""
        self.language_model.bfloat16()
        self.mixed = True
        return self

    @torch.inference_mode()
    def prefix(self, audio: Audio, prompts: str | Sequence[str]) -> torch.Tensor:
        """Prefix (clips, audio prefix + text prefix, width) of clip i with prompt i."""
        return self.prefix_of(self.audio_vector(audio), prompts)

    @torch.inference_mode()
    def prefix_of(self, vectors: torch.Tensor, prompts: str | Sequence[str]) -> torch.Tensor:
        """`prefix` of clips already encoded by `audio_vector`, (clips, projection).

        A prompt of more than `config.prompt_tokens` tokens is cut, with a `LongPromptWarning`.
        """
        prompts = per_clip(prompts, len(vectors), "prompts")
        for prompt, count in text.too_long(self.prompt_tokenizer, prompts, self.config).items():
            warnings.warn(
                f"prompt: expected at most {self.config.prompt_tokens} tokens, found {count}; the "
                f"rest is not read. Shorten it: {prompt[:60]!r}...",
                text.LongPromptWarning,
                stacklevel=2,
            )
        with self.autocast():
            prefix = self.prefix_from(vectors, self.text_vector(*self.prompt_ids(prompts)))
        return prefix.to(self.language_model.transformer.wte.weight.dtype)

    def generate(
        self,
        audio: Audio,
        prompts: str | Sequence[str],
        additional_text: str | Sequence[str] | None = None,
        beam_size: int = 5,
        max_new_tokens: int = 30,
        **decoding: Any,
    ) -> list[Generation]:
        """The best text for every clip with its prompt (one prompt for all, or one per clip).

        audio: paths, or waves (clips, samples) at 44.1 kHz; additional_text: one for all or one per
        clip, read by the language model behind the prefix (App. A); decoding: further fields of
        `decode.Decoding`: min_new_tokens, sample, temperature, top_p, seed.
        """
        return self.generate_after(
            self.prefix(audio, prompts), additional_text, beam_size, max_new_tokens, **decoding
        )

    @torch.inference_mode()
    def generate_after(
        self,
        prefix: torch.Tensor,
        additional_text: str | Sequence[str] | None = None,
        beam_size: int = 5,
        max_new_tokens: int = 30,
        **decoding: Any,
    ) -> list[Generation]:
        """`generate` for prefixes (clips, length, width) that are there already."""
        how = decode.Decoding(beam_size, max_new_tokens, **decoding)
        return [
            Generation(text.decoded(self.tokenizer, tokens, self.config), score)
            for tokens, score in decode.generate(self, prefix, additional_text, how)
        ]

    def describe(self, audio: Audio, beam_size: int = 5, max_new_tokens: int = 30) -> list[str]:
        """Caption, metadata and sound events of every clip in one text, as the released wrapper."""
        vectors = self.audio_vector(audio)
        asked = [prompt for _ in vectors for prompt in DESCRIBED]
        prefix = self.prefix_of(vectors.repeat_interleave(len(DESCRIBED), 0), asked)
        found = self.generate_after(prefix, None, beam_size, max_new_tokens)
        texts = [answer.text for answer in found]
        return [
            f"{texts[at]} {texts[at + 1]} this audio contains sound events: {texts[at + 2]}."
            for at in range(0, len(texts), len(DESCRIBED))
        ]

    @torch.inference_mode()
    def interpret(self, audio: Audio) -> Interpretation:
        """The token nearest to each vector of the audio prefix (App. B)."""
        with self.autocast():
            prefix = self.audio_mapping(unit(self.audio_vector(audio)))
        return interpret(prefix, self.language_model.transformer.wte.weight, self.tokenizer)

    def log_likelihood(
        self,
        audio: Audio,
        prompts: str | Sequence[str],
        candidates: Sequence[str],
        form: Form = "mean",
    ) -> torch.Tensor:
        """How probable each candidate is as the answer, stop token included: (clips, candidates).

        form: mean log-probability per token, sum, or pmi: the sum less what it is behind silence,
        which is the mutual information of candidate and sound for that prompt, in nats.
        """
        prefix = self.prefix(audio, prompts)
        blank = self.silent_prefix(prompts) if form == "pmi" else None
        return self.log_likelihood_after(prefix, candidates, form, blank)

    @torch.inference_mode()
    def log_likelihood_after(
        self,
        prefix: torch.Tensor,
        candidates: Sequence[str],
        form: Form = "mean",
        blank: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """`log_likelihood` for prefixes that are there already; pmi needs `silent_prefix`'s too."""
        if not candidates:
            raise ValueError("candidates: expected at least one text, found none.")
        if form not in ("mean", "sum", "pmi") or (form == "pmi") != (blank is not None):
            raise ValueError(f"form: expected mean, sum, or pmi with a blank prefix, found {form}.")
        ids, mask = self.caption_ids(candidates)
        sums = likelihood.after(self.language_model, prefix, ids, mask)
        if blank is not None:
            return sums - likelihood.after(self.language_model, blank, ids, mask)
        return sums / mask.sum(1) if form == "mean" else sums

    def silent_prefix(self, prompts: str | Sequence[str]) -> torch.Tensor:
        """The prefix of digital silence, for each of the prompts."""
        asked = [prompts] if isinstance(prompts, str) else list(prompts)
        silence = self.audio_vector(torch.zeros(1, self.config.samples))
        return self.prefix_of(silence.expand(len(asked), -1), asked)

    def save_pretrained(self, path: Path | str, card: str = "") -> None:
        """Write config.json, model.safetensors, tokenizers and a model card into a new folder.

        card: Markdown on the data release, the results and whatever else a reader should know.
        """
        checkpoint.save(self, Path(path), card)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> Self:
        """The model of a folder written by `save_pretrained`, in eval mode."""
        return checkpoint.load(cls, Path(path))

    @classmethod
    def from_released(cls, path: Path | str, **tokenizers: Any) -> "Pengi":
        """The model of a released .pth file; arguments of `released.from_released`."""
        from pengi_model import released  # it builds on this module

        return released.from_released(path, **tokenizers)
