"""One server for many: the process that editors share, and the bridge by which an editor joins it."""
