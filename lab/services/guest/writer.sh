# Appends "N CHECKSUM(N)" ten times a second and goes on after the last number it finds.
# The checksum is arithmetic of the shell: a process for each line would keep an emulated processor busy.
trap 'exit 0' TERM INT
log=/data/log.txt
last=$(tail -n 20 "$log" 2>/dev/null | grep -aE '^[0-9]+ [0-9]+$' | tail -n 1)
n=${last%% *}
n=${n:-0}
while :; do
  n=$((n + 1))
  echo "$n $(((n * 2654435761 + 97) % 4294967291))" >>"$log"
  sleep 0.1
done
