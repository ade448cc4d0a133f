"""Settings from flags, environment and profiles, and the files that store them."""
