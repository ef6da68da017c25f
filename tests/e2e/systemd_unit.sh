#!/usr/bin/env bash
# systemd_unit: the unit and its drop-in are what systemd takes, and say what keeps steps alive; systemd itself is asked
# where it runs.
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze >/dev/null || cannot_run "there is no systemd-analyze (scripts/setup --tests)"
cp -r "$SOURCE/packaging/systemd/." .
# The programs as they are built here, and a user that exists: verify looks for both.
sed -i "s|/usr/bin/leat|$BUILD/leat|; s|^User=.*|User=$(id -un)|; s|^Group=.*|Group=$(id -gn)|" leat.service
verified() { exits 0 env SYSTEMD_UNIT_PATH="$WORK:" systemd-analyze verify "$WORK/leat.service"; }

step "the unit alone"
mv leat.service.d aside
verified
[ ! -s err.txt ] || { cat err.txt; fail "systemd has something to say about the unit"; }

step "with the hardened drop-in"
mv aside leat.service.d
verified
[ ! -s err.txt ] || { cat err.txt; fail "systemd has something to say about the drop-in"; }

step "a mistake would be seen"
sed 's/^KillMode=.*/KillMode=maybe/' leat.service >wrong.service
systemd-analyze verify "$WORK/wrong.service" 2>err.txt || true
grep -q "kill mode" err.txt || fail "verify does not look at the keys"

step "what keeps steps alive is in it"
for line in KillMode=process Delegate=yes OOMPolicy=continue TasksMax=infinity Restart=always Type=notify; do
    grep -qx "$line" leat.service || fail "the unit lacks $line"
done
! grep -qE '^(PrivateTmp|RemoveIPC|ProtectControlGroups)=yes' leat.service leat.service.d/* || fail "it confines what steps need"
