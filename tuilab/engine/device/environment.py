"""What PyTorch's threads read from the environment: import this before PyTorch.

The threads of a step wait for each other by spinning, 300,000 turns long where nothing else is
said. Beside one busy program on two cores the one that is waited for has no core as long as the
others spin: 8 steps a second were measured instead of 830. A short spin costs a few per cent of
the speed on a quiet machine and kept 180. Whatever the person has set stands.
"""

import os

SPINS = "3000"

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
