"""One module per command: read a layer, call a function, write a layer."""
