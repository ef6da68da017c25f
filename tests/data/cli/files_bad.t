# Text files are read strictly: what is no table of its header's columns is an error at its line, never another table.
$ mkdir -p pipelines landing; cat > pipelines/p.yaml <<'Y'
> pipeline: p
> steps:
>   land: {copy: landing/*, into: raw.t, bookmark: files}
>   all: {sql: "select a, b from raw.t", into: refined.t}
> Y
$ cat > try <<'S'
> #!/bin/sh
> # Lands a file of these bytes beside a good one.
> rm -rf landing lake .leat; mkdir landing
> printf 'a,b\n1,2\n' > landing/good.csv
> printf "$2" > "landing/$1"
> leat run p 2>&1 | sed -n 's/^  cause  \(.*[^ ]\)   pipelines.*/\1/p; s/^\(run 1 ok\).*/\1/p; s|^  hint   \(.*as it came it is\).*/|\1 …/|p'
> S
$ chmod +x try; ./try more.csv 'a,b\n1,2\n1,2,3\n'
cannot read raw.t: more.csv:3: columns: the header has 2, this line 3: 1,2,3
mend it where it comes from: a file that changed is read again; as it came it is …/more.csv
$ ./try header.csv 'a,b\n1,2,3\n'
cannot read raw.t: header.csv:2: columns: the header has 2, this line 3: 1,2,3
mend it where it comes from: a file that changed is read again; as it came it is …/header.csv
$ ./try less.csv 'a,b\n1,2\n1\n'
cannot read raw.t: less.csv:3: columns: the header has 2, this line 1: 1
mend it where it comes from: a file that changed is read again; as it came it is …/less.csv
$ ./try above.csv '# made by x\na,b\n1,2\n'
cannot read raw.t: above.csv:2: columns: the header has 1, this line 2: a,b
mend it where it comes from: a file that changed is read again; as it came it is …/above.csv
$ ./try cut.csv 'a,b\n1,2\n"z,3\n'
cannot read raw.t: cut.csv is broken off in a quoted value, or mixes two ways to quote
mend it where it comes from: a file that changed is read again; as it came it is …/cut.csv
$ ./try latin.csv 'a,b\n1,2\nz\351,3\n' | sed 's/: z.*//'
cannot read raw.t: latin.csv:3: Invalid unicode (byte sequence mismatch) detected. This file is not utf-8 encoded.
mend it where it comes from: a file that changed is read again; as it came it is …/latin.csv
$ ./try tabs.tsv 'a\tb\n1\t2\n1\t2\t3\n'
cannot read raw.t: tabs.tsv:3: columns: the header has 2, this line 3: 1	2	3
mend it where it comes from: a file that changed is read again; as it came it is …/tabs.tsv
$ ./try quotes.csv 'a,b\n"x ""y"" z",5" pipe\n"two\nlines",2\n'
run 1 ok
$ ./try spark.csv 'a,b\n"x \\"y\\" z",2\n'
run 1 ok
$ ./try sign.csv 'a,b\n#3,4\n'; leat sql --csv "select a from refined.t order by a"
run 1 ok
a
#3
1
