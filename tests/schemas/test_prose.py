"""Descriptions as plain text, with what uploaders really write and with anything at all."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.prose import first_sentence, plain

# pieces that look like mark-up, links and sentence ends more often than random letters do
_PIECES = st.sampled_from(
    [
        *(
            "<b>",
            "</a ",
            "<br>",
            "&amp;",
            "&lt",
            ";",
            "&#60;",
            "http://x.y/z",
            "www.a",
            ". ",
            "! A",
        ),
        *(
            "\r\n",
            "\u2028",
            "  ",
            "e.g. ",
            "Rain",
            "rain",
            "<!--",
            "-->",
            "<3",
            "é",
            "…",
            '."',
            "\x00",
        ),
    ]
)
_TEXTS = st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=14).map("".join))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rain &amp; wind", "Rain & wind"),
        ("<a href='x' rel=\"nofollow\">My page</a> has more", "My page has more"),
        ("see http://www.example.org/a?b=c#d or www.example.org", "see or"),
        ("  tabs\tand\r\nlines  ", "tabs and lines"),
        ("volume < 3 dB, I <3 it > all", "volume < 3 dB, I <3 it > all"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("<!-- note -->dog", "dog"),
        ("", ""),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog barks. Recorded with a Zoom H4n.", "A dog barks."),
        ("Weather, e.g. rain, is heard. 44.1 kHz.", "Weather, e.g. rain, is heard."),
        ("Recorded at 44.1 kHz in the rain", "Recorded at 44.1 kHz in the rain"),
        ("\r\n\r\nA door\nslams. Twice.", "A door"),
        ("<p>A horn!</p> Loud.", "A horn!"),
        ('He says "stop." Then nothing.', 'He says "stop."'),
        ("*****\nBirds", "Birds"),
        ("http://freesound.org/people/x/ ", ""),
        ("...", ""),
        ("Was it rain?! Yes", "Was it rain?!"),
    ],
)
def test_the_first_sentence(text: str, expected: str) -> None:
    assert first_sentence(text) == expected


@given(_TEXTS)
def test_plain_text_is_clean_and_stays_as_it_is(text: str) -> None:
    cleaned = plain(text)
    assert plain(cleaned) == cleaned
    assert cleaned == " ".join(cleaned.split())
    assert not re.search(r"<[a-z]+>|https?://\w|&(?:amp|lt|gt|quot);", cleaned)


@given(_TEXTS)
def test_the_first_sentence_is_the_beginning_of_a_line(text: str) -> None:
    sentence = first_sentence(text)
    assert first_sentence(sentence) == sentence
    assert plain(sentence) == sentence
    assert sentence == "" or any(letter.isalnum() for letter in sentence)


@given(st.text(alphabet=st.characters(categories=("L", "N")), min_size=1, max_size=30))
def test_words_alone_are_kept(text: str) -> None:
    assert plain(text) == first_sentence(text) == text
