"""Documents: persistent text, positions in the client's encoding, files."""
