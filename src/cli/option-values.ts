import { InvalidArgumentError } from 'commander';

export function seconds(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('Write a length in seconds, such as 60.');
  return Number(text);
}
