import { exitCode } from '../../errors/exit-code.ts';
import { printFindings } from '../../inspect/print.ts';
import { findingsPalette } from '../findings-palette.ts';
import type { Action } from '../program.ts';
import { withSession } from '../session.ts';

export const inspectCommand: Action = (globals) =>
  withSession(globals, async (session) => {
    const findings = await session.inspect();
    const { out, palette, json } = session.terminal;
    out.write(
      json
        ? `${JSON.stringify(findings)}\n`
        : printFindings(findings, session.config, findingsPalette(palette)),
    );
    return exitCode.done;
  });
