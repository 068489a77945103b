"""What flows on the edges of the transients graph, the files of a campaign, and the settings."""
