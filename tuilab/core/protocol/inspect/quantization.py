"""Signed values as bytes: 128 is zero, 1 and 255 are the largest absolute value."""

ZERO = 128

STEPS = 127
"""Steps on either side of zero."""


def dequantize(byte: int) -> float:
    """Returns the value of a byte as a fraction of the largest absolute value, from -1 to 1."""
    return (byte - ZERO) / STEPS
