"""From a user's own files to a service: looking at the files, describing them, and trying the description."""
