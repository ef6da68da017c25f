"""delta_spark_rows FOLDER TABLE=PATH …: Spark, with Delta's own reader, sees at each version of each table the rows of
FOLDER/<table>.<version>.csv that Leat printed."""
import csv
import glob
import os
import sys

from pyspark.sql import SparkSession


def number(cell):
    try:
        return repr(float(cell))
    except ValueError:
        return cell


def text(value):
    if value is None:
        return ""
    if hasattr(value, "hour"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return number(str(value))


def compare(spark, ours, path, version):
    rows = list(csv.reader(open(ours, encoding="utf-8")))
    names, rows = rows[0], rows[1:]
    table = spark.read.format("delta").option("versionAsOf", version).load(path)
    assert set(table.columns) == set(names), f"{path}@{version}: columns {table.columns}, not {names}"
    theirs = sorted(tuple(text(row[name]) for name in names) for row in table.collect())
    mine = sorted(tuple(number(cell) for cell in row) for row in rows)
    differ = [pair for pair in zip(mine, theirs) if pair[0] != pair[1]][:3]
    assert mine == theirs, f"{path}@{version}: {len(mine)} rows here, {len(theirs)} there; {differ}"
    print(path, "version", version, len(mine), "rows", flush=True)


def main():
    os.environ["TZ"] = "UTC"
    jars = ",".join(glob.glob(os.path.join(os.environ["DELTA_JARS"], "*.jar")))
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.jars", jars)
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .getOrCreate()
    )
    count = 0
    for pair in sys.argv[2:]:
        name, path = pair.split("=", 1)
        for ours in sorted(glob.glob(os.path.join(sys.argv[1], name + ".*.csv"))):
            compare(spark, ours, path, int(ours.rsplit(".", 2)[1]))
            count += 1
    spark.stop()
    assert count, "nothing was compared"


main()
