#!/bin/bash
# The ssh that drayage finds under the fault harness. A command that belongs to an operation - the journal's last line is
# an intent - asks the harness before it goes; every other one goes at once. In the environment: FAULT_GATE, a folder for
# questions and answers; FAULT_RUNS, the folder of drayage's runs; FAULT_SSH, another ssh than the usual one.
real=${FAULT_SSH:-/usr/bin/ssh}
[[ " $* " == *" -T -- "* ]] || exec "$real" "$@"
shopt -s nullglob
journals=("$FAULT_RUNS"/*/journal.jsonl)
((${#journals[@]})) || exec "$real" "$@"
[[ $(tail -n 1 "${journals[-1]}") == '{"kind":"intent",'* ]] || exec "$real" "$@"

# A pid comes back on a busy machine: the time makes the question's name its own.
ask=$FAULT_GATE/$$-$EPOCHREALTIME
printf %s "${!#}" >"$ask.part"
mv "$ask.part" "$ask.asked"
until [[ -e $ask.told ]]; do sleep 0.02; done
case $(<"$ask.told") in
hold) exec sleep 900 ;;
during)
  "$real" "$@" <&0 &
  : >"$ask.begun"
  wait $!
  ;;
after)
  "$real" "$@" >/dev/null 2>&1
  : >"$ask.ended"
  exec sleep 900
  ;;
*) exec "$real" "$@" ;;
esac
