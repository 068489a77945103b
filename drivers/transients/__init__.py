"""The transients pipeline: campaigns fetched, recordings turned into maps of frequency steps."""
