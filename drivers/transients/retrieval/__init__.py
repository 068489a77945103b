"""Archives of a campaign: fetched, verified, unpacked, told of. No graph, no engine."""
