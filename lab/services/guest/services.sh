# Runs on doc1 as `bash -s PART [ARGUMENT...]`: sets up one part of the services, as an operator would have.
set -euo pipefail
part=$1
shift
archive=/var/tmp/lab-image.tar
as_notes() { (cd /home/notes && runuser -u notes -- env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/notes "$@"); }

case $part in
  image)
    # One tiny image under several names; nothing is pulled from anywhere.
    podman image exists localhost/lab/writer:1 && exit 0
    tree=$(mktemp -d)
    mkdir -p "$tree"/{bin,etc,tmp,data,srv}
    chmod 1777 "$tree/tmp"
    cp /bin/busybox "$tree/bin/"
    chroot "$tree" /bin/busybox --install -s /bin
    printf 'root:x:0:0:root:/:/bin/sh\nservice:x:1000:1000:service:/:/bin/sh\n' >"$tree/etc/passwd"
    tar -C "$tree" --numeric-owner --owner=0 --group=0 -cf $archive .
    rm -r "$tree"
    podman import --quiet --change 'CMD ["/bin/sh"]' $archive localhost/lab/writer:1
    podman tag localhost/lab/writer:1 localhost/lab/web:1 localhost/lab/app:1
    ;;
  image-of-notes)
    # The archive of units made root's folders on the way to the quadlet.
    chown -R notes:users /home/notes
    as_notes podman image exists localhost/lab/notes:1 && exit 0
    as_notes podman import --quiet --change 'CMD ["/bin/sh"]' $archive localhost/lab/notes:1
    rm $archive
    ;;
  writer)
    if podman container exists writer; then podman start writer && exit; fi
    podman run -d --name writer --restart=always --network none -v /mnt/docker/writer:/data \
      -e TOKEN=lab-secret-do-not-leak localhost/lab/writer:1 sh -c "$1"
    ;;
  app)
    if podman container exists app; then podman start app && exit; fi
    podman run -d --name app --network none -v /mnt/docker/app:/var/lib/app localhost/lab/app:1 sh -c "$1"
    ;;
  units)
    systemctl daemon-reload
    systemctl --quiet enable podman-restart.service housekeeping.timer
    systemctl start web.service housekeeping.timer
    ;;
  notes)
    as_notes systemctl --user daemon-reload
    as_notes systemctl --user start notes.service
    ;;
  *)
    echo "no such part: $part" >&2
    exit 2
    ;;
esac
