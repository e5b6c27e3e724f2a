"""A training lab for neural networks in the terminal."""
