import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCreateCommand } from '../../src/workloads/create-command.ts';
import {
  booleanOptions,
  shortOptions,
  splitArguments,
  valueOptions,
} from '../../src/workloads/podman-options.ts';

const context = { image: 'localhost/known:1', movedPaths: ['/mnt/docker'] };
const parse = (line: string) => parseCreateCommand(line.split(' '), context);

describe('the command that made a container', () => {
  it('is split into options, image and command, without what concerns starting and naming', () => {
    expect(
      parse(
        'podman run -d --name web --restart=always --replace --sig-proxy=false --network none -v /mnt/docker/web:/data:Z docker.io/library/nginx:1.27 nginx -g daemon',
      ),
    ).toEqual({
      options: ['--network', 'none', '-v', '/mnt/docker/web:/data:Z'],
      image: 'docker.io/library/nginx:1.27',
      command: ['nginx', '-g', 'daemon'],
      environment: [],
    });
  });

  it('takes -d out of a cluster of letters and keeps the others', () => {
    expect(parse('podman run -dit localhost/x:1').options).toEqual(['-i', '-t']);
  });

  it('knows which options take no value, so that the image is found after them', () => {
    expect(parse('podman create --init --read-only --privileged=false localhost/x:1 run').image).toBe(
      'localhost/x:1',
    );
    expect(parse('podman container create --tty localhost/x:1').image).toBe('localhost/x:1');
    expect(parse('podman create -p8080:80 -- localhost/x:1').image).toBe('localhost/x:1');
  });

  it('keeps the names of variables and never their values', () => {
    const create = parse(
      'podman run -e DB_PASSWORD=hunter2 --env=MODE=fast -eX=1 --env HOME_OF -d localhost/x:1',
    );
    expect(create.environment).toEqual(['DB_PASSWORD', 'MODE', 'X', 'HOME_OF']);
    expect(create.cannotCarry).toBeUndefined();
    expect(JSON.stringify(create)).not.toMatch(/hunter2|fast/);
  });

  it.each([
    ['--env-file /etc/web.env', 'reads its environment from /etc/web.env, which does not move'],
    ['--secret db,type=env', 'uses the podman secret db'],
    ['--pod media', 'belongs to the pod media'],
    ['--cidfile /run/web.cid', 'writes its id to /run/web.cid'],
    ['--rm', 'removed when it stops'],
    ['--rootfs', 'a directory instead of an image'],
    ['--network frontend', 'the podman network frontend'],
    ['--net container:vpn', 'the network of the container vpn'],
    ['-v cache:/cache', 'the podman volume cache'],
    ['-v /cache', 'an unnamed podman volume at /cache'],
    ['--mount type=volume,source=cache,target=/c', 'mounts cache as volume'],
    ['--mount type=bind,source=./x,target=/c', 'binds ./x'],
    ['--env-host', 'the whole environment'],
    ['-e PREFIX_*', '--env NAME*'],
    ['--volumes-from old', 'the volumes of old'],
  ])('with %s cannot be carried, and says why', (option, reason) => {
    expect(parse(`podman run ${option} localhost/x:1`).cannotCarry).toContain(reason);
  });

  it.each([
    '--env-file /mnt/docker/web/.env',
    '--mount type=bind,source=/mnt/docker/web,target=/d',
    '--mount type=tmpfs,destination=/t',
    '--network host',
    '--network pasta:-t,8080',
    '--network bridge:ip=10.88.0.9',
    '--rm=false',
    '-v /mnt/docker/secrets:/run/secrets:ro',
    '--security-opt label=disable',
    '--label io.containers.autoupdate=registry',
  ])('with %s can be carried', (option) => {
    const create = parse(`podman run ${option} localhost/x:1`);
    expect(create.cannotCarry).toBeUndefined();
    expect(create.options).toEqual(option.split(' '));
  });

  it.each([
    ['podman run localhost/x:1 redis-server --requirepass hunter2', '--requirepass'],
    ['podman run localhost/x:1 app --token=hunter2', '--token'],
    ['podman run --label app.api-key=hunter2 localhost/x:1', 'app.api-key'],
    ['podman run --health-cmd curl?password=hunter2 localhost/x:1', 'password'],
    ['podman run localhost/x:1 app postgres://app:hunter2@db/app', 'an address with a password'],
  ])('hides what looks like a secret: %s', (line, name) => {
    const create = parse(line);
    expect(create.cannotCarry).toContain(`holds what looks like a secret in its command (${name})`);
    expect(JSON.stringify(create)).not.toContain('hunter2');
  });

  it('is not guessed at when it has an option that is not known', () => {
    expect(parse('podman run --warp 9 localhost/x:1')).toEqual({
      options: [],
      image: 'localhost/known:1',
      command: [],
      environment: [],
      cannotCarry: 'was made with --warp, an option that drayage does not know',
    });
  });

  it("is not guessed at when it has podman's own options, or is no command of podman", () => {
    expect(parse('podman --root /srv/store run localhost/x:1').cannotCarry).toContain(
      "podman's own option --root",
    );
    expect(parse('podman kube play web.yaml').cannotCarry).toContain('not made by podman run or create');
  });
});

describe('splitting arguments', () => {
  const word = fc.stringMatching(/^[a-z0-9./][a-z0-9./=:-]{0,8}$/);
  const value = fc.string({ minLength: 1, maxLength: 8 });
  const letters = Object.entries(shortOptions);
  const booleanLetters = letters.filter(([, name]) => booleanOptions.has(name)).map(([letter]) => letter);
  const valueLetters = letters.filter(([, name]) => valueOptions.has(name)).map(([letter]) => letter);
  const option = fc.oneof(
    fc.constantFrom(...booleanOptions).map((name) => [`--${name}`]),
    fc.tuple(fc.constantFrom(...valueOptions), value).map(([name, text]) => [`--${name}`, text]),
    fc.tuple(fc.constantFrom(...valueOptions), value).map(([name, text]) => [`--${name}=${text}`]),
    fc.constantFrom(...booleanLetters).map((letter) => [`-${letter}`]),
    fc.tuple(fc.constantFrom(...valueLetters), value).map(([letter, text]) => [`-${letter}`, text]),
  );

  it('never loses an argument: options, image and command put together are what was typed', () => {
    fc.assert(
      fc.property(fc.array(option), word, fc.array(fc.string()), (options, image, command) => {
        const typed = [...options.flat(), image, ...command];
        const split = splitArguments(typed);
        expect([...split.options.flatMap((read) => read.typed), ...split.rest]).toEqual(typed);
        expect(split.rest).toEqual([image, ...command]);
      }),
    );
  });

  it('never loses a letter of a cluster', () => {
    const cluster = fc.tuple(
      fc.array(fc.constantFrom(...booleanLetters), { minLength: 1 }),
      fc.constantFrom(...valueLetters),
    );
    fc.assert(
      fc.property(cluster, word, word, ([flags, last], text, image) => {
        const split = splitArguments([`-${flags.join('')}${last}`, text, image]);
        expect(split.options.flatMap((read) => read.typed)).toEqual([
          ...flags.map((flag) => `-${flag}`),
          `-${last}`,
          text,
        ]);
        expect(split.rest).toEqual([image]);
      }),
    );
  });
});
