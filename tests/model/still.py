"""The trainer at size "still", without dropout: its draws are the processes' own.

`python still.py RUN_DIR` as `python -m pengi_model.train RUN_DIR`; importing it makes the size.
"""

import sys
from dataclasses import replace

from pengi_model.config import TINY
from pengi_model.settings import SIZES
from pengi_model.train import main

SIZES["still"] = replace(
    TINY, audio=replace(TINY.audio, dropout=0.0), projection_form="linear"
)  # the other projection has a dropout of its own

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
