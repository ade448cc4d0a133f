"""The `bindist` command line."""
