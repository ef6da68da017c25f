# What copy brings in, as a run sees it.
$ mkdir -p pipelines landing; : > landing/empty.csv; printf 'id,v\n1,a\n' > landing/one.csv; cat > pipelines/files.yaml <<'Y'
> pipeline: files
> steps:
>   land: {copy: landing/*.csv, into: raw.files, bookmark: files}
> Y
$ leat run files -q > /dev/null; leat sql --csv 'from raw.files'
id,v
1,a
# A URL that a parameter had a part in may not lead inside; one that is written out may.
$ cat > pipelines/web.yaml <<'Y'
> pipeline: web
> params: {name: one}
> steps:
>   land: {copy: "http://127.0.0.1:1/${params.name}.csv", into: raw.web}
> Y
$ leat run web 2>&1 | grep -o 'cause.*refused'
cause  http://127.0.0.1:1/one.csv leads to an address inside: refused
