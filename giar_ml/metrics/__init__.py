"""How good readings are: pure functions from gold and result to counts that add up.

Every count is a frozen dataclass with `+`: add up over documents, divide last. A rate whose
denominator is 0 is None, never nan or 1.
"""
