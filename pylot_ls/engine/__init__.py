"""The engine: requests of tokens in, a stream of tokens out. It knows no documents and no LSP."""

import os

# numpy multiplies no matrices here. The threads and buffers of its library would be of no use, and where the system
# refuses them that library ends the process. It looks when numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
