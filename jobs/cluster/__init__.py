"""Running a command on a cluster by spark-submit."""
