/**
 * Property strings of Proxmox VE: `key=value,key=value`, where the first value may stand without its key
 * (pve-common, PVE::JSONSchema::parse_property_string).
 */
export function parsePropertyString(text: string, defaultKey?: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [index, part] of text.split(',').entries()) {
    const at = part.indexOf('=');
    if (at > 0) found[part.slice(0, at)] = part.slice(at + 1);
    else if (index === 0 && defaultKey !== undefined) found[defaultKey] = part;
    else found[part] = '';
  }
  return found;
}

/** Booleans of property strings: 1, on, yes, true. */
export function isOn(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '');
}
