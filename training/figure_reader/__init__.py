"""Trains the model that reads figures in table cells."""
