"""What a published address means on the web: hub files by revision, keys for their host only."""

import os
import re
from urllib.parse import quote, urlsplit

from flows.steps.keys import key

_HUB = "https://huggingface.co"
_HUB_FILE = re.compile(r"hf://datasets/(?P<name>[^@]+)@(?P<revision>[^/]+)/(?P<path>.+)")


class AddressError(ValueError):
    """An address that names no place."""


def resolved(address: str) -> tuple[str, dict[str, str]]:
    """(URL, headers to ask it with) of an address as a dataset file declares it.

    "hf://datasets/OWNER/NAME@REVISION/PATH" is a file of a hub repository; `HF_ENDPOINT` names
    another hub. The key HF_TOKEN goes to the hub's own host; a redirect to another drops it.
    """
    hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or _HUB
    url = address
    if address.startswith("hf://"):
        found = _HUB_FILE.fullmatch(address)
        if not found:
            raise AddressError("expected hf://datasets/OWNER/NAME@REVISION/PATH")
        revision, path = quote(found["revision"], safe=""), quote(found["path"])
        url = f"{hub}/datasets/{quote(found['name'])}/resolve/{revision}/{path}"
    if host(url) == host(hub) and (token := key("HF_TOKEN")):
        return url, {"Authorization": f"Bearer {token}"}
    return url, {}


def host(address: str) -> str:
    """Host and port of a URL; what stands before ":" where it is no URL of the web."""
    return urlsplit(address).netloc or address.partition(":")[0]
