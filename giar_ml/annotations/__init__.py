"""What a report shows, as a person or the corpus maker states it, and the formats that hold it."""
