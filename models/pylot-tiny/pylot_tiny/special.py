"""The special tokens. They come first, so that their ids do not depend on how many tokens there are.

Spelt as Qwen2.5-Coder spells them, which llama.cpp and pylot-ls know.
"""

from __future__ import annotations

END = 0
FIM_PREFIX = 1
FIM_MIDDLE = 2
FIM_SUFFIX = 3
FIM_PAD = 4
REPOSITORY = 5
FILE_SEPARATOR = 6
SPECIAL = (
    "<|endoftext|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<|im_start|>",
    "<|im_end|>",
)
