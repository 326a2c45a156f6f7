"""What a dataset costs and gives, by its published counts: bytes, disk, hours, clips, pairs."""

from pydantic import BaseModel

from schemas import Dataset

PAPER_PAIRS = 3_400_000  # sec. 4.1
# Bytes of an hour at 44.1 kHz mono 16 bit: as FLAC level 5 (measured on pink noise, harmonics and
# speech; it depends on content), and as the int16 cache that training reads.
_FLAC_HOUR = 211_000_000
_INT16_HOUR = 2 * 44_100 * 3600


class Estimate(BaseModel):
    """Published or derived figures of one dataset; None where its publisher gives none.

    download: bytes; disk: bytes of download, FLAC shards and int16 cache; clips: of all splits;
    pairs: what the training splits give, one a row and template.
    """

    download: int | None
    disk: int | None
    hours: float | None
    clips: int | None
    pairs: int | None


def estimate(dataset: Dataset, train: tuple[str, ...]) -> Estimate:
    """The figures of `dataset` when the splits `train` are trained on."""
    sizes = [archive.bytes for archive in dataset.archives]
    known = [size for size in sizes if size is not None]
    whole = dataset.access.kind in ("direct", "agreement") and sizes and len(known) == len(sizes)
    download = sum(known) if whole and dataset.bytes is None else dataset.bytes
    kept = None if dataset.hours is None else round(dataset.hours * (_FLAC_HOUR + _INT16_HOUR))
    rows = [dataset.expected_rows.get(s, dataset.expected_clips.get(s)) for s in train]
    counts = [count for count in rows if count is not None]
    return Estimate(
        download=download,
        disk=None if kept is None or download is None else download + kept,
        hours=dataset.hours,
        clips=sum(dataset.expected_clips.values()) or None,
        pairs=sum(counts) * len(dataset.templates) if len(counts) == len(rows) else None,
    )


def total(estimates: list[Estimate]) -> Estimate:
    """Sums over what is known; None where nothing is."""

    def summed(name: str) -> float | None:
        known = [value for e in estimates if (value := getattr(e, name)) is not None]
        return sum(known) if known else None

    return Estimate.model_validate({name: summed(name) for name in Estimate.model_fields})
