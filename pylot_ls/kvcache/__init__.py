"""The prefix cache's storage: bytes under keys, in memory and on disk. It knows no model and no llama.cpp.

Any doubt about a value is a miss: a key stands for one value only, so the worst that a miss costs is time.
"""
