# What a guest has that a migration may change, in sections. Looks only.
export LC_ALL=C
# On a busy machine a guest's systemd needs longer for its list of units than its tools wait by themselves.
export SYSTEMD_BUS_TIMEOUT=240s
set -o errexit -o pipefail
notes() { runuser -u notes -- env --chdir=/ XDG_RUNTIME_DIR=/run/user/1000 SYSTEMD_BUS_TIMEOUT=$SYSTEMD_BUS_TIMEOUT "$@"; }
section() { printf '## %s\n' "$1"; }

section files
places='/etc/systemd/system /etc/systemd/user /etc/systemd/system.control /etc/containers/systemd /home/notes/.config'
find $places -type l -printf '%M %U:%G %p %l\n' 2>/dev/null || true
{ find $places -type f -printf '%M %U:%G %p\n' 2>/dev/null || true; } | while read -r mode owner file; do
  printf '%s %s %s %s\n' "$mode" "$owner" "$file" "$(sha256sum <"$file" | cut -c1-16)"
done
section enabled
systemctl list-unit-files --state=enabled --no-legend --plain | awk '{print $1}'
notes systemctl --user list-unit-files --state=enabled --no-legend --plain | awk '{print "notes", $1}'
section units
for unit in web.service housekeeping.service housekeeping.timer; do
  printf '%s %s\n' "$(systemctl show -P LoadState "$unit") reload=$(systemctl show -P NeedDaemonReload "$unit")" "$unit"
done
printf '%s notes.service\n' "$(notes systemctl --user show -P LoadState notes.service) reload=$(notes systemctl --user show -P NeedDaemonReload notes.service)"
section containers
shown='{{.Name}} policy={{.HostConfig.RestartPolicy.Name}} running={{.State.Running}} image={{.ImageName}} {{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}label={{index .Config.Labels "drayage.create"}}'
podman ps --all --format '{{.Names}}' | sort | xargs -r podman container inspect --format "$shown"
notes podman ps --all --format '{{.Names}}' | sort | notes xargs -r podman container inspect --format "notes $shown"
section images
podman images --format '{{.Repository}}:{{.Tag}} {{.ID}}' | sort
notes podman images --format 'notes {{.Repository}}:{{.Tag}} {{.ID}}' | sort
section mounts
awk '$3 == "virtiofs" || $2 ~ "^/mnt/" {print $1, $2, $3}' /proc/mounts
