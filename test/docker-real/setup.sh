#!/bin/bash
# What a homelab has on a docker guest: a compose project, one that a unit runs, and a container made by hand.
set -euo pipefail
mkdir -p /tmp/image/bin /mnt/docker/media/db /mnt/docker/stack/data /mnt/docker/plain
cp /bin/busybox /tmp/image/bin/
ln -sf busybox /tmp/image/bin/sh
tar -C /tmp/image -c . | docker import - lab/base:1 >/dev/null
loop="trap 'exit 0' TERM; while :; do echo tick >>/data/log; busybox sleep 1 & wait; done"
quiet="trap 'exit 0' TERM; while :; do busybox sleep 1 & wait; done"

cat >/mnt/docker/media/compose.yaml <<X
services:
  web:
    image: lab/base:1
    network_mode: none
    restart: unless-stopped
    depends_on: [db]
    command: ["sh", "-c", "$quiet"]
  db:
    image: lab/base:1
    network_mode: none
    restart: always
    stop_grace_period: 20s
    command: ["sh", "-c", "$loop"]
    volumes: ["./db:/data"]
X
(cd /mnt/docker/media && docker compose up --detach)

cat >/mnt/docker/stack/compose.yaml <<X
services:
  app:
    image: lab/base:1
    network_mode: none
    restart: always
    command: ["sh", "-c", "$loop"]
    volumes: ["./data:/data"]
X
cat >/etc/systemd/system/stack.service <<X
[Unit]
Requires=docker.service
After=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
WorkingDirectory=/mnt/docker/stack
ExecStart=/usr/bin/docker compose up --detach
ExecStop=/usr/bin/docker compose down
[Install]
WantedBy=multi-user.target
X
systemctl daemon-reload
systemctl enable --now stack.service

docker run --detach --name plain --network none --restart unless-stopped \
  --volume /mnt/docker/plain:/data lab/base:1 sh -c "$loop" >/dev/null
docker run --detach --name other --network none --restart always lab/base:1 sh -c "$quiet" >/dev/null
