"""What is shown of the thing under the pointer: what the text says of it, and what a model makes of it."""
