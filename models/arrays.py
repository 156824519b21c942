"""Types of NumPy arrays by what they hold; docstrings give the shapes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AnyFloats = NDArray[np.floating[Any]]  # of 32 or 64 bits
