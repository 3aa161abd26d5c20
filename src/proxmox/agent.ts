import { z } from 'zod';
import { DrayageError } from '../errors/error.ts';
import { parseAnswer } from './answer.ts';
import type { ProxmoxClient } from './client.ts';

type Client = Pick<ProxmoxClient, 'get'>;

const interfacesSchema = z.object({
  result: z.array(
    z.looseObject({
      name: z.string(),
      'hardware-address': z.string().optional(),
      'ip-addresses': z
        .array(z.looseObject({ 'ip-address': z.string(), 'ip-address-type': z.string() }))
        .optional(),
    }),
  ),
});
const fileSchema = z.object({
  content: z.string(),
  truncated: z.union([z.number(), z.boolean()]).optional(),
});

/** The guest agent of one running VM, over the API. Each call throws what the API says when it does not answer. */
export function guestAgent(client: Client, vm: { readonly node: string; readonly vmid: number }) {
  const base = `/nodes/${vm.node}/qemu/${vm.vmid}/agent`;
  const ask = async <T>(schema: z.ZodType<T>, path: string) =>
    parseAnswer(schema, await client.get(`${base}/${path}`), `${base}/${path}`);
  return {
    /** Addresses of the VM's own cards, those of IPv4 first: not of what runs inside it (bridges, tunnels). */
    async addresses(hardware: readonly string[]): Promise<string[]> {
      const { result } = await ask(interfacesSchema, 'network-get-interfaces');
      const own = new Set(hardware.map((one) => one.toLowerCase()));
      const all = result
        .filter((card) => own.has((card['hardware-address'] ?? '').toLowerCase()))
        .flatMap((card) => card['ip-addresses'] ?? []);
      const of = (type: string) =>
        all.filter((one) => one['ip-address-type'] === type).map((one) => one['ip-address']);
      return [
        ...of('ipv4').filter((address) => !address.startsWith('169.254.')),
        ...of('ipv6').filter((address) => !/^(::1|fe80:)/i.test(address)),
      ];
    },

    /** A small text file of the guest; undefined where the agent does not give it. */
    async file(path: string): Promise<string | undefined> {
      try {
        const { content } = await ask(fileSchema, `file-read?file=${encodeURIComponent(path)}`);
        return content;
      } catch (error) {
        // `Agent error: failed to open file`: it is not there, or the guest forbids the command.
        if (error instanceof DrayageError && /Agent error:/.test(error.seen)) return undefined;
        throw error;
      }
    },
  };
}

/** Hardware addresses of a VM's cards, from its configuration. */
export function hardwareOf(config: Readonly<Record<string, string>>): string[] {
  return Object.entries(config).flatMap(([key, value]) =>
    /^net\d+$/.test(key) ? (/([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})/.exec(value)?.[1] ?? []) : [],
  );
}
