import type { Readable } from 'node:stream';

/** What a command left behind. Bytes stay bytes: names in the output may be anything. */
export interface RunResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array | Readable;
  /** Seconds without an answer before the command is given up; reads of a share need one (a dead virtiofsd hangs for ever). */
  readonly timeoutSeconds?: number;
  /** Called with each chunk of stdout; what is passed here is not kept in `stdout`. */
  readonly onStdout?: (chunk: Buffer) => void | Promise<void>;
  /**
   * Milliseconds for which stdout may gather before it is read: a command that writes line by line for a long time then
   * costs a tenth. What has more to say, or has ended, is read at once.
   */
  readonly gatherMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * A machine on which commands run: over ssh, or the controller itself.
 * `run` resolves for every exit code; it throws a DrayageError only when the machine could not be asked
 * (unreachable, refused, host key changed, time limit).
 */
export interface Host {
  /** The name in drayage.yaml. */
  readonly name: string;
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Finds a host by its name in drayage.yaml (a node or a guest). Throws for an unknown name. */
export type Hosts = (name: string) => Host;
