"""API keys: how they are found, and where they are stored."""
