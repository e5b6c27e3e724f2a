"""Environment variables for PyTorch's threads: import this before PyTorch.

The threads of a step wait for each other by spinning, by default for 300,000 iterations. Beside one
busy program on two cores, the thread that the others wait for has no core while they spin: 8 steps
per second were measured instead of 830. A short spin kept 180, and costs a few percent of the speed
on an idle machine. A value that the user has set is kept.
"""

import os

SPIN_COUNT = "3000"

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
