"""daily_delay: refined.daily_delay as a Spark application.

Arguments: a file that lists the files of the pinned version of trusted.flights, one a line, and the folder to write
to. The partition column is in the folder names (Hive style), so Spark is told where the table begins."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

listing, out = sys.argv[1:3]
files = [line.strip() for line in open(listing, encoding="utf-8") if line.strip()]
base = files[0].split("/flight_date=")[0]

spark = SparkSession.builder.appName("daily_delay").getOrCreate()
flights = spark.read.option("basePath", base).parquet(*files)
daily = flights.groupBy(f.col("flight_date").cast("date").alias("flight_date")).agg(
    f.count(f.lit(1)).alias("flights"),
    f.round(f.avg("delay"), 2).alias("mean_delay"),
    f.count(f.when(f.col("delay") > 15, 1)).alias("late"),
    f.max("delay").alias("worst"),
)
daily.coalesce(1).write.mode("overwrite").parquet(out)
spark.stop()
