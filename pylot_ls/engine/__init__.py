"""The engine: requests of tokens in, a stream of tokens out. It knows no documents and no LSP."""
