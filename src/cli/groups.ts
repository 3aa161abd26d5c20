/** First words of commands that have two, such as `guest new`: what the second word chooses from. */
export const commandGroups: Readonly<Record<string, string>> = {
  guest: 'create a target guest; fit it into the fleet',
  tofu: 'OpenTofu kept in step; refuses a plan that would destroy or replace a virtual machine',
  maintenance: 'carry shares and their guests to another node, and back',
};
