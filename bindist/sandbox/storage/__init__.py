"""What is kept: the database, the objects, the sample catalogue."""
