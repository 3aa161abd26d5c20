import { forceCommandConfig, recordCommandPath, recordCommandScript } from './ssh-files.ts';

/** The guest's second serial port: a file in the lab's record folder on the other side (see lab/qemu/command.ts). */
const recordPort = '/dev/ttyS1';

const heredoc = (path: string, text: string) => `cat >${path} <<'LAB-END'\n${text}LAB-END\n`;

/**
 * A script for root of a guest: from now on its sshd records the commands it gets, and its boots reach
 * network-online.target, as those of a cloud image do. podman's rootless quadlets wait up to 90 s for that target, and
 * do nothing to reach it (podman-user-wait-network-online.service). Safe to run again.
 */
export function provisionScript(): string {
  return [
    '#!/bin/bash\nset -eu\n',
    heredoc(recordCommandPath, recordCommandScript(recordPort)),
    `chmod 755 ${recordCommandPath}\n`,
    // Other users' commands are recorded too; /dev is made anew at each boot.
    heredoc('/etc/tmpfiles.d/lab-record.conf', `z ${recordPort} 0666 - - -\n`),
    `chmod 666 ${recordPort}\n`,
    heredoc('/etc/ssh/sshd_config.d/lab-record.conf', forceCommandConfig),
    'systemctl reload ssh.service\n',
  ].join('');
}
