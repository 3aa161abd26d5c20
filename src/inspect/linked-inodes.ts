/**
 * A set of inode numbers in about 20 bytes each: millions of files with several names must fit beside everything else.
 * Open addressing over typed arrays; the numbers lie in the order in which they came, so that the last ones can be taken back.
 */
export class LinkedInodes {
  #inOrder = new BigUint64Array(1024);
  /** Place in `#inOrder`, counted from one; zero is free. A power of two long, at most half full. */
  #slots = new Uint32Array(2048);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param inode as find prints it, up to 64 bits. Was it new? */
  add(inode: string): boolean {
    const number = BigInt(inode);
    const slot = this.#slotOf(number);
    if (this.#slots[slot] !== 0) return false;
    if (this.#size === this.#inOrder.length) {
      this.#grow();
      this.#append(this.#slotOf(number), number);
    } else this.#append(slot, number);
    return true;
  }

  /** Takes back what came last, until `size` are left. */
  takeBack(size: number): void {
    // The last one to come blocked nobody's way to another slot: its slot can simply be freed.
    while (this.#size > size) {
      this.#size -= 1;
      this.#slots[this.#slotOf(this.#inOrder[this.#size] as bigint)] = 0;
    }
  }

  #append(slot: number, number: bigint): void {
    this.#inOrder[this.#size] = number;
    this.#size += 1;
    this.#slots[slot] = this.#size;
  }

  /** Where the number is, or the free slot where it belongs. */
  #slotOf(number: bigint): number {
    const mask = this.#slots.length - 1;
    let slot = hash(number) & mask;
    for (;;) {
      const place = this.#slots[slot] as number;
      if (place === 0 || this.#inOrder[place - 1] === number) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const before = this.#inOrder;
    this.#inOrder = new BigUint64Array(before.length * 2);
    this.#inOrder.set(before);
    this.#slots = new Uint32Array(before.length * 4);
    // In the order in which they came, so that taking back stays possible.
    for (let place = 0; place < this.#size; place += 1)
      this.#slots[this.#slotOf(before[place] as bigint)] = place + 1;
  }
}

/** Inodes of neighbours differ in the lowest bits, those of large file systems in the highest: both must count. */
function hash(number: bigint): number {
  const low = Number(number & 0xffff_ffffn);
  const high = Number(number >> 32n);
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
