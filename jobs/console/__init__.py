"""What all commands share: options, the open session, progress, the entry for spark-submit."""
