"""Settings: raw options from files, the environment, the command line and the client become typed settings, once.

Nothing here raises for what a user or a client wrote: a wrong value becomes a problem to report, and the next source
that has a good one counts.
"""
