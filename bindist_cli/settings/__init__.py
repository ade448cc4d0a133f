"""Settings: flags, environment, profiles, and their files."""
