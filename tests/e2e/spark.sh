#!/usr/bin/env bash
# spark: the spark operator on a real standalone cluster: settings, environment and arguments that reach the application,
# progress from the driver, publishing through checks, a cancel that ends the application, exit codes.
. "$(dirname "$0")/lib.sh"
venv=$SOURCE/.deps/venv
[ -x "$venv/bin/python" ] || fail "no .deps/venv: scripts/setup --tests makes it"
command -v java >/dev/null || fail "no java: scripts/setup --tests installs it"
SPARK_HOME=$("$venv/bin/python" -c 'import pyspark, os; print(os.path.dirname(pyspark.__file__))')
export PYSPARK_PYTHON=$venv/bin/python SPARK_LOCAL_IP=127.0.0.1
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

pids=()
at_end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) web=$(free_port)

step "a master and a worker on 127.0.0.1:$port"
mkdir -p spark
"$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" --webui-port "$web" \
    >spark/master.log 2>&1 &
pids+=($!)
soon "the master starts" grep -q 'Starting Spark master' spark/master.log
"$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --cores 2 --memory 1g \
    --webui-port "$(free_port)" --work-dir "$WORK/spark/work" "spark://127.0.0.1:$port" >spark/worker.log 2>&1 &
pids+=($!)
soon "the worker registers" grep -q 'Successfully registered' spark/worker.log
# apps: how many applications the master runs now, and the state of the last one that ended.
apps() { curl --noproxy '*' -s "http://127.0.0.1:$web/json/" | python3 -c '
import json, sys
m = json.load(sys.stdin)
print(len(m["activeapps"]), m["completedapps"][-1]["state"] if m["completedapps"] else "-")'; }

mkdir -p project/pipelines project/landing && cd project
cat >leat.yaml <<Y
leat: 1
project: cluster
engines:
  spark:
    home: $SPARK_HOME
    master: spark://127.0.0.1:$port
    conf: {spark.executor.memory: 512m, spark.sql.shuffle.partitions: 7}
Y
cat >app.py <<'P'
import os, sys, time
from pyspark.sql import SparkSession

mode, out = sys.argv[1:3]
spark = SparkSession.builder.appName("its own name").getOrCreate()
if mode == "wait":
    spark.sparkContext.parallelize(range(200), 200).map(lambda x: time.sleep(2)).count()
if mode == "nothing":
    sys.exit(99)
facts = [
    ("zone", spark.conf.get("spark.sql.session.timeZone")),
    ("shuffle", spark.conf.get("spark.sql.shuffle.partitions")),
    ("from", os.environ["LEAT_WINDOW_START"]),
    ("param", os.environ["LEAT_PARAM_COLOUR"]),
    ("stage", str(os.environ["LEAT_OUTPUT_PATH"] == out)),
    ("args", "|".join(sys.argv[3:])),
]
spark.createDataFrame(facts, "name string, value string").repartition(3).write.parquet(out)
P
cat >pipelines/facts.yaml <<'Y'
pipeline: facts
about: What an application is told, as a table.
schedule: {every: day at 02:00, timezone: Europe/Berlin}
params: {colour: red}
steps:
  tell:
    spark:
      app: app.py
      args: [write, "${output.path}", "a b", "${window.start}", "${params.colour}"]
      conf: {spark.sql.shuffle.partitions: 5}
    into: trusted.facts
    write: replace
    checks: [row_count = 6, missing(value) = 0]
Y
cat >pipelines/waits.yaml <<'Y'
pipeline: waits
steps:
  wait:
    spark: {app: app.py, args: [wait, "${output.path}"]}
    poll: 300ms
    into: trusted.never
Y
cat >pipelines/nothing.yaml <<'Y'
pipeline: nothing
steps:
  nothing:
    spark: {app: app.py, args: [nothing, none], master: "local[1]"}
Y

step "an application publishes through its checks"
exits 0 leat run facts --window 2024-01-02
told() { one "select value from trusted.facts where name = '$1'"; }
same "$(told zone)" Europe/Berlin "the session's time zone"
same "$(told shuffle)" 5 "the step's settings win"
same "$(told from)" 2024-01-01T23:00:00Z "the window"
same "$(told param)" red "the parameter"
same "$(told stage)" True "the stage"
same "$(told args)" "a b|2024-01-01T23:00:00Z|red" "the arguments"
same "$(apps)" "0 FINISHED" "the application on the cluster"

step "progress by stages and tasks; a cancel ends the application"
leat run waits >"$WORK/waits.txt" 2>&1 &
run=$!
soon "the application says how far it is" sh -c "cat .leat/stage/*.progress | grep -q 'stage 0/1 tasks [0-9]*/200'"
same "$(apps | cut -d' ' -f1)" 1 "one application runs"
kill -INT $run
code=0
wait $run || code=$?
same "$code" 130 "the exit code of a cancelled run"
soon "the application is gone from the master" sh -c "curl --noproxy '*' -s http://127.0.0.1:$web/json/ | grep -q '\"activeapps\" : \[ \]'"
no_executor() { ! ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -q "$WORK/spark/work/app"; }
soon "no executor is left" no_executor
[ ! -e lake/trusted/never ] || fail "a cancelled step published something"

step "exit code 99 is nothing new"
exits 0 leat run nothing
leat runs show 3 --json | grep -q '"nothing_new": true' || fail "exit 99 is not shown as nothing new"
