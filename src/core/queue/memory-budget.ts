/** How many octets of messages all queues of a broker may keep in memory before they leave them to the store. */
export class MemoryBudget {
  readonly limitBytes: number;
  usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get exceeded(): boolean {
    return this.usedBytes > this.limitBytes;
  }
}
