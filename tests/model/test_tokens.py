"""The tiny tokenizer: any text survives, and the order of the texts does not matter."""

from hypothesis import given
from hypothesis import strategies as st

from pengi_model.tokens import END, train_tokenizer

TEXTS = ["this is a sound of dog bark", "this is a sound of rain", "generate audio caption"]
TOKENIZER = train_tokenizer(TEXTS, 300)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=40))
def test_round_trip(text: str):
    if END not in text:
        found = TOKENIZER.decode(TOKENIZER(text)["input_ids"])
        assert found == (text if text[:1] in ("", " ") else f" {text}")


def test_order_of_the_texts_does_not_matter():
    again = train_tokenizer(reversed(TEXTS), 300)
    assert again.backend_tokenizer.to_str() == TOKENIZER.backend_tokenizer.to_str()


def test_a_word_is_the_same_token_wherever_it_stands():
    tokenizer = train_tokenizer(["rain, water", "water, rain"] * 9, 300)
    first, last = tokenizer.tokenize("rain, water"), tokenizer.tokenize("water, rain")
    assert first == ["Ġrain", ",", "Ġwater"] and last == ["Ġwater", ",", "Ġrain"]


def test_frequent_words_become_one_token():
    assert TOKENIZER.tokenize("this is a sound of") == ["Ġthis", "Ġis", "Ġa", "Ġsound", "Ġof"]
    assert TOKENIZER(END)["input_ids"] == [TOKENIZER.eos_token_id] == [0]
