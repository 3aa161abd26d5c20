/**
 * The documented schema of the provider bpg/proxmox (docs/resources of its repository), as far as generated files use it:
 * types, what is required, most blocks of a kind, values that are accepted. Written from the documents, not from our code.
 */
export type Field =
  | {
      readonly is: 'string' | 'number' | 'bool' | 'strings';
      readonly required?: true;
      readonly accepts?: RegExp;
    }
  | {
      readonly is: 'block';
      readonly max?: number;
      readonly required?: true;
      readonly fields: Readonly<Record<string, Field>>;
    }
  | { readonly is: 'set'; readonly required: true; readonly fields: Readonly<Record<string, Field>> };

const reference = '^\\$\\{[a-z_]+\\.[A-Za-z_][A-Za-z0-9_-]*\\.name\\}$';

export const vmSchema: Readonly<Record<string, Field>> = {
  name: { is: 'string', accepts: /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/ },
  node_name: { is: 'string', required: true, accepts: /./ },
  vm_id: { is: 'number' },
  on_boot: { is: 'bool' },
  description: { is: 'string' },
  tags: { is: 'strings' },
  bios: { is: 'string', accepts: /^(ovmf|seabios)$/ },
  machine: { is: 'string', accepts: /^(pc|q35|pc-.*)$/ },
  protection: { is: 'bool' },
  started: { is: 'bool' },
  reboot_after_update: { is: 'bool' },
  purge_on_destroy: { is: 'bool' },
  delete_unreferenced_disks_on_destroy: { is: 'bool' },
  clone: {
    is: 'block',
    max: 1,
    fields: {
      vm_id: { is: 'number', required: true },
      full: { is: 'bool' },
      retries: { is: 'number' },
      node_name: { is: 'string' },
      datastore_id: { is: 'string' },
    },
  },
  cpu: { is: 'block', max: 1, fields: { cores: { is: 'number' }, type: { is: 'string' } } },
  memory: { is: 'block', max: 1, fields: { dedicated: { is: 'number' }, floating: { is: 'number' } } },
  disk: {
    is: 'block',
    fields: {
      interface: { is: 'string', required: true, accepts: /^(scsi|sata|virtio)\d+$/ },
      datastore_id: { is: 'string' },
      size: { is: 'number' },
      file_format: { is: 'string', accepts: /^(qcow2|raw|vmdk)$/ },
    },
  },
  efi_disk: {
    is: 'block',
    max: 1,
    fields: {
      datastore_id: { is: 'string' },
      file_format: { is: 'string' },
      type: { is: 'string', accepts: /^(2m|4m)$/ },
    },
  },
  network_device: {
    is: 'block',
    fields: {
      bridge: { is: 'string' },
      model: { is: 'string', accepts: /^(e1000|e1000e|rtl8139|virtio|vmxnet3)$/ },
      vlan_id: { is: 'number' },
      mac_address: { is: 'string' },
    },
  },
  agent: { is: 'block', max: 1, fields: { enabled: { is: 'bool' }, timeout: { is: 'string' } } },
  virtiofs: {
    is: 'block',
    max: 8,
    fields: {
      mapping: { is: 'string', required: true, accepts: new RegExp(`${reference}|^[A-Za-z][A-Za-z0-9_-]+$`) },
      cache: { is: 'string', accepts: /^(auto|always|metadata|never)$/ },
      direct_io: { is: 'bool' },
      expose_acl: { is: 'bool' },
      expose_xattr: { is: 'bool' },
    },
  },
};

export const mappingSchema: Readonly<Record<string, Field>> = {
  name: { is: 'string', required: true, accepts: /^[a-zA-Z][a-zA-Z0-9_-]+$/ },
  comment: { is: 'string', accepts: /^[\x20-\x7e]*$/ },
  map: {
    is: 'set',
    required: true,
    fields: {
      node: { is: 'string', required: true },
      path: { is: 'string', required: true, accepts: /^\/.+$/ },
    },
  },
};

/** Further attributes that the resource has, and that `ignore_changes` may name. */
export const otherAttributes = [
  ...['acpi', 'audio_device', 'boot_order', 'cdrom', 'hostpci', 'initialization', 'keyboard_layout'],
  ...['kvm_arguments', 'numa', 'operating_system', 'scsi_hardware', 'serial_device', 'smbios', 'started'],
  ...['startup', 'tablet_device', 'tpm_state', 'usb', 'vga'],
];

/** Attributes whose change replaces the machine (ForceNew, or by the provider's own comparison). */
export const replacing = ['clone', 'node_name'];

type Body = Readonly<Record<string, unknown>>;

/** What is not as the schema has it: `virtiofs[0].cache: ...`. `lifecycle` belongs to OpenTofu and is left out. */
export function problemsOf(body: Body, fields: Readonly<Record<string, Field>>, at = ''): string[] {
  const problems: string[] = [];
  for (const [name, field] of Object.entries(fields))
    if ('required' in field && field.required && !(name in body)) problems.push(`${at}${name}: is required`);
  for (const [name, value] of Object.entries(body)) {
    if (at === '' && (name === 'lifecycle' || name === '//')) continue;
    const field = fields[name];
    if (field === undefined) problems.push(`${at}${name}: is not known`);
    else problems.push(...fieldProblems(value, field, `${at}${name}`));
  }
  return problems;
}

function fieldProblems(value: unknown, field: Field, at: string): string[] {
  if (field.is === 'block' || field.is === 'set') {
    if (field.is === 'set' && !Array.isArray(value)) return [`${at}: is an attribute, and takes a list`];
    const all = Array.isArray(value) ? value : [value];
    const most = field.is === 'block' ? (field.max ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    return [
      ...(all.length > most ? [`${at}: ${all.length} blocks, at most ${most}`] : []),
      ...(field.is === 'set' && all.length === 0 ? [`${at}: is empty`] : []),
      ...all.flatMap((one, index) => problemsOf(one as Body, field.fields, `${at}[${index}].`)),
      ...(at === 'virtiofs' ? all.flatMap((one, index) => aclProblem(one as Body, `${at}[${index}]`)) : []),
    ];
  }
  const right =
    field.is === 'strings'
      ? Array.isArray(value) && value.every((one) => typeof one === 'string')
      : typeof value === (field.is === 'bool' ? 'boolean' : field.is);
  if (!right) return [`${at}: is not of the kind ${field.is}`];
  return field.accepts === undefined || field.accepts.test(String(value))
    ? []
    : [`${at}: ${String(value)} is not accepted`];
}

/** Found at apply only: the provider's own default, false, is refused beside expose_acl. */
function aclProblem(block: Body, at: string): string[] {
  return block.expose_acl === true && block.expose_xattr !== true
    ? [`${at}: expose_acl needs expose_xattr = true`]
    : [];
}
