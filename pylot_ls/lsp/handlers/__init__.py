"""One module per group of LSP methods: snapshot, convert, call one feature, convert back."""
