"""Benchmarks: they drive the real server as an editor does and print what it cost."""
