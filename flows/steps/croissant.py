"""A release as MLCommons Croissant 1.0 JSON-LD (docs/croissant-spec.md of mlcommons/croissant)."""

from typing import Any

from flows import datasets
from flows.steps.lake import Lake
from flows.steps.tally import licences
from schemas import Part, Release, RequestError
from schemas.licences import LicenceError, alternatives
from schemas.tables import PAIRS

_CONFORMS = "http://mlcommons.org/croissant/1.0"
_RAI = "http://mlcommons.org/croissant/RAI/1.0"
_CITE = (
    "@inproceedings{deshmukh2023pengi, title={Pengi: An Audio Language Model for Audio Tasks}, "
    "author={Deshmukh, Soham and Elizalde, Benjamin and Singh, Rita and Wang, Huaming}, "
    "booktitle={Advances in Neural Information Processing Systems}, year={2023}}"
)
_TERMS = (  # of the vocabulary cr: that a reader of Croissant 1.0 expects to be declared
    *("citeAs", "column", "conformsTo", "dataType", "equivalentProperty", "extract", "field"),
    *("fileObject", "fileProperty", "fileSet", "format", "includes", "isLiveDataset", "jsonPath"),
    *("key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated"),
    *("replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_MEANING = {
    "pair_id": "first 32 hex digits of the sha256 of clip, row, template, its version and texts",
    "clip_id": "the sound; first 32 hex digits of a sha256",
    "dataset": "where the pair is from",
    "split": "split of the dataset; a release trains on some",
    "row_id": "the annotation of the dataset that the texts were made of",
    "template": "line of Table 1 of the paper",
    "template_version": "version of the template",
    "input": "the text that is given with the sound",
    "output": "the text that is to be answered",
}


def croissant(lake: Lake, release: Release) -> dict[str, Any]:
    """The JSON-LD object: a file and a record set for each pairs file; paths are the lake's."""
    parts = [part for part in release.parts if part.pair_counts]
    counted = licences(lake, release)
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": [_CONFORMS, _RAI],
        "name": f"pengi-pairs-{release.release_id}",
        "description": f"{release.pairs} pairs of (audio, input text, output text) of "
        f"{len(parts)} datasets. {_splits(parts)}",
        "url": f"urn:pengi-reproduction:release:{release.release_id}",
        "version": "1.0.0",
        "identifier": release.release_id,
        "license": [checked(licence) for licence in counted if licence != "not stated"],
        "citeAs": _CITE,
        "creator": {"@type": "sc:Organization", "name": "The Pengi reproduction authors"},
        "datePublished": release.provenance.get("made", "")[:10] or "1970-01-01",
        "rai:dataCollection": "; ".join(_collected(part) for part in parts),
        "rai:dataPreprocessingProtocol": "Sounds are decoded to 44.1 kHz mono 16 bit; "
        "texts are made by sql/build/pairs.sql with the templates "
        + ", ".join(f"{name} version {number}" for name, number in release.templates.items()),
        "distribution": [_file(part) for part in parts],
        "recordSet": [_records(part) for part in parts],
    }


def checked(licence: str) -> str:
    """An SPDX expression as it is; RequestError where a clip's licence is none."""
    try:
        alternatives(licence)
    except LicenceError as fault:
        raise RequestError(f"{fault} Correct it in the dataset's file and ingest again.") from fault
    return licence


def _context() -> dict[str, Any]:
    known: dict[str, Any] = {term: f"cr:{term}" for term in _TERMS}
    return known | {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
    }


def _splits(parts: list[Part]) -> str:
    named = "; ".join(f"{part.dataset}: {', '.join(part.train)}" for part in parts)
    return f"The release trains on these splits only: {named}."


def _collected(part: Part) -> str:
    if part.dataset not in datasets.names():
        return part.dataset
    facts = datasets.load(part.dataset).dataset
    return f"{facts.title} ({facts.homepage})"


def _file(part: Part) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": f"{part.dataset}.parquet",
        "name": f"{part.dataset}.parquet",
        "description": f"pairs of {part.dataset}, sorted by clip",
        "contentUrl": part.pairs.path,
        "contentSize": f"{part.pairs.bytes} B",
        "encodingFormat": "application/x-parquet",
        "sha256": part.pairs.sha256,
    }


def _records(part: Part) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": part.dataset,
        "name": part.dataset,
        "description": f"{sum(part.pair_counts.values())} pairs are in the release: those of split "
        + ", ".join(part.train),
        "key": {"@id": f"{part.dataset}/pair_id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{part.dataset}/{column.name}",
                "name": column.name,
                "description": _MEANING[column.name],
                "dataType": "sc:Integer" if str(column.type) == "int32" else "sc:Text",
                "source": {
                    "fileObject": {"@id": f"{part.dataset}.parquet"},
                    "extract": {"column": column.name},
                },
            }
            for column in PAIRS
        ],
    }
