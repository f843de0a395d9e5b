"""What the reader gets right, and what not: measured on documents with gold."""
