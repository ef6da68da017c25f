/* spark.c: `spark:`, a Spark application in client mode. */
#include "operators/operators.h"

static const struct field fields[] = {
    {.name = "app",
     .kind = FK_PATH,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "The application: a .py file, a .jar or a URL that Spark can read.",
     .example = "spark/daily_delay.py"},
    {.name = "master",
     .kind = FK_TEXT,
     .otherwise = "engines.spark.master, else local[*]",
     .help = "Where Spark runs.",
     .example = "spark://spark-master:7077"},
    {.name = "class", .kind = FK_TEXT, .help = "The main class of a .jar.", .example = "com.acme.Sessions"},
    {.name = "args",
     .kind = FK_ARG,
     .flags = FIELD_LIST,
     .help = "Arguments of the application, one item each.",
     .example = "[--out, '${output.path}']"},
    {.name = "conf",
     .kind = FK_MAP,
     .help = "Spark settings; they win over engines.spark.conf.",
     .example = "{spark.sql.shuffle.partitions: 400}"},
    {.name = "packages",
     .kind = FK_TEXT,
     .flags = FIELD_LIST,
     .help = "Maven coordinates to load.",
     .example = "io.delta:delta-spark_2.12:3.3.2"},
    {.name = "py_files",
     .kind = FK_PATH,
     .flags = FIELD_LIST,
     .help = "Python files, .zip or .egg to put on the path.",
     .example = "spark/lib.zip"},
    {.name = "jars",
     .kind = FK_PATH,
     .flags = FIELD_LIST,
     .help = "Jars to put on the class path.",
     .example = "spark/udfs.jar"},
    {0},
};

static const struct field siblings[] = {
    {.name = "poll",
     .kind = FK_DURATION,
     .otherwise = "2s",
     .help = "How often the driver is asked how far it is.",
     .example = "10s"},
    {0},
};

const struct op op_spark = {
    .verb = {.name = "spark",
             .about = "Runs a Spark application.",
             .fields = fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_SECRET_ENV},
};
