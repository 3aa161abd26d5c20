/** The configuration lock of each VM: one holder, the others wait for a while. */
import { died } from './api-error.ts';

export interface VmLocks {
  /** Runs `body` with the lock. @throws ApiError 500 when it is not free within the time limit */
  hold<T>(vmid: number, body: () => Promise<T> | T): Promise<T>;
}

export function createVmLocks(timeoutMs: number): VmLocks {
  const last = new Map<number, Promise<unknown>>();
  return {
    async hold(vmid, body) {
      const before = last.get(vmid) ?? Promise.resolve();
      let release = () => {};
      const mine = new Promise<void>((resolve) => {
        release = resolve;
      });
      last.set(
        vmid,
        before.then(() => mine),
      );
      try {
        await orTimeout(before, timeoutMs, vmid);
        return await body();
      } finally {
        release();
      }
    },
  };
}

async function orTimeout(turn: Promise<unknown>, timeoutMs: number, vmid: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(died(`can't lock file '/var/lock/qemu-server/lock-${vmid}.conf' - got timeout`)),
      timeoutMs,
    );
  });
  try {
    await Promise.race([turn, late]);
  } finally {
    clearTimeout(timer);
  }
}
