"""Bytes of files: downloads in ranges, part files, uploads."""
