/** UPIDs: `UPID:<node>:<pid>:<pstart>:<starttime>:<type>:<id>:<user>:`, numbers in upper-case hex of eight digits. */

export interface Upid {
  node: string;
  pid: number;
  pstart: number;
  /** Seconds since the epoch. */
  starttime: number;
  type: string;
  id: string;
  /** `user@realm`, or `user@realm!token`. */
  user: string;
}

const pattern =
  /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/;

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');

export function formatUpid(upid: Upid): string {
  const numbers = [upid.pid, upid.pstart, upid.starttime].map(hex).join(':');
  return `UPID:${upid.node}:${numbers}:${upid.type}:${upid.id}:${upid.user}:`;
}

/** Undefined when the text is not a UPID. */
export function parseUpid(text: string): Upid | undefined {
  const found = pattern.exec(text);
  if (!found) return undefined;
  const [, node = '', pid = '', pstart = '', starttime = '', type = '', id = '', user = ''] = found;
  const number = (digits: string) => Number.parseInt(digits, 16);
  return { node, pid: number(pid), pstart: number(pstart), starttime: number(starttime), type, id, user };
}
