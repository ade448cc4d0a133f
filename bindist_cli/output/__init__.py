"""Everything that is printed: results, progress, errors."""
