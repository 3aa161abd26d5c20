import { describe, expect, it } from 'vitest';
import { inheritedAptSettings, parseIndexTargets } from '../../../lab/image/mirror.ts';

describe('finding the Debian mirror in the index targets of apt', () => {
  it('takes the archive and its security updates by their labels, and passes over other sources', () => {
    const output = [
      'https://packages.example.org/apt\tExample\tExample',
      'http://mirror.example.net/debian/\tDebian\tDebian',
      'http://mirror.example.net/debian/\tDebian\tDebian',
      'http://mirror.example.net/debian-security/\tDebian\tDebian-Security',
      '',
    ].join('\n');
    expect(parseIndexTargets(output)).toEqual({
      main: 'http://mirror.example.net/debian',
      security: 'http://mirror.example.net/debian-security',
    });
  });

  it('goes by the address where apt has fetched no list yet', () => {
    const output = 'http://proxy.example:3142/debian\t\t\nhttp://proxy.example:3142/debian-security\t\t\n';
    expect(parseIndexTargets(output)).toEqual({
      main: 'http://proxy.example:3142/debian',
      security: 'http://proxy.example:3142/debian-security',
    });
  });

  it('does not take a third party whose address ends in /debian for the archive', () => {
    expect(parseIndexTargets('https://download.example.com/linux/debian\tDocker\tDocker CE')).toEqual({});
  });

  it('keeps the first of several mirrors', () => {
    const output = 'http://near.example/debian\tDebian\tDebian\nhttp://far.example/debian\tDebian\tDebian';
    expect(parseIndexTargets(output)).toEqual({ main: 'http://near.example/debian' });
  });
});

describe('the apt settings that the guest build inherits', () => {
  it('keeps proxies and date checks, and drops everything else', () => {
    const dump = [
      'Acquire "";',
      'Acquire::http "";',
      'Acquire::http::Proxy "http://proxy.example:3142";',
      'Acquire::https::Proxy::mirror.example "DIRECT";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::GzipIndexes "true";',
      'Acquire::IndexTargets::deb::Packages::MetaKey "x";',
    ].join('\n');
    expect(inheritedAptSettings(dump)).toEqual([
      'Acquire::http::Proxy "http://proxy.example:3142";',
      'Acquire::https::Proxy::mirror.example "DIRECT";',
      'Acquire::Check-Valid-Until "false";',
    ]);
  });
});
