"""The models that one can have, and those that one has: manifests, the files of the user's, fetching and forecasts."""
