# pyarrow is compiled and makes its functions at import time: a type checker sees none of them.
from typing import Any

def __getattr__(name: str) -> Any: ...
