// croner and cron-parser (npm) in the terms of next.c: node node.mjs croner|cron-parser; lines `expression<TAB>zone` in,
// `parse ns<TAB>next ns` out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const BATCHES = 3, CALLS = 20, BEGIN = new Date("2024-01-01T00:00:00Z");

const engines = {
  croner: () => {
    const { Cron } = require("croner");
    return (text, timezone) => {
      const job = new Cron(text, { timezone, paused: true });
      return (from) => job.nextRun(from);
    };
  },
  "cron-parser": () => {
    const { CronExpressionParser } = require("cron-parser");
    return (text, tz) => {
      const walk = CronExpressionParser.parse(text, { currentDate: BEGIN, tz });
      return () => walk.next().toDate();
    };
  },
};

function median(call) {
  const took = [];
  for (let b = 0; b < BATCHES; b++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < CALLS; i++) call();
    took.push(Number(process.hrtime.bigint() - start) / CALLS);
  }
  return took.sort((a, b) => a - b)[BATCHES >> 1];
}

const parse = engines[process.argv[2]]();
for await (const line of createInterface({ input: process.stdin })) {
  const [text, zone] = line.split("\t");
  try {
    const next = parse(text, zone);
    let at = BEGIN;
    const nexts = median(() => { at = next(at) ?? BEGIN; });
    console.log(`${median(() => parse(text, zone)).toFixed(1)}\t${nexts.toFixed(1)}`);
  } catch {
    console.log("-");
  }
}
