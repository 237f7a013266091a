"""pylot-ls: a language server that holds a llama.cpp model in its own process."""

__version__ = "0.1.0"
