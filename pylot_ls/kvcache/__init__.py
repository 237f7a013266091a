"""The prefix cache's storage: bytes under keys, in memory and on disk. It knows no model and no llama.cpp.

Any doubt about a value is a miss. A key stands for one value only, but for those of records, which are replaced; the
worst that a miss, or a record that another process has replaced, costs is time.
"""
