"""Licences of clips: every outcome is an SPDX expression by the judgement of `packaging`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.licenses import canonicalize_license_expression

from schemas.licences import spdx


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("http://creativecommons.org/licenses/by/3.0/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "CC-BY-NC-4.0"),
        (
            "http://creativecommons.org/licenses/sampling+/1.0/",
            "LicenseRef-CC-Sampling-Plus-1.0",
        ),
        ("All rights reserved", "LicenseRef-All-rights-reserved"),
        ("", "LicenseRef-Unknown"),
    ],
)
def test_freesounds_addresses_become_spdx_ids(text: str, expected: str) -> None:
    assert spdx(text) == expected


_KINDS = st.sampled_from(["by", "by-nc", "by-sa", "by-nc-nd", "zero", "sampling+", "mark", "x"])
_VERSIONS = st.sampled_from(["1.0", "2.0", "2.5", "3.0", "4.0", "7.1", ""])


@given(
    st.one_of(
        st.text(),
        st.builds("http://creativecommons.org/licenses/{}/{}/".format, _KINDS, _VERSIONS),
    )
)
def test_every_outcome_is_an_spdx_expression(text: str) -> None:
    assert canonicalize_license_expression(spdx(text)) == spdx(text)
