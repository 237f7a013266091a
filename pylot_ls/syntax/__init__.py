"""What tree-sitter says about the text around a cursor: strings, comments, bodies, units, errors. Pure."""
