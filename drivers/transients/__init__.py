"""The transients pipeline: a campaign of archives in, a file a run out."""
