"""What a line of SCORES says beside its value, and what is reported rather than averaged away."""

import csv
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import scored_lake as s
from flows.steps.matching import ScoreError
from flows.steps.metrics import f1, value
from flows.steps.scores import score
from schemas.tables import TEXTS

LABELS = {"dog": "dog", "rain": "rain", "siren": "siren"}
NOTHING = TEXTS.empty_table()
MATCH = s.benchmark(labels=LABELS)


def events(*labels: str, **more: list) -> pa.Table:
    lines = [{"events": [label]} for label in labels]
    for name, values in more.items():
        lines = [line | {name: v} for line, v in zip(lines, values, strict=True)]
    return s.rows(lines)


def matched(said: list, truth: pa.Table, **line) -> list[dict]:
    given = s.answers("b", said, **line)
    words = s.one_hot([*LABELS, "a dog", "thunder"])
    return score(s.run(), MATCH, truth, given, words).to_pylist()


def test_every_share_is_k_of_n() -> None:
    """Accuracies, rates and kinds of mistakes; the kinds and the accuracy make one."""
    said = ["dog", "a dog", "", "thunder", "siren", "rain", "rain"]
    lines = matched(said, events("dog", "dog", "rain", "rain", "siren", "dog", "rain"))
    shares = [line for line in lines if line["hits"] is not None]
    assert {line["metric"] for line in shares} == {line["metric"] for line in lines}
    for line in shares:
        assert Fraction(line["hits"], line["n"]) == Fraction(line["value"]).limit_denominator(1000)
        assert 0 <= line["hits"] <= line["n"] == 7
    found = {line["metric"]: line["hits"] for line in lines}
    wrong = sum(hits for metric, hits in found.items() if metric.startswith("error/"))
    assert found["accuracy"] + wrong == 7


def test_a_line_says_how_it_was_answered() -> None:
    how = {"protocol_version": 3, "decoding": "beam 5", "window": "centre 7 s"}
    for line in matched(["dog", "rain"], events("dog", "rain"), **how, release_id=s.RELEASE):
        assert how.items() <= line.items()
        assert (line["run"], line["release_id"]) == ("pengi", s.RELEASE)
        assert len(line["labels_sha256"]) == len(line["answers_sha256"]) == 64
        assert line["caution"] is None
    other = score(s.run(), s.benchmark(labels={**LABELS, "dog": "a dog"}), events("dog"),
                  s.answers("b", ["a dog"]), s.one_hot(["a dog", "rain", "siren"]))  # fmt: skip
    assert other["labels_sha256"][0].as_py() != line["labels_sha256"]
    assert other["answers_sha256"][0].as_py() != line["answers_sha256"]


@pytest.mark.parametrize(
    ("said", "truth", "line", "caution"),
    [
        (["dog"], events("dog", "dog", clip_id=["c0", None]), {}, "1 of 2 rows have no clip"),
        (["", "dog"], events("dog", "rain"), {}, "1 of 2 answers are empty and count as wrong"),
        (["dog", "rain"], events("dog", "dog"), {}, "all 2 items are dog"),
        (["dog"], events("dog"), {"release_id": "other"}, "asked about clips of release other"),
    ],
)
def test_what_a_reader_has_to_know_stands_beside_the_value(said, truth, line, caution: str) -> None:
    found = matched(said, truth, **line)
    assert all(caution in each["caution"] for each in found)
    assert found[0]["value"] is not None


def test_answers_of_two_ways_are_not_mixed() -> None:
    two = [s.answers("b", ["dog"], decoding=way) for way in ("beam 5", "greedy")]
    with pytest.raises(ScoreError, match=r"expected one decoding, found \['beam 5', 'greedy'\]"):
        score(s.run(), MATCH, events("dog"), pa.concat_tables(two), s.one_hot([*LABELS]))


@pytest.mark.parametrize("metric", ["accuracy", "mAP", "F1"])
def test_a_score_that_is_no_number_leaves_no_value(metric: str) -> None:
    scoring = "match" if metric == "accuracy" else "multilabel"
    benchmark = s.benchmark(labels=LABELS, scoring=scoring, metric=metric)
    ranked = s.answers("b", [[0.1, float("nan"), 0.2], [0.3, 0.1, 0.0]])
    (line,) = score(s.run(), benchmark, events("dog", "rain"), ranked, NOTHING).to_pylist()
    assert (line["metric"], line["headline"], line["value"]) == (metric, True, None)
    assert line["reason"] == "1 of 2 answers have a score that is no number"


@pytest.mark.parametrize("protocol", ["cosine", "likelihood", "likelihood_pmi", "probe"])
def test_every_ranking_of_labels_is_scored_alike(protocol: str) -> None:
    ranked = s.answers("b", [[-3.1, -0.2, -4.0], [-0.5, -0.1, -0.2]], protocol=protocol)
    lines = score(s.run(), MATCH, events("rain", "siren"), ranked, NOTHING).to_pylist()
    assert [(line["protocol"], line["metric"]) for line in lines] == [(protocol, "accuracy")]
    assert (lines[0]["value"], lines[0]["hits"]) == (0.5, 1)


def test_folds_have_their_mean_beside_the_accuracy() -> None:
    """fold1: 1 of 1; fold2: 1 of 3."""
    truth = events("dog", "dog", "dog", "dog", split=["fold1", "fold2", "fold2", "fold2"])
    benchmark = s.benchmark(labels=LABELS, splits=("fold1", "fold2"))
    given = s.answers("b", ["dog", "dog", "rain", "rain"])
    found = s.lines(score(s.run(), benchmark, truth, given, s.one_hot([*LABELS])))
    assert found["accuracy"]["value"] == 0.5
    assert found["accuracy_of_folds"]["value"] == pytest.approx((1 + 1 / 3) / 2)
    assert not found["accuracy_of_folds"]["headline"]


def test_the_ceiling_of_captions_is_one_reference_against_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Clip 0: "a dog" and "a dog barks" share 2 of 2 and 2 of 3 words; clip 1 is said twice."""
    monkeypatch.setenv("PATH", "")  # METEOR would take seconds to start
    captions = [("c0", "a dog"), ("c0", "a dog barks"), ("c1", "it rains"), ("c1", "it rains")]
    truth = s.rows([{"clip_id": clip, "caption": caption} for clip, caption in captions])
    benchmark = s.benchmark(scoring="caption", truth="caption", metric="SPIDEr")
    given = s.answers("b", ["rain", "rain"])
    found = s.lines(score(s.run(), benchmark, truth, given, NOTHING))
    # ROUGE-L of lengths 2 and 3 with 2 in common, both ways round, beta 1.2
    first = (1 + 1.44) * 1 * (2 / 3) / (2 / 3 + 1.44 * 1)
    second = (1 + 1.44) * (2 / 3) * 1 / (1 + 1.44 * (2 / 3))
    expected = ((first + 1) / 2 + (second + 1) / 2) / 2
    assert found["ROUGE-L"]["ceiling"] == pytest.approx(expected)
    assert found["ROUGE-L"]["value"] == 0.0


@pytest.mark.parametrize(
    ("name", "published"), [("perfect", 100.0), ("recall_affected", 99.8347107438)]
)
def test_f1_is_the_organisers_of_dcase_2017(shared_data, name: str, published: float) -> None:
    """Their own metric examples of Task 4: files and labels as a matrix, micro F1."""
    folder = shared_data / "DCASE2017-Task4" / "evaluation"

    def pairs(path) -> set[tuple[str, str]]:
        with path.open() as file:
            return {(line[0], line[3]) for line in csv.reader(file, delimiter="\t")}

    truth = pairs(folder / "groundtruth" / "groundtruth_weak_label_testing_set.csv")
    said = pairs(folder / "prediction" / f"{name}_prediction.csv")
    files, labels = (sorted({pair[i] for pair in truth}) for i in (0, 1))
    assert (len(files), len(labels)) == (488, 17)
    hot = [
        np.array([[(file, label) in found for label in labels] for file in files])
        for found in (truth, said)
    ]
    assert 100 * value(f1(*hot, "micro"), 488) == pytest.approx(published, abs=1e-9)
