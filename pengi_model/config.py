"""Every number of the model as frozen values: TINY and SMALL (from scratch), PAPER (released code).

PAPER is what the released code computes (microsoft/Pengi); where paper and code disagree the
field carries both readings. A variant is `replace(...)` of one of the three sizes.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

SAMPLE_RATE = 44_100  # Hz, sec. 4.3


@dataclass(frozen=True)
class MelConfig:
    """Log-mel front end (models/htsat.py).

    The paper prints window and hop as "1024 ms" and "320 ms" (sec. 4.3) or seconds (App. D) and
    50-8000 Hz; the code means samples and builds a matrix of 50-14000 Hz at an assumed 32 kHz.
    """

    n_fft: int = 1024  # samples
    hop: int = 320  # samples
    bands: int = 64
    fmin: float = 50.0  # Hz, at matrix_rate
    fmax: float = 14_000.0
    matrix_rate: int = 32_000  # Hz the mel matrix is built for; the audio stays at SAMPLE_RATE
    floor_db: float = -100.0  # -100 is what max(power, 1e-10) already gives


@dataclass(frozen=True)
class AudioConfig:
    """HTS-AT (models/htsat.py): a Swin transformer on the log-mel folded into a square image."""

    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (4, 8, 16, 32)
    width: int = 96  # of the first stage; doubles per stage
    image: int = 256  # side in pixels; holds image**2 / bands frames
    patch: int = 4  # side and stride in pixels
    window: int = 8  # side in patches
    dropout: float = 0.0
    drop_path: float = 0.1  # stochastic depth, linear from 0; on both branches of a block
    spec_augment: bool = True  # in train mode; the released YAML says off, the code does it
    crop_frames: int = 689  # longer input: mean over crops of 689 frames every 344
    crop_hop: int = 344

    @property
    def features(self) -> int:
        """Width of the pooled output."""
        return self.width * 2 ** (len(self.depths) - 1)


@dataclass(frozen=True)
class TextConfig:
    """CLIP's text tower (models/pengi.py)."""

    vocabulary: int = 49_408
    width: int = 512
    layers: int = 12
    heads: int = 8
    positions: int = 77
    end: int = 49_407  # token whose hidden state is the pooled output


@dataclass(frozen=True)
class MappingConfig:
    """A mapping network (models/decoder.py): the paper says 8 layers, the code halves them."""

    prefix: int = 40  # learned constants, and vectors given to the language model
    projected: int = 40  # vectors the embedding is unfolded into
    layers: int = 4
    heads: int = 8


@dataclass(frozen=True)
class LanguageConfig:
    """GPT-2 (models/decoder.py)."""

    vocabulary: int = 50_257
    width: int = 768
    layers: int = 12
    heads: int = 12
    positions: int = 1024
    dropout: float = 0.1  # acts in train mode although the parameters are frozen
    pad: int = 0  # "!"
    stop: int = 220  # a lone space: element 0 of " <|endoftext|>", not 50256
    steered: bool = False  # beside it, the mapping networks it was trained with (`Steering`)


@dataclass(frozen=True)
class ModelConfig:
    """One model. App. F: `text=None` has no text encoder, `text_mapping=None` no m2 either."""

    mel: MelConfig = MelConfig()
    audio: AudioConfig = AudioConfig()
    text: TextConfig | None = TextConfig()
    audio_mapping: MappingConfig = MappingConfig()
    text_mapping: MappingConfig | None = MappingConfig()
    language: LanguageConfig = LanguageConfig()
    window_seconds: float = 7.0
    projection: int = 1024  # width of the joint space
    projection_form: Literal["residual", "linear"] = "residual"  # paper App. D says linear
    prompt_tokens: int = 40
    prompt_suffix: str = ""  # " <|endoftext|>" where prompts go through the language model
    caption_tokens: int = 77
    caption_suffix: str = " <|endoftext|>"
    # The released model divides the prompt embedding by its norm, the released wrapper does not.
    normalise_text: bool = True
    # Of longer audio: its middle, or the mean over windows of all; released: random, unseeded.
    crop: Literal["centre", "windows", "random"] = "centre"
    channels: Literal["mean", "concatenate"] = "mean"  # released: one channel after the other
    clean_spaces: bool = False  # released: " ," becomes "," (a default of its transformers)
    # Paper App. A: all tokens of the text. Released: clip i gets the i-th character only.
    additional_text: Literal["tokens", "character"] = "tokens"

    @property
    def samples(self) -> int:
        """Samples of one window."""
        return round(self.window_seconds * SAMPLE_RATE)

    @property
    def text_prefix(self) -> int:
        """Vectors of the prefix that the prompt becomes."""
        return self.text_mapping.prefix if self.text_mapping else self.prompt_tokens

    def with_tokens(self, vocabulary: int, end: int, pad: int) -> "ModelConfig":
        """This configuration for one tokenizer that serves prompts and language model alike."""
        language = replace(self.language, vocabulary=vocabulary, pad=pad, stop=end)
        text = self.text and replace(self.text, vocabulary=vocabulary, end=end)
        return replace(self, language=language, text=text)

    def steered(self, by_mappings: bool = True) -> "ModelConfig":
        """This configuration with or without the language model's own mapping networks."""
        return replace(self, language=replace(self.language, steered=by_mappings))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelConfig":
        """The inverse of `to_dict`, also by way of JSON; a wrong field is a TypeError."""
        audio = values["audio"]
        audio = audio | {"depths": tuple(audio["depths"]), "heads": tuple(audio["heads"])}
        nested: dict[str, Any] = {
            "mel": MelConfig(**values["mel"]),
            "audio": AudioConfig(**audio),
            "text": TextConfig(**values["text"]) if values["text"] else None,
            "audio_mapping": MappingConfig(**values["audio_mapping"]),
            "text_mapping": values["text_mapping"] and MappingConfig(**values["text_mapping"]),
            "language": LanguageConfig(**values["language"]),
        }
        return cls(**(values | nested))


def without_text_encoder(config: ModelConfig) -> ModelConfig:
    """Experiment B of App. F: the prompt goes through the language model's own embedding."""
    return replace(config, text=None, prompt_suffix=config.caption_suffix)


def lm_prompt_only(config: ModelConfig) -> ModelConfig:
    """Experiment A of App. F: the embedded prompt stands in the prefix as it is, without m2.

    It is padded to `prompt_tokens` and the padding is attended, as the released model of Experiment
    B does; the paper says nothing of it.
    """
    return replace(without_text_encoder(config), text_mapping=None)


PAPER = ModelConfig()
# What the released generate() computes from a window; then also how its wrapper reads the input.
RELEASED = replace(PAPER, normalise_text=False, clean_spaces=True)
WRAPPER = replace(RELEASED, crop="random", channels="concatenate", additional_text="character")

_SCRATCH = ModelConfig(
    mel=MelConfig(matrix_rate=SAMPLE_RATE, floor_db=-80.0),
    audio=AudioConfig(
        depths=(2, 2, 2, 2),
        heads=(2, 4, 8, 16),
        width=48,
        patch=8,
        window=4,
        dropout=0.1,
        drop_path=0.0,
        spec_augment=False,
    ),
    text=TextConfig(vocabulary=700, width=128, layers=2, heads=4, positions=64, end=0),
    audio_mapping=MappingConfig(prefix=8, projected=4, layers=2, heads=6),
    text_mapping=MappingConfig(prefix=8, projected=4, layers=2, heads=6),
    language=LanguageConfig(
        vocabulary=700, width=192, layers=3, heads=6, positions=256, dropout=0.0, pad=1, stop=0
    ),
    window_seconds=5.0,
    projection=256,
    prompt_suffix="<|endoftext|>",
    caption_suffix="<|endoftext|>",
)
SMALL = _SCRATCH
TINY = replace(
    _SCRATCH,
    mel=replace(_SCRATCH.mel, hop=345),  # 2 s are 256 frames, no stretching
    audio=replace(_SCRATCH.audio, depths=(2, 2, 2), heads=(2, 4, 8), width=64, image=128),
    text=TextConfig(vocabulary=700, width=96, layers=2, heads=4, positions=64, end=0),
    audio_mapping=MappingConfig(prefix=8, projected=4, layers=2, heads=4),
    text_mapping=MappingConfig(prefix=8, projected=4, layers=2, heads=4),
    language=replace(_SCRATCH.language, width=128, heads=4),
    window_seconds=2.0,
    projection=128,
)
