"""The Keras network: built by its declaration, fitted by one process or many to the same result, saved whole."""

import os

# Before anything here loads TensorFlow: no words at its start, and the same sums on every processor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
