"""The Keras network: built by its declaration, and fitted by one process or many with the same result."""

import os

# Set before TensorFlow is loaded: no messages at its start, and the same sums on every processor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
