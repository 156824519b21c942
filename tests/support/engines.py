"""Settings of the engines that suit tests."""

from conf.profile import Profile

# Tests have few rows: to start soon is worth more to them than to run fast. But they run much of Spark: with this
# compiler alone the JVM keeps 48 MB of compiled code, and would forever throw some away and interpret it.
JVM = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
FOR_FEW_ROWS = "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.adaptive.enabled=false"
SMALL = Profile(engine="spark", master="local[2]", driver_memory="1g", shuffle_partitions=2)
