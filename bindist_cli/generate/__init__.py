"""What is made from the tree of commands: grammar, README tables."""
