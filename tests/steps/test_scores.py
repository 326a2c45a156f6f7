"""Every kind of scoring on answers small enough to work out by hand."""

import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score

import scored_lake as s
from flows.steps.matching import ScoreError
from flows.steps.scores import score, texts_needed
from schemas.tables import SCORES, TEXTS

LABELS = {"dog": "dog", "rain": "rain", "siren": "siren"}
NOTHING = TEXTS.empty_table()


def events(*labels: str) -> pa.Table:
    return s.rows([{"events": [label]} for label in labels])


def scored(benchmark, rows, answers, texts=NOTHING, **options):
    return score(s.run(), benchmark, rows, answers, texts, **options)


def test_match_takes_the_nearest_label_and_counts_empty_answers_as_wrong() -> None:
    vectors = {"dog": [1, 0, 0], "rain": [0, 1, 0], "siren": [0, 0, 1], "a puppy": [0.9, 0.1, 0.2]}
    clip_space = s.texts({**vectors, "a puppy": [0, 1, 0]}, "clip")
    benchmark = s.benchmark(labels=LABELS, n_official=5)
    said = ["A puppy.", "rain", "", "siren"]
    table = scored(
        benchmark,
        events("dog", "rain", "dog", "dog"),
        s.answers("b", said),
        pa.concat_tables([s.texts(vectors), clip_space]),
    )
    assert table.schema == SCORES
    found = s.lines(table)
    assert {metric: line["value"] for metric, line in found.items()} == {
        "accuracy": 0.5,  # the puppy and the rain
        "accuracy_clip_space": 0.25,  # there the puppy is rain
        "exact": 0.25,
        "valid": 0.5,
        "empty": 0.25,
        "error/empty": 0.25,
        "error/matching": 0.0,
        "error/several": 0.0,
        "error/label": 0.25,  # a dog taken for a siren
        "error/related": 0.0,
        "error/other": 0.0,
    }
    headline = found["accuracy"]
    assert (headline["hits"], headline["n"], headline["n_official"]) == (2, 4, 5)
    assert headline["chance"] == 0.75
    assert [line["metric"] for line in found.values() if line["headline"]] == ["accuracy"]
    assert headline["caution"] == "1 of 4 answers are empty and count as wrong"


def test_the_first_prompt_of_the_benchmark_is_the_headline() -> None:
    answers = pa.concat_tables([s.answers("b", ["rain"], "q"), s.answers("b", ["dog"], "p")])
    table = scored(s.benchmark(labels=LABELS), events("dog"), answers, s.one_hot([*LABELS]))
    found = {(line["prompt"], line["metric"]): line for line in table.to_pylist()}
    assert found["p", "accuracy"]["headline"]
    assert found["p", "accuracy"]["value"] == 1.0
    assert not found["q", "accuracy"]["headline"]
    only_second = scored(
        s.benchmark(labels=LABELS), events("dog"), answers.slice(0, 1), s.one_hot([*LABELS])
    )
    assert s.lines(only_second)["accuracy"]["headline"]


def test_cosine_ranks_the_candidates_in_the_order_of_the_labels() -> None:
    answers = s.answers("b", [[0.1, 0.9, 0.0], [0.5, 0.1, 0.2]], "")
    found = s.lines(scored(s.benchmark(labels=LABELS), events("rain", "siren"), answers))
    assert (found["accuracy"]["value"], found["accuracy"]["protocol"]) == (0.5, "cosine")
    assert found["accuracy"]["headline"]


def test_multilabel_is_scikit_learns_map_of_the_cosines() -> None:
    benchmark = s.benchmark(labels=LABELS, scoring="multilabel", metric="mAP")
    truth = [["dog", "rain"], ["siren"], ["dog"], ["rain"]]
    said = ["Dog, rain", "siren", "rain", ""]
    vectors = s.texts(
        {"dog": [1, 0, 0], "rain": [0, 1, 0], "siren": [0, 0, 1], "dog, rain": [1, 0.5, 0]}
    )
    found = s.lines(
        scored(benchmark, s.rows([{"events": t} for t in truth]), s.answers("b", said), vectors)
    )
    long = 1.25**-0.5
    cosines = [[long, long / 2, 0], [0, 0, 1], [0, 1, 0], [-1, -1, -1]]
    hot = [[1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert found["mAP"]["value"] == pytest.approx(average_precision_score(hot, cosines))
    assert found["mAP"]["headline"]
    by_parts = [[1, 1, 0], [0, 0, 1], [0, 1, 0], [-1, -1, -1]]
    assert found["mAP_parts"]["value"] == pytest.approx(average_precision_score(hot, by_parts))
    assert found["exact"]["value"] == 0.5


NOTES = [
    "produced by bass, pitch 60, velocity 75, qualities dark long_release",
    "produced by guitar, pitch 72, velocity 80, no qualities",
    "produced by a lute, pitch 61, velocity 100, qualities dark",
    "",
]


def note_rows() -> pa.Table:
    facts = [("bass", 60, 75, ["dark", "long_release"]), ("bass", 60, 75, [])]
    facts += [("guitar", 61, 127, ["long_release"]), ("guitar", 62, 25, ["dark"])]
    keys = ("instrument", "pitch", "velocity", "qualities")
    return s.rows([dict(zip(keys, fact, strict=True)) for fact in facts])


def note_scores(field: str, labels: list[str], texts: pa.Table = NOTHING) -> dict:
    metric = "mAP" if field == "qualities" else "accuracy"
    words = {
        label: f"{'produced by' if field == 'instrument' else field} {label}" for label in labels
    }
    benchmark = s.benchmark(scoring="field", truth=field, metric=metric, labels=words)
    return s.lines(scored(benchmark, note_rows(), s.answers("b", NOTES), texts))


def test_a_parsed_instrument_needs_no_matching_and_another_word_is_matched() -> None:
    words = {
        "produced by bass": [1, 0],
        "produced by guitar": [0, 1],
        "produced by a lute": [0.1, 1],
    }
    found = note_scores("instrument", ["bass", "guitar"], s.texts(words))
    assert found["accuracy"]["hits"] == 2  # bass, and the lute that is most like a guitar
    assert found["exact"]["hits"] == 1


def test_numbers_are_parsed_and_velocity_goes_to_the_nearest_value() -> None:
    pitch = note_scores("pitch", ["60", "61", "62"])
    assert (pitch["accuracy"]["hits"], pitch["accuracy_chroma"]["hits"]) == (2, 3)
    assert (pitch["parsed"]["value"], pitch["accuracy"]["chance"]) == (0.75, 0.5)
    velocity = note_scores("velocity", ["25", "50", "75", "100", "127"])
    assert velocity["accuracy"]["hits"] == 2  # 75, and 80 is nearest to 75


def test_qualities_are_the_map_of_the_named_ones() -> None:
    found = note_scores("qualities", ["dark", "long_release", "bright"])
    expected = average_precision_score(
        [[1, 1], [0, 0], [0, 1], [1, 0]], [[1, 1], [0, 0], [1, 0], [0, 0]]
    )
    assert found["mAP"]["value"] == pytest.approx(expected)


def test_questions_by_annotation_majority_unanimity_and_any() -> None:
    votes = [("is it a dog?", a) for a in ("yes", "yes", "no")]
    votes += [("what rings?", a) for a in ("bell", "Bell", "phone")]
    table = s.rows([{"clip_id": "c0", "question": q, "answer": a} for q, a in votes])
    asked = s.answers("b", ["Yes, it is.", None, None, "phone"], "question: what")
    asked = asked.filter(pa.array([True, False, False, True])).set_column(
        asked.schema.get_field_index("clip_id"), "clip_id", pa.array(["c0", "c0"])
    )
    benchmark = s.benchmark(scoring="answer", truth="answer", prompts=("question: {question}",))
    found = s.lines(scored(benchmark, table, asked))
    assert found["accuracy"]["headline"]
    expected = {
        "accuracy": (2, 3),
        "accuracy_yes_no_majority": (1, 1),
        "accuracy_word_each": (1, 3),
        "accuracy_word_majority": (0, 1),
        "accuracy_word_any": (1, 1),
        "accuracy_all_each": (3, 6),
        "accuracy_all_any": (2, 2),
    }
    assert {m: (found[m]["hits"], found[m]["n"]) for m in expected} == expected
    assert found["accuracy_all_unanimous"]["value"] is None
    assert found["accuracy_all_unanimous"]["reason"] == "no item of this kind"
    assert {line["prompt"] for line in found.values()} == {"question: {question}"}


def test_captions_say_why_spider_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no Java there
    captions = [["a dog barks twice", "the dog barks"], ["rain falls on leaves", "it rains"]]
    table = s.rows(
        [
            {"row_id": f"r{i}k{k}", "clip_id": f"c{i}", "caption": caption}
            for i, group in enumerate(captions)
            for k, caption in enumerate(group)
        ]
    )
    said = s.answers("b", ["a dog barks twice", "rain falls on leaves"])
    benchmark = s.benchmark(scoring="caption", truth="caption", metric="SPIDEr")
    found = s.lines(scored(benchmark, table, said))
    assert found["SPIDEr"]["headline"]
    assert found["SPIDEr"]["value"] is None
    assert "SPICE" in found["SPIDEr"]["reason"]
    assert (found["BLEU-4"]["value"], found["BLEU-4"]["n"]) == (pytest.approx(1.0), 2)
    assert found["ROUGE-L"]["value"] == 1.0
    assert found["ROUGE-L"]["chance"] == 0.0  # dealt to the other clip they share no word


@pytest.mark.parametrize(
    ("rows", "said", "words", "message"),
    [
        (("dog", "rain"), ["dog"], ["dog", "rain", "siren"], "no answer for row r1"),
        (("dog",), ["wolf"], ["dog", "rain", "siren"], "no vector in space pengi"),
        (("owl",), ["dog"], ["dog", "rain", "siren"], "'owl', which is none of its 3 labels"),
        (("dog",), ["dog"], [], "needs vectors in space 'pengi'"),
    ],
)
def test_what_does_not_fit_together_is_named(rows, said, words, message: str) -> None:
    with pytest.raises(ScoreError, match=message):
        scored(s.benchmark(labels=LABELS), events(*rows), s.answers("b", said), s.one_hot(words))


def test_answers_of_another_benchmark_are_refused() -> None:
    with pytest.raises(ScoreError, match="on other"):
        scored(s.benchmark(labels=LABELS), events("dog"), s.answers("other", ["dog"]))


def test_a_row_without_a_clip_is_not_scored() -> None:
    table = s.rows([{"events": ["dog"]}, {"events": ["rain"], "clip_id": None}])
    found = s.lines(
        scored(s.benchmark(labels=LABELS), table, s.answers("b", ["dog"]), s.one_hot([*LABELS]))
    )
    assert (found["accuracy"]["n"], found["accuracy"]["value"]) == (1, 1.0)


def test_texts_needed() -> None:
    labels = s.benchmark(labels=LABELS)
    assert texts_needed(labels, ["A dog.", ""]) == ["a dog", "dog", "rain", "siren"]
    many = labels.model_copy(update={"scoring": "multilabel"})
    assert texts_needed(many, ["Dog, bark"]) == ["bark", "dog", "dog, bark", "rain", "siren"]
    pitch = labels.model_copy(update={"scoring": "field", "truth": "pitch"})
    assert texts_needed(pitch, ["pitch 60"]) == []


def test_the_same_answers_give_the_same_table_in_any_order() -> None:
    benchmark, table = s.benchmark(labels=LABELS), events("dog", "rain", "siren")
    answers, vectors = s.answers("b", ["dog", "rain", "dog"]), s.one_hot([*LABELS])
    turned = answers.take([2, 0, 1])
    assert scored(benchmark, table, answers, vectors) == scored(benchmark, table, turned, vectors)
