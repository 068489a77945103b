"""Pure functions, one folder a pipeline. No file is opened here but by loaders."""
