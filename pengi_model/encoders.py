"""Audio and text encoders with projections (sec. 3.1; microsoft/Pengi:models/), and CLAP.

The networks are ClapAudioModel (HTS-AT) and CLIPTextModel of transformers; what training needs
beyond them (SpecAugment, stochastic depth on both branches) is put in here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from transformers import (
    ClapAudioConfig,
    ClapAudioModel,
    CLIPTextConfig,
    CLIPTextModel,
    PreTrainedTokenizerBase,
)
from transformers.models.clap.modeling_clap import ClapAudioLayer, ClapDropPath

from pengi_model import checkpoint
from pengi_model.audio import Audio, windows
from pengi_model.config import AudioConfig, ModelConfig, TextConfig
from pengi_model.mel import LogMel
from pengi_model.text import Ids, prompt_ids

_WINDOWS = 16  # encoded at once, for memory
_TIME_STRIPE, _BAND_STRIPE = 64, 8  # SpecAugment widths are below these (models/htsat.py)


class Projection(nn.Module):
    """(batch, source) -> (batch, width): two bias-free linear layers, residual, LayerNorm."""

    def __init__(self, source: int, width: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(source, width, bias=False)
        self.linear2 = nn.Linear(width, width, bias=False)
        self.layer_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(0.5)
        for linear in (self.linear1, self.linear2):
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        straight = self.linear1(x)
        return self.layer_norm(straight + self.dropout(self.linear2(F.gelu(straight))))


def projection(config: ModelConfig, source: int) -> nn.Module:
    """The projection the configuration names: the released one, or the paper's linear one."""
    if config.projection_form == "linear":
        return nn.Linear(source, config.projection)
    return Projection(source, config.projection)


def spec_augment(x: torch.Tensor) -> torch.Tensor:
    """Zero two time stripes and two band stripes per clip; x is (batch, bands, frames, 1)."""
    for axis, limit in ((2, _TIME_STRIPE), (2, _TIME_STRIPE), (1, _BAND_STRIPE), (1, _BAND_STRIPE)):
        size, shape = x.shape[axis], (len(x), 1)
        width = torch.randint(0, limit, shape, device=x.device).clamp(max=size - 1)
        start = (torch.rand(shape, device=x.device) * (size - width)).long()
        place = torch.arange(size, device=x.device)
        keep = (place < start) | (place >= start + width)
        x = x * (keep[:, None, :, None] if axis == 2 else keep[:, :, None, None])
    return x


class MelNorm(nn.BatchNorm2d):
    """The encoder's batch norm over mel bands; SpecAugment behind it in train mode.

    In train mode the statistics are those of all processes' clips, so that the number of processes
    changes nothing. Its input has no gradient, so they need none.
    """

    def __init__(self, bands: int, augment: bool) -> None:
        super().__init__(bands)
        self.augment = augment

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not (self.training and dist.is_initialized()):
            normed = super().forward(input)
        else:
            mean, variance = self._shared(input.detach())
            normed = F.batch_norm(input, mean, variance, self.weight, self.bias, eps=self.eps)
        return spec_augment(normed) if self.augment and self.training else normed

    @torch.no_grad()
    def _shared(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance per band over all processes; the running ones follow."""
        assert self.running_mean is not None and self.running_var is not None
        exact = x.double()
        sums = torch.stack([exact.sum((0, 2, 3)), exact.square().sum((0, 2, 3))])
        dist.all_reduce(sums)
        count = x.numel() // x.shape[1] * dist.get_world_size()
        mean = sums[0] / count
        variance = sums[1] / count - mean.square()
        momentum = self.momentum or 0.0
        self.running_mean.lerp_(mean.float(), momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        self.running_var.lerp_((variance * count / (count - 1)).float(), momentum)
        return mean.float(), variance.float()


def htsat(config: AudioConfig, bands: int) -> ClapAudioModel:
    """ClapAudioModel of this shape, with SpecAugment and the reference's stochastic depth."""
    model = ClapAudioModel(
        ClapAudioConfig(
            num_mel_bins=bands,
            spec_size=config.image,
            patch_size=config.patch,
            patch_stride=(config.patch, config.patch),
            window_size=config.window,
            depths=list(config.depths),
            num_attention_heads=list(config.heads),
            num_hidden_layers=len(config.depths),
            patch_embeds_hidden_size=config.width,
            hidden_size=config.features,
            hidden_dropout_prob=config.dropout,
            drop_path_rate=config.drop_path,
            enable_fusion=False,
        )
    )
    model.audio_encoder.batch_norm = MelNorm(bands, config.spec_augment)
    for block in model.modules():
        if isinstance(block, ClapAudioLayer) and isinstance(block.drop_path, ClapDropPath):
            dropped = nn.Sequential(block.output.dropout, block.drop_path)
            block.output.add_module("dropout", dropped)
    return model


class AudioEncoder(nn.Module):
    """Waves (batch, samples) at 44.1 kHz -> (batch, projection)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config.audio
        self.frames = config.audio.image**2 // config.mel.bands
        self.log_mel = LogMel(config.mel)
        self.htsat = htsat(config.audio, config.mel.bands)
        self.projection = projection(config, config.audio.features)

    def features(self, waves: torch.Tensor) -> torch.Tensor:
        """(batch, samples) -> mean of the final tokens (batch, features)."""
        return self.mel_features(self.log_mel(waves))

    def mel_features(self, mel: torch.Tensor) -> torch.Tensor:
        """(batch, 1, frames, bands) -> (batch, features); too many frames are cropped."""
        count = mel.shape[2]
        if count <= self.frames:
            return self.htsat(mel).pooler_output
        if self.training:
            start = int(torch.randint(0, count - self.frames, ()))
            return self.htsat(mel[:, :, start : start + self.frames]).pooler_output
        crop = self.config.crop_frames
        starts = range(0, count - crop - 1, self.config.crop_hop)
        crops = [self.htsat(mel[:, :, start : start + crop]).pooler_output for start in starts]
        return torch.stack(crops).mean(0)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        return self.projection(self.features(waves))


class TextEncoder(nn.Module):
    """Token ids and mask (batch, length) -> (batch, projection)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.text is None:
            raise ValueError("this configuration has text=None: there is no text encoder to build")
        self.config: TextConfig = config.text
        self.clip = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=self.config.vocabulary,
                hidden_size=self.config.width,
                intermediate_size=4 * self.config.width,
                num_hidden_layers=self.config.layers,
                num_attention_heads=self.config.heads,
                max_position_embeddings=self.config.positions,
                hidden_act="quick_gelu",
                eos_token_id=self.config.end,
                bos_token_id=None,
                pad_token_id=None,
            )
        )
        self.clip_projection = nn.Linear(self.config.width, self.config.width, bias=False)
        self.projection = projection(config, self.config.width)

    def state(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The tower's hidden state at the first end token (batch, width)."""
        hidden = self.clip(input_ids=ids, attention_mask=mask).last_hidden_state
        place = (ids == self.config.end).int().argmax(-1)
        return hidden[torch.arange(len(ids), device=ids.device), place]

    def pooled(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """CLIP-space vectors (batch, width)."""
        return self.clip_projection(self.state(ids, mask))

    def head(self, state: torch.Tensor) -> torch.Tensor:
        """`state` -> (batch, projection)."""
        return self.projection(self.clip_projection(state))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.head(self.state(ids, mask))


class DualEncoder(nn.Module):
    """What CLAP and Pengi have in common: both encoders, and their vectors of sounds and texts."""

    config: ModelConfig
    audio_encoder: AudioEncoder
    text_encoder: TextEncoder | None
    prompt_tokenizer: PreTrainedTokenizerBase | None

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.audio_encoder.log_mel.matrix.device

    mixed = False  # what `in_bfloat16` sets

    def prompt_ids(self, texts: Sequence[str]) -> Ids:
        """Ids and mask (texts, prompt_tokens), on the model's device."""
        ids, mask = prompt_ids(self.prompt_tokenizer, texts, self.config)
        return ids.to(self.device), mask.to(self.device)

    def autocast(self) -> torch.autocast:
        """Of what stays in float32 after `in_bfloat16`; without it, nothing."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed)

    def audio_vector(self, audio: Audio) -> torch.Tensor:
        """Encoded clips (clips, projection), float32, not normalised: the mean of their windows."""
        return self.encoded(windows(audio, self.config))

    @torch.inference_mode()
    def encoded(self, heard: Sequence[torch.Tensor]) -> torch.Tensor:
        """`audio_vector` of clips that are cut already: of each its windows (n, samples)."""
        with self.autocast():
            found = [
                self.audio_encoder(part.to(self.device)).float()
                for part in torch.cat(list(heard)).split(_WINDOWS)
            ]
        return torch.stack([v.mean(0) for v in torch.cat(found).split([len(w) for w in heard])])

    @torch.inference_mode()
    def audio_embedding(self, audio: Audio) -> torch.Tensor:
        """Unit vectors (clips, projection) in the joint audio-text space."""
        return unit(self.audio_vector(audio))

    @torch.inference_mode()
    def text_embedding(
        self, texts: Sequence[str], space: Literal["pengi", "clip"] = "pengi"
    ) -> torch.Tensor:
        """Unit vectors of texts, after the projection ("pengi") or before it ("clip")."""
        encoder = self.text_encoder
        if encoder is None:
            raise ValueError("This model has no text encoder (text=None), so no text embedding.")
        ids, mask = self.prompt_ids(texts)
        with self.autocast():
            found = encoder(ids, mask) if space == "pengi" else encoder.pooled(ids, mask)
        return unit(found.float())


class Clap(DualEncoder):
    """The contrastive stage (sec. 3.1): both encoders and the logit scale ln(1 / temperature)."""

    kind = "clap"

    def __init__(
        self, config: ModelConfig, tokenizer: PreTrainedTokenizerBase | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = self.prompt_tokenizer = tokenizer
        self.audio_encoder = AudioEncoder(config)
        self.text_encoder = TextEncoder(config)
        self.log_scale = nn.Parameter(torch.tensor(1 / 0.07).log())

    def forward(self, waves: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits (clips, texts): cosine over temperature."""
        assert self.text_encoder is not None  # the constructor refuses text=None
        audio = unit(self.audio_encoder(waves))
        text = unit(self.text_encoder(ids, mask))
        return self.log_scale.exp() * audio @ text.T

    def save_pretrained(self, path: Path | str, card: str = "") -> None:
        """Write configuration, weights, tokenizer and a model card (Markdown) to a new folder."""
        checkpoint.save(self, Path(path), card)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> Self:
        """The model of a folder written by `save_pretrained`, in eval mode."""
        return checkpoint.load(cls, Path(path))


def unit(x: torch.Tensor) -> torch.Tensor:
    """Divided by its norm, without epsilon (models/decoder.py)."""
    return x / x.norm(dim=-1, keepdim=True)
