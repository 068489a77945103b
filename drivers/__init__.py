"""Everything that is not a quantity: command, settings, graph building, execution, files."""
