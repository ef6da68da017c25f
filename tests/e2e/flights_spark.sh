#!/usr/bin/env bash
# flights_spark: the refined step as a Spark application on a standalone cluster has the same rows.
. "$(dirname "$0")/lib.sh"
venv=$SOURCE/.deps/venv
[ -x "$venv/bin/python" ] || fail "no .deps/venv: scripts/setup --tests makes it"
command -v java >/dev/null || fail "no java: scripts/setup --tests installs it"
SPARK_HOME=$("$venv/bin/python" -c 'import pyspark, os; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME PYSPARK_PYTHON=$venv/bin/python SPARK_LOCAL_IP=127.0.0.1

pids=()
at_end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
step "a master and a worker on 127.0.0.1:$port"
mkdir -p "$WORK/spark"
"$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" \
    --webui-port "$(free_port)" >"$WORK/spark/master.log" 2>&1 &
pids+=($!)
soon "the master starts" grep -q 'Starting Spark master' "$WORK/spark/master.log"
"$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --cores 2 --memory 1g \
    --webui-port "$(free_port)" --work-dir "$WORK/spark/work" "spark://127.0.0.1:$port" >"$WORK/spark/worker.log" 2>&1 &
pids+=($!)
soon "the worker registers" grep -q 'Successfully registered' "$WORK/spark/worker.log"

example flights
cat >>leat.yaml <<Y

engines:
  spark:
    home: $SPARK_HOME
    master: spark://127.0.0.1:$port
Y
LEAT=leat ./prepare 6
exits 0 leat run flights
step "the refined step on the cluster"
exits 0 leat run flights_spark
leat sql --csv "select flight_date, flights, mean_delay, late, worst from refined.daily_delay order by all" >"$WORK/duck.csv"
leat sql --csv "select flight_date, flights, mean_delay, late, worst from refined.daily_delay_spark order by all" >"$WORK/spark.csv"
same_files "$WORK/duck.csv" "$WORK/spark.csv" "Spark's rows differ"
