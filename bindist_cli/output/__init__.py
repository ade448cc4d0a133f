"""Output: results, progress and errors."""
