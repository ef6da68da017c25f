# Secrets and env files: where they come from, what a step sees of them, what is said when they are missing.
$ mkdir pipelines; printf 'TOKEN=from-the-file-123\nREGION=eu\nOTHER=x\n' > .env; chmod 600 .env; cat > leat.yaml <<'Y'
> leat: 1
> env_files: [.env]
> env_allowed: [REGION]
> secrets: {token: env:TOKEN, lost: env:NO_SUCH_VARIABLE}
> Y
$ cat > pipelines/a.yaml <<'Y'
> pipeline: a
> steps:
>   one:
>     shell: echo "token $T region $REGION ${env_region-} other ${OTHER-unset}"
>     env: {T: "${secrets.token}", env_region: "${env.REGION}"}
> Y
$ leat run a -q > /dev/null; leat logs a --timestamps none
one | token *** region eu eu other unset
$ REGION=us TOKEN=from-outside-456 leat run a -q > /dev/null; leat logs a --timestamps none
one | token *** region us us other unset
$ sed -i 's/secrets.token/secrets.lost/' pipelines/a.yaml; leat run a 2>&1 | grep -E '^  (cause|hint)' | sed 's/  *pipelines.a.yaml:3$//'
  cause  pipelines/a.yaml:5:15: the secret `lost` cannot be had
  hint   the file or variable that `secrets:` of leat.yaml names for it is not there
$ leat run a -q > /dev/null 2>&1
[6]
