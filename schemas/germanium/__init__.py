"""Settings, frames and constants of the germanium graph."""
