/** The last words of the demo: what is left, and what can be tried. @param root the lab's folder, as one would type it */
export function whereToLook(root: string, { keep, good }: { keep: boolean; good: boolean }): string {
  const files: [file: string, what: string][] = [
    ...(good ? ([['report.json', 'the numbers above']] as [string, string][]) : []),
    ['demo/PLAN.md', 'the plan as a runbook'],
    ['.drayage/runs/', "drayage's evidence: journal, manifests of both sides, report.md"],
    ['record/', 'what the API and every ssh server were really asked'],
    ...(good ? [] : ([['log/', 'consoles of the guests, and what the lab said']] as [string, string][])),
  ];
  const width = Math.max(...files.map(([file]) => file.length));
  const commands = [
    'npm run lab -- ssh doc2 podman ps',
    'npm run lab -- ssh doc2 findmnt /mnt/docker',
    `npm run lab -- exec node src/cli/main.ts --file ${root}/drayage.yaml status`,
    `npm run lab -- exec node src/cli/main.ts --file ${root}/drayage.yaml verify`,
    'npm run lab -- down --purge      ends the lab',
  ];
  const lab = keep
    ? ['The lab still runs. Look around in it:', ...commands.map((command) => `  ${command}`)]
    : [
        'The lab is ended: no process, mount or network of it is left. To keep it and look around:',
        '  npm run demo -- --keep',
      ];
  return [
    `\nLeft in ${root}/:`,
    ...files.map(([file, what]) => `  ${file.padEnd(width)}  ${what}`),
    '',
    ...lab,
  ].join('\n');
}
